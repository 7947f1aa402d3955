"""The addresses of the kiosk: its page and files, what it shows, and the one-time code that makes a tablet a smiley."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.concurrency import sync_to_thread

from hymio import manage
from hymio.errors import BadRequest, NotFound, Phrase, Unauthorized
from hymio.gateway.body import read_body
from hymio.gateway.kiosk.app_files import PAGE_FILE, TYPES, WORKER_FILE, content, is_current
from hymio.gateway.kiosk.shown import shown
from hymio.gateway.kiosk.staff_texts import staff_texts
from hymio.serving.answers import cached, is_known, json_answer, tag_of
from hymio.serving.door import Door, Route, Services
from hymio.texts import PAGE_LANGUAGES, RIGHT_TO_LEFT, SOURCE, negotiate

SECURITY: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
        " manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}
"""Headers of the page and its files: nothing from elsewhere runs or is loaded."""

MAX_CLAIM_BYTES: Final = 1_000

AnyRequest = Request[Any, Any, Any]


class Claim(msgspec.Struct, frozen=True):
    """The body by which a tablet claims a smiley."""

    code: str


_claims: Final = msgspec.json.Decoder(Claim)


def routes(services: Services) -> list[Route]:
    """The handlers of all addresses."""

    @get("/k", sync_to_thread=False)
    def page(request: AnyRequest) -> Response[bytes]:
        """The page; its scope needs a slash at the end, which the page itself adds where it is missing."""
        return _file(request, PAGE_FILE, "text/html; charset=utf-8")

    @get("/k/texts", sync_to_thread=False)
    def texts(request: AnyRequest) -> Response[Any]:
        """What staff read, in the language that the browser prefers."""
        language = negotiate(request.headers.get("Accept-Language", ""), SOURCE, PAGE_LANGUAGES)
        direction = "rtl" if language in RIGHT_TO_LEFT else "ltr"
        body = {"language": language, "dir": direction, "texts": staff_texts(language)}
        answer = json_answer(body, request.headers.get("If-None-Match", ""))
        answer.headers["Vary"] = "Accept-Language"
        return answer

    @get("/k/shown")
    async def what_is_shown(request: AnyRequest) -> Response[Any]:
        """What the smiley of the upload token shows."""
        token = _bearer(request)
        with services.attempts.of(request.scope):
            found = await sync_to_thread(shown, services.store, token, services.clock())
        answer = json_answer(found, request.headers.get("If-None-Match", ""))
        answer.headers["Vary"] = "Authorization"
        return answer

    @post("/k/claim")
    async def claim(request: AnyRequest) -> Response[Any]:
        """Ends a one-time code; the answer has the new upload token of its smiley, and what it shows.

        TooLarge beyond MAX_CLAIM_BYTES.
        """
        headers = {name: value.decode("latin-1") for name, value in request.scope["headers"]}
        code = _code(await read_body(headers, request.receive, MAX_CLAIM_BYTES))
        with services.attempts.of(request.scope):
            token = await sync_to_thread(_claim, services, code)
        now = services.clock()
        what = await sync_to_thread(shown, services.store, token, now)
        body = msgspec.json.encode({"token": token, "time": now, "shown": what})
        return Response(body, status_code=200, media_type="application/json", headers={"Cache-Control": "no-store"})

    @get("/k/{name:str}", sync_to_thread=False)
    def file(request: AnyRequest) -> Response[bytes]:
        """A file of the page. NotFound."""
        name = request.path_params["name"]
        if name not in TYPES:
            raise _nothing()
        return _file(request, name, TYPES[name])

    return [page, texts, what_is_shown, claim, file]


DOOR: Final = Door("kiosk", routes, challenge='Bearer realm="Hymio"')


def _file(request: AnyRequest, name: str, media_type: str) -> Response[bytes]:
    """A file, which the browser asks for again each time, or 304. NotFound if `v` asks for another version."""
    if not is_current(request.query_params.get("v")):
        raise _nothing()
    body = content(name)
    tag = tag_of(body)
    headers = {**SECURITY, **cached(tag)}
    if name == WORKER_FILE:
        headers["Service-Worker-Allowed"] = "/k/"
    if is_known(tag, request.headers.get("If-None-Match", "")):
        return Response(b"", status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


def _nothing() -> NotFound:
    return NotFound("unknown-address", "There is nothing at this address.")


def _bearer(request: AnyRequest) -> str:
    """The token of the scheme Bearer. Unauthorized without one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorized("device-token-refused", "the terminal's token is missing or not known", is_missing=True)
    return token.strip()


def _code(body: bytes) -> str:
    """The code in a body. BadRequest."""
    try:
        return _claims.decode(body).code
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise BadRequest(
            parameter="body", got=body[:80].decode("utf-8", "replace"), accepted=Phrase("an object with a code")
        ) from None


def _claim(services: Services, code: str) -> str:
    """The new upload token for a code. Unauthorized for one that is unknown, used or expired."""
    now = services.clock()
    with services.store.read() as transaction:
        principal = manage.claiming_principal(transaction, code, now)
    if principal is None:
        raise _refused()
    try:
        return manage.use_claim(services.store, principal, code, now=now)
    except NotFound:
        raise _refused() from None


def _refused() -> Unauthorized:
    return Unauthorized("claim-refused", "This code is not known, was used already, or has expired.")
