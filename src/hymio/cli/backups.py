"""`hymio backup` and `hymio restore`: the whole database in one archive, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from hymio.cli.command import Database, hint, how_many, loaded, opened, progress, say
from hymio.cli.upkeep import print_verified
from hymio.clock import now


def backup(
    context: typer.Context,
    target: Annotated[
        Path | None,
        typer.Argument(
            help="New file, or a folder that exists; otherwise the folder of the setting backup_folder",
            show_default=False,
        ),
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option(
            metavar="COUNT", min=1, show_default=False,
            help="Make a backup that later ones replace, and of these keep only the newest COUNT in the folder",
        ),
    ] = None,
    database: Database = None,
) -> None:  # fmt: skip
    """Back up the whole database into one archive, while presses keep arriving, and verify what is in the archive.

    Copying the database file is not enough: docs/operations.md says why.
    Exits with 1 if `hymio verify` finds differences, which are then in the database too; the archive is kept.

    Examples: hymio backup · hymio backup before-update.zip · hymio backup /mnt/backups --keep 14
    """
    from hymio.backup import making, rotate
    from hymio.manage import organizations

    began = now()
    with opened(context, database) as store:
        file = _file(context, database, target, began)
        with making(store, file, rotated=keep is not None, bars=progress, now=began) as made:
            wrong = print_verified(made.store, organizations(made.store))
    contents, size = made.manifest.contents, made.size / 1e6
    say(
        f"{escape(str(file))}: {size:,.1f} MB, {how_many(len(contents.organizations), 'organization')},"
        f" {how_many(contents.rows['feedback'], 'feedback')}"
    )
    deleted = [] if keep is None else rotate(file, keep, now())
    if deleted:
        say(f"{how_many(len(deleted), 'older backup')} deleted.")
    raise typer.Exit(1 if wrong else 0)


def _file(context: typer.Context, database: str | None, target: Path | None, at: int) -> Path:
    """The path of the new archive; the folder of the settings is made if it is missing."""
    from hymio.backup import target_in

    if target is None:
        folder = loaded(context, database).backups
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return target_in(folder, at)
    return target_in(target, at) if target.is_dir() else target


def restore(
    context: typer.Context,
    archive: Annotated[Path, typer.Argument(help="File that `hymio backup` made", show_default=False)],
    database: Database = None,
) -> None:
    """Restore a backup into a SQLite file that does not exist yet, or an empty PostgreSQL database, and verify it.

    Nothing is overwritten. Sessions, one-time links and one-time codes are not restored: people sign in again.
    Exits with 1 if `hymio verify` finds differences, which were in the original too.

    Examples: hymio restore hymio-20250601T071500Z.zip · hymio restore old.zip --database sqlite:///old.db
    """
    from hymio.backup import read_manifest, restoring
    from hymio.manage import organizations, sign_everybody_out
    from hymio.store.dialect import without_password

    chosen = loaded(context, database)
    manifest = read_manifest(archive)
    if not chosen.database:
        chosen.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with restoring(archive, chosen.database_url, bars=progress) as store:
        ended = sign_everybody_out(store)
        wrong = print_verified(store, organizations(store))
    say(f"Restored the database of {manifest.made_at} into {escape(without_password(chosen.database_url))}")
    say(
        f"{how_many(ended.sessions, 'session')}, {how_many(ended.links, 'one-time link')} and"
        f" {how_many(ended.codes, 'one-time code')} of the backup deleted: people sign in again."
    )
    hint("What was erased after this backup, and credentials that were revoked since, are there again: end them again.")
    hint("So are shared links that were revoked since: `hymio share list` lists them, `hymio share revoke` ends them.")
    raise typer.Exit(1 if wrong else 0)
