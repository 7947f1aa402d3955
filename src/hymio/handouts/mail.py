"""E-mail buttons of a published smiley as HTML for mail programs: tables and inline style, without scripts.

Mail programs differ from browsers: Outlook lays out by tables alone, several remove style sheets, and many load no
pictures until asked. So every face is a link in a cell of its own with its name as text, and its picture adds to that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from hymio.brand import contrast
from hymio.errors import Phrase
from hymio.handouts.addresses import face_address, logo_address, mail_address, page_address
from hymio.handouts.offer import Offer, OfferedFace, direction_of, look_of

EXAMPLE_FIELD: Final = "*|UNIQID|*"
"""The merge field that is offered first."""

MERGE_FIELDS: Final = {
    EXAMPLE_FIELD: "Mailchimp",
    "{{ contact.hs_object_id }}": "HubSpot",
    "%%_subscriberkey%%": "Salesforce Marketing Cloud",
    "%SUBSCRIBERID%": "ActiveCampaign",
}
"""Merge fields of mail services that are other for each recipient; the others are typed in."""

HINT: Final = Phrase("Choose a face. A page opens on which you send your answer.")
NUMBERS_HINT: Final = Phrase("Choose a number. A page opens on which you send your answer.")
LOW_END, HIGH_END = Phrase("Not at all likely"), Phrase("Very likely")

_FONT: Final = "font-family:Arial,Helvetica,sans-serif"
_NUMBERS_IN_A_ROW: Final = 6
"""So that each of the eleven is wide enough for a finger on a phone."""

_WIDTH: Final = 600
"""Pixels of the widest table. Outlook reads the attribute `width`; others shrink to the screen by the style."""

_FACE_WIDTH: Final = 104
_LOGO_HEIGHT: Final = 48
_BARE: Final = 'cellpadding="0" border="0"'
"""Attributes of tables that only lay out."""


def mail_html(offer: Offer, merge_field: str, locale: str) -> str:
    """The buttons for an e-mail in a locale, to be put into its HTML. SetupError for what is no merge field.

    The mail service replaces `merge_field`, such as `*|UNIQID|*`, by a token of the recipient; it is kept as it is.
    """
    direction, look, brand = direction_of(locale), look_of(locale), offer.brand
    page = _href(f"{page_address(offer.base_url, offer.publication)}?u=email&lang={locale}&m={merge_field}")
    cells = list(offer.faces(locale))
    hint = look.text(NUMBERS_HINT if offer.has_numbers else HINT)
    question = escape(offer.wording.texts[locale])
    ground = (
        f'width="{_WIDTH}" cellspacing="0" {_BARE} bgcolor="{brand.ground}"'
        f' style="width:100%;max-width:{_WIDTH}px;margin:0 auto;background:{brand.ground}"'
    )
    small = f"{_FONT};font-size:{_px(offer, 13)};line-height:1.4;color:{brand.muted}"
    large = f"{_FONT};font-size:{_px(offer, 22)};line-height:1.3;font-weight:bold;color:{brand.ink}"
    lines = [
        f'<table role="presentation" dir="{direction}" lang="{escape(locale)}" align="center" {ground}>',
        f'<tr><td align="center" style="padding:24px 8px;{_FONT};color:{brand.ink};text-align:center">',
        *_logo(offer),
        f'<p style="margin:0 0 18px;{large}">',
        f'<a href="{page}" style="color:{brand.ink};text-decoration:none">{question}</a></p>',
        *_buttons(offer, cells, merge_field, locale),
        *(_ends(offer, locale) if offer.has_numbers else ()),
        f'<p style="margin:14px 0 0;{small}">{escape(hint)}</p>',
        "</td></tr></table>",
    ]
    return "\n".join(lines) + "\n"


def mail_page(offer: Offer, merge_field: str, locale: str) -> str:
    """The buttons as a whole HTML document, to be opened in a browser or sent as it is."""
    title = escape(offer.wording.texts[locale])
    return (
        f'<!doctype html>\n<html lang="{escape(locale)}" dir="{direction_of(locale)}">\n'
        '<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="color-scheme" content="{_scheme(offer)}">\n'
        f'<meta name="supported-color-schemes" content="{_scheme(offer)}">\n'
        f'<title>{title}</title>\n</head>\n<body style="margin:0;padding:0;background:{offer.brand.ground}">\n'
        f"{mail_html(offer, merge_field, locale)}</body>\n</html>\n"
    )


def _logo(offer: Offer) -> Iterator[str]:
    """The logo, if there is one."""
    if offer.brand.logo:
        source = escape(logo_address(offer.base_url, offer.publication))
        yield (
            f'<img src="{source}" alt="" height="{_LOGO_HEIGHT}" style="height:{_LOGO_HEIGHT}px;width:auto;border:0;'
            'display:inline-block;margin:0 0 18px">'
        )


def _buttons(offer: Offer, cells: Sequence[OfferedFace], merge_field: str, locale: str) -> Iterator[str]:
    """The tables of buttons: faces in one row, numbers in two."""
    most = _NUMBERS_IN_A_ROW if offer.has_numbers else len(cells)
    direction = ' dir="ltr"' if offer.has_numbers else ""
    wide = len(cells) * _FACE_WIDTH
    width = (
        ' cellspacing="4" style="border-collapse:separate;margin:0 auto"'
        if offer.has_numbers
        else f' cellspacing="0" width="{wide}" style="width:100%;max-width:{wide}px;margin:0 auto"'
    )
    for first in range(0, len(cells), most):
        yield f'<table role="presentation"{direction} align="center" {_BARE}{width}><tr>'
        for cell in cells[first : first + most]:
            address = _href(mail_address(offer.base_url, offer.publication, cell.button, merge_field, locale))
            yield _number(offer, cell, address) if offer.has_numbers else _face(offer, cell, address)
        yield "</tr></table>"


def _face(offer: Offer, cell: OfferedFace, address: str) -> str:
    """A face with its name. Its picture has no alternative text, since the name below it is part of the same link."""
    picture = escape(face_address(offer.base_url, cell.number))
    style = (
        f"display:block;padding:6px 0;{_FONT};font-size:{_px(offer, 13)};line-height:1.3;color:{offer.brand.ink};"
        "text-decoration:none"
    )
    return (
        f'<td align="center" valign="top" width="{100 // offer.scale.buttons}%" style="padding:2px">'
        f'<a href="{address}" style="{style}"><img src="{picture}" alt="" width="52" height="52" border="0"'
        ' style="width:52px;height:52px;border:0;margin:0 0 4px"><br>'
        f'<span style="text-decoration:underline">{escape(cell.name)}</span></a></td>'
    )


def _number(offer: Offer, cell: OfferedFace, address: str) -> str:
    """A number of NPS as a button that needs no picture."""
    radius = "0" if offer.brand.is_square else "8px"
    return (
        f'<td align="center" valign="middle" width="40" height="40" style="border:2px solid {offer.brand.edge};'
        f'border-radius:{radius}"><a href="{address}" style="display:block;width:40px;line-height:40px;{_FONT};'
        f'font-size:{_px(offer, 17)};font-weight:bold;color:{offer.brand.ink};text-decoration:none">'
        f"{escape(cell.name)}</a></td>"
    )


def _ends(offer: Offer, locale: str) -> Iterator[str]:
    """What the lowest and the highest number mean."""
    look = look_of(locale)
    style = f"{_FONT};font-size:{_px(offer, 13)};color:{offer.brand.muted};padding:6px 4px 0"
    yield (
        f'<table role="presentation" align="center" dir="ltr" cellspacing="0" {_BARE} width="292"'
        f' style="margin:0 auto"><tr><td align="left" style="{style};text-align:left">0: {escape(look.text(LOW_END))}'
        f'</td><td align="right" style="{style};text-align:right">10: {escape(look.text(HIGH_END))}</td></tr></table>'
    )


def _href(address: str) -> str:
    """An address as the value of an attribute in double quotes; the apostrophes of a merge field stay as they are."""
    return escape(address, quote=False)


def _scheme(offer: Offer) -> str:
    """Which of light and dark the colours are, so that mail programs need not change them."""
    return "light" if contrast(offer.brand.ground, "#000000") > contrast(offer.brand.ground, "#ffffff") else "dark"


def _px(offer: Offer, size: int) -> str:
    """A size of text, enlarged as the brand says."""
    return f"{round(size * offer.brand.size / 100)}px"
