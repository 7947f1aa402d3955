"""The door of people: the session of a request, and the routes of all pages behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from litestar import Request, Response
from litestar.response import Redirect

from hymio import manage
from hymio.manage import SignedIn
from hymio.period import MINUTE_MS
from hymio.serving.answers import answer_to
from hymio.serving.backoff import Backoff
from hymio.serving.door import Services
from hymio.web.asked import asked_address, front_for
from hymio.web.cookies import FORM, SESSION, Cookies, form_token, new_form_secret
from hymio.web.look import look_of
from hymio.web.page import html_answer

SEEN_EVERY_MS: Final = 5 * MINUTE_MS
"""How often the use of a session is written."""


@dataclass(frozen=True, slots=True)
class People:
    """What the pages of one server share."""

    services: Services
    backoff: Backoff


@dataclass(frozen=True, slots=True)
class Visit:
    """A request for a page, with the person who is signed in, or None."""

    people: People
    request: Request[Any, Any, Any]
    cookies: Cookies
    person: SignedIn | None
    form_secret: str
    """From which the token of forms is made: the session's secret, else that of the cookie FORM."""

    @property
    def services(self) -> Services:
        """The services of the server."""
        return self.people.services

    def page(
        self, template: str, status: int = 200, *, headers: dict[str, str] | None = None, **values: object
    ) -> Response[bytes]:
        """A page for who sent the request. A browser without a session gets the cookie FORM along."""
        cookies, secret = [], self.form_secret
        if not secret:
            secret = new_form_secret()
            cookies.append(self.cookies.set(FORM, secret))
        return html_answer(
            template, look_of(self.request, self.person), status, is_secure=self.cookies.is_secure, cookies=cookies,
            headers=headers, token=form_token(secret), person=self.person, **values,
        )  # fmt: skip

    def to(self, address: str) -> Redirect:
        """Sends the browser to an address of this server."""
        return Redirect(address, status_code=303, headers={"Cache-Control": "no-store"})

    def to_sign_in(self) -> Redirect:
        """Sends the browser to the front, where a person without a session signs in, and from there back to here."""
        return self.to(front_for(asked_address(self.request)))


def visit(people: People, request: Request[Any, Any, Any]) -> Visit:
    """Looks up the session of a request, and notes its use; reads and may write the database. Unavailable."""
    services = people.services
    cookies, now = Cookies.of(request, services.settings), services.clock()
    secret = cookies.read(request, SESSION)
    person = manage.session_principal(services.store, secret, now) if secret else None
    if person is None:
        return Visit(people, request, cookies, None, cookies.read(request, FORM))
    answer_to(request, person.principal)
    if now - person.session.seen_at >= SEEN_EVERY_MS:
        manage.note_session_use(services.store, person.principal.organization, person.session.id, now)
    return Visit(people, request, cookies, person, secret)
