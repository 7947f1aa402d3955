"""What a smiley says (press, upload) and what Hymio keeps of it (feedback and its phases)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import IntEnum
from functools import lru_cache, partial
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

DEVICE_EPOCHS = 1 << 32
"""A device's epoch lies in [0, DEVICE_EPOCHS); the upper half of a client-made UUID never does."""

DEVICE_SEQUENCES = 1 << 31
"""A device's sequence lies in [1, DEVICE_SEQUENCES); negative ones are placeholders."""

_ORDINALS, _BUTTONS = 1 << 16, 1 << 4
_CLIENT_VERSIONS = (4, 7)


class Accuracy(IntEnum):
    """How exactly the instant of a feedback is known."""

    SECOND = 0
    HOUR = 1
    INTERVAL = 2

    @property
    def label(self) -> str:
        """`1s`, `1h` or `interval`, as people and machines read it."""
        return ("1s", "1h", "interval")[self]


class Verdict(IntEnum):
    """What became of a feedback: counted, misuse with its reason, superseded, or quarantined with its reason."""

    COUNTED = 0
    CLOSED = 1
    REPEAT = 2
    BURST = 3
    INTERVAL = 4
    SUPERSEDED = 10
    NO_PLACEMENT = 20
    NO_SURVEY = 21
    OFF_SCALE = 22
    IMPOSSIBLE_TIME = 23
    WRONG_SURVEY = 24
    CONFLICT = 25
    UNREADABLE = 26

    @property
    def label(self) -> str:
        """The name in lower case, as it is published."""
        return self.name.lower()


RAW_VERDICTS = tuple(v for v in Verdict if v < Verdict.SUPERSEDED)
MISUSE_VERDICTS = RAW_VERDICTS[1:]


def is_raw(verdict: int) -> bool:
    """Whether a feedback is a raw result: counted or misuse, neither superseded nor quarantined."""
    return verdict < Verdict.SUPERSEDED


def is_quarantined(verdict: int) -> bool:
    """Whether a feedback waits for somebody to mend the set-up."""
    return verdict >= Verdict.NO_PLACEMENT


class Ui(IntEnum):
    """By what means somebody answered, with API v2's labels; the last three leave a phase without an answer."""

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
        """The name in lower case, as it is published."""
        return self.name.lower()


class Followup(NamedTuple):
    """The option chosen after the button, None where the question was left without a choice (`ui` says how).

    `position` counts the phases of a survey's flow; the button is at 0. So in all phases.
    """

    option: int | None
    question: int | None = None
    position: int = 1
    ui: int | None = None


class Text(NamedTuple):
    """Open text after the button; `relevance` is 0.0 worst to 1.0 best, text may have been left out at the source.

    What was found out about it is kept as it was told, never made here: the text with profanity masked or rephrased, in
    English, whether it is spam, its categories and themes.
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
    """How somebody wants to be called back."""

    name: str
    email: str | None = None
    phone: str | None = None
    position: int = 1


class Metadatum(NamedTuple):
    """A value that came with a press, under a name."""

    name: str
    value: str


class Demographics(NamedTuple):
    """What a device told of the person; never estimated here. Gender is `male` or `female`, age in years."""

    gender: str | None = None
    age: int | None = None


class Phases(NamedTuple):
    """The phases of one press: what came after, or with, its button; `metadata` are pairs of key and value."""

    followups: tuple[Followup, ...] = ()
    text: Text | None = None
    contact: ContactDetails | None = None
    metadata: tuple[tuple[str, str], ...] = ()
    demographics: Demographics | None = None


class Press(NamedTuple):
    """One press as the smiley tells it; `at` is its own clock in ms UTC.

    `epoch` and `sequence` are the device's numbers or the two halves of a client-made UUID (`halves`). A web or kiosk
    press names the `survey` it showed and may carry a hash of its visitor. What comes `after` the button may be told
    with the press or when the press is told again.
    """

    epoch: int
    sequence: int
    at: int
    button: int
    survey: int | None = None
    visitor: bytes | None = None
    ui: int | None = None
    phases: Phases | None = None


class HourReport(NamedTuple):
    """What an SMS says of the hour from `at`: `counts[i]` presses of button i, numbered from `first` on.

    `at` is the full hour by `offset`, the minutes east of UTC that the terminal's clock was set to; None: not told.
    """

    epoch: int
    first: int
    at: int
    counts: tuple[int, ...]
    offset: int | None = None

    @property
    def end(self) -> int:
        """The first sequence after this hour's."""
        return self.first + sum(self.counts)


class Misfit(NamedTuple):
    """A press that could not be read or contradicts a stored one, kept as its text; `sequence` is 0 when unknown.

    Where the press itself is well and something that came with or after its button is not, `phase` says what.
    """

    epoch: int
    sequence: int
    reason: Verdict
    body: str
    phase: str | None = None


class Health(NamedTuple):
    """What a smiley says about itself; battery 0.0 to 1.0, signal in dBm."""

    battery: float | None = None
    signal: int | None = None
    firmware: str | None = None


class SequenceRange(NamedTuple):
    """The sequences from `first` through `last` of an epoch, neither left out."""

    epoch: int
    first: int
    last: int


class Upload(NamedTuple):
    """Everything one smiley says at once; `clock` is its own clock (ms UTC) when it sent.

    `lost` are the sequences that the device knows it can no longer tell. `reported_through` is the instant (its clock)
    up to which it has told everything.
    """

    smiley: int
    presses: tuple[Press, ...] = ()
    hours: tuple[HourReport, ...] = ()
    misfits: tuple[Misfit, ...] = ()
    clock: int | None = None
    reported_through: int | None = None
    lost: tuple[SequenceRange, ...] = ()
    health: Health = Health()


class Feedback(NamedTuple):
    """A stored press: the key within its organization, the facts resolved for it, its verdict and birth revision.

    `at` is the corrected instant (ms UTC), `correction` what was added to the device's clock, `offset` the point's UTC
    offset then in minutes, `ui` how the button was pressed where that was told. A quarantined feedback has a
    `quarantine_key` for an assignment, and offset 0.
    """

    smiley: int
    epoch: int
    sequence: int
    at: int
    offset: int
    correction: int
    button: int
    accuracy: int
    repeated: int
    assignment: int
    verdict: int
    revision: int
    ui: int | None = None

    @property
    def order(self) -> tuple[int, int, int, int]:
        """Raw results are always in this order: instant, then key."""
        return self.at, self.smiley, self.epoch, self.sequence

    @property
    def is_assigned(self) -> bool:
        """Whether it belongs to an assignment, rather than waiting in quarantine for one."""
        return self.assignment > 0


def quarantine_key(survey: int | None) -> int:
    """What stands in place of an assignment's id while a press has none: minus the survey it named, 0 if it named none.

    It is never positive, as ids are. By it the press can be resolved again once the set-up is mended.
    """
    return -(survey or 0)


def survey_named_in(key: int) -> int | None:
    """The survey that a quarantined press named: `quarantine_key` undone."""
    return -key or None


made_feedback: Callable[[tuple[Any, ...]], Feedback] = partial(tuple.__new__, Feedback)
"""A feedback of all its values in order; naming them takes twice as long, and there are many."""

chain_order: Callable[[Feedback], tuple[int, int, int, int]] = itemgetter(
    *map(Feedback._fields.index, ("assignment", "at", "epoch", "sequence"))
)
"""What the feedbacks of a smiley are sorted by to be judged."""


class Quarantined(NamedTuple):
    """What of an upload is kept but not counted, and why: one press, only what of it `phase` says, or `presses` of the
    hour from this sequence on."""

    epoch: int
    sequence: int
    reason: Verdict
    phase: str | None = None
    presses: int = 1


class Receipt(NamedTuple):
    """What Hymio answers to an upload after the commit: everything in it may be forgotten by the smiley.

    `acknowledged` maps each of the smiley's epochs in the upload to the sequence through which nothing is missing.
    """

    smiley: int
    revision: int
    stored: int
    duplicates: int
    quarantined: tuple[Quarantined, ...]
    acknowledged: tuple[tuple[int, int], ...]
    correction: int


def halves(identity: UUID) -> tuple[int, int]:
    """Epoch and sequence of a press whose client made a UUID (version 4 or 7): its two signed 64-bit halves.

    Raises ValueError for other versions, which Hymio uses itself or which are not unique.
    """
    if identity.version not in _CLIENT_VERSIONS:
        raise ValueError(f"got a UUID of version {identity.version}; accepted are versions 4 and 7")
    epoch, sequence = _signed(identity.int >> 64), _signed(identity.int & (1 << 64) - 1)
    if 0 <= epoch < DEVICE_EPOCHS:
        raise ValueError("got a UUID whose upper half is below 2^32; accepted are randomly made ones")
    return epoch, sequence


def is_device_key(epoch: int) -> bool:
    """Whether a key was numbered by a device rather than made as a UUID by a client."""
    return 0 <= epoch < DEVICE_EPOCHS


def sequences_told(presses: Iterable[Press]) -> dict[int, list[int]]:
    """The sequences of presses, by epoch, as they were told."""
    told: dict[int, list[int]] = {}
    for epoch, run in groupby(presses, key=itemgetter(0)):
        told.setdefault(epoch, []).extend(map(itemgetter(1), run))
    return told


def placeholder_sequence(first: int, button: int, ordinal: int) -> int:
    """The (negative) sequence of a button's ordinal-th placeholder in the hour that starts with sequence `first`."""
    return -1 - ((first * _BUTTONS + button) * _ORDINALS + ordinal)


def placeholder_of(sequence: int) -> tuple[int, int, int]:
    """The first sequence of the hour, the button and the ordinal of a placeholder: `placeholder_sequence` undone."""
    rest, ordinal = divmod(-1 - sequence, _ORDINALS)
    first, button = divmod(rest, _BUTTONS)
    return first, button, ordinal


def feedback_id(smiley: int, epoch: int, sequence: int) -> UUID:
    """The published id: the client's own UUID, or for a device's key a UUID of version 8 (RFC 9562).

    Its 122 free bits hold smiley (32), epoch (32), whether the sequence is a placeholder's (1) and the sequence (53).
    """
    return UUID(int=_published(smiley, epoch, sequence))


def feedback_id_text(smiley: int, epoch: int, sequence: int) -> str:
    """The published id as text: listings have thousands, so what a device's presses have in common is remembered."""
    if 0 <= sequence < 1 << 48 and is_device_key(epoch):
        return f"{_device_digits(smiley, epoch)}{sequence:012x}"  # of a sequence these are the last 48 of 64 bits
    return _with_hyphens(f"{_published(smiley, epoch, sequence):032x}")


@lru_cache(maxsize=8192)
def _device_digits(smiley: int, epoch: int) -> str:
    return _with_hyphens(f"{_published(smiley, epoch, 0):032x}")[:-12]


def _with_hyphens(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _published(smiley: int, epoch: int, sequence: int) -> int:
    if not is_device_key(epoch):
        return _unsigned(epoch) << 64 | _unsigned(sequence)
    negative = sequence < 0
    bits = ((smiley << 32 | epoch) << 1 | negative) << 53 | (-1 - sequence if negative else sequence)
    high, middle, low = bits >> 74, bits >> 62 & 0xFFF, bits & (1 << 62) - 1
    return high << 80 | 0x8 << 76 | middle << 64 | 0b10 << 62 | low


def key_of(identity: UUID) -> tuple[int | None, int, int]:
    """Smiley (None for a client-made id), epoch and sequence: `feedback_id` undone. Raises ValueError for other ids."""
    if identity.version != 8:
        return None, *halves(identity)
    value = identity.int
    bits = (value >> 80) << 74 | (value >> 64 & 0xFFF) << 62 | value & (1 << 62) - 1
    number, negative = bits & (1 << 53) - 1, bits >> 53 & 1
    return bits >> 86, bits >> 54 & (1 << 32) - 1, -1 - number if negative else number


def _signed(half: int) -> int:
    return half - (1 << 64) if half >> 63 else half


def _unsigned(half: int) -> int:
    return half & (1 << 64) - 1
