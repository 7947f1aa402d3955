"""The transport of a connection as responses are written to it: a head goes out together with the first of its body."""

from __future__ import annotations

from typing import Final, Protocol

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
"""What uvicorn writes before a head, to a client that waits for it with its body (RFC 9110, 10.1.1)."""


class Writable(Protocol):
    """What of a transport is needed here."""

    def write(self, data: bytes, /) -> None:
        """Sends bytes, at once if it can."""
        ...

    def close(self) -> None:
        """Closes it once everything is sent."""
        ...

    def is_closing(self) -> bool:
        """Whether it is closed or about to be."""
        ...


class WholeAnswers:
    """The part of a transport that uvicorn's RequestResponseCycle uses.

    uvicorn writes the head and the body of a response apart, each with a system call during which no other thread has
    the interpreter, and most clients read them apart.
    """

    __slots__ = ("_head", "_is_head_due", "_transport", "is_closing")

    def __init__(self, transport: Writable) -> None:
        self._transport = transport
        self._head, self._is_head_due = b"", False
        self.is_closing = transport.is_closing

    def begin(self) -> None:
        """A response begins, which has a body, if only an empty one."""
        self._is_head_due = True

    def write(self, data: bytes) -> None:
        """Writes the next bytes of a response, or keeps them if they are its head."""
        if self._is_head_due and data != _CONTINUE:
            self._head, self._is_head_due = data, False
            return
        if self._head:
            data, self._head = self._head + data, b""
        self._transport.write(data)

    def close(self) -> None:
        """Closes the connection; a head without a body is written before."""
        if self._head:
            self.write(b"")
        self._transport.close()
