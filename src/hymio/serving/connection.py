"""A client's connection: how long a head or a body may be and take, and how many clients there may be."""

from __future__ import annotations

import asyncio
from asyncio import TimerHandle
from http import HTTPStatus
from typing import Any, Final, cast

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

MOST_HEAD_BYTES: Final = 64 << 10
MOST_HEADERS: Final = 100
HEAD_SECONDS: Final = 30
"""How long a connection may be silent at first, and how long a request's head may take."""

BODY_SECONDS: Final = 30
"""How long a request's body may take after its head."""

HURRY_SECONDS: Final = 2
"""How long a client may still speak once the server is told to stop, or he was refused."""

UNREAD_SECONDS: Final = 300
"""How long a client may take to read what is ready for him; exports are stricter."""

_TOO_MANY: Final = (
    b'{"type":"about:blank","title":"Unavailable","status":503,"detail":"too many clients are connected"}'
)


class Connection(HttpToolsProtocol):
    """Refuses, before anybody is asked who he is, what would take memory or time without end.

    `limit_concurrency` is how many connections are served; requests on more are answered 503, and a quarter beyond that
    they are cut at once.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._served, self.limit_concurrency = config.limit_concurrency or 1 << 30, None
        self._head: int | None = 0  # bytes of a head that is not whole yet
        self._timer: TimerHandle | None = None
        self._unread: TimerHandle | None = None
        self._refusal: int = HTTPStatus.BAD_REQUEST
        self._is_refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begins to wait for a first request, unless there are far too many who wait."""
        super().connection_made(transport)
        if len(self.connections) > self._served + self._served // 4 + 1:
            transport.abort()
        else:
            self._start_timer(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Waits for nothing more."""
        self._stop_timer()
        self._is_read()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Reads on, and sees to it that what has begun comes to its end."""
        if self._is_refused:
            return
        super().data_received(data)
        if self._head is not None:
            self._head += len(data)
            if self._head > MOST_HEAD_BYTES:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        self._await_the_rest()

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._head = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Takes a header, unless there are too many."""
        if len(self.headers) >= MOST_HEADERS:
            self._refusal = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            raise ValueError("too many headers")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """A request is taken, or answered that there are too many clients."""
        self._head = None
        self._stop_timer()
        if sum(len(name) + len(value) for name, value in self.headers) > MOST_HEAD_BYTES:
            self._refusal = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            raise ValueError("the headers are too large")
        self.app = self.config.loaded_app if len(self.connections) <= self._served else cast(Any, _too_many)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """A body is whole."""
        self._stop_timer()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """An answer is sent; how long the next request may be waited for is uvicorn's to say."""
        self._stop_timer()
        super().on_response_complete()
        if self.transport.is_closing():
            self._let_go()

    def pause_writing(self) -> None:
        """A client does not read as fast as he is answered."""
        super().pause_writing()
        self._let_go()

    def resume_writing(self) -> None:
        """A client has read on."""
        super().resume_writing()
        self._is_read()

    def timeout_keep_alive_handler(self) -> None:
        """No other request came."""
        super().timeout_keep_alive_handler()
        self._let_go()

    def shutdown(self) -> None:
        """Ends what is idle at once, and a half-sent body soon."""
        super().shutdown()
        if self._is_half_sent():
            self.loop.call_later(HURRY_SECONDS, self._hang_up)

    def send_400_response(self, msg: str) -> None:
        """Refuses what is no request, or one with too long a head."""
        self._refuse(self._refusal, msg if self._refusal == HTTPStatus.BAD_REQUEST else "")

    @property
    def _cycle(self) -> RequestResponseCycle | None:
        return self.cycle

    def _await_the_rest(self) -> None:
        """Gives what has begun its time."""
        if self._timer is not None or self.pipeline or self._is_refused or self.transport.is_closing():
            return
        if self._head is not None or self.cycle.response_complete:
            self._start_timer(HEAD_SECONDS)
        elif self.cycle.more_body:
            self._start_timer(BODY_SECONDS)

    def _start_timer(self, seconds: float) -> None:
        self._timer = self.loop.call_later(seconds, self._time_is_over)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _time_is_over(self) -> None:
        self._timer = None
        if not self._head and not self._is_half_sent():
            self.transport.close()
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _let_go(self) -> None:
        if self.transport.get_write_buffer_size() and self._unread is None:
            self._unread = self.loop.call_later(UNREAD_SECONDS, self.transport.abort)

    def _is_read(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _is_half_sent(self) -> bool:
        cycle = self._cycle
        return cycle is not None and cycle.more_body and not cycle.response_complete

    def _hang_up(self) -> None:
        if self._is_half_sent():
            self.transport.close()

    def _refuse(self, status: int, said: str = "") -> None:
        """Answers without asking the application, unless it has begun to answer, and hangs up.

        Not at once: who is hung up on while he speaks does not hear the answer.
        """
        if self.transport.is_closing() or self._is_refused:
            return
        self._is_refused = True
        cycle = self._cycle
        if cycle is None or cycle.response_complete or not cycle.response_started:
            self.transport.write(self._answer(HTTPStatus(status), said))
        if cycle is not None:
            cycle.disconnected = True
            cycle.message_event.set()
        self._stop_timer()
        self.transport.write_eof()
        self.loop.call_later(HURRY_SECONDS, self.transport.close)

    def _answer(self, status: HTTPStatus, said: str) -> bytes:
        text = (said or f"{status.phrase}.").encode("ascii")
        told = b"".join(b"%b: %b\r\n" % header for header in self.server_state.default_headers)
        rest = b"content-type: text/plain; charset=utf-8\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(text)
        return f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode("ascii") + told + rest + text


async def _too_many(_scope: object, _receive: object, send: Any) -> None:
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(_TOO_MANY)).encode()),
        (b"retry-after", b"5"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": _TOO_MANY, "more_body": False})
