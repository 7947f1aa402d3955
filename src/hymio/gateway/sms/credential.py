"""Where a gateway that sends a secret puts it."""

from __future__ import annotations

import base64
import binascii

from hymio.gateway.sms.fields import query_fields, word
from hymio.gateway.sms.request import SmsRequest


def secret_of(request: SmsRequest) -> str | None:
    """The secret from its own header, the password of HTTP Basic, or the query; None where it is in none of these."""
    scheme, _, credentials = request.headers.get(b"authorization", "").partition(" ")
    if b"x-hymio-secret" in request.headers:
        return request.headers[b"x-hymio-secret"]
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials, validate=True).decode("latin-1").partition(":")[2]
        except binascii.Error:
            return ""
    fields = query_fields(request)
    return word(fields, "secret") if "secret" in fields else None
