"""From the headers of a request to its principal: a client of API v1 or a token of API v2."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Final, NamedTuple

from hymio import manage
from hymio.access import Principal
from hymio.errors import Unauthorized
from hymio.period import Instant
from hymio.store import Store

CLIENT_ID_HEADER: Final = "X-HON-Client-Id"
TOKEN_HEADER: Final = "X-HON-API-Token"  # noqa: S105  the header's name
CHALLENGE: Final = 'Basic realm="Hymio API", charset="UTF-8"'

TOKEN_CHALLENGE: Final = 'X-HON-API-Token realm="Hymio API"'  # noqa: S105  no scheme is registered for a header's key


class Credential(NamedTuple):
    """What a client of API v1 shows."""

    client_id: str
    token: str


def authenticate(store: Store, headers: Mapping[str, str]) -> Principal:
    """The client of API v1 that sent a request; `headers` are looked up regardless of case.

    Raises Unauthorized for every wrong or missing credential, Forbidden where the credential is right and the
    organization's API is not activated.
    """
    credential = presented(headers)
    principal = None if credential is None else manage.v1_principal(store, *credential)
    if principal is None:
        # One text whatever was wrong: it must not tell which half of a guess was right.
        raise Unauthorized(
            "v1-credential-refused",
            "The client identifier or the API token is missing or not valid. Send them by HTTP Basic authentication"
            " (identifier as user name, token as password) or in the headers {client_header} and {token_header}.",
            client_header=CLIENT_ID_HEADER,
            token_header=TOKEN_HEADER,
            is_missing=credential is None,
        )
    return principal


def presented(headers: Mapping[str, str]) -> Credential | None:
    """The credential that a request carries: the pair of headers, otherwise HTTP Basic; None where it has neither."""
    client_id, token = headers.get(CLIENT_ID_HEADER), headers.get(TOKEN_HEADER)
    if client_id is not None and token is not None:
        return Credential(client_id, token)
    scheme, _, encoded = headers.get("Authorization", "").partition(" ")
    return _basic(encoded.strip()) if scheme.lower() == "basic" else None


def _basic(encoded: str) -> Credential | None:
    try:
        client_id, colon, token = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return Credential(client_id, token) if colon else None


# --- API v2 ----------------------------------------------------------------------------------------------------------


def authenticate_token(store: Store, header: str | None, parameter: str | None, now: Instant) -> Principal:
    """The token of API v2 that a request carries, in the header or else in the query.

    Raises Unauthorized, in one text, for a token that is missing, unknown, expired or revoked, and Forbidden where the
    organization's API is not activated.
    """
    secret = header if header is not None else parameter
    principal = manage.v2_principal(store, secret or "", now)
    if principal is None:
        raise Unauthorized(
            "v2-token-refused",
            "The API token is missing or not valid."
            " Send it in the header {header} or, for trials, as the parameter auth.",
            header=TOKEN_HEADER,
            is_missing=not secret,
        )
    return principal
