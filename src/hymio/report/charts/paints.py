"""The paints of charts: what a class means, as a style sheet for pages and as attributes where there is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Final


class Paint(Enum):
    """What marks look like; the value is the class on pages."""

    FACE_0 = "b0"
    FACE_1 = "b1"
    FACE_2 = "b2"
    FACE_3 = "b3"
    FACE_4 = "b4"
    FIFTH_0 = "q0"
    FIFTH_1 = "q1"
    FIFTH_2 = "q2"
    FIFTH_3 = "q3"
    FIFTH_4 = "q4"
    EMPTY = "no"
    HATCH = "hatch"
    GRID = "grid"
    LINE = "line"
    BAND = "band"
    BEFORE = "before"
    BAR = "bar"
    LEFT_OUT = "out"
    DOT = "dot"
    WHISKER = "whisker"
    HIT = "hit"
    TEXT = "t"
    INK = "ti"
    BRIGHT = "on"
    DARK = "od"
    EYE_BRIGHT = "eb"
    EYE_DARK = "ed"
    MOUTH_BRIGHT = "mb"
    MOUTH_DARK = "md"


FACES: Final = (Paint.FACE_0, Paint.FACE_1, Paint.FACE_2, Paint.FACE_3, Paint.FACE_4)
FIFTHS: Final = (Paint.FIFTH_0, Paint.FIFTH_1, Paint.FIFTH_2, Paint.FIFTH_3, Paint.FIFTH_4)

ON_FACES: Final = (Paint.BRIGHT, Paint.DARK, Paint.DARK, Paint.DARK, Paint.BRIGHT)
"""Letters on the colour of each face or band, with a contrast of at least 4.5 : 1."""

ON_FIFTHS: Final = (Paint.INK, Paint.INK, Paint.INK, Paint.DARK, Paint.BRIGHT)
"""Letters on each fifth of the numbers of answers."""

_MOUTH: Final = {"fill": "none", "stroke-width": "1.7", "stroke-linecap": "round", "stroke-linejoin": "round"}

STYLES: Final[Mapping[Paint, Mapping[str, str]]] = {
    **{paint: {"fill": f"@c{number}"} for number, paint in enumerate(FACES)},
    **{paint: {"fill": f"@q{number}"} for number, paint in enumerate(FIFTHS)},
    Paint.EMPTY: {"fill": "@line", "fill-opacity": ".35"},
    Paint.HATCH: {"fill": "none", "stroke": "@hatch", "stroke-width": ".8", "stroke-opacity": ".55"},
    Paint.GRID: {"fill": "none", "stroke": "@line"},
    Paint.LINE: {"fill": "none", "stroke": "@brand", "stroke-width": "2.4", "stroke-linejoin": "round"},
    Paint.BAND: {"fill": "@brand", "stroke": "none", "fill-opacity": ".15"},
    Paint.BEFORE: {"fill": "none", "stroke": "@muted", "stroke-width": "1.5", "stroke-dasharray": "3 4"},
    Paint.BAR: {"fill": "@edge", "fill-opacity": ".5"},
    Paint.LEFT_OUT: {"fill": "@warn"},
    Paint.DOT: {"fill": "@brand"},
    Paint.WHISKER: {"fill": "none", "stroke": "@brand", "stroke-width": "2.4", "stroke-linecap": "round"},
    Paint.HIT: {"fill": "none", "pointer-events": "all"},
    Paint.TEXT: {"fill": "@muted"},
    Paint.INK: {"fill": "@ink"},
    Paint.BRIGHT: {"fill": "@bright"},
    Paint.DARK: {"fill": "@dark"},
    Paint.EYE_BRIGHT: {"fill": "@white"},
    Paint.EYE_DARK: {"fill": "@dark"},
    Paint.MOUTH_BRIGHT: {**_MOUTH, "stroke": "@white"},
    Paint.MOUTH_DARK: {**_MOUTH, "stroke": "@dark"},
}
"""The style of each paint; a value with `@` names a token. In PDF `opacity` would make a group of each mark."""

_SHARES: Final = (14, 30, 46, 72, 100)
"""Per cent of the brand's colour in each fifth."""

_ON_PAGES: Final[Mapping[str, str]] = {
    **{f"q{n}": f"color-mix(in srgb, var(--brand) {share}%, var(--card))" for n, share in enumerate(_SHARES)},
    "hatch": "light-dark(#7f8a86, #c3cdc8)",
    "bright": "light-dark(#fff, #10201c)",
    "dark": "#1c2321",
    "white": "#fff",
}
"""Tokens of charts that are no tokens of pages."""


def _mixed(share: int) -> str:
    """A colour of the brand with white, in per cent of the brand."""
    channels = (round((share * part + (100 - share) * 255) / 100) for part in (0x0B, 0x6B, 0x50))
    return "#" + "".join(f"{channel:02x}" for channel in channels)


LIGHT: Final[Mapping[str, str]] = {
    "ink": "#1c2321", "muted": "#5d6864", "line": "#e4e2dc", "edge": "#7f8a86", "brand": "#0b6b50", "warn": "#9a3412",
    "c0": "#b8431a", "c1": "#eda04a", "c2": "#b9b4a8", "c3": "#6fb8a6", "c4": "#0f766e",
    "bright": "#ffffff", "dark": "#1c2321", "white": "#ffffff", "hatch": "#7f8a86",
    **{f"q{n}": _mixed(share) for n, share in enumerate(_SHARES)},
}  # fmt: skip
"""The colours of the tokens on white paper; they are those of pages in the light."""


def attributes(paint: Paint, palette: Mapping[str, str]) -> str:
    """The style of a paint as attributes of SVG, with a space before each."""
    style = {name: palette[value[1:]] if value.startswith("@") else value for name, value in STYLES[paint].items()}
    return "".join(f' {name}="{value}"' for name, value in style.items() if name != "pointer-events")


def style_sheet() -> str:
    """The part of `pages.css` that is made from the paints; a test compares both."""
    return "\n".join(_rules())


def _rules() -> Iterator[str]:
    for paint, style in STYLES.items():
        rules = "; ".join(f"{name}: {_on_pages(value)}" for name, value in style.items())
        yield f".chart .{paint.value} {{ {rules} }}"


def _on_pages(value: str) -> str:
    if not value.startswith("@"):
        return value
    return _ON_PAGES.get(value[1:], f"var(--{value[1:]})")
