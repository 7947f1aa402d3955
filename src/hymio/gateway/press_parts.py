"""The optional parts of a press in a request: how it was pressed, phases, metadata and demographics.

Parts without errors are decoded with their press into typed values. Otherwise `readable_parts` parses them one by one:
a part with an error becomes a PartError, and the other parts and the press itself are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct

from hymio.feedback import ContactDetails, Demographics, Followup, Phases, Text, Ui
from hymio.gateway.assessing import assessed
from hymio.gateway.text import as_text, short, storable

MAX_PHASES = 16
MAX_METADATA = 20
MAX_WORDS = 20
MAX_TEXT = 10_000
MAX_CONTACT = 254
MAX_POSITION = (1 << 15) - 1

_MAX_EXACT = (1 << 53) - 1

ButtonUi = Literal["physical", "digital", "touchless", "qr", "link", "email"]
PhaseUi = Literal["physical", "digital", "touchless", "qr", "link", "email", "exit", "skip", "timeout"]
Id = Annotated[int, Meta(ge=1, le=_MAX_EXACT)]
Position = Annotated[int, Meta(ge=1, le=MAX_POSITION)]
Relevance = Annotated[float, Meta(ge=0, le=1)]
LongText = Annotated[str, Meta(max_length=MAX_TEXT)]
Word = Annotated[str, Meta(min_length=1, max_length=64, pattern="^[^,]*$")]
Locale = Annotated[str, Meta(min_length=2, max_length=35)]
Words = Annotated[list[Word], Meta(max_length=MAX_WORDS)]
Name = Annotated[str, Meta(min_length=1, max_length=MAX_CONTACT)]
Email = Annotated[str, Meta(max_length=MAX_CONTACT, pattern=r"^[^@\s]+@[^@\s]+$")]
Metadata = Annotated[
    dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=1_000)]], Meta(max_length=MAX_METADATA)
]
Age = Annotated[int, Meta(ge=0, le=130)]
Gender = Literal["male", "female"]


class TypedFollowup(Struct, gc=False):
    """A follow-up question and the option chosen; no option where the person skipped it."""

    question: Id | None = None
    option: Id | None = None


class TypedText(Struct, gc=False):
    """An open text with a client's assessment of it: relevance, spam, masked and translated forms, categories.

    With `language`, the locale in which it was asked for, Hymio assesses what the client did not.
    """

    text: LongText | None = None
    language: Locale | None = None
    relevance: Relevance | None = None
    spam: bool | None = None
    masked: LongText | None = None
    rephrased: LongText | None = None
    english: LongText | None = None
    categories: Words | None = None
    themes: Words | None = None


class TypedContact(Struct, gc=False):
    """Contact details of the person."""

    name: Name
    email: Email | None = None
    phone: Name | None = None


class TypedPhase(Struct, gc=False):
    """One phase; exactly one of `followup`, `text` and `contact` is given."""

    followup: TypedFollowup | None = None
    text: TypedText | None = None
    contact: TypedContact | None = None
    position: Position | None = None
    ui: PhaseUi | None = None


class TypedDemographics(Struct, gc=False):
    """Gender and age that a device's camera estimated."""

    gender: Gender | None = None
    age: Age | None = None


TypedPhases = Annotated[list[TypedPhase], Meta(max_length=MAX_PHASES)]


class PartError(NamedTuple):
    """A part that cannot be read.

    `phase` is its index in the press's `phases`, or its name; `body` its JSON, for the quarantine; `detail` the error.
    """

    phase: int | str
    body: str
    detail: str


_UI = {ui.label: int(ui) for ui in Ui}
_UIS = ", ".join(_UI)
_ID = "an id as an integer from 1"
_LONG = f"a text of at most {MAX_TEXT:,} characters"
_WORDS = f"a list of at most {MAX_WORDS} words of 1 to 64 characters, without commas"
_CONTACT = f"a text of 1 to {MAX_CONTACT} characters"
_ONE_KIND = "exactly one of followup, text and contact"
_PARTS: dict[str, tuple[Any, str]] = {
    "ui": (ButtonUi, ", ".join(label for label, ui in _UI.items() if ui < Ui.EXIT)),
    "metadata": (
        Metadata,
        f"an object of at most {MAX_METADATA} keys of at most 64 characters, each with a text of at most 1,000",
    ),
    "demographics": (TypedDemographics, "an object with gender, male or female, and age, 0 to 130"),
}
_FIELDS: dict[str, tuple[Any, str]] = {
    "followup": (dict | None, "an object with question and option"),
    "followup.question": (Id | None, _ID),
    "followup.option": (Id | None, _ID),
    "text": (dict | None, "an object with text"),
    "text.text": (LongText | None, _LONG),
    "text.language": (Locale | None, "a locale of 2 to 35 characters"),
    "text.relevance": (Relevance | None, "a number from 0 to 1"),
    "text.spam": (bool | None, "true or false"),
    "text.masked": (LongText | None, _LONG),
    "text.rephrased": (LongText | None, _LONG),
    "text.english": (LongText | None, _LONG),
    "text.categories": (Words | None, _WORDS),
    "text.themes": (Words | None, _WORDS),
    "contact": (dict | None, "an object with name, email and phone"),
    "contact.name": (Name, _CONTACT),
    "contact.email": (Email | None, f"an address with an @, of at most {MAX_CONTACT} characters"),
    "contact.phone": (Name | None, _CONTACT),
    "position": (Position | None, f"an integer from 1 to {MAX_POSITION}"),
    "ui": (PhaseUi | None, _UIS),
}
PARTS = frozenset({*_PARTS, "phases"})
"""The fields of a press that are parts."""


def ui_of(label: str | None) -> int | None:
    """The stored number of a `ui`."""
    return None if label is None else _UI[label]


def phases_of(
    phases: list[TypedPhase] | None, metadata: dict[str, str] | None, demographics: TypedDemographics | None
) -> Phases | None:
    """The phases, metadata and demographics of a press, None if it has none. ValueError if they exclude each other."""
    collected = _Collected()
    for index, phase in enumerate(phases or ()):
        collected.add(phase, index)
    converted = Phases(
        tuple(collected.followups.values()),
        collected.text,
        collected.contact,
        _metadata(metadata or {}),
        _demographics(demographics),
    )
    return None if converted == Phases() else converted


@dataclass(slots=True)
class _Collected:
    """Collects the phases of one press, and refuses those that contradict earlier ones; follow-ups are by position."""

    followups: dict[int, Followup] = field(default_factory=dict)
    text: Text | None = None
    contact: ContactDetails | None = None

    def add(self, phase: TypedPhase, index: int) -> None:
        """Adds a phase, by its index in the list. ValueError if an earlier one excludes it."""
        _check_kind(phase)
        position, ui = phase.position or index + 1, ui_of(phase.ui)
        if phase.followup is not None:
            if position in self.followups:
                raise ValueError(f"position: got {position}, accepted: one that no other follow-up of the press has")
            self.followups[position] = Followup(phase.followup.option, phase.followup.question, position, ui)
        elif phase.text is not None:
            if self.text is not None:
                raise ValueError("text: got a second one, accepted: at most one in a press")
            self.text = _text(phase.text, position, ui)
        elif phase.contact is not None:
            if self.contact is not None:
                raise ValueError("contact: got a second one, accepted: at most one in a press")
            self.contact = _contact(phase.contact, position)


def _check_kind(phase: TypedPhase) -> None:
    """ValueError unless a phase is exactly one of followup, text and contact."""
    kinds = [name for name in ("followup", "text", "contact") if getattr(phase, name) is not None]
    if len(kinds) != 1:
        raise ValueError(f"got {' and '.join(kinds) or 'none'}, accepted: {_ONE_KIND}")


def _text(text: TypedText, position: int, ui: int | None) -> Text:
    """An open text whose strings a database can store."""
    stored = Text(
        _storable(text.text),
        text.relevance,
        text.spam,
        position,
        ui,
        _storable(text.masked),
        _storable(text.rephrased),
        _storable(text.english),
        tuple(map(storable, text.categories or ())),
        tuple(map(storable, text.themes or ())),
    )
    return stored if text.language is None else assessed(stored, text.language)


def _contact(contact: TypedContact, position: int) -> ContactDetails:
    """Contact details whose strings a database can store."""
    return ContactDetails(storable(contact.name), _storable(contact.email), _storable(contact.phone), position)


def _storable(text: str | None) -> str | None:
    """`storable` of a text, None without one."""
    return None if text is None else storable(text)


def _metadata(metadata: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Metadata as sorted pairs. ValueError if two keys become equal when they are made storable."""
    pairs = {storable(name): storable(value) for name, value in metadata.items()}
    if len(pairs) < len(metadata):
        raise ValueError("metadata: got keys that differ only in what cannot be stored, accepted: text")
    return tuple(sorted(pairs.items()))


def _demographics(demographics: TypedDemographics | None) -> Demographics | None:
    """Demographics; None if they have neither gender nor age."""
    if demographics is None or (demographics.gender is None and demographics.age is None):
        return None
    return Demographics(demographics.gender, demographics.age)


# --- parts with errors ------------------------------------------------------------------------------------------------


def readable_parts(press: Mapping[str, object]) -> tuple[dict[str, Any], list[PartError]]:
    """The typed parts of a press that can be read, by name, and the errors of the others.

    A phase without a position gets its index in the list plus one, whether or not those before it can be read.
    """
    parts: dict[str, Any] = {}
    errors: list[PartError] = []
    for name, value in press.items():
        if name in _PARTS and value is not None:
            try:
                parts[name] = _part(name, value)
            except (ValueError, RecursionError):
                detail = f"{name}: got {short(value)}, accepted: {_PARTS[name][1]}"
                errors.append(PartError(name, as_text({name: value}), detail))
    if press.get("phases") is not None:
        parts["phases"], phase_errors = _phases(press["phases"])
        errors += phase_errors
    return parts, errors


def _part(name: str, value: object) -> object:
    """A part of a press (`ui`, `metadata`, `demographics`) converted to its type. ValueError."""
    typed = msgspec.convert(_integral(value), _PARTS[name][0])
    if name == "metadata":
        _metadata(typed)
    return typed


def _phases(value: object) -> tuple[list[TypedPhase], list[PartError]]:
    """The phases that can be parsed, and the errors of the others."""
    if not isinstance(value, list) or len(value) > MAX_PHASES:
        got = f"{len(value)} of them" if isinstance(value, list) else short(value)
        detail = f"phases: got {got}, accepted: a list of at most {MAX_PHASES} phases"
        return [], [PartError("phases", as_text({"phases": value}), detail)]
    collected = _Collected()
    phases: list[TypedPhase] = []
    errors: list[PartError] = []
    for index, item in enumerate(value):
        try:
            phases.append(_phase(item, index, collected))
        except (ValueError, RecursionError) as error:
            errors.append(PartError(index, as_text(item), _error_of_phase(item, str(error))))
    return phases, errors


def _phase(item: object, index: int, collected: _Collected) -> TypedPhase:
    """One phase, with its index in the list plus one as its position if it has none; added to `collected`.

    ValueError if it is unreadable, or if `collected` refuses it.
    """
    phase = msgspec.convert(_integral(item), TypedPhase)
    phase.position = phase.position or index + 1
    collected.add(phase, index)
    return phase


def _error_of_phase(item: object, default: str) -> str:
    """An error text for the first unreadable field, else `default`."""
    if not isinstance(item, dict):
        return f"got {short(item)}, accepted: an object with {_ONE_KIND}"
    for path, (kind, accepted) in _FIELDS.items():
        outer, _, inner = path.partition(".")
        fields = item.get(outer) if inner else item
        if not isinstance(fields, dict):
            continue
        value = fields.get(inner or outer)
        try:
            msgspec.convert(_integral(value), kind)
        except (ValueError, RecursionError):
            return f"{path}: got {'nothing' if value is None else short(value)}, accepted: {accepted}"
    return default


def _integral(value: object) -> object:
    """Floats with integral values, 5.0 or 5e0, as integers, at any depth: some languages have no integers."""
    if isinstance(value, dict):
        return {name: _integral(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_integral(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
