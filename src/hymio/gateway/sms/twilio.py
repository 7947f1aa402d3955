"""Twilio: a form or query, signed in `X-Twilio-Signature` over the address that Twilio was told.

The signature is the HMAC of the address followed by the names and values of the form in order, with the account's token
in SHA-1 or, where a webhooks rule says so in `X-Twilio-Webhooks-Signature-Settings`, with a shared key in SHA-256.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from hymio.access import SmsGateway
from hymio.gateway.sms.fields import fields_of, first_of, form_pairs, text_of, word
from hymio.gateway.sms.request import Adapter, Answer, SmsRequest, TextMessage

_DIGESTS: Final = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}
_BODY_HASH: Final = b"bodySHA256"
_PORTS: Final = {"https": 443, "http": 80}


def _read(request: SmsRequest) -> TextMessage | None:
    """The text of `Body`; None for a status of a text that was sent. Twilio joins the parts of longer texts itself."""
    fields = fields_of(request)
    value = first_of(fields, ("body",))
    return None if value is None else TextMessage(word(fields, "from"), text_of(value, None))


def is_signed(request: SmsRequest, key: str) -> bool:
    """Whether the signature fits the address, with or without the usual port, and the form or the hash of the body."""
    digest = _digest(request.headers.get(b"x-twilio-webhooks-signature-settings", ""))
    sent = request.headers.get(b"x-twilio-signature", "")
    body_hash = dict(form_pairs(request.query)).get(_BODY_HASH)
    if digest is None or not sent or (body_hash is not None and not _is_hash_of(request.body, body_hash)):
        return False
    form = b"" if body_hash is not None or request.method == "GET" else _form(request.body)
    signatures = [
        base64.b64encode(hmac.digest(key.encode(), url.encode("latin-1") + form, digest)).decode("ascii")
        for url in _addresses(request.url)
    ]
    return any(hmac.compare_digest(sent.encode(), signature.encode()) for signature in signatures)


def _digest(settings: str) -> str | None:
    """The hash that the header of settings names, SHA-1 without the header; None for one that is not known."""
    named = dict(setting.strip().partition("=")[::2] for setting in settings.split(",") if setting)
    return _DIGESTS.get(named.get("algorithm", "HMAC_SHA1"))


def _is_hash_of(body: bytes, body_hash: bytes) -> bool:
    """Whether a hash in hexadecimal digits is the SHA-256 of a body."""
    return hmac.compare_digest(hashlib.sha256(body).hexdigest().encode(), body_hash.lower())


def _form(body: bytes) -> bytes:
    """Names and values of a form, sorted, each pair once."""
    return b"".join(name + value for name, value in sorted(set(form_pairs(body))))


def _addresses(url: str) -> Iterator[str]:
    """An address as it is and, where its port is the scheme's own, with that port written and left out."""
    yield url
    parts = urlsplit(url)
    usual = _PORTS.get(parts.scheme)
    if parts.port is None:
        yield parts._replace(netloc=f"{parts.netloc}:{usual}").geturl()
    elif parts.port == usual:
        yield parts._replace(netloc=parts.netloc.rpartition(":")[0]).geturl()


ADAPTER: Final = Adapter(
    SmsGateway.TWILIO,
    _read,
    Answer(200, "text/xml", b'<?xml version="1.0" encoding="UTF-8"?><Response/>'),
    is_signed,
)
