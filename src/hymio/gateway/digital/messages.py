"""`POST /w/press`: commits one message of a browser, of any origin that the smiley allows.

A page of another origin sends it as `text/plain` (`fetch`, `sendBeacon`), which browsers allow without asking first;
for `application/json` they ask with OPTIONS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
from litestar import asgi
from litestar.handlers import ASGIRouteHandler
from litestar.types import HTTPScope, Receive, Send

from hymio.errors import Conflict, HymioError, MethodNotAllowed, NotFound, TooManyRequests, Unavailable
from hymio.feedback import Receipt, Verdict
from hymio.gateway.body import read_body
from hymio.gateway.digital.message import MAX_BYTES, decoded
from hymio.gateway.digital.press import Sender, WebPress
from hymio.gateway.digital.visitors import VisitorKeys
from hymio.serving.answers import PROBLEM_JSON, problem_body
from hymio.serving.door import Services
from hymio.serving.pace import Pace
from hymio.texts import SOURCE, negotiate

PATH: Final = "/w/press"
"""The message names its smiley: a bare ASGI handler of Litestar takes no parameters in its path."""

_CLOSED: Final = (Verdict.NO_PLACEMENT, Verdict.NO_SURVEY, Verdict.WRONG_SURVEY)
_PREFLIGHT_SECONDS: Final = 86_400
_to_json = msgspec.json.Encoder()

Headers = Mapping[bytes, str]


@dataclass(frozen=True, slots=True)
class Intake:
    """What the handlers of messages and forms share."""

    services: Services
    keys: VisitorKeys
    pace: Pace

    async def sender(self, scope: HTTPScope, headers: Headers) -> Sender:
        """Who sent a request. TooManyRequests for an address that sent too many."""
        client = scope.get("client")
        host = client[0] if client else ""
        self.pace.count(host)
        now = self.services.clock()
        origin, agent = headers.get(b"origin", ""), headers.get(b"user-agent", "")
        is_own = origin in (f"{scope['scheme']}://{headers.get(b'host', '')}", self.services.settings.public_url)
        return Sender(None if is_own else origin, host, agent, await self.keys.of(now), now)


class Answer(msgspec.Struct, omit_defaults=True):
    """What became of a message: `closed` if its survey is not asked (any more), `refused` names the answers that were
    given otherwise before."""

    closed: bool = False
    refused: tuple[str, ...] = ()


def route(intake: Intake) -> ASGIRouteHandler:
    """The handler. It is a bare ASGI application for the same reason as that of uploads."""

    async def messages(scope: HTTPScope, receive: Receive, send: Send) -> None:
        """`POST /w/press`."""
        headers = headers_of(scope)
        if scope["method"] == "OPTIONS":
            await _send(send, 204, _allowed(headers) | _preflight(), b"")
            return
        try:
            answer = await _commit(intake, scope, headers, receive)
        except HymioError as error:
            await _refuse(send, headers, error)
            return
        await _send(send, 200, _allowed(headers) | {"content-type": "application/json"}, _to_json.encode(answer))

    return asgi(PATH, copy_scope=False)(messages)


def headers_of(scope: HTTPScope) -> dict[bytes, str]:
    """The headers of a request by their names in lower case."""
    return {name: value.decode("latin-1") for name, value in scope["headers"]}


async def _commit(intake: Intake, scope: HTTPScope, headers: Headers, receive: Receive) -> Answer:
    """Receives and commits a message."""
    if scope["method"] != "POST":
        raise MethodNotAllowed("method-not-allowed", "This address does not take this method.")
    sender = await intake.sender(scope, headers)
    body = await read_body(headers, receive, MAX_BYTES)
    press = WebPress(intake.services.store, decoded(body), sender, len(body))
    committed = await intake.services.uploads.record(press)
    return answer_of(committed.receipt)


def answer_of(receipt: Receipt) -> Answer:
    """What a receipt says of its one press. Conflict if another press is stored under its id."""
    notices = receipt.quarantined
    if any(notice.reason is Verdict.CONFLICT and notice.phase is None for notice in notices):
        raise Conflict("press-differs", "Another press is stored under this id.")
    refused = tuple(notice.phase for notice in notices if notice.phase is not None)
    return Answer(closed=any(notice.reason in _CLOSED for notice in notices), refused=refused)


def _allowed(headers: Headers) -> dict[str, str]:
    """Headers that let a page of another origin read the response."""
    origin = headers.get(b"origin")
    shared = {"cache-control": "no-store", "cross-origin-resource-policy": "cross-origin", "vary": "Origin"}
    if origin is None:
        return shared
    return {**shared, "access-control-allow-origin": origin, "access-control-expose-headers": "Retry-After"}


def _preflight() -> dict[str, str]:
    """Headers of an answer to OPTIONS."""
    return {
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": "content-type",
        "access-control-max-age": str(_PREFLIGHT_SECONDS),
    }


async def _refuse(send: Send, headers: Headers, error: HymioError) -> None:
    """Answers an error; a wrong code is a 404 without a body.

    Pages of all origins may read it, also those that may not send: a script that cannot see why it was refused would
    send the same message again and again.
    """
    if isinstance(error, NotFound) and error.code == "unknown-address":
        await _send(send, 404, _allowed(headers), b"")
        return
    language = negotiate(headers.get(b"accept-language", ""), SOURCE)
    answer = {"content-type": PROBLEM_JSON, "content-language": language, **_allowed(headers)}
    if isinstance(error, Unavailable | TooManyRequests):
        answer["retry-after"] = str(error.retry_after)
    if isinstance(error, MethodNotAllowed):
        answer["allow"] = "OPTIONS, POST"
    await _send(send, error.status, answer, problem_body(error, language))


async def _send(send: Send, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Sends a response whole."""
    pairs = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    if status != 204:
        pairs.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body, "more_body": False})
