"""`hymio smiley import`: takes in the file that a kiosk saved because it could not send its presses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from hymio.cli.command import Database, OrganizationName, hint, how_many, opened, operator_of, say
from hymio.clock import now


def import_file(
    context: typer.Context,
    organization: OrganizationName,
    file: Annotated[Path, typer.Argument(help="File that a kiosk saved", show_default=False)],
    smiley: Annotated[
        str | None,
        typer.Option(
            "--as", metavar="SMILEY", show_default=False,
            help="Take all presses as those of this smiley, for example after the server was set up anew",
        ),
    ] = None,
    database: Database = None,
) -> None:  # fmt: skip
    """Take in the presses that a kiosk saved as a file because it could not send them.

    Presses that are stored already are left out, so a file can be imported twice, and the kiosk may send its presses
    later all the same.

    Example: hymio smiley import "Acme" hymio-TABLET-1.json
    """
    from hymio import manage
    from hymio.cli.naming import smiley_of
    from hymio.gateway.kiosk import saved as files

    with opened(context, database) as store:
        found = manage.find_organization(store, organization)
        chosen = None if smiley is None else smiley_of(store.layout(found.id), smiley).id
        saved = files.read_saved(_content(file), str(file))
        for each in (chosen,) if chosen is not None else files.smileys_of(saved, found.id):
            manage.begin_import(store, operator_of(found), each, now=now())
        imported = files.import_saved(store, found.id, saved, chosen, now=now())
    stored, duplicates = how_many(imported.stored, "press"), imported.duplicates
    say(f"{escape(saved.serial)}: {stored} stored, {duplicates:,} stored before.")
    if imported.quarantined:
        say(f"{how_many(imported.quarantined, 'press')} in quarantine.")
        hint("hymio quarantine list says why, and what to do.")


def _content(file: Path) -> bytes:
    """The bytes of a file. SetupError if it cannot be read, or is too large."""
    from hymio.gateway.kiosk.saved import MAX_BYTES, not_saved_by_a_kiosk

    try:
        with file.open("rb") as opened_file:
            content = opened_file.read(MAX_BYTES + 1)
    except OSError as error:
        raise not_saved_by_a_kiosk(str(file), str(error)) from None
    if len(content) > MAX_BYTES:
        raise not_saved_by_a_kiosk(str(file), f"it has more than {MAX_BYTES} bytes")
    return content
