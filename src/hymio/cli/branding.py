"""`hymio organization brand`: how the published smileys of an organization look."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hymio.cli.command import Database, OrganizationName, changing
from hymio.cli.listing import Column, Fit, Listing, Shown, listing

if TYPE_CHECKING:
    from hymio.brand import Brand


_COLUMNS = (
    Column("ground"), Column("ink"), Column("accent"), Column("ink_contrast", Fit.DATA),
    Column("accent_contrast", Fit.DATA), Column("size", Fit.NUMBER), Column("corners"), Column("logo"),
)  # fmt: skip


@listing()
def brand(
    context: typer.Context,
    organization: OrganizationName,
    ground: Annotated[
        str | None, typer.Option(metavar="COLOUR", help="Background, as #rrggbb", show_default=False)
    ] = None,
    ink: Annotated[str | None, typer.Option(metavar="COLOUR", help="Text, as #rrggbb", show_default=False)] = None,
    accent: Annotated[
        str | None, typer.Option(metavar="COLOUR", help="Buttons and focus rings, as #rrggbb", show_default=False)
    ] = None,
    size: Annotated[int | None, typer.Option(metavar="PERCENT", help="Size of text", show_default=False)] = None,
    square: Annotated[
        bool | None, typer.Option("--square/--round", help="Corners of buttons and fields", show_default=False)
    ] = None,
    logo: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A PNG file of at most 64 KiB", show_default=False)
    ] = None,
    no_logo: Annotated[bool, typer.Option("--no-logo", help="Remove the logo")] = False,
    reset: Annotated[bool, typer.Option("--reset", help="The look of Hymio again")] = False,
    database: Database = None,
) -> Listing:
    """Show or change how published smileys look: page, script, poster, mail and kiosk.

    Text must have a contrast of 4.5 to 1 with the background, the accent one of 3 to 1 (WCAG 2.2 AA).

    Example: hymio organization brand "Acme" --accent #1d4ed8 --ground #ffffff --logo acme.png
    """
    from hymio import manage
    from hymio.brand import HYMIO

    with changing(context, database, organization) as (_, operator, batch):
        before = HYMIO if reset else manage.brand(batch, operator)
        changed = replace(
            before,
            ground=_colour(ground) or before.ground,
            ink=_colour(ink) or before.ink,
            accent=_colour(accent) or before.accent,
            size=before.size if size is None else size,
            is_square=before.is_square if square is None else square,
            logo=b"" if no_logo else before.logo if logo is None else logo.read_bytes(),
        )
        manage.set_brand(batch, operator, changed, now=batch.now)
    return _listing(changed)


def _colour(text: str | None) -> str:
    return (text or "").lower()


def _listing(brand: Brand) -> Listing:
    """A brand with its contrasts, and the size of its logo in pixels."""
    from hymio.brand import contrast
    from hymio.png import png_size

    ink, accent = (round(contrast(colour, brand.ground), 1) for colour in (brand.ink, brand.accent))
    size = png_size(brand.logo)
    row = (
        brand.ground,
        Shown(brand.ink, f"{brand.ink}, contrast with the ground {ink} to 1"),
        Shown(brand.accent, f"{brand.accent}, contrast with the ground {accent} to 1"),
        ink,
        accent,
        Shown(brand.size, f"{brand.size} %"),
        "square" if brand.is_square else "round",
        Shown(size, "none" if size is None else f"{size[0]} × {size[1]} pixels"),
    )
    return Listing("brand", _COLUMNS, [row], is_one=True)
