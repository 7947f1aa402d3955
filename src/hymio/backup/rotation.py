"""Deletes the oldest of the backups that were made to be replaced, and no other file."""

from __future__ import annotations

from pathlib import Path

from hymio.backup.archive import read_manifest
from hymio.backup.folder import SUFFIX
from hymio.errors import SetupError
from hymio.period import Instant, format_timestamp


def rotate(newest: Path, keep: int, now: Instant) -> list[Path]:
    """Deletes the archives beside `newest` but the last `keep` of them, `newest` among these; returns the deleted ones.

    Only archives of the same database count that were made to be rotated. One from the future was made by a clock that
    was wrong, before the clock was right again: it goes first.
    """
    database, present = read_manifest(newest).database, format_timestamp(now, 0, utc=True)
    others = [file for file in newest.parent.glob(f"hymio-*{SUFFIX}") if file != newest]
    dated = [(made_at <= present, made_at, file) for file in others if (made_at := _made_at(file, database))]
    superfluous = [file for _, _, file in sorted(dated, reverse=True)[keep - 1 :]]
    for file in superfluous:
        file.unlink(missing_ok=True)
    return superfluous


def _made_at(file: Path, database: str) -> str | None:
    """When an archive was made; None of what may not be deleted."""
    try:
        manifest = read_manifest(file)
    except SetupError:
        return None
    return manifest.made_at if manifest.rotated and manifest.database == database else None
