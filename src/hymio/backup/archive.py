"""The archive of a backup: a zip file with a manifest and a copy of the database, written and read in pieces."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Literal
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

import msgspec

from hymio import __version__
from hymio.errors import DatabaseError, SetupError
from hymio.period import Instant, format_timestamp
from hymio.store.backup import DUMP, Copy
from hymio.store.contents import Contents

Progress = Callable[[int], object]
"""Is told how many bytes were read or written since the last call."""

MANIFEST: Final = "manifest.json"

LEVEL: Final = 1
"""Of deflate: higher ones take much longer and save little (decision 30)."""

_PIECE: Final = 1 << 20

_UNREADABLE: Final = (
    BadZipFile, KeyError, EOFError, ValueError, RuntimeError, struct.error, zlib.error, msgspec.MsgspecError
)  # fmt: skip
"""What reading an archive raises that is damaged somewhere."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive holds, and from what it was made.

    `file` is the copy's name in the archive, with its size and SHA-256; `program` is the version of the pg_dump that
    made it, 0 for a SQLite file. `rotated` are archives that later ones of the same database replace.
    """

    format: Literal["hymio-backup-1"] = "hymio-backup-1"
    hymio: str
    made_at: str
    database: str
    engine: str
    rotated: bool
    file: str
    program: int
    bytes: int
    sha256: str
    contents: Contents


# --- writing ---------------------------------------------------------------------------------------------------------


def write_archive(
    archive: Path, copy: Copy, database: str, engine: str, rotated: bool, now: Instant, progress: Progress
) -> Manifest:
    """Writes a new archive that this account alone can read. `database` is the name of the original."""
    archive.touch(mode=0o600, exist_ok=False)
    digest, size = hashlib.sha256(), 0
    compression = ZIP_STORED if copy.name == DUMP else ZIP_DEFLATED  # pg_dump compresses by itself
    with ZipFile(archive, "w", compression, compresslevel=LEVEL) as target:
        with target.open(copy.name, "w", force_zip64=True) as member:
            for piece in copy.pieces:
                member.write(piece)
                digest.update(piece)
                size += len(piece)
                progress(len(piece))
        manifest = Manifest(
            hymio=__version__, made_at=format_timestamp(now, 0, utc=True), database=database, engine=engine,
            rotated=rotated, file=copy.name, program=copy.program, bytes=size, sha256=digest.hexdigest(),
            contents=copy.contents,
        )  # fmt: skip
        target.writestr(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2))
    return manifest


# --- reading ---------------------------------------------------------------------------------------------------------


def read_manifest(archive: Path) -> Manifest:
    """The manifest of an archive. SetupError if it is not one, or not whole."""
    try:
        with ZipFile(archive) as source:
            return msgspec.json.decode(source.read(MANIFEST), type=Manifest)
    except (OSError, *_UNREADABLE) as error:
        raise SetupError(
            "no-backup", "{file} is not a backup of Hymio, or it is not whole: {cause}", file=archive, cause=error
        ) from error


def pieces_of_copy(archive: Path, manifest: Manifest, progress: Progress = lambda _: None) -> Iterator[bytes]:
    """The bytes of the copy in an archive. DatabaseError, at the end, if they are not those that were written."""
    digest = hashlib.sha256()
    try:
        with ZipFile(archive) as source, source.open(manifest.file) as member:
            while piece := member.read(_PIECE):
                digest.update(piece)
                progress(len(piece))
                yield piece
    except _UNREADABLE as error:
        raise _damaged(archive) from error
    if digest.hexdigest() != manifest.sha256:
        raise _damaged(archive)


def _damaged(archive: Path) -> DatabaseError:
    return DatabaseError(
        "backup-damaged", "{file} is damaged: its database is not the one that was backed up", file=archive
    )
