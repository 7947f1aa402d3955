"""Any SMS gateway that sends a shared secret: GET or POST, fields in the query, a form or JSON, or a body of text."""

from __future__ import annotations

from typing import Final

from hymio.access import SmsGateway
from hymio.gateway.sms.fields import fields_of, first_of, text_missing, text_of, word
from hymio.gateway.sms.parts import part_of
from hymio.gateway.sms.request import Adapter, Answer, SmsRequest, TextMessage

_SENDER_FIELDS: Final = ("from", "sender", "msisdn")
_TEXT_FIELDS: Final = ("text", "body", "message")
"""Names that SMS gateways use for the same field, in any case."""


def _read(request: SmsRequest) -> TextMessage:
    """The text in the first field of _TEXT_FIELDS, in the charset of the Content-Type or of the field `charset`."""
    fields = fields_of(request)
    value = first_of(fields, _TEXT_FIELDS)
    if value is None:
        raise text_missing()
    sender = word(fields, *_SENDER_FIELDS) or request.headers.get(b"x-kannel-from", "")
    text = text_of(value, request.charset or word(fields, "charset") or None)
    return TextMessage(sender, text, part_of(fields, request.headers.get(b"x-kannel-udh", "")))


ADAPTER: Final = Adapter(SmsGateway.GENERIC, _read, Answer(204))
