"""Makes a backup: copies the database, writes the archive, and reads it back, before it gets its name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from hymio.backup.archive import Manifest, pieces_of_copy, read_manifest, write_archive
from hymio.backup.folder import archive_name, name_whole, require_absent, workspace
from hymio.period import Instant
from hymio.store import Store, open_store
from hymio.store.backup import (
    FILE,
    Bars,
    contents_of_file,
    copied,
    file_of_dump,
    no_bars,
    require_sound,
    written,
)
from hymio.store.contents import require_equal


@dataclass(frozen=True, slots=True)
class Backup:
    """An archive that is read back: its manifest, its size in bytes, and the database in it, to be verified."""

    manifest: Manifest
    size: int
    store: Store


@contextmanager
def making(
    store: Store, target: Path, *, rotated: bool = False, bars: Bars = no_bars, now: Instant
) -> Iterator[Backup]:
    """A backup, which gets its name at the end, and none if anything raises. SetupError, DatabaseError, Unavailable.

    Presses may keep arriving. SetupError also if the target exists.
    """
    require_absent(target)
    with workspace(target.parent) as folder:
        archive = folder / "archive"
        with copied(store, folder, bars) as copy, bars("Writing", copy.size) as advance:
            write_archive(archive, copy, store.name, store.kind, rotated, now, advance)
        manifest = read_manifest(archive)
        with closing(_read_back(archive, manifest, folder, bars)) as read:
            yield Backup(manifest, archive.stat().st_size, read)
        name_whole(archive, target)


def _read_back(archive: Path, manifest: Manifest, folder: Path, bars: Bars) -> Store:
    """The database in an archive, compared with the manifest. DatabaseError."""
    with bars("Reading it back", manifest.bytes) as advance:
        pieces = pieces_of_copy(archive, manifest, advance)
        file = folder / FILE
        if manifest.file == FILE:
            written(file, pieces)
        else:
            file_of_dump(file, manifest.program, pieces)
    require_sound(file)
    require_equal(contents_of_file(file), manifest.contents)
    return open_store(f"sqlite:///{file}", read_only=True)


def target_in(folder: Path, now: Instant) -> Path:
    """The path of a new archive in a folder."""
    return folder / archive_name(now)
