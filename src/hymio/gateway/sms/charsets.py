"""Decodes texts in the charset that a gateway declares; a text that cannot be decoded keeps its bytes."""

from __future__ import annotations

import codecs
from typing import Final, NamedTuple

from hymio.gateway.text import printable, shortened, storable

_GSM: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The GSM 7-bit alphabet, a septet in each byte (3GPP TS 23.038, 6.2.1), without its extension table."""

_GSM_NAMES: Final = ("gsm", "gsm0338", "gsm7", "gsm03.38")
_BIG_ENDIAN: Final = ("utf-16", "ucs-2", "ucs2", "iso-10646-ucs-2")
"""Charsets of two bytes without a byte order mark: big-endian, as in an SMS (RFC 2781, 4.3)."""

_NO_CHARSETS: Final = ("idna", "mbcs", "oem", "punycode", "raw_unicode_escape", "undefined", "unicode_escape")
"""Codecs of Python that are no charsets of texts; some take quadratic time."""


class Decoded(NamedTuple):
    """A text. If it could not be decoded, `problem` says why, `text` shows its ASCII, and `body` has its bytes."""

    text: str
    body: bytes | None = None
    problem: str = ""


def decoded(body: bytes, charset: str | None) -> Decoded:
    """A text in a declared charset; without one it is UTF-8, or UTF-16 if it begins with a byte order mark."""
    if charset is None:
        return _guessed(body)
    try:
        return Decoded(storable(_in_charset(body, charset)))
    except UnicodeError:
        problem = f"the text is not {_shown(charset)}"
    except (LookupError, ValueError):
        problem = f"unknown charset {_shown(charset)}"
    return Decoded(storable(body.decode("ascii", "backslashreplace")), body, problem)


def _in_charset(body: bytes, charset: str) -> str:
    """A text in a charset. LookupError for an unknown one, UnicodeError if the bytes do not fit it."""
    name = charset.strip().lower()
    if name in _GSM_NAMES:
        return "".join(_GSM[byte] if byte < len(_GSM) else "\N{REPLACEMENT CHARACTER}" for byte in body)
    if name in _BIG_ENDIAN and not body.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)):
        return body.decode("utf-16-be")
    if codecs.lookup(name).name.replace("-", "_") in _NO_CHARSETS:
        raise LookupError(name)
    return body.decode("utf-16" if name in _BIG_ENDIAN else name)


def _guessed(body: bytes) -> Decoded:
    """A text whose charset is not declared; its bytes are kept where it is neither UTF-8 nor marked as UTF-16."""
    is_utf16 = body.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE))
    try:
        return Decoded(storable(body.decode("utf-16" if is_utf16 else "utf-8")))
    except UnicodeError:
        return Decoded(storable(body.decode("utf-8", "replace")), body)


def _shown(charset: str) -> str:
    """A charset's name, of which a caller may send anything, for an outcome."""
    return ascii(shortened(printable(charset)))
