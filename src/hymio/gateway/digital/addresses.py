"""The public addresses of a published smiley, and the tags for web pages."""

from __future__ import annotations

from html import escape

from hymio.smiley import Publication


def page_address(base_url: str, publication: Publication) -> str:
    """The address of the hosted page, for links; `?u=qr` is that of a QR code."""
    return f"{base_url}/w/{publication.code}"


def mail_address(base_url: str, publication: Publication, button: int, merge_field: str) -> str:
    """The address of a button in an e-mail; the mail service puts the recipient's token in place of the merge field.

    Opening it is no vote: the page marks the button, and a person presses it.
    """
    return f"{page_address(base_url, publication)}?u=email&b={button}&m={merge_field}"


def tag(base_url: str, publication: Publication, question: str) -> str:
    """The tag for a web page: a link for readers without scripts, in whose place the script shows the smiley."""
    page = escape(page_address(base_url, publication))
    link = f'<a href="{page}">{escape(question)}</a>'
    return f'<div data-hymio="{publication.code}">{link}</div>\n<script async src="{page}/w.js"></script>'


def published_tag(base_url: str, publication: Publication, lang: str) -> str:
    """The tag in the form that the published embed has, in which a page changes only the host."""
    address = f"{base_url}/v1/bootloader/{publication.token}/bootloaderjs/?lang={lang}&init=true"
    return f'<script src="{escape(address)}"></script>'
