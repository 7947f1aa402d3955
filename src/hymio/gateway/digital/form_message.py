"""What a form of the hosted page says that comes after the button."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from hymio.errors import BadRequest
from hymio.gateway.digital.checks import check_text
from hymio.gateway.digital.link import Link, whole
from hymio.gateway.digital.message import Message, TypedContact, TypedFollowup, TypedText
from hymio.gateway.digital.shown import Shown
from hymio.gateway.press_parts import MAX_CONTACT


def message_after(
    here: Shown, link: Link, press: UUID, step: str, button: int, fields: Mapping[str, str]
) -> Message | None:
    """The message of a form; None if it says nothing. BadRequest."""
    code, is_skipped = here.publication.code, "skip" in fields
    if step == "followup":
        asked, option = here.followup(button), None if is_skipped else whole(fields.get("option", ""))
        if asked is None:
            return None
        ui: Any = link.ui if option is not None else "skip"
        return Message(smiley=code, id=press, followup=TypedFollowup(asked.id, option, ui))
    if step == "text":
        text = "" if is_skipped else fields.get("text", "").strip().replace("\r\n", "\n")
        check_text(text)
        typed = TypedText(text, _ui(link)) if text else TypedText(None, "skip")
        return Message(smiley=code, id=press, text=typed, lang=here.locale)
    if step == "contact" and not is_skipped:
        return Message(smiley=code, id=press, contact=_contact(fields))
    return None


def _ui(link: Link) -> Any:
    return link.ui


def _contact(fields: Mapping[str, str]) -> TypedContact | None:
    """The contact details of a form, None if all fields are empty. BadRequest."""
    name, email, phone = (fields.get(field, "").strip() for field in ("name", "email", "phone"))
    if not (name or email or phone):
        return None
    for field, value in (("name", name), ("email", email), ("phone", phone)):
        if len(value) > MAX_CONTACT:
            raise BadRequest(
                "contact-field-too-long", "{parameter}: at most {most} characters", parameter=field, most=MAX_CONTACT
            )
    if not name or not (email or phone):
        raise BadRequest("contact-incomplete", "Please give your name, and an e-mail address or a telephone number.")
    local, at, domain = email.partition("@")
    if email and not (local and at and domain and "@" not in domain and not any(map(str.isspace, email))):
        raise BadRequest("contact-email-unreadable", "Please check the e-mail address.")
    return TypedContact(name, email or None, phone or None)
