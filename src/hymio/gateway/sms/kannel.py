"""Kannel 1.4: `get-url` with the fields that docs/terminal-protocol.md names, `post-url` with the text as the body.

Kannel takes 200 and 202 as accepted and sends a text again after any other status, 204 included.
"""

from __future__ import annotations

from typing import Final

from hymio.access import SmsGateway
from hymio.gateway.sms.fields import Fields, fields_of, first_of, text_missing, text_of, word
from hymio.gateway.sms.parts import part_of
from hymio.gateway.sms.request import Adapter, Answer, SmsRequest, TextMessage

_UNDECLARED: Final = ("8-bit", "binary", "gsm")
"""What `%C` says of texts that Kannel did not convert: GSM texts are UTF-8 by then, those of 8 bits are bytes."""

_UCS2: Final = "2"


def _read(request: SmsRequest) -> TextMessage:
    """The text of the field `text` (`%b`) or of the body; the rest from fields or `X-Kannel-…` headers."""
    fields = fields_of(request)
    value = first_of(fields, ("text",))
    if value is None:
        raise text_missing()
    sender = word(fields, "from") or request.headers.get(b"x-kannel-from", "")
    part = part_of(fields, request.headers.get(b"x-kannel-udh", ""))
    return TextMessage(sender, text_of(value, _charset(request, fields)), part)


def _charset(request: SmsRequest, fields: Fields) -> str | None:
    """The charset that `%C` or the Content-Type declares; UTF-16BE where only the coding says UCS-2."""
    declared = word(fields, "charset") or request.charset
    if declared is not None and declared.lower() not in _UNDECLARED:
        return declared
    coding = word(fields, "coding") or request.headers.get(b"x-kannel-coding", "")
    return "utf-16-be" if coding == _UCS2 else None


ADAPTER: Final = Adapter(SmsGateway.KANNEL, _read, Answer(200, "text/plain"))
