"""Signing in and out, and choosing a password by a one-time link."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from hymio import manage
from hymio.access import Principal
from hymio.errors import HymioError, NotFound, Phrase, SetupError, TooManyRequests, Unauthorized
from hymio.serving.addresses import client_key
from hymio.texts import PAGE_LANGUAGES
from hymio.user import SESSION_MS, Theme
from hymio.web.asked import FIELD, FRONT, front_for, own_address
from hymio.web.browser import browser_name
from hymio.web.cookies import FORM, SESSION, form_of
from hymio.web.look import COOKIE, Look, look_of
from hymio.web.people import People, Visit, visit

_LOOK_SECONDS: Final = 365 * 24 * 3600
_LINK_HEADERS: Final = {"Referrer-Policy": "no-referrer"}  # the address of the page has the secret of the link

Answer = Response[bytes] | Response[None] | Redirect


def routes(people: People) -> list[HTTPRouteHandler]:
    """The handlers of signing in and out."""

    @post("/sign-in", status_code=303)
    async def sign_in(request: Request[Any, Any, Any]) -> Answer:
        """Signs in with address and password."""
        here = await asyncio.to_thread(visit, people, request)
        fields = await form_of(request, here.form_secret)
        return await here.services.passwords.run(_sign_in, here, fields)

    @get("/sign-in", sync_to_thread=False)
    def sign_in_page(request: Request[Any, Any, Any]) -> Redirect:
        """After a form was refused, a browser that loads its page again gets here."""
        return Redirect(FRONT, status_code=303)

    @post("/sign-out", status_code=303)
    async def sign_out(request: Request[Any, Any, Any]) -> Answer:
        """Ends the session of this browser."""
        here = await asyncio.to_thread(visit, people, request)
        await form_of(request, here.form_secret)
        return await asyncio.to_thread(_sign_out, here)

    @post("/language", status_code=303)
    async def language(request: Request[Any, Any, Any]) -> Answer:
        """Remembers the language of a browser without a session."""
        here = await asyncio.to_thread(visit, people, request)
        return _with_language(here, await form_of(request, here.form_secret))

    @get("/password", sync_to_thread=True)
    def link_page(request: Request[Any, Any, Any]) -> Answer:
        """The page of a one-time link. NotFound."""
        return _link_page(visit(people, request), request.query_params.get("link", ""))

    @post("/password", status_code=303)
    async def choose_password(request: Request[Any, Any, Any]) -> Answer:
        """Sets the password of a one-time link and signs in."""
        here = await asyncio.to_thread(visit, people, request)
        fields = await form_of(request, here.form_secret)
        return await here.services.passwords.run(_choose_password, here, fields)

    return [sign_in, sign_in_page, sign_out, language, link_page, choose_password]


# --- signing in and out ----------------------------------------------------------------------------------------------


def sign_in_form(
    here: Visit, status: int = 200, *, to: str = FRONT, email: str = "", error: HymioError | None = None
) -> Response[bytes]:
    """The page with the form of signing in, which leads to an address of this server."""
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, TooManyRequests) else {}
    detail = None if error is None else error.public_detail
    return here.page("sign-in.html", status, headers=headers, to=to, email=email, detail=detail)


def _sign_in(here: Visit, fields: dict[str, str]) -> Answer:
    """Signs in, or shows the form again with what is wrong; it says the same of an unknown address and a password."""
    email, password = fields.get("email", "").strip(), fields.get("password", "")
    to = own_address(fields.get(FIELD, FRONT))
    try:
        principal = _principal(here, email, password)
    except (Unauthorized, TooManyRequests) as error:
        status = 403 if isinstance(error, Unauthorized) else error.status
        return sign_in_form(here, status, to=to, email=email[:254], error=error)
    return signed_in(here, principal, to)


def _principal(here: Visit, email: str, password: str) -> Principal:
    """The person with an address and password. Unauthorized; TooManyRequests for this account or client address."""
    scope, backoff = here.request.scope, here.people.backoff
    client = scope.get("client")
    address = client_key(client[0]) if client else ""
    with here.services.attempts.of(scope):
        backoff.require_turn(email, address)
        principal = manage.password_principal(here.services.store, email, password)
        if principal is None:
            backoff.note_wrong(email, address)
            raise Unauthorized("sign-in-refused", "The e-mail address or the password is not right.")
    backoff.note_right(email, address)
    return principal


def signed_in(here: Visit, principal: Principal, address: str = FRONT) -> Redirect:
    """Begins a session of a person in this browser; one that it had is ended. Sends the browser to an address."""
    store, now = here.services.store, here.services.clock()
    _end(here)
    browser = browser_name(here.request.headers.get("User-Agent", ""))
    secret = manage.begin_session(store, principal, principal.id, browser, now=now)
    person = manage.session_principal(store, secret, now)
    answer = here.to(address)
    answer.set_cookie(here.cookies.set(SESSION, secret, SESSION_MS // 1000))
    answer.set_cookie(here.cookies.clear(FORM))
    remember_look(answer, here, look_of(here.request, person))
    return answer


def remember_look(answer: Redirect, here: Visit, look: Look) -> None:
    """Sets the cookie by which pages without a session look as the person chose."""
    cookie = here.cookies.set(COOKIE, look.cookie, _LOOK_SECONDS)
    cookie.key = COOKIE  # nothing is decided by it, so it is read without the prefix
    answer.set_cookie(cookie)


def _sign_out(here: Visit) -> Redirect:
    """Ends the session and deletes its cookie."""
    _end(here)
    answer = here.to(FRONT)
    answer.set_cookie(here.cookies.clear(SESSION))
    return answer


def _end(here: Visit) -> None:
    """Ends the session of this browser if it has one."""
    if here.person is not None:
        principal = here.person.principal
        manage.end_session(
            here.services.store, principal, principal.id, here.person.session.id, now=here.services.clock()
        )


def _with_language(here: Visit, fields: dict[str, str]) -> Redirect:
    """Remembers a language, if it is one of Hymio."""
    look = look_of(here.request)
    answer = here.to(front_for(own_address(fields.get(FIELD, FRONT))))
    if fields.get("language") in PAGE_LANGUAGES:
        remember_look(answer, here, Look(fields["language"], fields["language"], look.theme))
    return answer


# --- one-time links --------------------------------------------------------------------------------------------------


def _link_page(here: Visit, link: str, error: HymioError | None = None) -> Response[bytes]:
    """The page on which a person chooses a password. NotFound for a link that was used or has expired."""
    invited = manage.link_principal(here.services.store, link, here.services.clock())
    if invited is None:
        raise NotFound("link-ended", "This link has been used or has expired.")
    return here.page(
        "password.html", 200 if error is None else error.status, headers=_LINK_HEADERS, link=link, invited=invited,
        detail=None if error is None else error.public_detail,
    )  # fmt: skip


def _choose_password(here: Visit, fields: dict[str, str]) -> Answer:
    """Sets the password of a link, or shows the form again with what is wrong. NotFound as for the page."""
    link, password, now = fields.get("link", ""), fields.get("password", ""), here.services.clock()
    invited = manage.link_principal(here.services.store, link, now)
    if invited is None:
        raise NotFound("link-ended", "This link has been used or has expired.")
    try:
        require_repeated(password, fields)
        manage.set_password(here.services.store, invited.principal, invited.user.id, password, link, now=now)
    except SetupError as error:
        return _link_page(here, link, error)
    return signed_in(here, invited.principal)


def require_repeated(password: str, fields: dict[str, str]) -> None:
    """SetupError unless a new password was typed twice the same."""
    if password != fields.get("again"):
        raise SetupError("passwords-differ", "The two passwords are not the same.")


THEMES: Final = {Theme.SYSTEM: Phrase("As the device"), Theme.LIGHT: Phrase("Light"), Theme.DARK: Phrase("Dark")}
"""The names of the themes."""
