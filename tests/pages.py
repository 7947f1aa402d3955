"""A browser without scripts for tests of pages: it keeps cookies, follows redirects and sends the forms of a page."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx

from hymio import manage
from hymio.access import Role, operator
from hymio.store import Store
from tests.example import NOW

PASSWORD = "correct horse battery"


def add_person(
    store: Store,
    organization: int,
    email: str,
    node: int = 1,
    role: Role = Role.USER,
    password: str = PASSWORD,
    **more: Any,
) -> int:
    """A user who can sign in."""
    boss = operator(organization)
    user = manage.add_user(store, boss, email, "Jane", "Doe", node, role, now=NOW, **more)
    manage.set_password(store, boss, user, password, now=NOW)
    return user


@dataclass
class Form:
    """A form of a page: its address and its fields with their values."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    """Collects the forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given["action"]))
        elif tag == "input" and "name" in given and self.forms:
            self.forms[-1].fields[given["name"]] = given.get("value", "")


def forms_of(html: str) -> list[Form]:
    """The forms of a page, in order."""
    parser = _Forms()
    parser.feed(html)
    return parser.forms


def token_of(browser: Browser) -> str:
    """The token of the forms that a browser gets."""
    return forms_of(browser.get("/").text)[0].fields["token"]


class Browser:
    """A person's browser at a server that tests serve."""

    def __init__(self, http: httpx.Client, **headers: str) -> None:
        accepted = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", **headers}
        limits = httpx.Limits(max_keepalive_connections=0)  # no connection is left open when a test ends
        self.http = httpx.Client(
            base_url=http.base_url, headers=accepted, follow_redirects=True, timeout=60, limits=limits
        )

    def get(self, path: str) -> httpx.Response:
        """A page."""
        return self.http.get(path)

    def send(self, page: str, action: str, **fields: str) -> httpx.Response:
        """Opens a page and sends its form for an address, with some fields filled in."""
        form = next(form for form in forms_of(self.get(page).text) if form.action == action)
        return self.http.post(action, data={**form.fields, **fields})

    def sign_in(self, email: str, password: str = PASSWORD) -> httpx.Response:
        """Signs in by the form on the front."""
        return self.send("/", "/sign-in", email=email, password=password)

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that the browser has."""
        return {cookie.name: cookie.value or "" for cookie in self.http.cookies.jar}
