"""The page of one's own account: password, language, theme and sessions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from hymio import manage
from hymio.errors import HymioError, Phrase, SetupError, TooManyRequests
from hymio.manage import SignedIn
from hymio.serving.addresses import client_key
from hymio.texts import PAGE_LANGUAGES
from hymio.user import Theme
from hymio.web.cookies import form_of
from hymio.web.look import Look, look_of
from hymio.web.people import People, Visit, visit
from hymio.web.sign_in import THEMES, Answer, remember_look, require_repeated, signed_in

_Act = Callable[[Visit, SignedIn, dict[str, str]], Answer]


def routes(people: People) -> list[HTTPRouteHandler]:
    """The handlers of the account's page and its forms."""

    @get("/account", sync_to_thread=True)
    def account(request: Request[Any, Any, Any]) -> Answer:
        """The page."""
        here = visit(people, request)
        return here.to_sign_in() if here.person is None else _page(here, here.person)

    async def _answer(request: Request[Any, Any, Any], act: _Act, *, hashes: bool = False) -> Answer:
        """Does what a form asks for, which `hashes` passwords or not; a browser whose session ended signs in first."""
        here = await asyncio.to_thread(visit, people, request)
        if here.person is None:
            return here.to_sign_in()
        fields = await form_of(request, here.form_secret)
        run = here.services.passwords.run if hashes else asyncio.to_thread
        return await run(act, here, here.person, fields)

    @post("/account/preferences", status_code=303)
    async def preferences(request: Request[Any, Any, Any]) -> Answer:
        """Sets language and theme."""
        return await _answer(request, _set_preferences)

    @post("/account/password", status_code=303)
    async def password(request: Request[Any, Any, Any]) -> Answer:
        """Sets the password."""
        return await _answer(request, _set_password, hashes=True)

    @post("/account/sessions", status_code=303)
    async def sessions(request: Request[Any, Any, Any]) -> Answer:
        """Ends a session, or all others."""
        return await _answer(request, _end_sessions)

    return [account, preferences, password, sessions]


def _page(here: Visit, person: SignedIn, error: HymioError | None = None, status: int = 200) -> Response[bytes]:
    """The page, with what was wrong with a new password; `done` in the address says what was changed just now."""
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, TooManyRequests) else {}
    layout, now = here.services.store.layout(person.principal.organization), here.services.clock()
    node = person.principal.root(layout.hierarchy)
    return here.page(
        "account.html", status, headers=headers, themes=THEMES, now=now,
        zone="UTC" if node is None else layout.zone_of(node, now).key,
        sessions=manage.sessions(here.services.store, person.principal, now),
        detail=None if error is None else error.public_detail,
        done=_DONE.get(here.request.query_params.get("done", "")) if error is None else None,
    )  # fmt: skip


_DONE = {
    "preferences": Phrase("Language and theme are saved."),
    "password": Phrase("The new password is set. You are signed out everywhere else."),
    "sessions": Phrase("These browsers are signed out."),
}


def _set_preferences(here: Visit, person: SignedIn, fields: dict[str, str]) -> Answer:
    """Sets language and theme; the country of the locale stays with the language. Values of no choice are ignored."""
    language, locale = fields.get("language", ""), person.user.locale
    if language in PAGE_LANGUAGES and language != locale.partition("-")[0]:
        locale = language
    word = fields.get("theme", "")
    theme = Theme(word) if word in {theme.value for theme in Theme} else person.theme
    principal = person.principal
    manage.set_preferences(here.services.store, principal, principal.id, locale, theme, now=here.services.clock())
    answer = here.to("/account?done=preferences")
    chosen = locale.partition("-")[0]
    remember_look(answer, here, Look(chosen if chosen in PAGE_LANGUAGES else look_of(here.request).language, "", theme))
    return answer


def _set_password(here: Visit, person: SignedIn, fields: dict[str, str]) -> Answer:
    """Sets a new password if the present one is right, ends all sessions, and begins a new one here."""
    store, principal, password = here.services.store, person.principal, fields.get("password", "")
    client = here.request.scope.get("client")
    address, backoff = client_key(client[0]) if client else "", here.people.backoff
    try:
        backoff.require_turn(person.user.email, address)
        if not manage.has_password(store, principal, fields.get("present", "")):
            backoff.note_wrong(person.user.email, address)
            raise SetupError("present-password-wrong", "The present password is not right.")
        require_repeated(password, fields)
        manage.set_password(store, principal, principal.id, password, now=here.services.clock())
    except (SetupError, TooManyRequests) as error:
        return _page(here, person, error, error.status)
    return signed_in(here, principal, "/account?done=password")


def _end_sessions(here: Visit, person: SignedIn, fields: dict[str, str]) -> Answer:
    """Ends the session whose id is sent, otherwise all but this one."""
    store, principal, now = here.services.store, person.principal, here.services.clock()
    chosen = fields.get("session", "")
    if chosen.isascii() and chosen.isdigit() and len(chosen) < 19:
        manage.end_session(store, principal, principal.id, int(chosen), now=now)
    elif not chosen:
        manage.end_sessions(store, principal, principal.id, person.session.id, now=now)
    return here.to("/account?done=sessions")
