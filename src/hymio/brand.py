"""How an organization's published smileys look: colours, size of text, corners and logo; contrasts are WCAG 2.2's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hymio.errors import SetupError
from hymio.png import is_whole_png, png_size

TEXT_CONTRAST: Final = 4.5
"""The least contrast of text with its background, by WCAG 2.2, 1.4.3 (AA)."""

SHAPE_CONTRAST: Final = 3.0
"""The least contrast of borders and focus rings with what is beside them, by WCAG 2.2, 1.4.11 (AA)."""

SIZES: Final = range(80, 201)
"""Accepted sizes of text in percent."""

MAX_LOGO_BYTES: Final = 64 << 10
MAX_LOGO_SIDE: Final = 2_000
"""Pixels of a side of a logo."""

_COLOUR: Final = re.compile(r"#[0-9a-f]{6}")
_STEPS: Final = 20


@dataclass(frozen=True, slots=True)
class Brand:
    """The look of an organization's published smileys; the default is that of Hymio, in light and dark.

    Colours are written `#rrggbb`: of the background, of text, and of buttons, focus rings and other marks. `size` is
    that of text in percent, `logo` a PNG file or empty.
    """

    ground: str = "#fbfaf8"
    ink: str = "#1c2321"
    accent: str = "#0b6b50"
    size: int = 100
    is_square: bool = False
    logo: bytes = b""

    @property
    def on_accent(self) -> str:
        """White or black, whichever is read better on the accent; one of them has at least 4.58 to 1."""
        return max("#ffffff", "#000000", key=lambda colour: contrast(colour, self.accent))

    @property
    def muted(self) -> str:
        """The colour of less important text: as near to the background as text may be."""
        return _toward(self.ink, self.ground, TEXT_CONTRAST)

    @property
    def edge(self) -> str:
        """The colour of borders: as near to the background as a border may be."""
        return _toward(self.ink, self.ground, SHAPE_CONTRAST)

    @property
    def radius(self) -> int:
        """The radius of corners in pixels."""
        return 0 if self.is_square else 12

    @property
    def has_own_colours(self) -> bool:
        """Whether a colour is not that of Hymio; then there is no dark variant."""
        return (self.ground, self.ink, self.accent) != (HYMIO.ground, HYMIO.ink, HYMIO.accent)

    @property
    def variables(self) -> Mapping[str, str]:
        """The colours as custom properties of CSS, by the names that pages use."""
        return {
            "ground": self.ground, "card": self.ground, "ink": self.ink, "muted": self.muted, "edge": self.edge,
            "brand": self.accent, "on-brand": self.on_accent, "warn": self.ink, "warn-soft": self.ground,
        }  # fmt: skip

    def css(self, root: str = ":root") -> str:
        """Rules that change the look of a page from that of Hymio to this; empty if nothing differs."""
        rules = []
        if self.has_own_colours:
            scheme = "light" if luminance(self.ground) > luminance(self.ink) else "dark"
            colours = "".join(f"--{name}:{value};" for name, value in self.variables.items())
            rules.append(f"{root}{{color-scheme:{scheme};{colours}}}")
        if self.size != HYMIO.size:
            rules.append(f"{root}{{font-size:{self.size}%}}")
        if self.is_square:
            rules.append("button,input,textarea,.problem,.number,:focus-visible{border-radius:0!important}")
        return "".join(rules)


HYMIO: Final = Brand()
"""The look of organizations that have chosen none."""


def check_brand(brand: Brand) -> None:
    """SetupError unless colours are readable on each other, the size is possible, and the logo is a small PNG file."""
    for name, colour in (("ground", brand.ground), ("ink", brand.ink), ("accent", brand.accent)):
        if not _COLOUR.fullmatch(colour):
            raise SetupError(
                "bad-colour", "got {name} {colour!r}; accepted are such as #0b6b50", name=name, colour=colour[:40]
            )
    _check_contrast("ink", brand.ink, brand.ground, TEXT_CONTRAST)
    _check_contrast("accent", brand.accent, brand.ground, SHAPE_CONTRAST)
    if brand.size not in SIZES:
        raise SetupError(
            "text-size-out-of-range", "got {percent} percent; accepted are {least} to {most}",
            percent=brand.size, least=SIZES.start, most=SIZES.stop - 1,
        )  # fmt: skip
    _check_logo(brand.logo)


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, 1 to 21, by WCAG 2.2: (lighter + 0.05) / (darker + 0.05)."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """The relative luminance of a colour of sRGB, 0 to 1, by WCAG 2.2."""
    red, green, blue = (_linear(part / 255) for part in bytes.fromhex(colour[1:]))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def _check_contrast(name: str, colour: str, ground: str, needed: float) -> None:
    """SetupError for a colour with too little contrast; the ratio is rounded down and so below the needed one."""
    ratio = contrast(colour, ground)
    if ratio < needed:
        raise SetupError(
            "contrast-too-low",
            "{name} {colour} on {ground} has a contrast of {ratio} to 1; needed are {needed} to 1",
            name=name, colour=colour, ground=ground, ratio=f"{int(ratio * 100) / 100:.2f}", needed=f"{needed:g}",
        )  # fmt: skip


def _check_logo(logo: bytes) -> None:
    """SetupError unless a logo is empty or a PNG file that is not too large."""
    if not logo:
        return
    if len(logo) > MAX_LOGO_BYTES:
        raise SetupError(
            "logo-too-large",
            "the logo has {bytes} bytes; accepted are up to {most}",
            bytes=len(logo),
            most=MAX_LOGO_BYTES,
        )
    sides = png_size(logo)
    if sides is None or not all(0 < side <= MAX_LOGO_SIDE for side in sides) or not is_whole_png(logo):
        raise SetupError("bad-logo", "the logo is no PNG file of up to {most} pixels a side", most=MAX_LOGO_SIDE)


def _toward(colour: str, ground: str, least: float) -> str:
    """A colour mixed with the background as much as its contrast allows."""
    mixed = (_mixed(colour, ground, step / _STEPS) for step in range(_STEPS - 1, -1, -1))
    return next((each for each in mixed if contrast(each, ground) >= least), colour)


def _mixed(colour: str, other: str, share: float) -> str:
    """A colour with a share of another one."""
    pairs = zip(bytes.fromhex(colour[1:]), bytes.fromhex(other[1:]), strict=True)
    return "#" + bytes(round(one + (two - one) * share) for one, two in pairs).hex()
