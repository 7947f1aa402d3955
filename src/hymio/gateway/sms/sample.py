"""Says whether a gateway's request that somebody saved in a file is authentic: secret, signature and public address."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from hymio import manage
from hymio.errors import BadRequest, Phrase
from hymio.gateway.sms.addresses import ADAPTERS, gateway_at, path_of
from hymio.gateway.sms.credential import secret_of
from hymio.gateway.sms.request import SmsRequest
from hymio.store import Store

RIGHT: Final = Phrase("the request is authentic")
_EMPTY_LINE: Final = re.compile(rb"\r?\n\r?\n")
_WRONG_SECRET: Final = Phrase("the secret is missing or not known")
_WRONG: Final = Phrase("the signature is missing or does not fit the key and the address")
_NO_KEY: Final = Phrase("no key is set")


def read_sample(content: bytes, public_url: str) -> SmsRequest:
    """A request as HTTP/1.1 writes it: request line, headers, an empty line, body. BadRequest.

    Line ends may be those of a text file. A line end after the body is not part of it, as editors add one. The path may
    begin with that of the public address.
    """
    head, body = (*_EMPTY_LINE.split(content, maxsplit=1), b"")[:2]
    first, *lines = head.decode("latin-1").splitlines() or [""]
    method, _, rest = first.partition(" ")
    target = rest.partition(" ")[0].removeprefix(urlsplit(public_url).path)
    if not (method.isalpha() and target.startswith("/")):
        raise BadRequest(
            parameter="sms-request", got=repr(first[:60]), accepted=Phrase("a request: POST /sms/… HTTP/1.1")
        )
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower().encode("latin-1"): value.strip() for name, _, value in pairs}
    query = target.partition("?")[2].encode("latin-1")
    return SmsRequest(method, public_url + target, query, headers, body.removesuffix(b"\n").removesuffix(b"\r"))


def check_sample(store: Store, organization: int, content: bytes, public_url: str) -> tuple[bool, Phrase]:
    """Whether a saved request is authentic, and what is wrong with it. BadRequest for what is no request."""
    request = read_sample(content, public_url)
    path = request.url.removeprefix(public_url).partition("?")[0]
    gateway = gateway_at(path, organization)
    if gateway is None:
        accepted = ", ".join(path_of(adapter, organization) for adapter in ADAPTERS)
        raise BadRequest(parameter="sms-request", got=path, accepted=accepted)
    is_signed = ADAPTERS[gateway].is_signed
    if is_signed is None:
        principal = manage.sms_principal(store, secret_of(request) or "", gateway)
        is_right = principal is not None and principal.organization == organization
        return is_right, RIGHT if is_right else _WRONG_SECRET
    known = manage.signing_gateway(store, organization, gateway)
    if known is None:
        return False, _NO_KEY
    if is_signed(request, known.key):
        return True, RIGHT
    host = request.headers.get(b"host", "")
    other = replace(request, url=f"https://{host}{request.url.removeprefix(public_url)}")
    if host and is_signed(other, known.key):
        return False, Phrase("the signature is over https://{host}; base_url is {url}", host=host, url=public_url)
    return False, _WRONG
