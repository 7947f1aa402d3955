"""`POST /sms`: the webhook on which an SMS gateway delivers what terminals text (docs/terminal-protocol.md)."""

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
from hymio.access import Principal
from hymio.errors import BadRequest, TooLarge, Unauthorized
from hymio.feedback import Health, Receipt, Upload, Verdict
from hymio.gateway.sms_text import SmsReport, decode, encode, is_genuine
from hymio.gateway.text import storable
from hymio.gateway.upload import read_body
from hymio.period import Instant
from hymio.serving.door import Door, Services
from hymio.store import Store
from hymio.store.dialect import Transaction
from hymio.store.messages import insert_message

__all__ = ["DOOR", "SmsReport", "decode", "encode", "is_genuine"]

PATH = "/sms"
MOST_BYTES = 64 << 10
_LONGEST_SENDER = 100
_SENDER = ("from", "sender", "msisdn")
_TEXT = ("text", "body", "message")
"""Names that gateways use for the same things, in any case."""


def routes(services: Services) -> list[ASGIRouteHandler]:
    """The handler of the webhook."""

    async def messages(scope: HTTPScope, receive: Receive, send: Send) -> None:
        await _handle(services, scope, receive, send)

    return [asgi(PATH, copy_scope=False)(messages)]


DOOR = Door("SMS webhook", routes, challenge='Basic realm="Hymio"')


class SmsUpload(NamedTuple):
    """A text whose smiley is known and whose checksum is right."""

    organization: int
    smiley: int
    report: SmsReport

    @property
    def size(self) -> int:
        """How many bytes it holds while it waits."""
        return len(self.report.signed)

    def read(self, _transaction: Transaction) -> tuple[int, Upload]:
        """The smiley's organization and upload. A text tells no clock: it may have travelled for hours."""
        _, hours, through, battery, *_ = self.report
        upload = Upload(self.smiley, hours=hours, reported_through=through, health=Health(battery=battery))
        return self.organization, upload


async def _handle(services: Services, scope: HTTPScope, receive: Receive, send: Send) -> None:
    """Takes one text and answers 204 once it is committed or, where it is of no use, kept with the reason.

    The answer has no body, because some gateways text it back. The header `X-Hymio-Outcome` says what became of it.
    """
    if scope["method"] != "POST":
        raise MethodNotAllowedException(headers={"allow": "POST"})
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    sender = [("from", headers.get(b"x-kannel-from", ""))]
    asked = _named([*sender, *_pairs(scope["query_string"].decode("latin-1"))])
    gateway, given = await _admitted(services.store, headers, asked, receive)
    text = _first(given, _TEXT)
    if text is None:
        raise BadRequest(parameter="text", got="nothing", accepted="the text of a message")
    outcome = await _take(services, gateway, _first(given, _SENDER) or "", text)
    said = [(b"x-hymio-outcome", outcome.encode("ascii", "replace"))]
    await send({"type": "http.response.start", "status": 204, "headers": said})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _admitted(
    store: Store, headers: Mapping[bytes, str], asked: Mapping[str, str], receive: Receive
) -> tuple[Principal, dict[str, str]]:
    """The gateway of the shared secret, and all fields. The body comes first only where it may hold the secret."""
    told = _secret(headers, asked)
    gateway = None if told is None else await _gateway(store, told)
    try:
        given = {**asked, **_fields(headers, await read_body(headers, receive, MOST_BYTES))}
    except (BadRequest, TooLarge) as error:
        raise _refused() if gateway is None else error from None
    if gateway is None:
        gateway = await _gateway(store, given.get("secret", ""))
    return gateway, given


async def _gateway(store: Store, secret: str) -> Principal:
    principal = await sync_to_thread(manage.sms_principal, store, secret)
    if principal is None:
        raise _refused()
    return principal


def _refused() -> Unauthorized:
    return Unauthorized("sms-secret-refused", "the webhook's secret is missing or not known")


async def _take(services: Services, gateway: Principal, sender: str, text: str) -> str:
    """Records a text and keeps it; what became of it, in words."""
    smiley, outcome = await _record(services, gateway, text)
    message = (sender[:_LONGEST_SENDER], text, smiley, outcome)
    await sync_to_thread(_keep, services.store, gateway.organization, services.clock(), message)
    return outcome


async def _record(services: Services, gateway: Principal, text: str) -> tuple[int | None, str]:
    try:
        report = decode(text)
    except ValueError as error:
        return None, f"unreadable: {error}"
    known = await sync_to_thread(manage.smiley_by_serial, services.store, gateway, report.serial)
    if known is None:
        return None, f"unknown serial {report.serial}"
    smiley, key = known
    if not is_genuine(report, key):
        return smiley, "wrong checksum"
    committed = await services.uploads.record(SmsUpload(gateway.organization, smiley, report))
    return smiley, _outcome(committed.receipt, sum(sum(hour.counts) for hour in report.hours))


def _outcome(receipt: Receipt, told: int) -> str:
    """What became of so many presses that were told."""
    if any(each.reason is Verdict.CONFLICT for each in receipt.quarantined):
        return "conflict with an earlier message"
    if not receipt.quarantined:
        return "stored"
    reasons = ", ".join(dict.fromkeys(each.reason.label.replace("_", " ") for each in receipt.quarantined))
    kept = sum(each.presses for each in receipt.quarantined)
    return f"stored; {kept} of {told} presses in quarantine: {reasons}"


def _keep(store: Store, organization: int, now: Instant, message: tuple[str, str, int | None, str]) -> None:
    with store.begin(organization, now) as ledger:
        insert_message(ledger, now, *message)


def _fields(headers: Mapping[bytes, str], body: bytes) -> dict[str, str]:
    """What a gateway gave in the body, by lower-case name: its form, JSON object or plain text."""
    given: list[tuple[str, str]] = []
    kind = headers.get(b"content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        given += [(name, value) for name, value in _object(body).items() if isinstance(value, str)]
    elif kind == "text/plain":
        given.append(("text", body.decode("utf-8", "replace")))
    else:
        given += _pairs(body.decode("utf-8", "replace"))
    return _named(given)


def _pairs(text: str) -> list[tuple[str, str]]:
    return parse_qsl(text, keep_blank_values=True)


def _named(given: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): storable(value) for name, value in given}


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest(
            "body-not-json", "the body is not JSON: {error}", parameter="body", accepted="a JSON object", error=error
        ) from error
    if not isinstance(found, dict):
        raise BadRequest(parameter="body", got=type(found).__name__, accepted="a JSON object")
    return found


def _first(given: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    """The first that says something; otherwise an empty one, if there is any."""
    found = [given[name] for name in names if name in given]
    return next(filter(None, found), found[0] if found else None)


def _secret(headers: Mapping[bytes, str], asked: Mapping[str, str]) -> str | None:
    """The shared secret: in its own header, as the password of Basic, or in the query; None where it is in none."""
    scheme, _, credentials = headers.get(b"authorization", "").partition(" ")
    if b"x-hymio-secret" in headers:
        return headers[b"x-hymio-secret"]
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials, validate=True).decode("latin-1").partition(":")[2]
        except binascii.Error:
            return ""
    return asked.get("secret")
