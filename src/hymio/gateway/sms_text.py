"""Encodes a terminal's hour reports as text messages and decodes them: at most 160 characters, with a keyed checksum.

    H1/2415VE0A110042/1Z141Z3/2S/E120/AI3K.1..3.C,.2...7/THI7J4/B87/K3J5QWEZ
    mark serial       epoch   first offset hours       through battery check

Numbers are base 36 in capitals, offset and battery decimal. `docs/terminal-protocol.md` describes the format in full.
"""

from __future__ import annotations

import hmac
import re
from base64 import b32encode
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from hymio.feedback import DEVICE_EPOCHS, DEVICE_SEQUENCES, HourReport
from hymio.rollup import MAX_BUTTONS

MAX_CHARACTERS = 160
"""Characters of one SMS in the GSM 7-bit alphabet (3GPP TS 23.038)."""

_MARK = "H1/"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CHECK_BYTES, _CHECK_CHARACTERS = 5, 8
_MINUTE, _HOUR = 60_000, 3_600_000
_MAX_OF_BUTTON, _MAX_PRESSES = 3_600, 10_000
_MAX_OFFSET_MINUTES = 18 * 60
_MESSAGE = re.compile(
    r"(?P<signed>H1/(?P<serial>[A-Z0-9][A-Z0-9-]{0,31})/(?P<epoch>[A-Z0-9]{1,7})/(?P<first>[A-Z0-9]{1,6})"
    r"/(?P<side>[EW])(?P<minutes>[0-9]{1,4})/(?P<hours>[A-Z0-9.,]*)"
    r"(?:/T(?P<through>[A-Z0-9]{1,6}))?(?:/B(?P<battery>[0-9]{1,3}))?/)(?P<check>[A-Z2-7]{8})"
)
_ENTRY = re.compile(r"([A-Z0-9]{0,4})((?:\.[A-Z0-9]{0,4})+)")


class SmsReport(NamedTuple):
    """A decoded message; not authentic unless `is_genuine`. `reported_through` is ms UTC, `battery` 0.0 to 1.0.

    `signed` is the part of the text that the checksum `check` covers.
    """

    serial: str
    hours: tuple[HourReport, ...]
    reported_through: int | None
    battery: float | None
    signed: str
    check: str


def is_genuine(report: SmsReport, key: bytes) -> bool:
    """Whether the checksum was made with this key."""
    return hmac.compare_digest(report.check, _check(report.signed, key))


def encode(
    serial: str,
    hours: Sequence[HourReport],
    key: bytes,
    *,
    offset: int,
    reported_through: int | None = None,
    battery: float | None = None,
    keyword: str = "",
) -> list[str]:
    """The text messages that report these hours, in their order; `offset` is minutes east of UTC.

    Each begins with the keyword of a shared number, if there is one; it counts in the 160 characters.

    The last text has `reported_through` (ms UTC, rounded down to a minute) and `battery` (0.0 to 1.0); without hours it
    is the only one. An hour starts a new text if it does not fit, or does not continue the one before: next sequence,
    same epoch, later.
    Raises ValueError for an instant that is not the start of a local hour, and for an hour without presses, with more
    than 3,600 of one button or more than 10,000 in all.
    """
    tail = "" if reported_through is None else f"/T{_base36(reported_through // _MINUTE)}"
    tail += "" if battery is None else f"/B{round(100 * battery)}"
    lead = f"{keyword} " if keyword else ""
    texts = list(_packed(serial, hours, offset, MAX_CHARACTERS - len(lead) - len(tail) - 1 - _CHECK_CHARACTERS))
    if not texts:
        texts = [_head(serial, epoch=0, first=1, offset=offset)]  # no hours: epoch and sequence mean nothing
    return [lead + _signed(text + (tail if text is texts[-1] else ""), key) for text in texts]


def decode(text: str) -> SmsReport:
    """Decodes a text. Spaces, line breaks, lower case and anything before the mark are ignored.

    Raises ValueError, whose message names the part that cannot be decoded.
    """
    plain = "".join(text.split()).upper()[-MAX_CHARACTERS:]
    matches = (_MESSAGE.fullmatch(plain, mark.start()) for mark in re.finditer(_MARK, plain))
    message = next((match for match in matches if match), None)
    if message is None:
        raise ValueError(f"not of the form H1/serial/epoch/first/offset/hours/check in {MAX_CHARACTERS} characters")
    offset = int(message["minutes"]) * (1 if message["side"] == "E" else -1)
    battery = None if message["battery"] is None else int(message["battery"])
    if abs(offset) > _MAX_OFFSET_MINUTES or (battery or 0) > 100:
        raise ValueError("an offset beyond 18 hours or a battery beyond 100 percent")
    return SmsReport(
        message["serial"],
        tuple(_hours(message["hours"], int(message["epoch"], 36), int(message["first"], 36), offset)),
        None if message["through"] is None else int(message["through"], 36) * _MINUTE,
        None if battery is None else battery / 100,
        message["signed"],
        message["check"],
    )


def _packed(serial: str, hours: Iterable[HourReport], offset: int, room: int) -> Iterator[str]:
    """Texts without tail and checksum, each with as many hours as fit into `room` characters."""
    text, before = "", None
    for hour in hours:
        number = _local_hour(hour, offset)
        follows = before is not None and (hour.epoch, hour.first) == (before.epoch, before.end) and hour.at > before.at
        if before is not None and follows:
            distance = number - _local_hour(before, offset)
            longer = f"{text},{'' if distance == 1 else _base36(distance)}{_counts(hour)}"
            if len(longer) <= room and distance < 36**4:
                text, before = longer, hour
                continue
        if text:
            yield text
        text, before = f"{_head(serial, hour.epoch, hour.first, offset)}{_base36(number)}{_counts(hour)}", hour
    if text:
        yield text


def _head(serial: str, epoch: int, first: int, offset: int) -> str:
    """The parts of a text before its hours: mark, serial, epoch, first sequence and offset."""
    side = "W" if offset < 0 else "E"
    return f"{_MARK}{serial}/{_base36(epoch)}/{_base36(first)}/{side}{abs(offset)}/"


def _local_hour(hour: HourReport, offset: int) -> int:
    """The number of the local hour that begins at a report's instant. ValueError if none begins there."""
    number, remainder = divmod(hour.at + offset * _MINUTE, _HOUR)
    if remainder or not 0 <= number < 36**4:
        raise ValueError(f"no local hour begins at {hour.at} with offset {offset}")
    return number


def _counts(hour: HourReport) -> str:
    """The counts of a report in base 36, each after a dot. ValueError if they cannot be sent."""
    if min(hour.counts, default=0) < 0 or _is_impossible(hour):
        raise ValueError(f"cannot be sent by SMS: {hour}")
    counts = [_base36(count) if count else "" for count in hour.counts]
    while not counts[-1]:
        counts.pop()
    return "." + ".".join(counts)


def _hours(text: str, epoch: int, first: int, offset: int) -> Iterator[HourReport]:
    """The hours of a text; the first begins at sequence `first`, each other where the one before ends."""
    if epoch >= DEVICE_EPOCHS:
        raise ValueError(f"epoch {epoch} is beyond {DEVICE_EPOCHS - 1}")
    number = None
    for entry in text.split(",") if text else ():
        parts = _ENTRY.fullmatch(entry)
        if parts is None or (number is None and not parts[1]):
            raise ValueError(f"{entry!r} is not of the form hour.count.count")
        number = int(parts[1], 36) if number is None else number + int(parts[1] or "1", 36)
        counts = tuple(int(count or "0", 36) for count in parts[2][1:].split("."))
        hour = HourReport(epoch, first, number * _HOUR - offset * _MINUTE, counts, offset)
        _refuse_impossible(hour, entry)
        yield hour
        first = hour.end


def _is_impossible(hour: HourReport) -> bool:
    """Whether a report has no press, or more presses or buttons than an hour can have."""
    has_too_many = max(hour.counts, default=0) > _MAX_OF_BUTTON or sum(hour.counts) > _MAX_PRESSES
    return not any(hour.counts) or has_too_many or len(hour.counts) > MAX_BUTTONS


def _refuse_impossible(hour: HourReport, entry: str) -> None:
    """ValueError if a report is impossible or has sequences that a device cannot have."""
    if _is_impossible(hour):
        limits = f"{_MAX_OF_BUTTON} of a button, {_MAX_PRESSES} presses or {MAX_BUTTONS} buttons"
        raise ValueError(f"{entry!r} has no press, or over {limits}")
    if hour.first < 1 or hour.end > DEVICE_SEQUENCES:
        raise ValueError(f"{entry!r} has sequences outside 1 to {DEVICE_SEQUENCES - 1}")


def _signed(text: str, key: bytes) -> str:
    """A text with its checksum."""
    return f"{text}/{_check(text + '/', key)}"


def _check(signed: str, key: bytes) -> str:
    """The checksum: the first 5 bytes of the HMAC-SHA256 in base 32."""
    return b32encode(hmac.digest(key, signed.encode("ascii"), "sha256")[:_CHECK_BYTES]).decode("ascii")


def _base36(number: int) -> str:
    """A number in base 36, in capitals."""
    digits = ""
    while True:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
        if not number:
            return digits
