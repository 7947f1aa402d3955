"""A web message: one press, with what was answered after it so far, as JSON of a browser."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from hymio.errors import BadRequest, Phrase
from hymio.feedback import ContactDetails, Followup, Phases, Text, Ui, client_key
from hymio.gateway.assessing import assessed
from hymio.gateway.digital.checks import check_said
from hymio.gateway.press_parts import Email, Id, Name, ui_of
from hymio.gateway.text import paired, short, storable

MAX_BYTES: Final = 64 << 10
MAX_METADATUM: Final = 1_000
"""Characters of a value of metadata; longer ones are left out, as nobody would see why the press is refused."""

FOLLOWUP, TEXT, CONTACT = 1, 2, 3
"""The positions of what comes after the button, which has 0."""

_MAX_EXACT: Final = (1 << 53) - 1

Milliseconds = Annotated[int, Meta(ge=-_MAX_EXACT, le=_MAX_EXACT)]
Word = Annotated[str, Meta(max_length=200)]
ButtonUi = Literal["digital", "qr", "link", "email"]
PhaseUi = Literal["digital", "qr", "link", "email", "exit", "skip", "timeout"]


class TypedFollowup(Struct, gc=False):
    """The option that was chosen of a follow-up question; none where the question was left, which `ui` then says."""

    question: Id
    option: Id | None = None
    ui: PhaseUi | None = None


class TypedText(Struct, gc=False):
    """What was written; None where the question was left."""

    text: str | None = None
    ui: PhaseUi | None = None


class TypedContact(Struct, gc=False):
    """Contact details."""

    name: Name
    email: Email | None = None
    phone: Name | None = None


class Message(Struct, gc=False):
    """A message, every field within its limits. `smiley` is the token or code of the smiley.

    `at` and `clock` are the browser's clock at the press and when the message was sent; `dwell` is how many ms after
    the smiley was shown the press came. `lang` is the locale in which it was shown, `mail` the token of an e-mail,
    `website` the honeypot, and `work` the number that proves work. Without `button` the message belongs to a press that
    is stored.
    """

    smiley: Word
    id: UUID
    button: Annotated[int, Meta(ge=0, lt=1 << 15)] | None = None
    survey: Id | None = None
    at: Milliseconds | None = None
    clock: Milliseconds | None = None
    ui: ButtonUi = "digital"
    dwell: float | None = None
    metadata: Annotated[dict[Word, str], Meta(max_length=100)] | None = None
    mail: Word | None = None
    lang: Word = ""
    website: str | None = None
    work: Word | None = None
    followup: TypedFollowup | None = None
    text: TypedText | None = None
    contact: TypedContact | None = None

    @property
    def key(self) -> tuple[int, int]:
        """Epoch and sequence of its press."""
        return client_key(self.id)

    @property
    def phases(self) -> Phases | None:
        """What came after the button, without metadata; None if nothing did."""
        followup, text, contact = self.followup, self.text, self.contact
        if followup is None and text is None and contact is None:
            return None
        return Phases(
            () if followup is None else (_followup(followup),),
            None if text is None else _text(text, self.lang),
            None if contact is None else _contact(contact),
        )


_decoder: Final[msgspec.json.Decoder[Message]] = msgspec.json.Decoder(Message)


def decoded(body: bytes) -> Message:
    """The message of a body. BadRequest for one that cannot be read, or whose text is too long."""
    try:
        message = _decoder.decode(paired(body))
        message.key  # noqa: B018  raises for a UUID of another version
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise _unreadable(body, str(error)) from error
    if message.button is not None and message.survey is None:
        raise BadRequest(parameter="survey", got="nothing", accepted=Phrase("the number of the survey that was shown"))
    check_said(message)
    return message


def _unreadable(body: bytes, cause: str) -> BadRequest:
    """The error for a body that is no message."""
    return BadRequest(
        "unreadable-message",
        "the message cannot be read: {cause}",
        parameter="body", got=short(body[:200].decode("utf-8", "replace")), cause=cause,
    )  # fmt: skip


def _followup(typed: TypedFollowup) -> Followup:
    return Followup(typed.option, typed.question, FOLLOWUP, ui_of(typed.ui))


def _text(typed: TypedText, lang: str) -> Text:
    """A text, assessed. One of blanks is no answer: its question was skipped."""
    if typed.text is not None and not typed.text.strip():
        return Text(position=TEXT, ui=int(Ui.SKIP))
    text = None if typed.text is None else storable(typed.text)
    return assessed(Text(text, position=TEXT, ui=ui_of(typed.ui)), lang)


def _contact(typed: TypedContact) -> ContactDetails:
    email, phone = (None if field is None else storable(field) for field in (typed.email, typed.phone))
    return ContactDetails(storable(typed.name), email, phone, CONTACT)


def accepted_metadata(values: dict[str, str] | None, names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """The metadata whose names a survey accepts, sorted; without empty values and ones that are too long."""
    known = values or {}
    return tuple(
        sorted((name, storable(known[name])) for name in names if 0 < len(known.get(name, "")) <= MAX_METADATUM)
    )
