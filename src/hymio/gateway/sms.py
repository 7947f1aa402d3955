"""`POST /sms`: the webhook at which an SMS gateway delivers terminals' messages (docs/terminal-protocol.md)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from litestar import asgi
from litestar.concurrency import sync_to_thread
from litestar.exceptions import MethodNotAllowedException
from litestar.handlers import ASGIRouteHandler
from litestar.types import HTTPScope, Receive, Send

from hymio import manage
from hymio.access import Permission, Principal
from hymio.errors import BadRequest, Phrase, TooLarge, Unauthorized
from hymio.feedback import Health, Receipt, Upload, Verdict
from hymio.gateway.body import read_body
from hymio.gateway.sms_text import SmsReport, decode, is_genuine
from hymio.gateway.text import storable
from hymio.period import Instant
from hymio.serving.door import Door, Services
from hymio.store import Store
from hymio.store.dialect import Transaction
from hymio.store.messages import insert_message

PATH = "/sms"
MAX_BYTES = 64 << 10
_MAX_SENDER = 100

_SENDER_FIELDS = ("from", "sender", "msisdn")
_TEXT_FIELDS = ("text", "body", "message")
"""Names that SMS gateways use for the same field, in any case."""


def routes(services: Services) -> list[ASGIRouteHandler]:
    """The handler of the webhook."""

    async def messages(scope: HTTPScope, receive: Receive, send: Send) -> None:
        """`POST /sms`."""
        await _handle(services, scope, receive, send)

    return [asgi(PATH, copy_scope=False)(messages)]


DOOR = Door("SMS webhook", routes, challenge='Basic realm="Hymio"')


class Message(NamedTuple):
    """A message to store: sender's number, text, the smiley if its serial is known, and the outcome in words."""

    sender: str
    text: str
    smiley: int | None
    outcome: str


class SmsUpload(NamedTuple):
    """A message from a known smiley with a correct checksum, for the upload queue."""

    organization: int
    smiley: int
    report: SmsReport

    @property
    def size(self) -> int:
        """The number of characters that it keeps in memory while it waits."""
        return len(self.report.signed)

    @property
    def rows(self) -> int:
        """The presses that its hours count."""
        return sum(sum(hour.counts) for hour in self.report.hours)

    @property
    def sender(self) -> tuple[int, int]:
        """Its organization and smiley."""
        return self.organization, self.smiley

    def read(self, _transaction: Transaction) -> tuple[int, Upload]:
        """The organization's id and the upload, without clock, because delivery of an SMS may take hours."""
        _, hours, through, battery, *_ = self.report
        upload = Upload(self.smiley, hours=hours, reported_through=through, health=Health(battery=battery))
        return self.organization, upload


async def _handle(services: Services, scope: HTTPScope, receive: Receive, send: Send) -> None:
    """Handles one message; answers 204 after its hour reports are committed or, if it is unusable, its text is stored.

    The response has no body, because some gateways send it back as an SMS; the outcome is in `X-Hymio-Outcome`.
    """
    if scope["method"] != "POST":
        raise MethodNotAllowedException(headers={"allow": "POST"})
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    from_headers = [("from", headers.get(b"x-kannel-from", ""))]
    query = _by_name([*from_headers, *_pairs(scope["query_string"].decode("latin-1"))])
    with services.attempts.of(scope):
        gateway, fields = await _authenticated(services.store, headers, query, receive)
    text = _first(fields, _TEXT_FIELDS)
    if text is None:
        raise BadRequest(parameter="text", got="nothing", accepted=Phrase("the text of a message"))
    outcome = await _store(services, gateway, _first(fields, _SENDER_FIELDS) or "", text)
    response_headers = [(b"x-hymio-outcome", outcome.encode("ascii", "replace"))]
    await send({"type": "http.response.start", "status": 204, "headers": response_headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


# --- authentication --------------------------------------------------------------------------------------------------


async def _authenticated(
    store: Store, headers: Mapping[bytes, str], query: Mapping[str, str], receive: Receive
) -> tuple[Principal, dict[str, str]]:
    """The SMS gateway that has the webhook's secret, and the fields of query and body.

    Raises Unauthorized, BadRequest, TooLarge. Only if headers and query have no secret is the body read before the
    sender is authenticated; then an error in the body is answered like a wrong secret.
    """
    secret = _secret(headers, query)
    gateway = None if secret is None else await _gateway(store, secret)
    try:
        fields = {**query, **_fields(headers, await read_body(headers, receive, MAX_BYTES))}
    except (BadRequest, TooLarge) as error:
        raise _refused_secret(is_missing=True) if gateway is None else error from None
    if gateway is None:
        gateway = await _gateway(store, fields.get("secret", ""))
    return gateway, fields


def _secret(headers: Mapping[bytes, str], query: Mapping[str, str]) -> str | None:
    """The secret from its own header, the password of HTTP Basic, or the query; None where it is in none of these."""
    scheme, _, credentials = headers.get(b"authorization", "").partition(" ")
    if b"x-hymio-secret" in headers:
        return headers[b"x-hymio-secret"]
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials, validate=True).decode("latin-1").partition(":")[2]
        except binascii.Error:
            return ""
    return query.get("secret")


async def _gateway(store: Store, secret: str) -> Principal:
    """The principal of the webhook's secret. Unauthorized; Forbidden unless it may deliver feedback."""
    principal = await sync_to_thread(manage.sms_principal, store, secret)
    if principal is None:
        raise _refused_secret(is_missing=not secret)
    principal.require(Permission.DELIVER_FEEDBACK)
    return principal


def _refused_secret(*, is_missing: bool) -> Unauthorized:
    """The error for a missing or wrong secret."""
    return Unauthorized("sms-secret-refused", "the webhook's secret is missing or not known", is_missing=is_missing)


# --- storing ---------------------------------------------------------------------------------------------------------


async def _store(services: Services, gateway: Principal, sender: str, text: str) -> str:
    """Commits the hour reports of a message, then stores the message itself; returns the outcome in words."""
    smiley, outcome = await _commit(services, gateway, text)
    message = Message(sender[:_MAX_SENDER], text, smiley, outcome)
    await sync_to_thread(_store_message, services.store, gateway.organization, message, services.clock())
    return outcome


async def _commit(services: Services, gateway: Principal, text: str) -> tuple[int | None, str]:
    """Commits the hour reports of a message; returns the smiley, if its serial is known, and the outcome in words."""
    try:
        report = decode(text)
    except ValueError as error:
        return None, f"unreadable: {error}"
    smiley_and_key = await sync_to_thread(manage.smiley_by_serial, services.store, gateway, report.serial)
    if smiley_and_key is None:
        return None, f"unknown serial {report.serial}"
    smiley, key = smiley_and_key
    if not is_genuine(report, key):
        return smiley, "wrong checksum"
    committed = await services.uploads.record(SmsUpload(gateway.organization, smiley, report))
    return smiley, _outcome(committed.receipt, sum(sum(hour.counts) for hour in report.hours))


def _outcome(receipt: Receipt, presses: int) -> str:
    """The outcome of a committed message that reported `presses` presses, in words."""
    if any(quarantined.reason is Verdict.CONFLICT for quarantined in receipt.quarantined):
        return "conflict with an earlier message"
    if not receipt.quarantined:
        return "stored"
    reasons = dict.fromkeys(quarantined.reason.label.replace("_", " ") for quarantined in receipt.quarantined)
    count = sum(quarantined.presses for quarantined in receipt.quarantined)
    return f"stored; {count} of {presses} presses in quarantine: {', '.join(reasons)}"


def _store_message(store: Store, organization: int, message: Message, now: Instant) -> None:
    """Stores a text with its outcome, in a commit of its own. Unavailable; ClockBehind."""
    with store.begin(organization, now, present=True) as ledger:
        insert_message(ledger, now, *message)


# --- fields ----------------------------------------------------------------------------------------------------------


def _fields(headers: Mapping[bytes, str], body: bytes) -> dict[str, str]:
    """The fields of the body by lower-case name: a form, a JSON object or, as plain text, the message's text alone."""
    media_type = headers.get(b"content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/json":
        return _by_name((name, value) for name, value in _object(body).items() if isinstance(value, str))
    text = body.decode("utf-8", "replace")
    return _by_name([("text", text)] if media_type == "text/plain" else _pairs(text))


def _pairs(form: str) -> list[tuple[str, str]]:
    """The fields of a form or query string, empty ones included."""
    return parse_qsl(form, keep_blank_values=True)


def _by_name(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Fields by name in lower case."""
    return {name.lower(): storable(value) for name, value in fields}


def _object(body: bytes) -> dict[str, Any]:
    """The JSON object of a body. BadRequest."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest(
            "body-not-json",
            "the body is not JSON: {cause}",
            parameter="body",
            accepted=Phrase("a JSON object"),
            cause=str(error),
        ) from error
    if not isinstance(value, dict):
        raise BadRequest(parameter="body", got=type(value).__name__, accepted=Phrase("a JSON object"))
    return value


def _first(fields: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    """The first field of these names that is not empty; otherwise an empty one, if there is any, otherwise None."""
    values = [fields[name] for name in names if name in fields]
    return next(filter(None, values), values[0] if values else None)
