"""Presses and uploads as smileys send them, feedback as Hymio stores it, and the keys and ids of both."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from enum import IntEnum
from functools import lru_cache, partial
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, NamedTuple
from uuid import UUID

DEVICE_EPOCHS = 1 << 32
"""Epochs of devices are in [0, DEVICE_EPOCHS); the upper half of a client's UUID, as a signed number, never is."""

DEVICE_SEQUENCES = 1 << 31
"""Sequences of devices are in [1, DEVICE_SEQUENCES); placeholders have negative ones (`placeholder_sequence`)."""

_ORDINALS, _BUTTONS = 1 << 16, 1 << 4
_CLIENT_VERSIONS = (4, 7)


class Accuracy(IntEnum):
    """How exactly the instant of a feedback is known: to the second, the hour (SMS) or an interval (counters)."""

    SECOND = 0
    HOUR = 1
    INTERVAL = 2

    @property
    def label(self) -> str:
        """The published name: `1s`, `1h` or `interval`."""
        return ("1s", "1h", "interval")[self]


class Verdict(IntEnum):
    """The verdict of a feedback: counted, misuse (1 to 6), superseded, a test, or quarantined (from 20)."""

    COUNTED = 0
    CLOSED = 1
    REPEAT = 2
    BURST = 3
    INTERVAL = 4
    ROBOT = 5
    SCANNER = 6
    SUPERSEDED = 10
    TEST = 11
    NO_PLACEMENT = 20
    NO_SURVEY = 21
    OFF_SCALE = 22
    IMPOSSIBLE_TIME = 23
    WRONG_SURVEY = 24
    CONFLICT = 25
    UNREADABLE = 26

    @property
    def label(self) -> str:
        """The published name: the member's name in lower case."""
        return self.name.lower()


RAW_VERDICTS = tuple(v for v in Verdict if v < Verdict.SUPERSEDED)


def is_raw(verdict: int) -> bool:
    """Whether a feedback is a raw result: counted or misuse, and neither superseded, a test nor quarantined."""
    return verdict < Verdict.SUPERSEDED


def is_quarantined(verdict: int) -> bool:
    """Whether a feedback is in quarantine: stored, but neither raw nor counted until the set-up is corrected."""
    return verdict >= Verdict.NO_PLACEMENT


class Finding(IntEnum):
    """What intake finds out about a press of a web smiley, and the rules then take as a fact.

    REPEAT: its visitor had answered before; ROBOT: a program pressed; SCANNER: a mail scanner followed all links; TEST:
    its smiley was being installed.
    """

    NONE = 0
    REPEAT = 1
    ROBOT = 2
    SCANNER = 3
    TEST = 4

    @property
    def verdict(self) -> Verdict:
        """The verdict of a press with this finding: misuse or a test; COUNTED for NONE."""
        return (Verdict.COUNTED, Verdict.REPEAT, Verdict.ROBOT, Verdict.SCANNER, Verdict.TEST)[self]


class Ui(IntEnum):
    """How a button was pressed or a phase answered, by API v2's names; EXIT, SKIP and TIMEOUT are without an answer."""

    PHYSICAL = 1
    DIGITAL = 2
    TOUCHLESS = 3
    QR = 4
    LINK = 5
    EMAIL = 6
    EXIT = 7
    SKIP = 8
    TIMEOUT = 9

    @property
    def label(self) -> str:
        """The published name: the member's name in lower case."""
        return self.name.lower()


LEFT: Final = (Ui.EXIT, Ui.SKIP, Ui.TIMEOUT)
"""How a question was left without an answer."""


class Followup(NamedTuple):
    """The chosen option of a follow-up question; None if no option was chosen (`ui` says how the question was left).

    `position` is the place in the survey's flow, in which the button has 0; other phases have it too.
    """

    option: int | None
    question: int | None = None
    position: int = 1
    ui: int | None = None


class Text(NamedTuple):
    """An open text after the button; `text` is None if the source left it out.

    The other fields are the source's assessment, stored as received and never computed here: `relevance` from 0.0
    (worst) to 1.0 (best), whether it is spam, the text with profanity masked, rephrased, and in English, its
    categories and themes.
    """

    text: str | None = None
    relevance: float | None = None
    spam: bool | None = None
    position: int = 1
    ui: int | None = None
    masked: str | None = None
    rephrased: str | None = None
    english: str | None = None
    categories: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()


class ContactDetails(NamedTuple):
    """Contact details of a person who wants a reply."""

    name: str
    email: str | None = None
    phone: str | None = None
    position: int = 1


class Metadatum(NamedTuple):
    """A value that came with a press, under a name."""

    name: str
    value: str


class Demographics(NamedTuple):
    """Gender (`male` or `female`) and age in years, as the device sent them; Hymio never estimates them."""

    gender: str | None = None
    age: int | None = None


class Phases(NamedTuple):
    """What was sent with or after the button of a press; `metadata` are pairs of key and value."""

    followups: tuple[Followup, ...] = ()
    text: Text | None = None
    contact: ContactDetails | None = None
    metadata: tuple[tuple[str, str], ...] = ()
    demographics: Demographics | None = None


class Press(NamedTuple):
    """One press as a smiley sends it; `at` is in ms UTC on the smiley's clock.

    `epoch` and `sequence` are the device's numbers, or the two halves of a client's UUID (`client_key`). A press with a
    UUID has the `survey` that was shown and may have the hash of its visitor. Its `phases` may be sent with the press
    or later, with the same press again. `finding` is a Finding that its way in made. A press of an e-mail has in
    `mailed` two visitor hashes of the mail's token with each button: first those of answers, then those of robots.
    """

    epoch: int
    sequence: int
    at: int
    button: int
    survey: int | None = None
    visitor: bytes | None = None
    ui: int | None = None
    phases: Phases | None = None
    finding: int = 0
    mailed: tuple[bytes, ...] = ()


class HourReport(NamedTuple):
    """An hour reported by SMS: `counts[i]` presses of button i, whose sequences begin with `first`.

    `at` is the instant at which the hour begins by `offset`, the minutes east of UTC of the terminal's local time; None
    in reports that were stored without offset.
    """

    epoch: int
    first: int
    at: int
    counts: tuple[int, ...]
    offset: int | None = None

    @property
    def end(self) -> int:
        """The first sequence after those of this hour."""
        return self.first + sum(self.counts)


class UnusablePress(NamedTuple):
    """A press that cannot be stored as feedback, because it is unreadable or in conflict with a stored press.

    `body` is its text, `sequence` 0 if unknown. If the press itself is stored and only a part of it is unusable,
    `phase` names the part.
    """

    epoch: int
    sequence: int
    reason: Verdict
    body: str
    phase: str | None = None


class Health(NamedTuple):
    """A smiley's report about itself: battery from 0.0 to 1.0, signal in dBm, firmware version."""

    battery: float | None = None
    signal: int | None = None
    firmware: str | None = None


class SequenceRange(NamedTuple):
    """The sequences of an epoch from `first` to `last`, both included."""

    epoch: int
    first: int
    last: int


class Upload(NamedTuple):
    """All that a smiley sends in one request; `clock` is its clock (ms UTC) at that time.

    `lost` are sequences that the device can no longer send. `reported_through` is the instant (on its clock) up to
    which it has sent all presses. `correction` is the ms to add to its instants, where an earlier slice of the same
    request has decided it; otherwise it is None, and `clock` decides.
    """

    smiley: int
    presses: tuple[Press, ...] = ()
    hours: tuple[HourReport, ...] = ()
    unusable: tuple[UnusablePress, ...] = ()
    clock: int | None = None
    reported_through: int | None = None
    lost: tuple[SequenceRange, ...] = ()
    health: Health = Health()
    correction: int | None = None


class Feedback(NamedTuple):
    """A stored press: its key, what was resolved for it, its verdict, and the revision in which it was stored.

    `at` is the corrected instant (ms UTC), `correction` the ms that were added to the device's clock, `offset` the UTC
    offset of the point at that instant in minutes. `accuracy`, `finding`, `verdict` and `ui` are values of Accuracy,
    Finding, Verdict and Ui. A quarantined feedback has a `quarantine_key` instead of
    an assignment, and offset 0.
    """

    smiley: int
    epoch: int
    sequence: int
    at: int
    offset: int
    correction: int
    button: int
    accuracy: int
    finding: int
    assignment: int
    verdict: int
    revision: int
    ui: int | None = None

    @property
    def order(self) -> tuple[int, int, int, int]:
        """The order of raw results: instant, then key."""
        return self.at, self.smiley, self.epoch, self.sequence

    @property
    def is_assigned(self) -> bool:
        """Whether it has an assignment, which quarantined feedback does not have."""
        return self.assignment > 0


def quarantine_key(survey: int | None) -> int:
    """The value of the column `assignment_id` of a quarantined feedback: minus its press's survey, 0 without survey.

    It is never positive, so it differs from ids. The survey is needed to resolve the press again.
    """
    return -(survey or 0)


def survey_named_in(key: int) -> int | None:
    """The survey of a `quarantine_key`, None without one."""
    return -key or None


feedback_from_fields: Callable[[tuple[Any, ...]], Feedback] = partial(tuple.__new__, Feedback)
"""Makes a feedback of a tuple with all its fields in order: twice as fast as the constructor."""

chain_order: Callable[[Feedback], tuple[int, int, int, int, int]] = itemgetter(
    *map(Feedback._fields.index, ("assignment", "smiley", "at", "epoch", "sequence"))
)
"""Sort key of feedbacks for judging: by chain, then in order of time."""


class QuarantineNotice(NamedTuple):
    """An entry in a receipt's list of quarantined presses.

    It is one press, the part of a press that `phase` names, or so many `presses` of the hour that begins with
    `sequence`.
    """

    epoch: int
    sequence: int
    reason: Verdict
    phase: str | None = None
    presses: int = 1


class Receipt(NamedTuple):
    """The answer to an upload after its commit; the smiley may delete the presses of the upload.

    `new` presses were not known before; `held` of them went into quarantine.
    `acknowledged` are pairs of an epoch and the highest sequence up to which no sequence of the epoch is missing.
    """

    smiley: int
    revision: int
    new: int
    held: int
    duplicates: int
    quarantined: tuple[QuarantineNotice, ...]
    acknowledged: tuple[tuple[int, int], ...]
    correction: int

    @property
    def stored(self) -> int:
        """How many presses are new and not in quarantine."""
        return self.new - self.held


def client_key(identity: UUID) -> tuple[int, int]:
    """Epoch and sequence of a press with a UUID of version 4 or 7: the UUID's two halves as signed 64-bit numbers.

    ValueError for other versions, which Hymio uses itself or which are not unique.
    """
    if identity.version not in _CLIENT_VERSIONS:
        raise ValueError(f"got a UUID of version {identity.version}; accepted are versions 4 and 7")
    epoch, sequence = _signed(identity.int >> 64), _signed(identity.int & (1 << 64) - 1)
    if 0 <= epoch < DEVICE_EPOCHS:
        raise ValueError("got a UUID whose upper half is below 2^32; accepted are randomly made ones")
    return epoch, sequence


def visitor_hash(visitor: str, organization: int) -> bytes:
    """The hash under which a visitor is stored; salted by the organization, so that organizations cannot compare."""
    return hashlib.sha256(f"{organization}:{visitor}".encode("utf-8", "replace")).digest()


def is_device_key(epoch: int) -> bool:
    """Whether a key has a device's epoch and sequence, and not the halves of a client's UUID."""
    return 0 <= epoch < DEVICE_EPOCHS


def sequences_by_epoch(presses: Iterable[Press]) -> dict[int, list[int]]:
    """The sequences of presses by epoch, in the order of the presses."""
    sequences: dict[int, list[int]] = {}
    for epoch, run in groupby(presses, key=itemgetter(0)):
        sequences.setdefault(epoch, []).extend(map(itemgetter(1), run))
    return sequences


class Placeholder(NamedTuple):
    """A placeholder: the `ordinal`-th press of a button in the hour report whose first sequence is `first`."""

    first: int
    button: int
    ordinal: int


def placeholder_sequence(first: int, button: int, ordinal: int) -> int:
    """The sequence of a placeholder: a negative number that encodes the fields of `Placeholder`."""
    return -1 - ((first * _BUTTONS + button) * _ORDINALS + ordinal)


def placeholder_of(sequence: int) -> Placeholder:
    """The hour, button and ordinal of a placeholder's sequence."""
    first_and_button, ordinal = divmod(-1 - sequence, _ORDINALS)
    first, button = divmod(first_and_button, _BUTTONS)
    return Placeholder(first, button, ordinal)


def feedback_id(smiley: int, epoch: int, sequence: int) -> UUID:
    """The published id: the client's UUID, or for a device's key a UUID of version 8 (RFC 9562).

    Its 122 free bits are smiley (32), epoch (32), whether the sequence is a placeholder's (1) and the sequence (53).
    """
    return UUID(int=_published(smiley, epoch, sequence))


def feedback_id_text(smiley: int, epoch: int, sequence: int) -> str:
    """The published id as text; the part that all presses of an epoch share is cached, as a listing has thousands."""
    if 0 <= sequence < 1 << 48 and is_device_key(epoch):
        return f"{_device_digits(smiley, epoch)}{sequence:012x}"  # the last 48 bits are those of the sequence
    return _with_hyphens(f"{_published(smiley, epoch, sequence):032x}")


@lru_cache(maxsize=8192)
def _device_digits(smiley: int, epoch: int) -> str:
    """The published id of an epoch's presses without the last 12 digits."""
    return _with_hyphens(f"{_published(smiley, epoch, 0):032x}")[:-12]


def _with_hyphens(digits: str) -> str:
    """32 hexadecimal digits in the text form of a UUID."""
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _published(smiley: int, epoch: int, sequence: int) -> int:
    """The 128 bits of the published id."""
    if not is_device_key(epoch):
        return _unsigned(epoch) << 64 | _unsigned(sequence)
    negative = sequence < 0
    bits = ((smiley << 32 | epoch) << 1 | negative) << 53 | (-1 - sequence if negative else sequence)
    high, middle, low = bits >> 74, bits >> 62 & 0xFFF, bits & (1 << 62) - 1
    return high << 80 | 0x8 << 76 | middle << 64 | 0b10 << 62 | low


def key_of_feedback_id(identity: UUID) -> tuple[int | None, int, int]:
    """Smiley (None for a client's UUID), epoch and sequence of a published id. ValueError for other UUIDs."""
    if identity.version != 8:
        return None, *client_key(identity)
    value = identity.int
    bits = (value >> 80) << 74 | (value >> 64 & 0xFFF) << 62 | value & (1 << 62) - 1
    number, negative = bits & (1 << 53) - 1, bits >> 53 & 1
    return bits >> 86, bits >> 54 & (1 << 32) - 1, -1 - number if negative else number


def _signed(half: int) -> int:
    """An unsigned 64-bit number as a signed one."""
    return half - (1 << 64) if half >> 63 else half


def _unsigned(half: int) -> int:
    """A signed 64-bit number as an unsigned one."""
    return half & (1 << 64) - 1
