"""Parses the body of an upload, JSON or CBOR, into an Upload.

A body without errors is decoded into typed values in one pass. A body with errors is parsed field by field: an error in
the envelope refuses the request and names the field; an error in a press, or in one of its parts (`press_parts`),
becomes unusable, and the rest of the upload is used.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import cbor2
import msgspec
from msgspec import Meta, Struct

from hymio.errors import BadRequest, Phrase
from hymio.feedback import (
    DEVICE_EPOCHS,
    DEVICE_SEQUENCES,
    Health,
    Press,
    SequenceRange,
    UnusablePress,
    Upload,
    Verdict,
    client_key,
    visitor_hash,
)
from hymio.gateway.counting import MAX_PRESSES, refuse_too_many_values, too_many_presses
from hymio.gateway.press_parts import (
    PARTS,
    ButtonUi,
    Metadata,
    PartError,
    TypedDemographics,
    TypedPhases,
    phases_of,
    readable_parts,
    ui_of,
)
from hymio.gateway.text import as_text, printable, short, shortened

MAX_LOST = 1_000
MAX_FIRMWARE = 64
MAX_NESTING = 64
"""Levels to which CBOR may be nested; JSON may be nested a little deeper."""

_MAX_EXACT = (1 << 53) - 1
"""The largest integer that every JSON implementation reads exactly (RFC 8259, 6)."""

Epoch = Annotated[int, Meta(ge=0, lt=DEVICE_EPOCHS)]
SequenceNumber = Annotated[int, Meta(ge=1, lt=DEVICE_SEQUENCES)]
Milliseconds = Annotated[int, Meta(ge=-_MAX_EXACT, le=_MAX_EXACT)]
Lost = Annotated[list[tuple[SequenceNumber, SequenceNumber]], Meta(max_length=MAX_LOST)]


class Format(Enum):
    """The format of a request and its response, by media type."""

    JSON = "application/json"
    CBOR = "application/cbor"


class TypedPress(Struct, gc=False):
    """A press as a request writes it, every field within its limits."""

    at: Milliseconds
    button: Annotated[int, Meta(ge=-(1 << 15), lt=1 << 15)]
    sequence: SequenceNumber | None = None
    id: UUID | None = None
    survey: Annotated[int, Meta(ge=1, le=_MAX_EXACT)] | None = None
    visitor: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    ui: ButtonUi | None = None
    phases: TypedPhases | None = None
    metadata: Metadata | None = None
    demographics: TypedDemographics | None = None


class TypedEnvelope(Struct, rename="camel"):
    """A whole request, every field within its limits; battery, signal and firmware have none."""

    epoch: Epoch | None = None
    presses: Annotated[list[TypedPress], Meta(max_length=MAX_PRESSES)] | None = None
    clock: Milliseconds | None = None
    reported_through: Milliseconds | None = None
    lost: Lost | None = None
    battery: float | None = None
    signal: float | None = None
    firmware: str | None = None


class Unreadable(NamedTuple):
    """An unusable press, or an unusable part of a press, for the receipt.

    `item` is the press's index in the request. `phase` is the part's index in the press's `phases`, or its name; None
    where the press itself is unusable.
    """

    item: int
    sequence: int | None
    id: UUID | None
    detail: str
    phase: int | str | None = None


class Envelope(NamedTuple):
    """A parsed request."""

    upload: Upload
    unreadable: tuple[Unreadable, ...] = ()


_FIELDS = {
    "epoch": (Epoch | None, Phrase("an integer from {least} to {most}", least=0, most=DEVICE_EPOCHS - 1)),
    "clock": (Milliseconds | None, Phrase("milliseconds since 1970 UTC as an integer")),
    "reportedThrough": (Milliseconds | None, Phrase("milliseconds since 1970 UTC as an integer")),
    "lost": (Lost | None, Phrase("at most {most} pairs [first, last] of sequences", most=MAX_LOST)),
    "battery": (float | None, Phrase("a number from {least} to {most}", least=0, most=1)),
    "signal": (float | None, Phrase("a number, in dBm")),
    "firmware": (str | None, Phrase("a text of at most {most} characters", most=MAX_FIRMWARE)),
}
"""The fields of the envelope besides presses: type, and what an error says is accepted."""

_PRESS_FIELDS = {
    "at": "milliseconds since 1970 UTC as an integer",
    "button": "the index of a button as an integer, 0 the most negative",
    "sequence": f"an integer from 1 to {DEVICE_SEQUENCES - 1}",
    "id": "a UUID of version 4 or 7",
    "survey": "the number of a survey",
    "visitor": "a text of 1 to 200 characters",
}
"""The fields of a press that are not parts: what an error says is accepted."""

_MAX_DIGITS = 300
"""Digits of an integer that are converted; longer ones exceed every limit and would take long."""

_DECODING_ERRORS = (msgspec.MsgspecError, cbor2.CBORError, ValueError, RecursionError, MemoryError)
_json_decoder = msgspec.json.Decoder(TypedEnvelope)

# Tagged CBOR values stay undecoded, because nothing uses them and decoding them can be expensive (regular expressions,
# huge numbers, shared references). Exceptions are tag 37, the 16 bytes of a UUID, and tag 55799, which marks a text as
# CBOR: their content is used as if it had no tag.
_TAGS_LEFT_ALONE = (0, 1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 52, 54, 100, 256, 258, 260, 261, 1004, 43000)
_TAGS: dict[int, Any] = {tag: lambda value, _immutable, tag=tag: cbor2.CBORTag(tag, value) for tag in _TAGS_LEFT_ALONE}
_TAGS |= dict.fromkeys((37, 55799), lambda value, _immutable: value)


def decode_small(body: bytes, form: Format) -> TypedEnvelope | None:
    """Decodes a body in one pass; None if it has any error, which `parse` then finds."""
    try:
        typed = _decoded(body, form)
        for press in typed.presses or ():
            if not _is_bare(press):
                _press_of(press, 0, 0)
    except _DECODING_ERRORS:
        return None
    return typed


def _is_bare(press: TypedPress) -> bool:
    """Whether a press has a sequence and nothing else of which `_press_of` could find an error."""
    return (
        press.sequence is not None
        and press.id is None
        and press.ui is None
        and press.phases is None
        and press.metadata is None
        and press.demographics is None
        and press.visitor is None
    )


def upload_of(typed: TypedEnvelope, smiley: int, organization: int) -> Upload:
    """The upload of a body that `decode_small` decoded. BadRequest names a field that contradicts another."""
    return _upload(typed, typed.presses or (), smiley, organization)


def parse(body: bytes, form: Format, smiley: int, organization: int) -> Envelope:
    """Parses a body. BadRequest names the wrong field of the envelope; TooLarge for too many presses or values."""
    if form is Format.CBOR:
        refuse_too_many_values(body, is_json=False)
    try:
        return Envelope(upload_of(_decoded(body, form), smiley, organization))
    except _DECODING_ERRORS:  # also a press without an identity, with two, or without its survey
        pass
    if form is Format.JSON:
        refuse_too_many_values(body, is_json=True)
    return _parse_fields(_untyped(body, form), smiley, organization)


def _decoded(body: bytes, form: Format) -> TypedEnvelope:
    """The body decoded into typed values at once; fails if any value is wrong."""
    return _json_decoder.decode(body) if form is Format.JSON else msgspec.convert(_from_cbor(body), TypedEnvelope)


def _from_cbor(body: bytes) -> Any:
    """The values of a CBOR body, with UUIDs decoded."""
    return cbor2.loads(body, semantic_decoders=_TAGS, str_errors="replace", max_depth=MAX_NESTING)


# --- bodies with errors ----------------------------------------------------------------------------------------------


def _untyped(body: bytes, form: Format) -> Mapping[str, object]:
    """The body as an object of any values, decoded leniently, so that one press cannot make the others unreadable."""
    try:
        if form is Format.CBOR:
            value = _from_cbor(body)
        else:
            value = json.loads(body.decode("utf-8", "replace"), parse_int=_integer)
    except (cbor2.CBORError, ValueError, RecursionError, MemoryError) as error:
        raise BadRequest(
            "unreadable-body",
            "the body is not {accepted}: {cause}",
            parameter="body",
            accepted=form.value,
            cause=str(error),
        ) from error
    if not isinstance(value, dict):
        raise _bad_field("body", value, Phrase("an object with the fields of an upload"))
    return value


def _integer(digits: str) -> int | float:
    """A JSON integer; infinity if it has so many digits that parsing it would take long."""
    return int(digits) if len(digits) <= _MAX_DIGITS else math.inf


def _parse_fields(envelope: Mapping[str, object], smiley: int, organization: int) -> Envelope:
    """The envelope parsed field by field and press by press, so that an unreadable press does not affect the others."""
    fields = {name: _field(name, envelope[name]) for name in _FIELDS if name in envelope}
    typed = msgspec.convert(fields, TypedEnvelope)
    items = [] if envelope.get("presses") is None else envelope["presses"]
    if not isinstance(items, list):
        raise _bad_field("presses", items, Phrase("a list of at most {most} presses", most=MAX_PRESSES))
    if len(items) > MAX_PRESSES:
        raise too_many_presses(len(items))
    presses: list[TypedPress] = []
    unusable: list[UnusablePress] = []
    unreadable: list[Unreadable] = []
    for index, item in enumerate(items):
        press, part_errors = _press(item)
        if isinstance(press, TypedPress):
            presses.append(press)
            for error in part_errors:
                unusable.append(_unusable_part(press, typed.epoch or 0, error))
                unreadable.append(Unreadable(index, press.sequence, press.id, error.detail, error.phase))
        else:
            unread = Unreadable(index, *_readable_identity(item), press)
            sequence = unread.sequence if typed.epoch is not None and unread.id is None else None
            unusable.append(UnusablePress(typed.epoch or 0, sequence or 0, Verdict.UNREADABLE, as_text(item)))
            unreadable.append(unread)
    upload = _upload(typed, presses, smiley, organization)
    return Envelope(upload._replace(unusable=tuple(unusable)), tuple(unreadable))


def _field(name: str, value: object) -> object:
    """The value of a field outside `presses`. BadRequest."""
    kind, accepted = _FIELDS[name]
    try:
        return msgspec.convert(_integral(value), kind)
    except (ValueError, RecursionError):  # also UnicodeEncodeError, of a lone surrogate
        raise _bad_field(name, value, accepted) from None


def _unusable_part(press: TypedPress, epoch: int, error: PartError) -> UnusablePress:
    """A part of a press that could not be parsed, for quarantine."""
    part = error.phase if isinstance(error.phase, str) else "phase"
    return UnusablePress(*_identity(press, epoch), Verdict.UNREADABLE, error.body, part)


def _press(item: object) -> tuple[TypedPress | str, Sequence[PartError]]:
    """A press with its readable parts and the errors of the others; or, as a text, the error of the press itself."""
    if not isinstance(item, dict):
        return f"got {short(item)}, accepted: an object with the fields of a press", ()
    fields = {name: _integral(item[name]) for name in _PRESS_FIELDS if name in item}
    try:
        press = msgspec.convert(fields, TypedPress)
        _identity(press, 0)
    except (ValueError, RecursionError) as error:
        return _error_of_press(fields, str(error)), ()
    if len(item) == len(fields) or PARTS.isdisjoint(item):
        return press, ()
    parts, errors = readable_parts(item)
    return msgspec.structs.replace(press, **parts), errors


def _integral(value: object) -> object:
    """A float with an integral value, 5.0 or 5e0, as an integer: some languages have no integers. Others unchanged."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _error_of_press(fields: Mapping[str, object], default: str) -> str:
    """An error text for the first unreadable field, else for the first missing required one, else `default`.

    To find the unreadable field, each is converted in a press that is otherwise valid.
    """
    for name, accepted in _PRESS_FIELDS.items():
        try:
            if name in fields:
                msgspec.convert({"at": 0, "button": 0, name: fields[name]}, TypedPress)
        except (ValueError, RecursionError):
            return f"{name}: got {short(fields[name])}, accepted: {accepted}"
    for name in ("at", "button"):
        if name not in fields:
            return f"{name}: got nothing, accepted: {_PRESS_FIELDS[name]}"
    return default


def _readable_identity(item: object) -> tuple[int | None, UUID | None]:
    """The sequence and the id of an unreadable press, each None where it cannot be read."""
    sequence, identity = (item.get("sequence"), item.get("id")) if isinstance(item, dict) else (None, None)
    return _converted(_integral(sequence), SequenceNumber), _converted(identity, UUID)


def _converted(value: object, kind: Any) -> Any:
    """A value converted to a type, None if that is impossible."""
    try:
        return msgspec.convert(value, kind)
    except (ValueError, RecursionError):
        return None


def _bad_field(parameter: str, got: object, accepted: Phrase) -> BadRequest:
    """The error for a field outside `presses`, with the value shortened."""
    if isinstance(got, str):
        text = shortened(got.encode("utf-8", "replace").decode())
        return BadRequest(parameter=parameter, got=text, accepted=accepted)
    return BadRequest(
        "bad-parameter",
        "{parameter}: got {got}, accepted: {accepted}",
        parameter=parameter,
        got=short(got),
        accepted=accepted,
    )


# --- typed values to an Upload ---------------------------------------------------------------------------------------


def _upload(typed: TypedEnvelope, presses: Iterable[TypedPress], smiley: int, organization: int) -> Upload:
    """The upload of a parsed envelope. BadRequest if the epoch is missing or a range of `lost` is reversed."""
    epoch, lost = typed.epoch, typed.lost or []
    if epoch is None and (lost or any(press.id is None for press in presses)):
        accepted = Phrase("{accepted} where there are sequences", accepted=_FIELDS["epoch"][1])
        raise BadRequest(parameter="epoch", got="nothing", accepted=accepted)
    if any(first > last for first, last in lost):
        raise _bad_field("lost", lost, Phrase("pairs [first, last] of sequences, the first not above the last"))
    return Upload(
        smiley,
        tuple([_press_of(press, epoch or 0, organization) for press in presses]),
        clock=typed.clock,
        reported_through=typed.reported_through,
        lost=tuple(SequenceRange(epoch or 0, first, last) for first, last in lost),
        health=_health(typed),
    )


def _press_of(press: TypedPress, epoch: int, organization: int) -> Press:
    """A press for intake. ValueError unless it has exactly one identity, and parts that do not exclude each other."""
    sequence = press.sequence
    if sequence is None or press.id is not None:
        epoch, sequence = _identity(press, epoch)
    visitor = None if press.visitor is None else visitor_hash(press.visitor, organization)
    phases = None
    if press.phases is not None or press.metadata is not None or press.demographics is not None:
        phases = phases_of(press.phases, press.metadata, press.demographics)
    ui = None if press.ui is None else ui_of(press.ui)
    return Press._make((epoch, sequence, press.at, press.button, press.survey, visitor, ui, phases, 0, ()))


def _identity(press: TypedPress, epoch: int) -> tuple[int, int]:
    """Epoch and sequence of a press; those of one with an id are the halves of its UUID. ValueError."""
    if press.sequence is not None and press.id is None:
        return epoch, press.sequence
    if press.id is not None and press.sequence is None:
        if press.survey is None:
            raise ValueError("survey: got nothing, accepted: the number of the survey shown, where there is an id")
        return client_key(press.id)
    raise ValueError(f"got {'both' if press.id else 'neither'}, accepted: either a sequence or an id")


def _health(typed: TypedEnvelope) -> Health:
    """Battery, signal and firmware; a number out of range is clamped."""
    firmware = None if typed.firmware is None else printable(typed.firmware)[:MAX_FIRMWARE]
    signal = _clamped(typed.signal, -200.0, 100.0)
    return Health(_clamped(typed.battery, 0.0, 1.0), None if signal is None else round(signal), firmware)


def _clamped(value: float | None, least: float, most: float) -> float | None:
    """A number limited to a range; None without a number."""
    return None if value is None or math.isnan(value) else min(max(value, least), most)
