"""The address that a browser asked for before it had to sign in, and to which it is sent afterwards."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import quote, urlencode

from litestar import Request

FRONT: Final = "/"
FIELD: Final = "to"
"""The parameter of the front, and the field of its form, with the asked address."""

_OWN: Final = re.compile(r"/(?![/\\])[!-\[\]-~]{0,1999}")
"""A path and query of this server: neither `//host`, which browsers read as another host, nor `\\`, which is as `/`."""


def own_address(text: str) -> str:
    """The text if it is an address of this server without scheme and host, else the front."""
    return text if _OWN.fullmatch(text) else FRONT


def asked_address(request: Request[Any, Any, Any]) -> str:
    """Path and query of a request for a page; the front for a form that was sent, and for what cannot be repeated."""
    if request.method not in ("GET", "HEAD"):
        return FRONT
    query = request.scope["query_string"].decode("latin-1")
    return own_address(quote(request.scope["path"]) + (f"?{query}" if query else ""))


def front_for(address: str) -> str:
    """The front, with an address to which it leads after signing in."""
    return FRONT if address == FRONT else f"{FRONT}?{urlencode({FIELD: address})}"
