"""One client's connection: limits on the size and duration of requests, and on how many connections are served.

`Connection` extends uvicorn's `HttpToolsProtocol`, which is not public: `tests/test_connection_base.py` fails when it
changes, and `docs/decisions/0024-uvicorn-stays-pinned-and-watched.md` says why it is used all the same.
"""

from __future__ import annotations

import asyncio
from asyncio import TimerHandle
from functools import partial
from http import HTTPStatus
from typing import Any, Final, cast

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from hymio.errors import BadRequest, HeaderTooLarge, HymioError, RequestTimeout, Unavailable
from hymio.serving.addresses import TrustedProxies, client_key
from hymio.serving.answers import PROBLEM_JSON, problem_body
from hymio.serving.edge import with_edge
from hymio.serving.occupancy import Occupancy, Waits
from hymio.serving.whole_answers import WholeAnswers

MAX_HEADER_BYTES: Final = 64 << 10
MAX_HEADERS: Final = 100
"""A request whose header is larger or has more fields is answered 431."""

HEADER_SECONDS: Final = 30
"""How long a new connection may send nothing, and how long a request's header may take."""

BODY_SECONDS: Final = 30
"""How long a request's body may take after its header, and how long what follows a refusal is read and discarded."""

CLOSE_SECONDS: Final = 2
"""How long a connection stays open after a refusal and after the last bytes that followed it, and for the rest of a
body once the server shuts down."""

WRITE_SECONDS: Final = 300
"""How long a client may take to receive what the write buffer holds; exports have a stricter limit of their own."""

_TOO_MANY: Final = Unavailable("too-many-connections", "too many clients are connected", retry_after=5)
_MALFORMED: Final = BadRequest("malformed-request", "The request is not HTTP as this server accepts it.")
_TOO_SLOW: Final = RequestTimeout("request-too-slow", "The request did not arrive in time.")
_HEADER_TOO_LARGE: Final = HeaderTooLarge(
    "header-too-large",
    "The header section has more than {bytes} bytes or {headers} headers.",
    bytes=MAX_HEADER_BYTES,
    headers=MAX_HEADERS,
)


class Connection(HttpToolsProtocol):
    """Enforces the limits above, before any credential is looked up.

    The server's `occupancy` limits how many connections are served: for a further one, another one that waits for its
    client is closed; where all others are being answered, its requests are answered 503, and connections beyond 1¼ of
    the limit are aborted when they open. A request that exceeds a limit is answered with a status of its own (431, 408,
    400), unless its response has begun, and the connection is closed.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        occupancy: Occupancy,
        proxies: TrustedProxies,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._occupancy, self._proxies = occupancy, proxies
        self._client_key: str | None = None  # None: a trusted proxy, or not known yet
        self._header_bytes: int | None = 0  # received of an unfinished header; None while a body or response is due
        self._receive_deadline: TimerHandle | None = None
        self._write_deadline: TimerHandle | None = None
        self._parse_error: HymioError = _MALFORMED
        self._is_refused = False
        self._closing: TimerHandle | None = None
        self._discards_until = 0.0

    # --- events of the transport and the parser -----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Starts the deadline for a first request, or aborts the connection if far too many are open."""
        super().connection_made(transport)
        self._answers = WholeAnswers(transport)
        host = self.client[0] if self.client else ""
        self._client_key = None if self._proxies.holds(host) else client_key(host)
        if self._take_seat():
            self._note_waits()
        elif len(self.connections) > self._occupancy.most + self._occupancy.most // 4 + 1:
            transport.abort()
            return
        self._start_receive_deadline(HEADER_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancels the deadlines and leaves its seat to another connection."""
        self._cancel_receive_deadline()
        self._cancel_write_deadline()
        if self._closing is not None:
            self._closing.cancel()
        self._occupancy.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parses received bytes; answers 431 if an unfinished header exceeds MAX_HEADER_BYTES.

        Starts the deadline for the rest of the request unless one is running.
        """
        if self._is_refused:
            self._close_later()
            return
        super().data_received(data)
        if self._header_bytes is not None:
            self._header_bytes += len(data)
            if self._header_bytes > MAX_HEADER_BYTES:
                self._refuse(_HEADER_TOO_LARGE)
        self._start_deadline_for_next_part()
        self._note_waits()

    def on_message_begin(self) -> None:
        """Parser: a header begins."""
        super().on_message_begin()
        self._header_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Parser: a header field is complete. An exception makes the parser fail and the base class refuse."""
        if len(self.headers) >= MAX_HEADERS:
            self._parse_error = _HEADER_TOO_LARGE
            raise ValueError("too many headers")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Parser: the header is complete. Hands the request to the application, or to the answer 503."""
        self._header_bytes = None
        self._cancel_receive_deadline()
        if sum(len(name) + len(value) for name, value in self.headers) > MAX_HEADER_BYTES:
            self._parse_error = _HEADER_TOO_LARGE
            raise ValueError("the headers are too large")
        self.app = self.config.loaded_app if self._take_seat() else cast(Any, _too_many_connections)
        if self._client_key is None:
            self._take_forwarded()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Parser: the body is complete."""
        self._cancel_receive_deadline()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The application has sent its whole response; uvicorn starts its keep-alive timeout."""
        self._cancel_receive_deadline()
        super().on_response_complete()
        if self.transport.is_closing():
            self._start_write_deadline()
        self._note_waits()

    def pause_writing(self) -> None:
        """The write buffer is full: the client receives more slowly than the application sends."""
        super().pause_writing()
        self._start_write_deadline()
        self._note_waits()

    def resume_writing(self) -> None:
        """The write buffer has room again."""
        super().resume_writing()
        self._cancel_write_deadline()
        self._note_waits()

    def timeout_keep_alive_handler(self) -> None:
        """Closes a connection on which no further request came."""
        super().timeout_keep_alive_handler()
        self._start_write_deadline()

    def shutdown(self) -> None:
        """Closes an idle connection at once, and one with an incomplete body after CLOSE_SECONDS."""
        super().shutdown()
        if self._has_incomplete_body():
            self.loop.call_later(CLOSE_SECONDS, self._close_if_body_incomplete)

    def send_400_response(self, msg: str) -> None:
        """Refuses bytes that the parser rejects: 400, or 431 where a limit made it fail."""
        self._refuse(self._parse_error)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Hands a request to the application, whose response is written with its head."""
        if cycle.scope["method"] != "HEAD":  # of which uvicorn writes nothing but the head
            self._answers.begin()
            cycle.transport = cast(asyncio.Transport, self._answers)
        super()._start_asgi_task(cycle, app)

    # --- the occupancy ------------------------------------------------------------------------------------------------

    def make_room(self) -> None:
        """Closes the connection at once, for another one; an incomplete request is answered 503."""
        if self._waits() is Waits.REST_OF_REQUEST:
            self._answer_instead(_TOO_MANY)
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.close()

    def _take_seat(self) -> bool:
        """Whether the connection is among those that are served, now if not before."""
        return self._occupancy.take_seat(self, self._client_key)

    def _note_waits(self) -> None:
        """Tells the occupancy for what the connection waits."""
        self._occupancy.set_waits(self, self._waits(), self.loop.time())

    def _waits(self) -> Waits | None:
        """For what the connection waits of its client; None while a request is answered, or if it closes anyway."""
        if self._is_refused or self.transport.is_closing():
            return None
        if self.flow.write_paused:
            return Waits.READING
        current = self._current
        if current is not None and not current.response_complete:
            return Waits.REST_OF_REQUEST if current.more_body else None
        if self._header_bytes:
            return Waits.REST_OF_REQUEST
        return Waits.FIRST_REQUEST if current is None else Waits.NEXT_REQUEST

    def _take_forwarded(self) -> None:
        """Puts the client that a trusted proxy names into the request's scope, and counts the request as its."""
        forwarded = []
        for name, value in self.headers:
            if name == b"x-forwarded-for":
                forwarded.append(value.decode("latin-1"))
            elif name == b"x-forwarded-proto" and value in (b"http", b"https"):
                self.scope["scheme"] = cast(Any, value.decode())
        if not forwarded or self.client is None:
            return
        client = self._proxies.client_of(self.client[0], forwarded)
        self.scope["client"] = client, 0
        if not self._proxies.holds(client):
            self.app = cast(Any, partial(_answer_in_turn, self._occupancy, client_key(client), self.app))

    # --- deadlines ----------------------------------------------------------------------------------------------------

    def _start_deadline_for_next_part(self) -> None:
        """Starts the deadline for what must arrive next, unless one is running: a header (after a response, that of the
        next request) or the rest of a body.

        While pipelined requests wait for a response, the connection is not read and no deadline runs.
        """
        if self._receive_deadline is not None or self.pipeline or self._is_refused or self.transport.is_closing():
            return
        if self._header_bytes is not None or self.cycle.response_complete:
            self._start_receive_deadline(HEADER_SECONDS)
        elif self.cycle.more_body:
            self._start_receive_deadline(BODY_SECONDS)

    def _start_receive_deadline(self, seconds: float) -> None:
        """Starts the deadline for the rest of the request."""
        self._receive_deadline = self.loop.call_later(seconds, self._receive_deadline_passed)

    def _cancel_receive_deadline(self) -> None:
        """Cancels the deadline for the rest of the request."""
        if self._receive_deadline is not None:
            self._receive_deadline.cancel()
            self._receive_deadline = None

    def _receive_deadline_passed(self) -> None:
        """Closes a connection that sent nothing; answers 408 to an incomplete request."""
        self._receive_deadline = None
        if not self._header_bytes and not self._has_incomplete_body():
            self.transport.close()
        else:
            self._refuse(_TOO_SLOW)

    def _start_write_deadline(self) -> None:
        """Starts the deadline by which the client must read the response, if bytes wait in the write buffer."""
        if self.transport.get_write_buffer_size() and self._write_deadline is None:
            self._write_deadline = self.loop.call_later(WRITE_SECONDS, self.transport.abort)

    def _cancel_write_deadline(self) -> None:
        """Cancels the deadline for reading the response."""
        if self._write_deadline is not None:
            self._write_deadline.cancel()
            self._write_deadline = None

    # --- refusals -----------------------------------------------------------------------------------------------------

    @property
    def _current(self) -> RequestResponseCycle | None:
        """The latest request and its response; None before the first. The base class's annotation leaves None out."""
        return self.cycle

    def _has_incomplete_body(self) -> bool:
        """Whether the current request's body has not fully arrived although its response is not complete."""
        current = self._current
        return current is not None and current.more_body and not current.response_complete

    def _close_if_body_incomplete(self) -> None:
        """Closes the connection if the current request's body is incomplete."""
        if self._has_incomplete_body():
            self.transport.close()

    def _refuse(self, error: HymioError) -> None:
        """Answers in place of the application, and closes after CLOSE_SECONDS.

        Closing at once while the client still sends would reset the connection, and the client lose the answer.
        """
        if self.transport.is_closing() or self._is_refused:
            return
        self._answer_instead(error)
        self._cancel_receive_deadline()
        self.transport.write_eof()
        self._discards_until = self.loop.time() + BODY_SECONDS
        self._close_later()

    def _answer_instead(self, error: HymioError) -> None:
        """Answers in place of the application, unless its response has begun; the application hears no more."""
        self._is_refused = True
        current = self._current
        if current is None or current.response_complete or not current.response_started:
            self.transport.write(self._refusal(error))
        if current is not None:
            current.disconnected = True
            current.message_event.set()

    def _close_later(self) -> None:
        """Closes the connection once nothing has arrived for CLOSE_SECONDS, after BODY_SECONDS at the latest."""
        if self._closing is not None:
            self._closing.cancel()
        left = max(0.0, self._discards_until - self.loop.time())
        self._closing = self.loop.call_later(min(CLOSE_SECONDS, left), self.transport.close)

    def _refusal(self, error: HymioError) -> bytes:
        """A whole response with a problem document."""
        status, body = HTTPStatus(error.status), problem_body(error)
        headers = [
            *self.server_state.default_headers,
            (b"content-type", PROBLEM_JSON.encode()),
            (b"content-language", b"en"),
            (b"cache-control", b"no-store"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        if isinstance(error, Unavailable):
            headers.append((b"retry-after", str(error.retry_after).encode()))
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode()
        return head + b"".join(b"%b: %b\r\n" % header for header in headers) + b"\r\n" + body


async def _answer_too_many_connections(_scope: object, _receive: object, send: Any) -> None:
    """An ASGI application that answers 503 and closes the connection."""
    body = problem_body(_TOO_MANY)
    headers = [
        (b"content-type", PROBLEM_JSON.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"retry-after", str(_TOO_MANY.retry_after).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": _TOO_MANY.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


_too_many_connections: Final = with_edge(cast(Any, _answer_too_many_connections))
"""The same, with the client's body received and the request logged as any other."""


async def _answer_in_turn(
    occupancy: Occupancy, client: str, app: Any, scope: object, receive: object, send: object
) -> None:
    """An ASGI application that answers as another one does, or 503 if too many requests of a client are answered."""
    if not occupancy.begin_request(client):
        await _too_many_connections(cast(Any, scope), cast(Any, receive), cast(Any, send))
        return
    try:
        await app(scope, receive, send)
    finally:
        occupancy.end_request(client)
