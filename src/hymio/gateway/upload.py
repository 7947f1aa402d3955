"""`POST /terminal/v1/uploads`: what a smiley says over HTTP and what it is answered (docs/terminal-protocol.md)."""

from __future__ import annotations

from collections.abc import Mapping

from litestar import asgi
from litestar.concurrency import sync_to_thread
from litestar.exceptions import MethodNotAllowedException
from litestar.handlers import ASGIRouteHandler
from litestar.types import HTTPScope, Receive, Send

from hymio.access import Principal
from hymio.errors import BadRequest, TooLarge, Unauthorized
from hymio.feedback import Upload
from hymio.gateway.envelope import Format, TypedEnvelope, Unreadable, read_envelope, read_quickly, upload_of
from hymio.gateway.receipt import answer
from hymio.intake.queue import Committed
from hymio.manage import device_principal
from hymio.serving.bodies import MAX_LARGE_UPLOADS
from hymio.serving.door import Door, Services
from hymio.store import Store
from hymio.store.dialect import Transaction

PATH = "/terminal/v1/uploads"
QUICK_BYTES = {Format.JSON: 16 << 10, Format.CBOR: 1 << 10}
"""Bodies up to this size are decoded where they arrive, which takes less time than to hand them on."""


def routes(services: Services) -> list[ASGIRouteHandler]:
    """The handler of terminals' uploads.

    It is a bare ASGI application: requests with a single press are Hymio's most frequent, and the parsing, look-ups and
    validation that a framework does around a handler would take longer than the press.
    """

    async def uploads(scope: HTTPScope, receive: Receive, send: Send) -> None:
        await _handle(services, scope, receive, send)

    return [asgi(PATH, copy_scope=False)(uploads)]


DOOR = Door("terminal uploads", routes, challenge='Bearer realm="Hymio"')


class QuickUpload:
    """A small upload in which all is well, so far as can be told before its token is looked up."""

    def __init__(self, token: str, typed: TypedEnvelope, size: int) -> None:
        self._token, self._typed, self.size = token, typed, size

    def read(self, transaction: Transaction) -> tuple[int, Upload]:
        """The smiley's organization and upload. Unauthorized, BadRequest."""
        device = device_principal(transaction, self._token)
        if device is None:
            raise _unknown_token()
        return device.organization, upload_of(self._typed, device.id, device.organization)


class ReadUpload:
    """An upload whose smiley is known and whose body was read."""

    def __init__(self, organization: int, upload: Upload, size: int) -> None:
        self._organization, self._upload, self.size = organization, upload, size

    def read(self, _transaction: Transaction) -> tuple[int, Upload]:
        """The smiley's organization and upload."""
        return self._organization, self._upload


async def _handle(services: Services, scope: HTTPScope, receive: Receive, send: Send) -> None:
    """Takes one upload and answers when it is committed."""
    if scope["method"] != "POST":
        raise MethodNotAllowedException(headers={"allow": "POST"})
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    written, token = _format(headers), _token(headers)
    committed, unreadable = await _take(services, headers, receive, token, written)
    body = answer(committed.receipt, unreadable, committed.layout, committed.now, written)
    said = [(b"content-type", written.value.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": said})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _take(
    services: Services, headers: dict[bytes, str], receive: Receive, token: str, written: Format
) -> tuple[Committed, tuple[Unreadable, ...]]:
    """Small uploads are read at once; of all others the token is looked up first."""
    if not token:
        raise _unknown_token()
    if not _is_declared(headers, QUICK_BYTES[written]):
        return await _take_slowly(services, headers, receive, token, written)
    body = await read_body(headers, receive, QUICK_BYTES[written])
    typed = read_quickly(body, written)
    if typed is None:
        return await _take_slowly(services, headers, receive, token, written, body)
    return await services.uploads.record(QuickUpload(token, typed, len(body))), ()


async def _take_slowly(
    services: Services,
    headers: dict[bytes, str],
    receive: Receive,
    token: str,
    written: Format,
    body: bytes | None = None,
) -> tuple[Committed, tuple[Unreadable, ...]]:
    device = await sync_to_thread(_device, services.store, token)
    max_users = None if body is not None else MAX_LARGE_UPLOADS
    async with services.bodies.of((device.organization, device.id), max_users=max_users) as parser:
        whole = await read_body(headers, receive, services.settings.body_bytes) if body is None else body
        upload, unreadable = await parser.run(lambda: read_envelope(whole, written, device.id, device.organization))
        return await services.uploads.record(ReadUpload(device.organization, upload, len(whole))), unreadable


def _device(store: Store, token: str) -> Principal:
    with store.read() as transaction:
        device = device_principal(transaction, token)
    if device is None:
        raise _unknown_token()
    return device


def _unknown_token() -> Unauthorized:
    return Unauthorized("device-token-refused", "the terminal's token is missing or not known")


def _format(headers: dict[bytes, str]) -> Format:
    """JSON unless something else is said."""
    told = headers.get(b"content-type", Format.JSON.value)
    accepted = " or ".join(each.value for each in Format)
    if headers.get(b"content-encoding", "identity") != "identity":
        raise BadRequest(parameter="Content-Encoding", got=headers[b"content-encoding"], accepted="identity")
    try:
        return Format(told.partition(";")[0].strip().lower())
    except ValueError:
        raise BadRequest(parameter="Content-Type", got=told, accepted=accepted) from None


def _token(headers: dict[bytes, str]) -> str:
    """What stands after `Bearer`, or nothing."""
    scheme, _, token = headers.get(b"authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _is_declared(headers: Mapping[bytes, str], most: int) -> bool:
    """Whether a request says that its body has at most so many bytes."""
    declared = headers.get(b"content-length", "")
    return declared.isdecimal() and int(declared) <= most


async def read_body(headers: Mapping[bytes, str], receive: Receive, most: int) -> bytes:
    """The body of a request. TooLarge as soon as it is over `most` bytes, declared or not."""
    declared = headers.get(b"content-length", "")
    if declared.isdecimal() and int(declared) > most:
        raise _too_large(most)
    pieces, size, more = list[bytes](), 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise BadRequest("incomplete-body", "the connection ended before the body did", parameter="body")
        pieces.append(message["body"])
        size, more = size + len(message["body"]), message["more_body"]
        if size > most:
            raise _too_large(most)
    return b"".join(pieces)


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"the body is larger than {most} bytes; send it in several uploads")
