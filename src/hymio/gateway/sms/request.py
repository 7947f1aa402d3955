"""A gateway's request and the text message in it: the values between HTTP and the adapters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from hymio.access import SmsGateway
from hymio.gateway.sms.charsets import Decoded
from hymio.store.messages import Part

MAX_SENDER: Final = 100


@dataclass(frozen=True, slots=True)
class SmsRequest:
    """A request of an SMS gateway; `headers` has names in lower case.

    `url` is the address that the gateway called: the configured public address with path and query. It is not made from
    headers of the request, which a proxy may change and anybody may forge.
    """

    method: str
    url: str
    query: bytes
    headers: Mapping[bytes, str]
    body: bytes = b""

    @property
    def media_type(self) -> str:
        """The media type of the body in lower case, without parameters."""
        return self.headers.get(b"content-type", "").partition(";")[0].strip().lower()

    @property
    def charset(self) -> str | None:
        """The charset that the Content-Type declares; None without one."""
        for parameter in self.headers.get(b"content-type", "").split(";")[1:]:
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "charset":
                return value.strip().strip("\"'") or None
        return None


class TextMessage(NamedTuple):
    """A text as a gateway delivered it: the sender's number, the text, and which part of a longer one it is."""

    sender: str
    text: Decoded
    part: Part | None = None


class Answer(NamedTuple):
    """The answer that a gateway understands as accepted, and that makes it send nothing to the terminal."""

    status: int
    media_type: str = ""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Adapter:
    """How the requests of one kind of gateway are read, authenticated and answered.

    `read` raises BadRequest, and returns None for an event that is no received text. `is_signed` says whether a request
    is signed with a key; without it the gateway sends a secret.
    """

    gateway: SmsGateway
    read: Callable[[SmsRequest], TextMessage | None]
    answer: Answer
    is_signed: Callable[[SmsRequest, str], bool] | None = None
    methods: tuple[str, ...] = ("GET", "POST")
