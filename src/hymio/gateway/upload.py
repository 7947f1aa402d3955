"""`POST /terminal/v1/uploads`: commits a smiley's upload, answers its receipt (docs/terminal-protocol.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from litestar import asgi
from litestar.concurrency import sync_to_thread
from litestar.exceptions import MethodNotAllowedException
from litestar.handlers import ASGIRouteHandler
from litestar.types import ASGIApp, HTTPScope, Receive, Send

from hymio.access import Permission, Principal
from hymio.errors import BadRequest, Phrase, Unauthorized
from hymio.feedback import Upload
from hymio.gateway.body import declared_bytes, read_body
from hymio.gateway.envelope import Envelope, Format, TypedEnvelope, Unreadable, decode_small, parse, upload_of
from hymio.gateway.receipt import receipt_body
from hymio.intake.arrival import Committed, SharedLookUp
from hymio.intake.slices import count_rows
from hymio.manage import device_principal, device_principals
from hymio.serving.bodies import MAX_LARGE_UPLOADS
from hymio.serving.direct import raise_again
from hymio.serving.door import Door, Services
from hymio.store import Store
from hymio.store.dialect import Transaction

PATH = "/terminal/v1/uploads"
SMALL_BYTES = {Format.JSON: 16 << 10, Format.CBOR: 1 << 10}
"""Bodies up to this size are decoded in the event loop, which takes less time than handing them to a thread."""


MAX_LISTED = 500
"""Presses that a receipt may list as quarantined for its body to be made in the event loop."""


def routes(services: Services) -> list[ASGIRouteHandler]:
    """The route of uploads: it answers other methods, and the errors of the handler that `direct` gives."""

    async def uploads(scope: HTTPScope, receive: Receive, send: Send) -> None:
        """`POST /terminal/v1/uploads`."""
        raise_again(scope)
        await _handle(services, scope, receive, send)

    return [asgi(PATH, copy_scope=False)(uploads)]


def direct(services: Services) -> dict[str, ASGIApp]:
    """The handler of uploads, by path.

    It is a bare ASGI application: requests with a single press are Hymio's most frequent, and the parsing, look-ups and
    validation that a framework does around a handler would take longer than the press.
    """

    async def uploads(scope: Any, receive: Receive, send: Send) -> None:
        """`POST /terminal/v1/uploads`."""
        await _handle(services, scope, receive, send)

    return {PATH: uploads}


DOOR = Door("uploads", routes, challenge='Bearer realm="Hymio"', direct=direct)


class SmallUpload(SharedLookUp):
    """An upload with a decoded body, whose token is looked up in the transaction of its batch."""

    def __init__(self, token: str, typed: TypedEnvelope, size: int) -> None:
        self._token, self._typed, self.size = token, typed, size
        self.sender = token
        self.rows = len(typed.presses or ()) + len(typed.lost or ())
        self._devices: Mapping[str, Principal] = {}

    @classmethod
    def look_up(cls, transaction: Transaction, arrivals: Sequence[SmallUpload]) -> None:
        """Looks up the tokens of a batch; each batch anew, so that a token that was replaced counts no longer."""
        devices = device_principals(transaction, [arrival.sender for arrival in arrivals])
        for arrival in arrivals:
            arrival._devices = devices  # noqa: SLF001  its own class

    def read(self, transaction: Transaction) -> tuple[int, Upload]:
        """The organization's id from the token, and the upload. Unauthorized, Forbidden, BadRequest."""
        devices = self._devices or device_principals(transaction, [self._token])
        device = devices.get(self._token)
        if device is None:
            raise _refused_token()
        device.require(Permission.DELIVER_FEEDBACK)
        return device.organization, upload_of(self._typed, device.id, device.organization)


class ParsedUpload:
    """An upload of a known smiley with a parsed body."""

    def __init__(self, token: str, organization: int, upload: Upload, size: int) -> None:
        self._organization, self._upload, self.size = organization, upload, size
        self.sender = token
        self.rows = count_rows(upload)

    def read(self, _transaction: Transaction) -> tuple[int, Upload]:
        """The organization's id and the upload."""
        return self._organization, self._upload


async def _handle(services: Services, scope: HTTPScope, receive: Receive, send: Send) -> None:
    """Answers one request, once its upload is committed."""
    if scope["method"] != "POST":
        raise MethodNotAllowedException(headers={"allow": "POST"})
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    form, token = _format(headers), _token(headers)
    if not token:
        raise _refused_token(is_missing=True)
    with services.attempts.of(scope):
        committed, unreadable = await _commit(services, headers, receive, token, form)
    body = await _body(committed, unreadable, form)
    response_headers = [(b"content-type", form.value.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": response_headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _body(committed: Committed, unreadable: tuple[Unreadable, ...], form: Format) -> bytes:
    """The body of a response; one that lists thousands of presses is made in a thread, as others wait meanwhile."""
    receipt, layout, now = committed
    if len(receipt.quarantined) + len(unreadable) > MAX_LISTED:
        return await sync_to_thread(receipt_body, receipt, unreadable, layout, now, form)
    return receipt_body(receipt, unreadable, layout, now, form)


async def _commit(
    services: Services, headers: Mapping[bytes, str], receive: Receive, token: str, form: Format
) -> tuple[Committed, tuple[Unreadable, ...]]:
    """Receives, parses and commits an upload.

    A small body is decoded at once. Before a large body is received, or a body with errors is parsed, the token is
    looked up, so that only a known smiley can use that much memory or time.
    """
    if not _is_small(headers, form):
        return await _commit_large(services, headers, receive, token, form)
    body = await read_body(headers, receive, SMALL_BYTES[form])
    typed = decode_small(body, form)
    if typed is not None:
        return await services.uploads.record(SmallUpload(token, typed, len(body))), ()
    device = await sync_to_thread(_device, services.store, token)
    async with services.bodies.of((device.organization, device.id)) as parser:
        envelope = await parser.run(lambda: parse(body, form, device.id, device.organization))
        return await _record(services, token, device, envelope, len(body))


async def _commit_large(
    services: Services, headers: Mapping[bytes, str], receive: Receive, token: str, form: Format
) -> tuple[Committed, tuple[Unreadable, ...]]:
    """Commits a large upload: its token is checked before its body is read, and it is parsed in a separate thread."""
    device = await sync_to_thread(_device, services.store, token)
    async with services.bodies.of((device.organization, device.id), max_users=MAX_LARGE_UPLOADS) as parser:
        body = await read_body(headers, receive, services.settings.body_bytes)
        envelope = await parser.run(lambda: parse(body, form, device.id, device.organization))
        return await _record(services, token, device, envelope, len(body))


async def _record(
    services: Services, token: str, device: Principal, envelope: Envelope, size: int
) -> tuple[Committed, tuple[Unreadable, ...]]:
    """Queues a parsed upload and waits for its commit."""
    committed = await services.uploads.record(ParsedUpload(token, device.organization, envelope.upload, size))
    return committed, envelope.unreadable


def _device(store: Store, token: str) -> Principal:
    """The smiley of an upload token. Unauthorized; Forbidden unless it may deliver feedback."""
    with store.read() as transaction:
        device = device_principal(transaction, token)
    if device is None:
        raise _refused_token()
    device.require(Permission.DELIVER_FEEDBACK)
    return device


def _refused_token(*, is_missing: bool = False) -> Unauthorized:
    """The error for a missing or wrong upload token."""
    return Unauthorized("device-token-refused", "the terminal's token is missing or not known", is_missing=is_missing)


# --- headers ---------------------------------------------------------------------------------------------------------


def _format(headers: Mapping[bytes, str]) -> Format:
    """The format of the body, by default JSON. BadRequest for another one or a compressed body."""
    media_type = headers.get(b"content-type", Format.JSON.value)
    if headers.get(b"content-encoding", "identity") != "identity":
        raise BadRequest(parameter="Content-Encoding", got=headers[b"content-encoding"], accepted=Phrase("identity"))
    try:
        return Format(media_type.partition(";")[0].strip().lower())
    except ValueError:
        accepted = Phrase("{first} or {second}", first=Format.JSON.value, second=Format.CBOR.value)
        raise BadRequest(parameter="Content-Type", got=media_type, accepted=accepted) from None


def _token(headers: Mapping[bytes, str]) -> str:
    """The credentials of the scheme Bearer (RFC 6750); empty where there are none."""
    scheme, _, token = headers.get(b"authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _is_small(headers: Mapping[bytes, str], form: Format) -> bool:
    """Whether Content-Length declares a body of at most SMALL_BYTES."""
    declared = declared_bytes(headers)
    return declared is not None and declared <= SMALL_BYTES[form]
