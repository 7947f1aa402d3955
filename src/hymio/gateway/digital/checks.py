"""Refuses what a web message says if it is too long, says nothing or contradicts itself, whatever its survey asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hymio.errors import BadRequest, Phrase

if TYPE_CHECKING:
    from hymio.gateway.digital.message import Message, TypedContact

MAX_TEXT: Final = 2_000
"""Characters of a text that a person may write on the web."""

LEFT: Final = ("exit", "skip", "timeout")
"""How a question was left without an answer."""


def check_said(message: Message) -> None:
    """BadRequest for an answer that says nothing, contradicts itself, or has a field of a form that is wrong."""
    followup, text, contact = message.followup, message.text, message.contact
    if followup is not None:
        _check_left("followup.ui", followup.ui, is_answered=followup.option is not None)
    if text is not None:
        check_text(text.text)
        _check_left("text.ui", text.ui, is_answered=text.text is not None)
    if contact is not None:
        check_contact(contact)


def _check_left(parameter: str, ui: str | None, *, is_answered: bool) -> None:
    """BadRequest unless `ui` says how a question was left exactly where there is no answer."""
    if (ui in LEFT) is is_answered:
        accepted = Phrase("exit, skip or timeout without an answer, and none of these with one")
        raise BadRequest(parameter=parameter, got=ui or "nothing", accepted=accepted)


def check_contact(contact: TypedContact) -> None:
    """BadRequest for contact details by which nobody can answer, or whose e-mail address is none."""
    if not contact.name.strip() or not (contact.email or contact.phone):
        raise BadRequest(
            "contact-incomplete", "Please give your name, and an e-mail address or a telephone number.",
            parameter="contact",
        )  # fmt: skip


def check_text(text: str | None) -> None:
    """BadRequest for a text that is too long; it is never cut."""
    if text is not None and len(text) > MAX_TEXT:
        raise BadRequest(
            "text-too-long",
            "The text has {length} characters; it may have {most}.",
            parameter="text", length=len(text), most=MAX_TEXT,
        )  # fmt: skip
