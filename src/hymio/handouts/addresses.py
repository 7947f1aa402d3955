"""The public addresses of a published smiley, and the tags for web pages."""

from __future__ import annotations

import re
from html import escape
from typing import Final

from hymio.errors import SetupError
from hymio.smiley import Publication

_MERGE_FIELD: Final = re.compile(r"""[!#-%'-;=?-~](?:[ -!#-%'-;=?-~]{0,98}[!#-%'-;=?-~])?""")
"""Printable ASCII without `"`, `&`, `<` and `>`, which HTML would change and mail services do not need."""


def page_address(base_url: str, publication: Publication) -> str:
    """The address of the hosted page, for links."""
    return f"{base_url}/w/{publication.code}"


def qr_address(base_url: str, publication: Publication) -> str:
    """The address in a QR code, by which presses are known as `QR`."""
    return f"{page_address(base_url, publication)}?u=qr"


def mail_address(base_url: str, publication: Publication, button: int, merge_field: str, lang: str = "") -> str:
    """The address of a button in an e-mail; the mail service puts the recipient's token in place of the merge field.

    Opening it is no vote: the page marks the button, and a person presses it. SetupError for what is no merge field.
    """
    if not _MERGE_FIELD.fullmatch(merge_field):
        raise SetupError(
            "bad-merge-field", "got merge field {field!r}; accepted are such as *|UNIQID|* or {example}",
            field=merge_field[:80], example="{{id}}",
        )  # fmt: skip
    language = f"&lang={lang}" if lang else ""
    return f"{page_address(base_url, publication)}?u=email&b={button}{language}&m={merge_field}"


def face_address(base_url: str, number: int) -> str:
    """The address of the picture of a face, the same for all recipients."""
    return f"{base_url}/w/faces/{number}.png"


def logo_address(base_url: str, publication: Publication) -> str:
    """The address of the organization's logo."""
    return f"{page_address(base_url, publication)}/logo.png"


def tag(base_url: str, publication: Publication, question: str) -> str:
    """The tag for a web page: a link for readers without scripts, in whose place the script shows the smiley."""
    page = escape(page_address(base_url, publication))
    link = f'<a href="{page}">{escape(question)}</a>'
    return f'<div data-hymio="{publication.code}">{link}</div>\n<script async src="{page}/w.js"></script>'


def published_tag(base_url: str, publication: Publication, lang: str) -> str:
    """The tag in the form that the published embed has, in which a page changes only the host."""
    address = f"{base_url}/v1/bootloader/{publication.token}/bootloaderjs/?lang={lang}&init=true"
    return f'<script src="{escape(address)}"></script>'
