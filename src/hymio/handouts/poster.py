"""A printable poster of a published smiley, or a tent for tables, as PDF: question, faces and QR code."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from importlib.resources import files
from typing import Final

from hymio.brand import contrast
from hymio.errors import Phrase
from hymio.handouts.addresses import page_address, qr_address
from hymio.handouts.mail import HIGH_END, LOW_END
from hymio.handouts.offer import Offer, direction_of, look_of
from hymio.handouts.qr import qr_svg
from hymio.period import Instant
from hymio.report.charts import LIGHT, Chart, ChartTable, svg
from hymio.report.charts.chart import FaceMark
from hymio.typesetting import Document, printable, typeset

CALL: Final = Phrase("Point your phone’s camera at the code")


WHITE: Final = "#ffffff"
_NEARLY_WHITE: Final = 1.1
"""The contrast with white below which a ground is printed as white."""


class Paper(Enum):
    """The size of a poster; a tent is an A4 sheet to be folded, for tables."""

    A3 = "a3"
    A4 = "a4"
    A5 = "a5"
    TENT = "tent"


def poster(offer: Offer, locales: Sequence[str], paper: Paper, now: Instant) -> bytes:
    """The poster as tagged PDF, in the chosen locales, the first one largest. Blocks: call it in a thread.

    Unavailable if too many documents are made at the moment; SetupError for locales that the question does not have.
    """
    return typeset(document(offer, locales, paper, now))


def document(offer: Offer, locales: Sequence[str], paper: Paper, now: Instant) -> Document:
    """The poster as a document for the typesetter."""
    made = datetime.fromtimestamp(now // 1000, UTC)
    chosen = offer.locales(locales)
    first, brand = chosen[0], offer.brand
    values: dict[str, object] = {
        "paper": paper.value,
        "language": first.partition("-")[0],
        "title": printable(offer.wording.texts[first], breaks=False),
        "made": [*made.timetuple()[:6]],
        "texts": [_text(offer, locale) for locale in chosen],
        "numbers": [face.name for face in offer.faces(first)] if offer.has_numbers else [],
        "faces": [] if offer.has_numbers else [_face(face.number) for face in offer.faces(first)],
        "faceNumbers": [face.number for face in offer.faces(first)],
        "qr": qr_svg(qr_address(offer.base_url, offer.publication)).decode(),
        "address": page_address(offer.base_url, offer.publication).partition("://")[2],
        "ground": _ground(brand.ground), "ink": brand.ink, "muted": brand.muted, "accent": brand.accent,
        "edge": brand.edge, "square": brand.is_square, "logo": list(brand.logo), "scale": brand.size / 100,
    }  # fmt: skip
    return Document(_template(), values, made)


def _text(offer: Offer, locale: str) -> dict[str, object]:
    """What a poster says in a locale."""
    look = look_of(locale)
    return {
        "language": locale.partition("-")[0],
        "direction": direction_of(locale),
        "question": printable(offer.wording.texts[locale]),
        "names": "" if offer.has_numbers else printable(", ".join(face.name for face in offer.faces(locale))),
        "ends": [printable(f"0: {look.text(LOW_END)}"), printable(f"10: {look.text(HIGH_END)}")],
        "call": printable(look.text(CALL)),
        "callDirection": look.direction,
    }


def _face(number: int) -> str:
    return svg(Chart("", "", "", "", 24, 24, (FaceMark(number, 0, 0, 24),), ChartTable((), ())), LIGHT)


def _ground(colour: str) -> str:
    """The colour of the paper: white in place of nearly white, as printers leave a white margin around any other."""
    return WHITE if contrast(colour, WHITE) < _NEARLY_WHITE else colour


@cache
def _template() -> str:
    return (files("hymio.handouts") / "poster.typ").read_text(encoding="utf-8")
