"""QR codes: as SVG, as PNG, and with block characters for a terminal."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO, StringIO
from typing import Final

import segno

_BORDER: Final = 4
"""Modules of the quiet zone, by ISO/IEC 18004."""

_PNG_SCALE: Final = 16
"""Pixels of a module: about 500 for an address, enough for print at the width of a hand."""

_WHITE_ON_BLACK: Final = "\x1b[38;5;231;48;5;16m"
_END: Final = "\x1b[0m"


def qr_svg(address: str) -> bytes:
    """The QR code of an address as SVG, black on white, since readers fail on other colours; 15 % may be dirty."""
    buffer = BytesIO()
    _code(address).save(buffer, kind="svg", border=_BORDER, omitsize=True, light="#ffffff", title=address)
    return buffer.getvalue()


def qr_png(address: str) -> bytes:
    """The QR code as PNG."""
    buffer = BytesIO()
    _code(address).save(buffer, kind="png", border=_BORDER, scale=_PNG_SCALE)
    return buffer.getvalue()


def qr_text(address: str) -> str:
    """The QR code as lines of half blocks, with escape sequences that keep it dark on light in every terminal.

    Blocks are light, in white of the 256 fixed colours on black: a terminal's own colours may be dark on light.
    """
    buffer = StringIO()
    _code(address).terminal(buffer, border=_BORDER, compact=True)
    return "".join(f"{_WHITE_ON_BLACK}{line}{_END}\n" for line in buffer.getvalue().splitlines() if line)


@lru_cache(maxsize=64)
def _code(address: str) -> segno.QRCode:
    """The code of an address; finding its mask takes some 15 ms, and a page asks for it again and again."""
    return segno.make_qr(address, error="m", boost_error=True)
