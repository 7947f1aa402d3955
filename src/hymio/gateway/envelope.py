"""What a smiley sends in one request, read from JSON or CBOR into an upload: the pure half of `upload`.

Reading takes one of two roads. A request in which all is well is decoded at once into typed values. Any other is taken
apart: a wrong envelope is refused as a whole, naming the field, while a wrong press becomes a misfit beside its good
neighbours, and so does a wrong phase beside its good press (`phases`). Before that its items are counted (`sketch`),
since what takes few bytes may take many objects.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import cbor2
import msgspec
from msgspec import Meta, Struct

from hymio.errors import BadRequest
from hymio.feedback import DEVICE_EPOCHS, DEVICE_SEQUENCES, Health, Misfit, Press, Upload, Verdict, halves
from hymio.gateway.phases import (
    PARTS,
    ButtonUi,
    Metadata,
    TypedDemographics,
    TypedPhases,
    Wrong,
    phases_of,
    readable_parts,
    ui_of,
)
from hymio.gateway.sketch import MOST_PRESSES, refuse_crowds, too_many
from hymio.gateway.text import as_text, cut, printable, short

MOST_LOST = 1_000
LONGEST_FIRMWARE = 64
DEEPEST = 64
"""Levels to which CBOR may be nested; JSON may be nested a little deeper."""

_FARTHEST = (1 << 53) - 1

Epoch = Annotated[int, Meta(ge=0, lt=DEVICE_EPOCHS)]
Number = Annotated[int, Meta(ge=1, lt=DEVICE_SEQUENCES)]
Milliseconds = Annotated[int, Meta(ge=-_FARTHEST, le=_FARTHEST)]
Lost = Annotated[list[tuple[Number, Number]], Meta(max_length=MOST_LOST)]


class Format(Enum):
    """The two ways to write a request, by their media type."""

    JSON = "application/json"
    CBOR = "application/cbor"


class TypedPress(Struct, gc=False):
    """A press as it stands in a request, every field within its limits."""

    at: Milliseconds
    button: Annotated[int, Meta(ge=-(1 << 15), lt=1 << 15)]
    sequence: Number | None = None
    id: UUID | None = None
    survey: Annotated[int, Meta(ge=1, le=_FARTHEST)] | None = None
    visitor: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    ui: ButtonUi | None = None
    phases: TypedPhases | None = None
    metadata: Metadata | None = None
    demographics: TypedDemographics | None = None


class TypedEnvelope(Struct, rename="camel"):
    """A request as a whole, every field within its limits; health has none, being no reason to refuse presses."""

    epoch: Epoch | None = None
    presses: Annotated[list[TypedPress], Meta(max_length=MOST_PRESSES)] | None = None
    clock: Milliseconds | None = None
    reported_through: Milliseconds | None = None
    lost: Lost | None = None
    battery: float | None = None
    signal: float | None = None
    firmware: str | None = None


class Unreadable(NamedTuple):
    """A press, or a part of one, that became a misfit: the press's place in the request and what is wrong.

    `phase` is the part's place in the press's `phases` or its name; None where it is the press itself.
    """

    place: int
    sequence: int | None
    id: UUID | None
    detail: str
    phase: int | str | None = None


class Envelope(NamedTuple):
    """A request that was read."""

    upload: Upload
    unreadable: tuple[Unreadable, ...] = ()


_ACCEPTED = {
    "epoch": (Epoch | None, f"an integer from 0 to {DEVICE_EPOCHS - 1}"),
    "clock": (Milliseconds | None, "milliseconds since 1970 UTC as an integer"),
    "reportedThrough": (Milliseconds | None, "milliseconds since 1970 UTC as an integer"),
    "lost": (Lost | None, f"at most {MOST_LOST} pairs [first, last] of sequences"),
    "battery": (float | None, "a number from 0 to 1"),
    "signal": (float | None, "a number, in dBm"),
    "firmware": (str | None, f"a text of at most {LONGEST_FIRMWARE} characters"),
}
_PRESS_ACCEPTED = {
    "at": "milliseconds since 1970 UTC as an integer",
    "button": "the index of a button as an integer, 0 the most negative",
    "sequence": f"an integer from 1 to {DEVICE_SEQUENCES - 1}",
    "id": "a UUID of version 4 or 7",
    "survey": "the number of a survey",
    "visitor": "a text of 1 to 200 characters",
}
_LONGEST_INTEGER = 300
"""Digits of an integer that are read; a longer one is beyond every limit."""

_NOT_AS_TYPED = (msgspec.MsgspecError, cbor2.CBORError, ValueError, RecursionError, MemoryError)
_typed_json = msgspec.json.Decoder(TypedEnvelope)

# CBOR's tags promise values that nothing here needs and that can cost much to make (expressions, huge numbers, shared
# parts); a tagged value stays what it is, unread. Tag 37 is a UUID's 16 bytes, 55799 says that this is CBOR.
_READ_TAGS = (0, 1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 52, 54, 100, 256, 258, 260, 261, 1004, 43000)
_TAGS: dict[int, Any] = {tag: lambda value, _immutable, tag=tag: cbor2.CBORTag(tag, value) for tag in _READ_TAGS}
_TAGS |= dict.fromkeys((37, 55799), lambda value, _immutable: value)


def read_quickly(body: bytes, written: Format) -> TypedEnvelope | None:
    """A small request in which every press is well; None where it must be read slowly."""
    try:
        typed = _typed(body, written)
        for press in typed.presses or ():
            _stored(press, 0, 0)
    except _NOT_AS_TYPED:
        return None
    return typed


def upload_of(typed: TypedEnvelope, smiley: int, organization: int) -> Upload:
    """The upload in a request that could be read quickly. BadRequest names the field that cannot be used."""
    return _upload(typed, typed.presses or (), smiley, organization)


def read_envelope(body: bytes, written: Format, smiley: int, organization: int) -> Envelope:
    """The upload in a request's body.

    BadRequest names the field of the envelope that cannot be used, TooLarge says that there are over 10,000 presses or
    too many values in all.
    """
    if written is Format.CBOR:
        refuse_crowds(body, is_json=False)
    try:
        return Envelope(upload_of(_typed(body, written), smiley, organization))
    except _NOT_AS_TYPED:  # such as a press without or with two identities, or without its survey
        pass
    if written is Format.JSON:
        refuse_crowds(body, is_json=True)
    return _taken_apart(_plain(body, written), smiley, organization)


def _typed(body: bytes, written: Format) -> TypedEnvelope:
    return _typed_json.decode(body) if written is Format.JSON else msgspec.convert(_from_cbor(body), TypedEnvelope)


def _from_cbor(body: bytes) -> Any:
    return cbor2.loads(body, semantic_decoders=_TAGS, str_errors="replace", max_depth=DEEPEST)


def _plain(body: bytes, written: Format) -> Mapping[str, object]:
    """The body as plain values; whatever stands in a press, it must not keep the others from being read."""
    try:
        if written is Format.CBOR:
            found = _from_cbor(body)
        else:
            found = json.loads(body.decode("utf-8", "replace"), parse_int=_integer)
    except (cbor2.CBORError, ValueError, RecursionError, MemoryError) as error:
        raise BadRequest(
            "unreadable-body",
            "the body is not {accepted}: {error}",
            parameter="body",
            accepted=written.value,
            error=error,
        ) from error
    if not isinstance(found, dict):
        raise _refused("body", found, "an object with the fields of an upload")
    return found


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else math.inf


def _taken_apart(plain: Mapping[str, object], smiley: int, organization: int) -> Envelope:
    fields = {name: _field(name, plain[name]) for name in _ACCEPTED if name in plain}
    typed = msgspec.convert(fields, TypedEnvelope)
    items = [] if plain.get("presses") is None else plain["presses"]
    if not isinstance(items, list):
        raise _refused("presses", items, f"a list of at most {MOST_PRESSES} presses")
    if len(items) > MOST_PRESSES:
        raise too_many(len(items))
    good: list[TypedPress] = []
    misfits: list[Misfit] = []
    unreadable: list[Unreadable] = []
    for place, item in enumerate(items):
        press, wrong = _press(item)
        if isinstance(press, TypedPress):
            good.append(press)
            for each in wrong:
                misfits.append(_misfit(press, typed.epoch or 0, each))
                unreadable.append(Unreadable(place, press.sequence, press.id, each.detail, each.phase))
        else:
            unread = Unreadable(place, *_named(item), press)
            sequence = unread.sequence if typed.epoch is not None and unread.id is None else None
            misfits.append(Misfit(typed.epoch or 0, sequence or 0, Verdict.UNREADABLE, as_text(item)))
            unreadable.append(unread)
    upload = _upload(typed, good, smiley, organization)
    return Envelope(upload._replace(misfits=tuple(misfits)), tuple(unreadable))


def _field(name: str, value: object) -> object:
    kind, accepted = _ACCEPTED[name]
    try:
        return msgspec.convert(_whole(value), kind)
    except (msgspec.ValidationError, RecursionError):
        raise _refused(name, value, accepted) from None


def _misfit(press: TypedPress, epoch: int, wrong: Wrong) -> Misfit:
    """What is kept of a part of a press that cannot be read."""
    part = wrong.phase if isinstance(wrong.phase, str) else "phase"
    return Misfit(*_identity(press, epoch), Verdict.UNREADABLE, wrong.body, part)


def _press(item: object) -> tuple[TypedPress | str, Sequence[Wrong]]:
    """A press, and which parts of it cannot be read; or what is wrong with the press itself."""
    if not isinstance(item, dict):
        return f"got {short(item)}, accepted: an object with the fields of a press", ()
    known = {name: _whole(item[name]) for name in _PRESS_ACCEPTED if name in item}
    try:
        press = msgspec.convert(known, TypedPress)
        _identity(press, 0)
    except (ValueError, RecursionError) as error:
        return _complaint(known, str(error)), ()
    if len(item) == len(known) or PARTS.isdisjoint(item):
        return press, ()
    parts, wrong = readable_parts(item)
    return msgspec.structs.replace(press, **parts), wrong


def _whole(value: object) -> object:
    """A whole number even where it was written as 5.0 or 5e0: some languages have no integers."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _complaint(item: Mapping[str, object], otherwise: str) -> str:
    for name, accepted in _PRESS_ACCEPTED.items():
        try:
            msgspec.convert({"at": 0, "button": 0} | ({name: item[name]} if name in item else {}), TypedPress)
        except (ValueError, RecursionError):
            return f"{name}: got {short(item[name])}, accepted: {accepted}"
    missing = [name for name in ("at", "button") if name not in item]
    return f"{missing[0]}: got nothing, accepted: {_PRESS_ACCEPTED[missing[0]]}" if missing else otherwise


def _named(item: object) -> tuple[int | None, UUID | None]:
    """The sequence and the id of a press that cannot be used, as far as they can be made out."""
    sequence, identity = (item.get("sequence"), item.get("id")) if isinstance(item, dict) else (None, None)
    return _converted(_whole(sequence), Number), _converted(identity, UUID)


def _converted(value: object, kind: Any) -> Any:
    try:
        return msgspec.convert(value, kind)
    except (ValueError, RecursionError):
        return None


def _upload(typed: TypedEnvelope, presses: Iterable[TypedPress], smiley: int, organization: int) -> Upload:
    epoch, lost = typed.epoch, typed.lost or []
    if epoch is None and (lost or any(press.id is None for press in presses)):
        accepted = f"{_ACCEPTED['epoch'][1]} where there are sequences"
        raise BadRequest(parameter="epoch", got="nothing", accepted=accepted)
    if any(first > last for first, last in lost):
        raise _refused("lost", lost, "pairs [first, last] of sequences, the first not above the last")
    return Upload(
        smiley,
        tuple([_stored(press, epoch or 0, organization) for press in presses]),
        clock=typed.clock,
        reported_through=typed.reported_through,
        lost=tuple((epoch or 0, first, last) for first, last in lost),
        health=_health(typed),
    )


def _stored(press: TypedPress, epoch: int, organization: int) -> Press:
    sequence = press.sequence
    if sequence is None or press.id is not None:
        epoch, sequence = _identity(press, epoch)
    visitor = None if press.visitor is None else _hashed(press.visitor, organization)
    phases = None
    if press.phases is not None or press.metadata is not None or press.demographics is not None:
        phases = phases_of(press.phases, press.metadata, press.demographics)
    ui = None if press.ui is None else ui_of(press.ui)
    return Press._make((epoch, sequence, press.at, press.button, press.survey, visitor, ui, phases))


def _identity(press: TypedPress, epoch: int) -> tuple[int, int]:
    """Epoch and sequence of a press; ValueError where it has not exactly one identity that can be used."""
    if press.sequence is not None and press.id is None:
        return epoch, press.sequence
    if press.id is not None and press.sequence is None:
        if press.survey is None:
            raise ValueError("survey: got nothing, accepted: the number of the survey shown, where there is an id")
        return halves(press.id)
    raise ValueError(f"got {'both' if press.id else 'neither'}, accepted: either a sequence or an id")


def _hashed(visitor: str, organization: int) -> bytes:
    """What is kept of a visitor: enough to know him again within the organization, and there alone."""
    return hashlib.sha256(f"{organization}:{visitor}".encode("utf-8", "replace")).digest()


def _health(typed: TypedEnvelope) -> Health:
    """What a smiley says of itself, a number out of range taken as the end of the range."""
    firmware = None if typed.firmware is None else printable(typed.firmware)[:LONGEST_FIRMWARE]
    signal = _within(typed.signal, -200.0, 100.0)
    return Health(_within(typed.battery, 0.0, 1.0), None if signal is None else round(signal), firmware)


def _within(value: float | None, least: float, most: float) -> float | None:
    return None if value is None or math.isnan(value) else min(max(value, least), most)


def _refused(parameter: str, got: object, accepted: str) -> BadRequest:
    if isinstance(got, str):
        told = cut(got.encode("utf-8", "replace").decode())
        return BadRequest(parameter=parameter, got=told, accepted=accepted)
    told = short(got)
    text = "{parameter}: got {got}, accepted: {accepted}"
    return BadRequest("bad-field", text, parameter=parameter, got=told, accepted=accepted)
