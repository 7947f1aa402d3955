"""One client's connection: limits on the size and duration of requests, and on how many connections are served.

`Connection` extends uvicorn's `HttpToolsProtocol`, which is not public: `tests/test_connection_base.py` fails when it
changes, and `docs/decisions/0024-uvicorn-stays-pinned-and-watched.md` says why it is used all the same.
"""

from __future__ import annotations

import asyncio
from asyncio import TimerHandle
from http import HTTPStatus
from typing import Any, Final, cast

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from hymio.errors import Unavailable
from hymio.serving.answers import PROBLEM_JSON, problem_body

MAX_HEADER_BYTES: Final = 64 << 10
MAX_HEADERS: Final = 100
"""A request whose header is larger or has more fields is answered 431."""

HEADER_SECONDS: Final = 30
"""How long a new connection may send nothing, and how long a request's header may take."""

BODY_SECONDS: Final = 30
"""How long a request's body may take after its header."""

CLOSE_SECONDS: Final = 2
"""How long a connection stays open after a refusal, and for the rest of a body once the server shuts down."""

WRITE_SECONDS: Final = 300
"""How long a client may take to receive what the write buffer holds; exports have a stricter limit of their own."""

_TOO_MANY: Final = Unavailable("too-many-connections", "too many clients are connected", retry_after=5)


class Connection(HttpToolsProtocol):
    """Enforces the limits above, before any credential is looked up.

    `config.limit_concurrency` is how many connections are served: requests on further ones are answered 503, and
    connections beyond 1¼ of that number are aborted when they open. A request that exceeds a limit is answered with a
    status of its own (431, 408, 400), unless its response has begun, and the connection is closed.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        # The base class would count tasks too, and answer without a problem document.
        self._max_served, self.limit_concurrency = config.limit_concurrency or 1 << 30, None
        self._header_bytes: int | None = 0  # received of an unfinished header; None while a body or response is due
        self._receive_deadline: TimerHandle | None = None
        self._write_deadline: TimerHandle | None = None
        self._parse_error_status: int = HTTPStatus.BAD_REQUEST
        self._is_refused = False

    # --- events of the transport and the parser -----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Starts the deadline for a first request, or aborts the connection if far too many are open."""
        super().connection_made(transport)
        if len(self.connections) > self._max_served + self._max_served // 4 + 1:
            transport.abort()
        else:
            self._start_receive_deadline(HEADER_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancels the deadlines."""
        self._cancel_receive_deadline()
        self._cancel_write_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parses received bytes; answers 431 if an unfinished header exceeds MAX_HEADER_BYTES.

        Starts the deadline for the rest of the request unless one is running.
        """
        if self._is_refused:
            return
        super().data_received(data)
        if self._header_bytes is not None:
            self._header_bytes += len(data)
            if self._header_bytes > MAX_HEADER_BYTES:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        self._start_deadline_for_next_part()

    def on_message_begin(self) -> None:
        """Parser: a header begins."""
        super().on_message_begin()
        self._header_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Parser: a header field is complete. An exception makes the parser fail and the base class refuse."""
        if len(self.headers) >= MAX_HEADERS:
            self._parse_error_status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            raise ValueError("too many headers")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Parser: the header is complete. Hands the request to the application, or to the answer 503."""
        self._header_bytes = None
        self._cancel_receive_deadline()
        if sum(len(name) + len(value) for name, value in self.headers) > MAX_HEADER_BYTES:
            self._parse_error_status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            raise ValueError("the headers are too large")
        is_served = len(self.connections) <= self._max_served
        self.app = self.config.loaded_app if is_served else cast(Any, _answer_too_many_connections)
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

    def pause_writing(self) -> None:
        """The write buffer is full: the client receives more slowly than the application sends."""
        super().pause_writing()
        self._start_write_deadline()

    def resume_writing(self) -> None:
        """The write buffer has room again."""
        super().resume_writing()
        self._cancel_write_deadline()

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
        status = self._parse_error_status
        self._refuse(status, msg if status == HTTPStatus.BAD_REQUEST else "")

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
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

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

    def _refuse(self, status: int, detail: str = "") -> None:
        """Answers in place of the application, unless its response has begun, and closes after CLOSE_SECONDS.

        Closing at once while the client still sends would reset the connection, and the client lose the answer.
        """
        if self.transport.is_closing() or self._is_refused:
            return
        self._is_refused = True
        current = self._current
        if current is None or current.response_complete or not current.response_started:
            self.transport.write(self._refusal(HTTPStatus(status), detail))
        if current is not None:
            current.disconnected = True
            current.message_event.set()
        self._cancel_receive_deadline()
        self.transport.write_eof()
        self.loop.call_later(CLOSE_SECONDS, self.transport.close)

    def _refusal(self, status: HTTPStatus, detail: str) -> bytes:
        """A whole response as plain text."""
        text = (detail or f"{status.phrase}.").encode("ascii")
        defaults = b"".join(b"%b: %b\r\n" % header for header in self.server_state.default_headers)
        rest = b"content-type: text/plain; charset=utf-8\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(text)
        return f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode("ascii") + defaults + rest + text


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
