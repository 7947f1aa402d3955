"""`POST /terminal/v1/uploads`: what a smiley says over HTTP and what it is answered (docs/terminal-protocol.md)."""

from __future__ import annotations

from litestar import asgi
from litestar.exceptions import MethodNotAllowedException
from litestar.handlers import ASGIRouteHandler
from litestar.types import HTTPScope, Receive, Send

from hymio.errors import BadRequest, TooLarge, Unauthorized
from hymio.feedback import Upload
from hymio.gateway.envelope import Format, Unreadable, read_envelope
from hymio.gateway.receipt import answer
from hymio.store.catalog import SMILEY_TOKEN, hash_secret, look_up
from hymio.store.dialect import Transaction

PATH = "/terminal/v1/uploads"


def routes() -> list[ASGIRouteHandler]:
    """The terminals' way in. The application's state must hold `company` and `settings`."""
    return [uploads]


class TerminalUpload:
    """An upload that arrived over HTTP, whose token and body are still to be looked at."""

    def __init__(self, token: str, body: bytes, written: Format) -> None:
        self._token, self._body, self._written = token, body, written
        self.size = len(body)
        self.unreadable: tuple[Unreadable, ...] = ()

    def read(self, transaction: Transaction) -> tuple[int, Upload]:
        """The smiley's organization and upload. Unauthorized, BadRequest, TooLarge."""
        found = look_up(transaction, SMILEY_TOKEN, hash_secret(self._token)) if self._token else None
        if found is None:
            raise Unauthorized("the terminal's token is missing or not known")
        organization, smiley = found
        upload, self.unreadable = read_envelope(self._body, self._written, smiley, organization)
        return organization, upload


# A bare ASGI handler: a press alone in its request is the busiest thing that Hymio does, and everything a framework
# looks up, parses and validates around it would cost more than the press.
@asgi(PATH, copy_scope=False)
async def uploads(scope: HTTPScope, receive: Receive, send: Send) -> None:
    """Takes one upload and answers when it is committed."""
    if scope["method"] != "POST":
        raise MethodNotAllowedException(headers={"allow": "POST"})
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    state = scope["litestar_app"].state
    written = _format(headers)
    arrival = TerminalUpload(_token(headers), await read_body(headers, receive, state.settings.body_bytes), written)
    settled = await state.company.record(arrival)
    body = answer(settled.receipt, arrival.unreadable, settled.setup, settled.now, written)
    said = [(b"content-type", written.value.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": said})
    await send({"type": "http.response.body", "body": body, "more_body": False})


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


async def read_body(headers: dict[bytes, str], receive: Receive, most: int) -> bytes:
    """The body of a request. TooLarge as soon as it is over `most` bytes, declared or not."""
    declared = headers.get(b"content-length", "")
    if declared.isdecimal() and int(declared) > most:
        raise _too_large(most)
    pieces, size, more = list[bytes](), 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise BadRequest("the connection ended before the body did", parameter="body")
        pieces.append(message["body"])
        size, more = size + len(message["body"]), message["more_body"]
        if size > most:
            raise _too_large(most)
    return b"".join(pieces)


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"the body is larger than {most} bytes; send it in several uploads")
