"""SMS Gateway for Android: the webhook of an Android phone, JSON with the text inside `payload`.

`X-Signature` is the HMAC-SHA256 of the body followed by `X-Timestamp`, in hexadecimal digits. The phone joins the
parts of longer texts. It tries again for days, under new ids of events, so neither id nor time says that a text is new.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Any, Final

from hymio.access import SmsGateway
from hymio.gateway.sms.fields import json_object, text_missing, text_of
from hymio.gateway.sms.request import Adapter, Answer, SmsRequest, TextMessage
from hymio.gateway.text import storable

_TEXT, _DATA = "sms:received", "sms:data-received"


def _read(request: SmsRequest) -> TextMessage | None:
    """The text of a received SMS, or of the bytes of one; None for all other events. BadRequest without any text."""
    event = json_object(request)
    payload = event.get("payload")
    if event.get("event") not in (_TEXT, _DATA):
        return None
    if not isinstance(payload, dict):
        raise text_missing()
    sender = next((name for name in (payload.get("sender"), payload.get("phoneNumber")) if isinstance(name, str)), "")
    return TextMessage(storable(sender), text_of(_text(event["event"], payload), None))


def _text(event: str, payload: dict[str, Any]) -> str | bytes:
    """The text of a payload. BadRequest."""
    value = payload.get("message" if event == _TEXT else "data")
    if not isinstance(value, str):
        raise text_missing()
    try:
        return value if event == _TEXT else base64.b64decode(value)
    except (binascii.Error, ValueError) as error:
        raise text_missing() from error


def is_signed(request: SmsRequest, key: str) -> bool:
    """Whether the signature fits body and timestamp."""
    timestamp = request.headers.get(b"x-timestamp", "").encode("latin-1")
    sent = request.headers.get(b"x-signature", "").lower().encode("latin-1")
    return hmac.compare_digest(sent, hmac.new(key.encode(), request.body + timestamp, "sha256").hexdigest().encode())


ADAPTER: Final = Adapter(SmsGateway.ANDROID, _read, Answer(200, "text/plain"), is_signed, ("POST",))
