"""Restores a backup into a new file or an empty database; what is not whole never has its name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from hymio.backup.archive import Manifest, pieces_of_copy, read_manifest
from hymio.backup.folder import name_whole, require_absent, workspace
from hymio.errors import SetupError
from hymio.store import Store, migrate, open_store
from hymio.store.backup import (
    SIDE_FILES,
    Bars,
    contents_of_file,
    no_bars,
    require_sound,
    restore_dump,
    written,
)
from hymio.store.contents import require_equal
from hymio.store.dialect import target_file


@contextmanager
def restoring(archive: Path, url: str, *, bars: Bars = no_bars) -> Iterator[Store]:
    """The restored database, migrated, to be verified. A file gets its name at the end, and none if anything raises.

    SetupError if the archive is not one, or of the other engine, or if the target exists or is not empty;
    DatabaseTooNew; DatabaseError if the archive is damaged.
    """
    manifest, file = read_manifest(archive), target_file(url)
    migrate.check_version(manifest.contents.migration)
    engine = "postgresql" if file is None else "sqlite"
    if manifest.engine != engine:
        raise SetupError(
            "other-engine",
            "{file} is a backup of a {kind} database, and cannot be restored into {target}",
            file=archive,
            kind=manifest.engine,
            target=engine,
        )
    restored = (
        _restored_dump(archive, manifest, url, bars) if file is None else _restored_file(archive, manifest, file, bars)
    )
    with restored as store:
        yield store


@contextmanager
def _restored_file(archive: Path, manifest: Manifest, file: Path, bars: Bars) -> Iterator[Store]:
    """A restored SQLite file, which lies in a workspace until it is verified."""
    # A log that was left behind would be applied to the restored file, and destroy it.
    require_absent(file, *(file.with_name(file.name + suffix) for suffix in SIDE_FILES))
    with workspace(file.parent) as folder:
        with bars("Restoring", manifest.bytes) as advance:
            copy = written(folder / file.name, pieces_of_copy(archive, manifest, advance))
        require_sound(copy)
        require_equal(contents_of_file(copy, manifest.contents.rows), manifest.contents)
        with closing(open_store(f"sqlite:///{copy}", make=False)) as store:
            yield store
        require_absent(*(copy.with_name(copy.name + suffix) for suffix in SIDE_FILES))
        name_whole(copy, file)


@contextmanager
def _restored_dump(archive: Path, manifest: Manifest, url: str, bars: Bars) -> Iterator[Store]:
    """A restored PostgreSQL database."""
    with bars("Checking", manifest.bytes) as advance:
        for _ in pieces_of_copy(archive, manifest, advance):
            pass  # at the end its SHA-256 is compared
    with bars("Restoring", manifest.bytes) as advance:
        restore_dump(url, manifest.program, pieces_of_copy(archive, manifest, advance), manifest.contents)
    with closing(open_store(url, make=False)) as store:
        yield store
