"""`POST /sms`: the webhook on which an SMS gateway delivers what terminals text (docs/terminal-protocol.md)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from litestar import asgi
from litestar.concurrency import sync_to_thread
from litestar.datastructures import State
from litestar.exceptions import MethodNotAllowedException
from litestar.handlers import ASGIRouteHandler
from litestar.types import HTTPScope, Receive, Send

from hymio.errors import BadRequest, Unauthorized
from hymio.feedback import Health, Upload
from hymio.gateway.sms_text import SmsReport, decode, encode, is_genuine
from hymio.gateway.text import storable
from hymio.gateway.upload import read_body
from hymio.store import Store, catalog
from hymio.store.dialect import Transaction

__all__ = ["SmsReport", "decode", "encode", "is_genuine", "messages", "routes"]

PATH = "/sms"
MOST_BYTES = 64 << 10
_LONGEST_SENDER = 100
_SENDER = ("from", "sender", "msisdn")
_TEXT = ("text", "body", "message")
"""Names that gateways use for the same things, in any case."""


def routes() -> list[ASGIRouteHandler]:
    """The webhook. The application's state must hold `store`, `company` and `clock`."""
    return [messages]


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


@asgi(PATH, copy_scope=False)
async def messages(scope: HTTPScope, receive: Receive, send: Send) -> None:
    """Takes one text and answers 204 once it is committed or, where it is of no use, kept with the reason.

    The answer has no body, because some gateways text it back. The header `X-Hymio-Outcome` says what became of it.
    """
    if scope["method"] != "POST":
        raise MethodNotAllowedException(headers={"allow": "POST"})
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    given = _fields(scope["query_string"], headers, await read_body(headers, receive, MOST_BYTES))
    state = scope["litestar_app"].state
    organization = await sync_to_thread(catalog.organization_by_sms_secret, state.store, _secret(headers, given))
    if organization is None:
        raise Unauthorized("the webhook's secret is missing or not known")
    text = _first(given, _TEXT)
    if text is None:
        raise BadRequest(parameter="text", got="nothing", accepted="the text of a message")
    outcome = await _take(state, organization, _first(given, _SENDER) or "", text)
    said = [(b"x-hymio-outcome", outcome.encode("ascii", "replace"))]
    await send({"type": "http.response.start", "status": 204, "headers": said})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _take(state: State, organization: int, sender: str, text: str) -> str:
    """Records a text and keeps it; what became of it, in words."""
    smiley, outcome = await _record(state, organization, text)
    await sync_to_thread(
        _keep, state.store, organization, state.clock, (sender[:_LONGEST_SENDER], text, smiley, outcome)
    )
    return outcome


async def _record(state: State, organization: int, text: str) -> tuple[int | None, str]:
    try:
        report = decode(text)
    except ValueError as error:
        return None, f"unreadable: {error}"
    known = await sync_to_thread(catalog.smiley_by_serial, state.store, organization, report.serial)
    if known is None:
        return None, f"unknown serial {report.serial}"
    smiley, key = known
    if not is_genuine(report, key):
        return smiley, "wrong checksum"
    settled = await state.company.record(SmsUpload(organization, smiley, report))
    return smiley, "conflict with an earlier message" if settled.receipt.quarantined else "stored"


def _keep(store: Store, organization: int, clock: Callable[[], int], message: tuple[str, str, int | None, str]) -> None:
    with store.begin(organization, clock()) as ledger:
        catalog.keep_message(ledger, *message)


def _fields(query: bytes, headers: Mapping[bytes, str], body: bytes) -> dict[str, str]:
    """What a gateway gave, by lower-case name: its address's query, then its form, JSON object or plain text."""
    given = [("from", headers.get(b"x-kannel-from", "")), *parse_qsl(query.decode("latin-1"))]
    kind = headers.get(b"content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        given += [(name, value) for name, value in _object(body).items() if isinstance(value, str)]
    elif kind == "text/plain":
        given.append(("text", body.decode("utf-8", "replace")))
    else:
        given += parse_qsl(body.decode("utf-8", "replace"))
    return {name.lower(): storable(value) for name, value in given if value}


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the body is not JSON: {error}", parameter="body", accepted="a JSON object") from error
    if not isinstance(found, dict):
        raise BadRequest(parameter="body", got=type(found).__name__, accepted="a JSON object")
    return found


def _first(given: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((given[name] for name in names if name in given), None)


def _secret(headers: Mapping[bytes, str], given: Mapping[str, str]) -> str:
    """The shared secret: in its own header, as the password of Basic, or as a field."""
    scheme, _, credentials = headers.get(b"authorization", "").partition(" ")
    if b"x-hymio-secret" in headers:
        return headers[b"x-hymio-secret"]
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials, validate=True).decode("latin-1").partition(":")[2]
        except binascii.Error:
            return ""
    return given.get("secret", "")
