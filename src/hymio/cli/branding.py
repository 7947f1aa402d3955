"""`hymio organization brand`: how the published smileys of an organization look."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from hymio.cli.command import Database, OrganizationName, changing, say

if TYPE_CHECKING:
    from hymio.brand import Brand


def brand(
    context: typer.Context,
    organization: OrganizationName,
    ground: Annotated[
        str | None, typer.Option(metavar="#RRGGBB", help="Colour of the background", show_default=False)
    ] = None,
    ink: Annotated[str | None, typer.Option(metavar="#RRGGBB", help="Colour of text", show_default=False)] = None,
    accent: Annotated[
        str | None, typer.Option(metavar="#RRGGBB", help="Colour of buttons and focus rings", show_default=False)
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
) -> None:
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
    _show(changed)


def _colour(text: str | None) -> str:
    return (text or "").lower()


def _show(brand: Brand) -> None:
    """Prints a brand with its contrasts."""
    from hymio.brand import contrast
    from hymio.png import png_size

    say(f"  ground  {escape(brand.ground)}")
    say(f"  ink     {escape(brand.ink)}, contrast with the ground {contrast(brand.ink, brand.ground):.1f} to 1")
    say(f"  accent  {escape(brand.accent)}, contrast with the ground {contrast(brand.accent, brand.ground):.1f} to 1")
    say(f"  size    {brand.size} %")
    say(f"  corners {'square' if brand.is_square else 'round'}")
    size = png_size(brand.logo)
    say(f"  logo    {'none' if size is None else f'{size[0]} × {size[1]} pixels'}")
