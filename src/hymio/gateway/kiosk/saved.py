"""The file of presses that a kiosk could not send: its uploads, recorded as if they had arrived when it was saved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

import msgspec

from hymio.errors import HymioError, SetupError
from hymio.feedback import Upload
from hymio.gateway.envelope import Format, parse
from hymio.gateway.text import paired
from hymio.intake import record
from hymio.intake.resolving import clock_correction
from hymio.period import Instant
from hymio.store import Store

MAX_BYTES: Final = 256 << 20
"""Bytes of the largest file that is read: 100,000 presses with texts of 1,000 characters are half of it."""


class SavedUpload(msgspec.Struct):
    """An upload without its token; `smiley` is `ORGANIZATION.SMILEY`, None if the kiosk had forgotten it."""

    upload: msgspec.Raw
    smiley: str | None = None


class SavedFile(msgspec.Struct):
    """What static/saving.js writes; `at` is the server's clock (ms UTC) when it was saved, as well as it was known."""

    format: Literal["hymio-kiosk"]
    version: Literal[1]
    serial: str
    at: Instant
    uploads: list[SavedUpload]


class Imported(NamedTuple):
    """Numbers of presses: new ones, those that were stored before, and those of both that are in quarantine."""

    stored: int
    duplicates: int
    quarantined: int


_decoder: Final = msgspec.json.Decoder(SavedFile)


def read_saved(content: bytes, name: str) -> SavedFile:
    """The file of a kiosk. SetupError if it is another file; `name` is for the error."""
    try:
        return _decoder.decode(paired(content))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise not_saved_by_a_kiosk(name, str(error)) from None


def not_saved_by_a_kiosk(name: str, reason: str) -> SetupError:
    """The refusal of a file."""
    return SetupError("not-a-kiosk-file", "{file} is not a file that a kiosk saved: {reason}", file=name, reason=reason)


def smileys_of(saved: SavedFile, organization: int) -> tuple[int, ...]:
    """The numbers of its smileys. SetupError if one is of another organization."""
    return tuple(sorted({_smiley(each, organization) for each in saved.uploads}))


def uploads_of(saved: SavedFile, organization: int, smiley: int | None) -> Iterator[Upload]:
    """The uploads, for the smiley that each names or for the given one.

    Their instants are corrected by what the kiosk's clock was wrong when the file was saved, not by the time since.
    BadRequest if the envelope of one is wrong.
    """
    for each in saved.uploads:
        chosen = _smiley(each, organization) if smiley is None else smiley
        upload = parse(bytes(each.upload), Format.JSON, chosen, organization).upload
        yield upload._replace(correction=clock_correction(upload.clock, saved.at))


def import_saved(store: Store, organization: int, saved: SavedFile, smiley: int | None, *, now: Instant) -> Imported:
    """Records all uploads, each in a commit of its own; what is stored already is a duplicate. Raises as `record`."""
    tally: Counter[str] = Counter()
    for upload in uploads_of(saved, organization, smiley):
        [answer] = record(store, organization, [upload], now)
        if isinstance(answer, HymioError):
            raise answer
        tally.update(stored=answer.stored, duplicates=answer.duplicates, quarantined=len(answer.quarantined))
    return Imported(tally["stored"], tally["duplicates"], tally["quarantined"])


def _smiley(saved: SavedUpload, organization: int) -> int:
    """The number of the smiley of an upload. SetupError if it is of another organization, or not known."""
    owner, _, smiley = (saved.smiley or "").partition(".")
    if owner != str(organization) or not smiley.isascii() or not smiley.isdigit():
        raise SetupError(
            "kiosk-file-of-another",
            "presses in the file are of smiley {smiley}, not of this organization: name the smiley that they are for",
            smiley=saved.smiley or "?",
        )
    return int(smiley)
