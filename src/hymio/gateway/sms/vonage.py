"""Vonage: the SMS API (GET or POST, a form or JSON, with a field `sig`) and the Messages API (JSON, with a token).

The SMS API signs `&name=value…` of all fields in order, with `&` and `=` in values as `_`: as MD5 of that and the key,
or as an HMAC of MD5, SHA-1, SHA-256 or SHA-512. The Messages API sends a JSON Web Token (HS256) with the SHA-256 of the
body.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any, Final

from hymio.access import SmsGateway
from hymio.errors import BadRequest
from hymio.gateway.sms.fields import (
    Value,
    body_fields,
    first_of,
    form_pairs,
    json_fields,
    json_object,
    query_fields,
    text_of,
    word,
)
from hymio.gateway.sms.parts import part_of
from hymio.gateway.sms.request import Adapter, Answer, SmsRequest, TextMessage

_DIGESTS: Final = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
"""The hash of a signature, by its number of hexadecimal digits."""


def _read(request: SmsRequest) -> TextMessage | None:
    """The text of `text`, or of `data` where it is binary; None for a receipt of a text that was sent.

    The query of a POST is not read, as no signature covers it.
    """
    fields = query_fields(request) if request.method == "GET" else body_fields(request)
    value = first_of(fields, ("text",))
    if value is None and "data" in fields:
        value = _unhexed(word(fields, "data"))
    if value is None:
        return None
    return TextMessage(word(fields, "msisdn", "from"), text_of(value, request.charset), part_of(fields))


def is_signed(request: SmsRequest, key: str) -> bool:
    """Whether the field `sig` fits the fields, or the token of the Authorization header the body."""
    scheme, _, token = request.headers.get(b"authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return _is_token_of(request.body, token.strip(), key)
    fields = _signed_fields(request)
    sent = fields.pop(b"sig", b"").lower()
    digest = _DIGESTS.get(len(sent))
    if digest is None:
        return False
    text = b"".join(b"&%b=%b" % (name, _plain(value)) for name, value in sorted(fields.items()))
    fitting = [hmac.new(key.encode(), text, digest).hexdigest()]
    if digest == "md5":
        fitting.append(hashlib.md5(text + key.encode(), usedforsecurity=False).hexdigest())
    return any(hmac.compare_digest(sent, signature.encode()) for signature in fitting)


def _signed_fields(request: SmsRequest) -> dict[bytes, bytes]:
    """The fields that the signature covers: those of the body or, of a GET, of the query."""
    if request.method == "GET":
        return dict(form_pairs(request.query))
    if request.media_type != "application/json":
        return dict(form_pairs(request.body))
    try:
        return {name.encode(): _bytes(value) for name, value in json_fields(json_object(request))}
    except (BadRequest, UnicodeError):
        return {}


def _plain(value: bytes) -> bytes:
    """A value without the characters that separate fields."""
    return value.replace(b"&", b"_").replace(b"=", b"_")


def _is_token_of(body: bytes, token: str, key: str) -> bool:
    """Whether a JSON Web Token is signed with the key (HS256) and holds the SHA-256 of the body."""
    signed, _, signature = token.rpartition(".")
    header, _, claims = signed.partition(".")
    expected = hmac.digest(key.encode(), signed.encode("latin-1"), "sha256")
    if not hmac.compare_digest(_unbased(signature), expected) or _json(header).get("alg") != "HS256":
        return False
    body_hash = _json(claims).get("payload_hash")
    return isinstance(body_hash, str) and hmac.compare_digest(
        body_hash.encode("utf-8", "replace"), hashlib.sha256(body).hexdigest().encode()
    )


def _json(encoded: str) -> dict[str, Any]:
    """A part of a token; empty if it is no JSON object."""
    try:
        value = json.loads(_unbased(encoded))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _unbased(encoded: str) -> bytes:
    """Base64url without padding; empty if it is none."""
    try:
        return base64.b64decode(encoded.encode("ascii") + b"=" * (-len(encoded) % 4), b"-_", validate=True)
    except ValueError:
        return b""


def _unhexed(digits: str) -> bytes:
    """The bytes of a binary text; those of the digits themselves if they are none."""
    try:
        return binascii.unhexlify(digits)
    except ValueError:
        return digits.encode()


def _bytes(value: Value) -> bytes:
    """A value as bytes."""
    return value if isinstance(value, bytes) else value.encode()


ADAPTER: Final = Adapter(SmsGateway.VONAGE, _read, Answer(200, "text/plain"), is_signed)
