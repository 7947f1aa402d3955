"""What came with or after a button, as a request writes it: how it was pressed, phases, metadata and demographics.

Like a press, it is read on one of two roads: decoded at once into typed values or, where something is wrong, taken
apart. Then each part that cannot be read is named, and leaves the others and the press itself as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct

from hymio.feedback import ContactDetails, Demographics, Followup, Phases, Text, Ui
from hymio.gateway.text import as_text, short, storable

MOST_PHASES = 16
MOST_METADATA = 20
MOST_WORDS = 20
LONGEST_TEXT = 10_000
LONGEST_CONTACT = 254
LAST_POSITION = (1 << 15) - 1

_FARTHEST = (1 << 53) - 1

ButtonUi = Literal["physical", "digital", "touchless", "qr", "link", "email"]
PhaseUi = Literal["physical", "digital", "touchless", "qr", "link", "email", "exit", "skip", "timeout"]
Id = Annotated[int, Meta(ge=1, le=_FARTHEST)]
Position = Annotated[int, Meta(ge=1, le=LAST_POSITION)]
Relevance = Annotated[float, Meta(ge=0, le=1)]
LongText = Annotated[str, Meta(max_length=LONGEST_TEXT)]
Word = Annotated[str, Meta(min_length=1, max_length=64, pattern="^[^,]*$")]
Words = Annotated[list[Word], Meta(max_length=MOST_WORDS)]
Name = Annotated[str, Meta(min_length=1, max_length=LONGEST_CONTACT)]
Email = Annotated[str, Meta(max_length=LONGEST_CONTACT, pattern=r"^[^@\s]+@[^@\s]+$")]
Metadata = Annotated[
    dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=1_000)]], Meta(max_length=MOST_METADATA)
]
Age = Annotated[int, Meta(ge=0, le=130)]
Gender = Literal["male", "female"]


class TypedFollowup(Struct, gc=False):
    """A follow-up question and the option chosen, none where it was left."""

    question: Id | None = None
    option: Id | None = None


class TypedText(Struct, gc=False):
    """An open text, and what is known about it where it comes from."""

    text: LongText | None = None
    relevance: Relevance | None = None
    spam: bool | None = None
    masked: LongText | None = None
    rephrased: LongText | None = None
    english: LongText | None = None
    categories: Words | None = None
    themes: Words | None = None


class TypedContact(Struct, gc=False):
    """How to call somebody back."""

    name: Name
    email: Email | None = None
    phone: Name | None = None


class TypedPhase(Struct, gc=False):
    """One phase of the survey's flow; exactly one of the first three is there."""

    followup: TypedFollowup | None = None
    text: TypedText | None = None
    contact: TypedContact | None = None
    position: Position | None = None
    ui: PhaseUi | None = None


class TypedDemographics(Struct, gc=False):
    """What a device told of a person."""

    gender: Gender | None = None
    age: Age | None = None


TypedPhases = Annotated[list[TypedPhase], Meta(max_length=MOST_PHASES)]


class Wrong(NamedTuple):
    """A part that cannot be read: its place in `phases` or its name, its JSON, and what is wrong with it."""

    phase: int | str
    body: str
    detail: str


_UI = {each.label: int(each) for each in Ui}
_UIS = ", ".join(_UI)
_ID = "an id as an integer from 1"
_LONG = f"a text of at most {LONGEST_TEXT:,} characters"
_WORDS = f"a list of at most {MOST_WORDS} words of 1 to 64 characters, without commas"
_CONTACT = f"a text of 1 to {LONGEST_CONTACT} characters"
_ONE_KIND = "exactly one of followup, text and contact"
_PARTS: dict[str, tuple[Any, str]] = {
    "ui": (ButtonUi, ", ".join(label for label, ui in _UI.items() if ui < Ui.EXIT)),
    "metadata": (
        Metadata,
        f"an object of at most {MOST_METADATA} keys of at most 64 characters, each with a text of at most 1,000",
    ),
    "demographics": (TypedDemographics, "an object with gender, male or female, and age, 0 to 130"),
}
_ACCEPTED: dict[str, tuple[Any, str]] = {
    "followup": (dict | None, "an object with question and option"),
    "followup.question": (Id | None, _ID),
    "followup.option": (Id | None, _ID),
    "text": (dict | None, "an object with text"),
    "text.text": (LongText | None, _LONG),
    "text.relevance": (Relevance | None, "a number from 0 to 1"),
    "text.spam": (bool | None, "true or false"),
    "text.masked": (LongText | None, _LONG),
    "text.rephrased": (LongText | None, _LONG),
    "text.english": (LongText | None, _LONG),
    "text.categories": (Words | None, _WORDS),
    "text.themes": (Words | None, _WORDS),
    "contact": (dict | None, "an object with name, email and phone"),
    "contact.name": (Name, _CONTACT),
    "contact.email": (Email | None, f"an address with an @, of at most {LONGEST_CONTACT} characters"),
    "contact.phone": (Name | None, _CONTACT),
    "position": (Position | None, f"an integer from 1 to {LAST_POSITION}"),
    "ui": (PhaseUi | None, _UIS),
}
PARTS = frozenset({*_PARTS, "phases"})
"""The fields of a press that say what came with or after its button."""


def ui_of(label: str | None) -> int | None:
    """The number of a way to answer."""
    return None if label is None else _UI[label]


def phases_of(
    phases: list[TypedPhase] | None, metadata: dict[str, str] | None, demographics: TypedDemographics | None
) -> Phases | None:
    """The phases, metadata and demographics of a press, None if it has none. ValueError if they exclude each other."""
    gathered = _Gathered()
    for place, phase in enumerate(phases or ()):
        gathered.take(phase, place)
    converted = Phases(
        tuple(gathered.followups.values()), gathered.text, gathered.contact, _metadata(metadata or {}),
        _demographics(demographics),
    )  # fmt: skip
    return None if converted == Phases() else converted


@dataclass(slots=True)
class _Gathered:
    """The phases of one press, taken one by one."""

    followups: dict[int, Followup] = field(default_factory=dict)
    text: Text | None = None
    contact: ContactDetails | None = None

    def take(self, phase: TypedPhase, place: int) -> None:
        """Takes the phase at a place of the list, from 0. ValueError where it cannot stand beside those before."""
        _check_kind(phase)
        position, ui = phase.position or place + 1, ui_of(phase.ui)
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
    told = [name for name in ("followup", "text", "contact") if getattr(phase, name) is not None]
    if len(told) != 1:
        raise ValueError(f"got {' and '.join(told) or 'none'}, accepted: {_ONE_KIND}")


def _text(told: TypedText, position: int, ui: int | None) -> Text:
    return Text(
        _kept(told.text), told.relevance, told.spam, position, ui,
        _kept(told.masked), _kept(told.rephrased), _kept(told.english),
        tuple(map(storable, told.categories or ())), tuple(map(storable, told.themes or ())),
    )  # fmt: skip


def _contact(told: TypedContact, position: int) -> ContactDetails:
    return ContactDetails(storable(told.name), _kept(told.email), _kept(told.phone), position)


def _kept(text: str | None) -> str | None:
    return None if text is None else storable(text)


def _metadata(told: dict[str, str]) -> tuple[tuple[str, str], ...]:
    kept = {storable(name): storable(value) for name, value in told.items()}
    if len(kept) < len(told):
        raise ValueError("metadata: got keys that differ only in what cannot be stored, accepted: text")
    return tuple(sorted(kept.items()))


def _demographics(told: TypedDemographics | None) -> Demographics | None:
    if told is None or (told.gender is None and told.age is None):
        return None
    return Demographics(told.gender, told.age)


# --- taken apart ------------------------------------------------------------------------------------------------------


def readable_parts(press: Mapping[str, object]) -> tuple[dict[str, Any], list[Wrong]]:
    """The typed parts of a press that can be read, by name, and those that cannot.

    A phase keeps its place in the list as its position, whatever becomes of those before it.
    """
    parts: dict[str, Any] = {}
    wrong: list[Wrong] = []
    for name, value in press.items():
        if name in _PARTS and value is not None:
            try:
                parts[name] = _part(name, value)
            except (ValueError, RecursionError):
                detail = f"{name}: got {short(value)}, accepted: {_PARTS[name][1]}"
                wrong.append(Wrong(name, as_text({name: value}), detail))
    if press.get("phases") is not None:
        parts["phases"], unread = _phases(press["phases"])
        wrong += unread
    return parts, wrong


def _part(name: str, value: object) -> object:
    typed = msgspec.convert(_whole(value), _PARTS[name][0])
    if name == "metadata":
        _metadata(typed)
    return typed


def _phases(told: object) -> tuple[list[TypedPhase], list[Wrong]]:
    if not isinstance(told, list) or len(told) > MOST_PHASES:
        got = f"{len(told)} of them" if isinstance(told, list) else short(told)
        detail = f"phases: got {got}, accepted: a list of at most {MOST_PHASES} phases"
        return [], [Wrong("phases", as_text({"phases": told}), detail)]
    gathered = _Gathered()
    good: list[TypedPhase] = []
    wrong: list[Wrong] = []
    for place, each in enumerate(told):
        try:
            good.append(_phase(each, place, gathered))
        except (ValueError, RecursionError) as error:
            wrong.append(Wrong(place, as_text(each), _complaint(each, str(error))))
    return good, wrong


def _phase(told: object, place: int, gathered: _Gathered) -> TypedPhase:
    phase = msgspec.convert(_whole(told), TypedPhase)
    phase.position = phase.position or place + 1
    gathered.take(phase, place)
    return phase


def _complaint(told: object, otherwise: str) -> str:
    if not isinstance(told, dict):
        return f"got {short(told)}, accepted: an object with {_ONE_KIND}"
    for path, (kind, accepted) in _ACCEPTED.items():
        outer, _, inner = path.partition(".")
        within = told.get(outer) if inner else told
        if not isinstance(within, dict):
            continue
        value = within.get(inner or outer)
        try:
            msgspec.convert(_whole(value), kind)
        except (ValueError, RecursionError):
            return f"{path}: got {'nothing' if value is None else short(value)}, accepted: {accepted}"
    return otherwise


def _whole(value: object) -> object:
    """A value with whole numbers even where they are written as 5.0 or 5e0: some languages have no integers."""
    if isinstance(value, dict):
        return {name: _whole(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
