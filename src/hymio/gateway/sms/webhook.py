"""The HTTP of the SMS gateways' addresses: authentication, and an answer after the commit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final

import structlog
from litestar import HttpMethod, Request, Response, asgi, route
from litestar.concurrency import sync_to_thread
from litestar.exceptions import MethodNotAllowedException
from litestar.handlers import ASGIRouteHandler, HTTPRouteHandler
from litestar.status_codes import HTTP_204_NO_CONTENT
from litestar.types import HTTPScope, Receive, Send

from hymio import manage
from hymio.access import Permission, Principal, SmsGateway
from hymio.errors import BadRequest, TooLarge, Unauthorized, UnsupportedMediaType
from hymio.gateway.body import read_body
from hymio.gateway.sms.addresses import ADAPTERS, KANNEL_PATH, PATH, path_of
from hymio.gateway.sms.credential import secret_of
from hymio.gateway.sms.fields import fields_of, word
from hymio.gateway.sms.request import Adapter, Answer, SmsRequest
from hymio.gateway.sms.storing import store_message
from hymio.serving.door import Door, Route, Services
from hymio.serving.streams import HEAD_ONLY
from hymio.store import Store

MAX_BYTES: Final = 64 << 10
_MAX_CODING: Final = 40
OUTCOME: Final = "x-hymio-outcome"
"""The header of an answer that says what became of the text."""

_log = structlog.get_logger("hymio.sms")


def routes(services: Services) -> list[Route]:
    """The handlers of the addresses, one for each adapter."""
    return [
        _sending_secret(services, ADAPTERS[SmsGateway.GENERIC], PATH),
        _sending_secret(services, ADAPTERS[SmsGateway.KANNEL], KANNEL_PATH),
        *(_signing(services, adapter) for adapter in ADAPTERS.values() if adapter.is_signed is not None),
    ]


@asynccontextmanager
async def _running(services: Services) -> AsyncIterator[None]:
    """Logs, when the server starts, of which gateways no signature can fit because the public address is not set."""
    if not services.settings.base_url:
        for path in await sync_to_thread(_over_address, services.store):
            _log.error("SMS signatures cannot fit: base_url is not set", address=services.settings.public_url + path)
    yield


def _over_address(store: Store) -> list[str]:
    """The paths of the gateways that sign the public address."""
    return [
        path_of(SmsGateway.TWILIO, organization.id)
        for organization in manage.organizations(store)
        if manage.signing_gateway(store, organization.id, SmsGateway.TWILIO) is not None
    ]


DOOR: Final = Door("SMS webhooks", routes, challenge='Basic realm="Hymio"', lifespan=_running)


def _sending_secret(services: Services, adapter: Adapter, path: str) -> ASGIRouteHandler:
    """The address of a gateway that sends a secret."""

    async def messages(scope: HTTPScope, receive: Receive, send: Send) -> None:
        """`GET` or `POST` of a text."""
        _require_method(adapter, scope["method"])
        head = _head(services, scope, path)
        with services.attempts.of(scope):
            gateway, request = await _authenticated(services.store, adapter.gateway, head, receive)
        outcome = await _delivered(services, gateway, adapter, request, scope)
        await _answer(adapter.answer, outcome, send)

    return asgi(path, copy_scope=False)(messages)


def _signing(services: Services, adapter: Adapter) -> HTTPRouteHandler:
    """The address of a gateway that signs."""

    async def messages(request: Request[Any, Any, Any]) -> Response[bytes]:
        """`GET` or `POST` of a text, or of another event."""
        scope, organization = request.scope, int(request.path_params["organization"])
        head = _head(services, scope, path_of(adapter.gateway, organization))
        with services.attempts.of(scope):
            gateway, whole = await _verified(services.store, adapter, organization, head, request.receive)
        outcome = await _delivered(services, gateway, adapter, whole, scope)
        status, media_type, body = adapter.answer
        return Response(body, status_code=status, media_type=media_type, headers={OUTCOME: _shown(outcome)})

    path = f"{PATH}/{adapter.gateway.value}/{{organization:int}}"
    return route(path, http_method=[HttpMethod(method) for method in adapter.methods])(messages)


def _require_method(adapter: Adapter, method: str) -> None:
    """Raises the framework's error of status 405 for a method that the gateway does not use; HEAD delivers nothing."""
    if method not in adapter.methods:
        raise MethodNotAllowedException(headers={"allow": ", ".join(adapter.methods)})


def _head(services: Services, scope: HTTPScope, path: str) -> SmsRequest:
    """A request without its body; its address is the configured public one. UnsupportedMediaType for a coded body."""
    query = scope["query_string"]
    url = f"{services.settings.public_url}{path}" + (f"?{query.decode('latin-1')}" if query else "")
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    coding = headers.get(b"content-encoding", "").strip() or "identity"
    if coding.lower() != "identity" and scope["method"] == HttpMethod.POST:
        raise UnsupportedMediaType(
            "sms-body-coded", "the body has Content-Encoding {coding}; send it without", coding=coding[:_MAX_CODING]
        )
    return SmsRequest(scope["method"], url, query, headers)


async def _delivered(
    services: Services, gateway: Principal, adapter: Adapter, request: SmsRequest, scope: HTTPScope
) -> str:
    """Stores the message of a request; returns the outcome in words once it is committed. HEAD stores nothing."""
    if HEAD_ONLY in scope:
        return "nothing is delivered by HEAD"
    message = adapter.read(request)
    return "not a text message" if message is None else await store_message(services, gateway, message)


async def _answer(answer: Answer, outcome: str, send: Send) -> None:
    """Sends the answer of an accepted request.

    Its body is empty, or what the gateway takes for nothing, because gateways send it back as an SMS.
    """
    headers = [(OUTCOME.encode(), _shown(outcome).encode())]
    if answer.status != HTTP_204_NO_CONTENT:
        headers += [(b"content-type", answer.media_type.encode()), (b"content-length", b"%d" % len(answer.body))]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})


def _shown(outcome: str) -> str:
    """An outcome as the value of a header."""
    return outcome.encode("ascii", "replace").decode("ascii")


# --- gateways that send a secret -------------------------------------------------------------------------------------


async def _authenticated(
    store: Store, kind: SmsGateway, head: SmsRequest, receive: Receive
) -> tuple[Principal, SmsRequest]:
    """The SMS gateway that has the secret, and the whole request. Raises Unauthorized, BadRequest, TooLarge.

    Only if headers and query have no secret is the body read before the sender is authenticated; then an error in the
    body is answered like a wrong secret.
    """
    secret = secret_of(head)
    gateway = None if secret is None else await _gateway(store, kind, secret)
    try:
        request = replace(head, body=await read_body(head.headers, receive, MAX_BYTES))
        fields = fields_of(request) if gateway is None else {}
    except (BadRequest, TooLarge) as error:
        raise _refused_secret(is_missing=True) if gateway is None else error from None
    if gateway is None:
        gateway = await _gateway(store, kind, word(fields, "secret"))
    return gateway, request


async def _gateway(store: Store, kind: SmsGateway, secret: str) -> Principal:
    """The principal of a secret. Unauthorized; Forbidden unless it may deliver feedback."""
    principal = await sync_to_thread(manage.sms_principal, store, secret, kind)
    if principal is None:
        raise _refused_secret(is_missing=not secret)
    principal.require(Permission.DELIVER_FEEDBACK)
    return principal


def _refused_secret(*, is_missing: bool) -> Unauthorized:
    """The error for a missing or wrong secret."""
    return Unauthorized("sms-secret-refused", "the webhook's secret is missing or not known", is_missing=is_missing)


# --- gateways that sign ----------------------------------------------------------------------------------------------


async def _verified(
    store: Store, adapter: Adapter, organization: int, head: SmsRequest, receive: Receive
) -> tuple[Principal, SmsRequest]:
    """The SMS gateway that signed, and the whole request. Unauthorized, also for a body that is too large."""
    known = await sync_to_thread(manage.signing_gateway, store, organization, adapter.gateway)
    try:
        request = replace(head, body=await read_body(head.headers, receive, MAX_BYTES))
    except (BadRequest, TooLarge):
        raise _refused_signature(adapter, head, "the body is incomplete or too large") from None
    if known is None:
        raise _refused_signature(adapter, head, "no key is set: hymio sms-gateway set")
    if adapter.is_signed is None or not adapter.is_signed(request, known.key):
        raise _refused_signature(adapter, head, "the signature is missing or does not fit the key and the address")
    known.principal.require(Permission.DELIVER_FEEDBACK)
    return known.principal, request


def _refused_signature(adapter: Adapter, head: SmsRequest, reason: str) -> Unauthorized:
    """The error for a request without a right signature; the log says why, and for which address."""
    _log.warning("SMS refused", gateway=adapter.gateway.value, address=head.url.partition("?")[0], reason=reason)
    return Unauthorized("sms-signature-refused", "the signature is missing or wrong")
