"""Answers over HTTP are in the language that Accept-Language prefers; codes, statuses and data are the same in each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from litestar import Request

from hymio import manage
from hymio.access import Principal, Role, Via, operator
from hymio.errors import SetupError
from hymio.serving.answers import answer_to, language_of
from hymio.store import Store, open_store
from hymio.texts import LANGUAGES, SOURCE
from hymio.web.docs import PAGES
from tests.example import NOW, make_example
from tests.served import serving

TRANSLATED = [language for language in LANGUAGES if language != SOURCE]


class Refused(NamedTuple):
    """A request that is refused, and the code that the answer has."""

    request: str
    code: str
    has_credentials: bool = True
    body: str = ""


REFUSED = [
    Refused("GET /v1/folders", "v1-credential-refused", has_credentials=False),
    Refused("GET /v2/surveys.json", "v2-token-refused", has_credentials=False),
    Refused("GET /v1/folders/9999", "unknown-v1-folder"),
    Refused("GET /v1/folders/x", "unknown-v1-folder"),
    Refused("GET /v1/questions?limit=101", "bad-parameter"),
    Refused("GET /v1/questions?offset=-1", "bad-parameter"),
    Refused("GET /v1/questions?offset=1&offset=2", "repeated-parameter"),
    Refused("GET /v1/surveys/1/results?date_start=yesterday", "bad-parameter"),
    Refused("GET /v1/surveys/1/results?date_start=2024-03-05&date_end=2024-03-04", "period-ends-before-it-begins"),
    Refused("GET /v2/surveys.xml", "unknown-format"),
    Refused("GET /nowhere", "unknown-address"),
    Refused("GET /docs/nowhere", "unknown-page"),
    Refused("PUT /v1/folders", "method-not-allowed"),
    Refused("POST /terminal/v1/uploads", "device-token-refused", body="{}"),
    Refused("POST /sms", "sms-secret-refused", body="from=1&text=x"),
]


class World(NamedTuple):
    """A server and the credentials of API v1."""

    http: httpx.Client
    auth: httpx.BasicAuth
    store: Store
    boss: Principal
    token: str

    def refusal(self, refused: Refused, headers: dict[str, str]) -> httpx.Response:
        method, _, path = refused.request.partition(" ")
        auth = self.auth if refused.has_credentials else None
        return self.http.request(method, path, headers=headers, auth=auth, content=refused.body)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("languages")
    store = open_store(f"sqlite:///{folder / 'hymio.db'}")
    example = make_example(store)
    credentials, boss = example.credentials, operator(example.organization)
    token = manage.create_token(store, boss, "BI", now=NOW).secret
    with serving(store) as http:
        yield World(http, httpx.BasicAuth(credentials.client_id, credentials.token), store, boss, token)
    store.close()


@pytest.mark.parametrize("language", TRANSLATED)
@pytest.mark.parametrize("refused", REFUSED, ids=lambda refused: refused.request)
def test_a_refusal_says_the_same_in_each_language(refused: Refused, language: str, world: World):
    english, translated = world.refusal(refused, {}), world.refusal(refused, {"Accept-Language": f"{language}-XX"})
    assert english.json()["code"] == translated.json()["code"] == refused.code
    assert english.status_code == translated.status_code
    assert english.headers["content-language"] == SOURCE
    assert translated.headers["content-language"] == language
    assert english.headers["vary"] == translated.headers["vary"] == "Accept-Language"
    assert _untranslated(english) == _untranslated(translated)
    for name in ("title", "detail"):
        assert english.json()[name] != translated.json()[name]
    assert ("accepted" in english.json()) is ("accepted" in translated.json())


def _untranslated(answer: httpx.Response) -> dict[str, Any]:
    return {name: value for name, value in answer.json().items() if name not in ("title", "detail", "accepted")}


@pytest.mark.parametrize("header", ["", "sv", "en-GB, fi;q=0.5", "fi;q=0", "nonsense ;;"])
def test_whoever_asks_for_no_other_language_is_answered_in_english(header: str, world: World):
    assert world.refusal(REFUSED[2], {"Accept-Language": header}).json() == world.refusal(REFUSED[2], {}).json()


def test_a_refusal_in_finnish(world: World):
    assert world.refusal(Refused("GET /v1/questions?limit=101", ""), {"Accept-Language": "fi"}).json() == {
        "type": "about:blank",
        "title": "Virheellinen pyyntö",
        "status": 400,
        "detail": "limit: annettiin '101', hyväksytään: kokonaisluku väliltä 1–100",
        "code": "bad-parameter",
        "parameter": "limit",
        "got": "101",
        "accepted": "kokonaisluku väliltä 1–100",
    }


def test_a_client_that_asks_for_no_language_gets_that_of_its_organization(world: World):
    """The language is read with each request, since another process may have changed it."""
    v1, v2 = (
        Refused("GET /v1/folders/9999", ""),
        Refused("GET /v2/results/button-feedbacks.json?limit=-1", "", has_credentials=False),
    )

    def languages(accepted: str | None) -> list[str]:
        headers = {"X-HON-API-Token": world.token, **({"Accept-Language": accepted} if accepted else {})}
        return [world.refusal(refused, headers).headers["content-language"] for refused in (v1, v2)]

    assert languages(None) == ["en", "en"]
    manage.set_language(world.store, world.boss, "fi", now=NOW)
    assert languages(None) == languages("tlh") == ["fi", "fi"]
    assert languages("en") == ["en", "en"]
    with pytest.raises(SetupError, match="accepted are en, fi"):
        manage.set_language(world.store, world.boss, "tlh", now=NOW)
    manage.set_language(world.store, world.boss, "en", now=NOW)


@pytest.mark.parametrize(
    ("person", "accepted", "organization", "language"),
    [("fi", "en", "en", "fi"), (None, "en", "fi", "en"), (None, "", "fi", "fi"), ("tlh", "", "fi", "fi")],
)
def test_a_person_then_the_request_then_the_organization_chooses(
    person: str | None, accepted: str, organization: str, language: str
) -> None:
    scope: Any = {"type": "http", "headers": [(b"accept-language", accepted.encode())], "state": {}}
    request: Request[Any, Any, Any] = Request(scope)
    answer_to(request, Principal(1, Role.USER, Via.SESSION, "Jo", language=person, default_language=organization))
    assert language_of(request) == language


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_has_finnish_around_the_english_document(page: Any, world: World):
    english, finnish = (world.http.get(page.address, headers={"Accept-Language": each}) for each in ("en", "fi"))
    assert (english.headers["content-language"], finnish.headers["content-language"]) == ("en", "fi")
    assert finnish.headers["vary"] == "Accept-Language, Cookie"
    assert english.headers["etag"] != finnish.headers["etag"]
    assert '<html lang="fi"' in finnish.text
    assert 'lang="en"' in finnish.text
    assert "Siirry sisältöön" in finnish.text
    assert _prose(english.text) == _prose(finnish.text)


def _prose(html: str) -> list[str]:
    """The paragraphs and cells of a page."""
    return re.findall(r"<(?:p|td)\b.*?>(.*?)</(?:p|td)>", html, re.DOTALL)
