"""304: equal entity tags are of equal bytes, whatever changes between two requests, and what is unchanged keeps its."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import TestClient

from hymio import intake, manage
from hymio.access import Role, operator
from hymio.errors import NotFound
from hymio.feedback import Phases as After
from hymio.feedback import Press, Text, Upload, feedback_id
from hymio.period import DAY_MS, HOUR_MS, MINUTE_MS
from hymio.personal_data import OfFeedback
from hymio.serving.door import Services
from hymio.store import Store
from hymio.user import Theme
from hymio.web.reports import routes
from tests.pages import PASSWORD
from tests.served import UNBOUND, serving
from tests.test_laws import law, opened
from tests.world import NOW, World, build

ADDRESSES = (
    "/reports/1?period=today", "/reports/1.json?period=today&compare=previous", "/reports/1.json?period=last-7-days",
    "/reports/1.json?period=2096-10&asOf=14", "/reports/1/hours.csv?period=today", "/reports/1.xlsx?period=this-month",
    "/reports/1.zip?period=today", "/reports/1/silent.csv?period=today", "/reports/1.csv?period=2096-10",
    "/reports/1/texts.csv?period=this-month",
)  # fmt: skip
"""Addresses of what depends on the date, of a fixed period, of an older revision, and of what grows old."""

_people = count(1)


@dataclass
class Scene:
    """A served organization, its people, and a clock that only goes on."""

    store: Store
    http: httpx.Client
    now: list[int]
    world: World
    sequence: Iterator[int] = field(default_factory=lambda: count(1))
    bodies: dict[tuple[str, str], bytes] = field(default_factory=dict)

    @property
    def organization(self) -> int:
        return self.world.organization

    def person(self, role: Role, locale: str) -> tuple[int, dict[str, str]]:
        boss, email = operator(self.organization), f"reader{next(_people)}@example.com"
        user = manage.add_user(self.store, boss, email, "A", "B", 1, role, locale, now=self.now[0])
        secret = manage.begin_session(self.store, boss, user, now=self.now[0])
        return user, {"Cookie": f"hymio-session={secret}", "Accept": "text/html"}

    def ask(self, address: str, headers: dict[str, str]) -> str:
        """Requests an address; its tag has the bytes that it had before, and with the tag the answer is 304."""
        answer = self.http.get(address, headers=headers)
        tag = answer.headers.get("etag", "")
        if answer.status_code == 403:  # an older revision of what is withheld
            return tag
        assert answer.status_code == 200, answer.text
        assert tag
        assert answer.headers["cache-control"] == "private, no-cache"
        assert "Cookie" in answer.headers["vary"]
        assert self.bodies.setdefault((address.partition("?")[0], tag), answer.content) == answer.content
        again = self.http.get(address, headers={**headers, "If-None-Match": tag})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["vary"] == answer.headers["vary"]
        return tag


@pytest.fixture(scope="module")
def served(shared_database_url: str) -> Iterator[tuple[Store, httpx.Client, list[int]]]:
    store, now = opened(shared_database_url), [NOW]
    with serving(store, UNBOUND, lambda: now[0]) as http:
        yield store, http, now


def press(scene: Scene) -> None:
    text = After((), Text("Soup", 0.5, False))
    one = Press(7, next(scene.sequence), scene.now[0] - MINUTE_MS, 0, phases=text)
    intake.record(scene.store, scene.organization, [Upload(scene.world.smileys[0], (one,))], scene.now[0])


def rename(scene: Scene) -> None:
    boss = operator(scene.organization)
    manage.rename_node(scene.store, boss, 1, f"Root {next(scene.sequence)}", now=scene.now[0])


def withhold(scene: Scene) -> None:
    boss, answers = operator(scene.organization), 1 + next(scene.sequence) % 3
    manage.set_minimum_answers(scene.store, boss, None, answers, now=scene.now[0])


def move_zone(scene: Scene) -> None:
    zone = ("Europe/Helsinki", "Asia/Kathmandu", "Pacific/Auckland")[next(scene.sequence) % 3]
    manage.set_zone(scene.store, operator(scene.organization), scene.world.points[0], zone, now=scene.now[0])


def mark(scene: Scene) -> None:
    feedback, boss = feedback_id(scene.world.smileys[0], 7, 1), operator(scene.organization)
    with suppress(NotFound):  # its text may be erased
        manage.mark_spam(scene.store, boss, feedback, spam=next(scene.sequence) % 2 == 0, now=scene.now[0])


def erase(scene: Scene) -> None:
    feedback = feedback_id(scene.world.smileys[0], 7, 1)
    intake.erase(scene.store, scene.organization, OfFeedback((feedback,)), scene.now[0])


def reword(scene: Scene) -> None:
    boss, text = operator(scene.organization), f"How was it, the {next(scene.sequence)}.?"
    manage.localize_question(scene.store, boss, 1, "en-US", text, now=scene.now[0])


def minute(scene: Scene) -> None:
    scene.now[0] += MINUTE_MS


def hours(scene: Scene) -> None:
    scene.now[0] += 7 * HOUR_MS


def days(scene: Scene) -> None:
    scene.now[0] += 2 * DAY_MS


STEPS = st.lists(
    st.sampled_from([press, press, rename, withhold, move_zone, mark, erase, reword, minute, hours, days]), max_size=5
)


@settings(law, max_examples=max(6, law.max_examples // 8))
@given(st.data(), STEPS)
def test_equal_tags_are_of_equal_bytes(
    served: tuple[Store, httpx.Client, list[int]], data: st.DataObject, steps: list[object]
) -> None:
    store, http, now = served
    scene = Scene(store, http, now, build(store, ("Europe/Helsinki", "America/New_York")))
    press(scene)
    chosen = data.draw(st.lists(st.sampled_from(ADDRESSES), min_size=1, max_size=3, unique=True))
    for step in [minute, *steps]:
        assert callable(step)
        step(scene)
        readers = [scene.person(Role.USER, "en-US"), scene.person(Role.ADMIN, "fi-FI")]
        for address in chosen:
            for _, headers in readers:
                scene.ask(address, headers)


@pytest.mark.parametrize("address", ADDRESSES)
def test_what_has_not_changed_keeps_its_tag_until_the_next_day(
    served: tuple[Store, httpx.Client, list[int]], address: str
) -> None:
    store, http, now = served
    scene = Scene(store, http, now, build(store))
    scene.now[0] += -scene.now[0] % DAY_MS + HOUR_MS  # one o'clock in UTC
    press(scene)
    user, headers = scene.person(Role.USER, "en-US")
    first = scene.ask(address, headers)
    scene.now[0] += 4 * MINUTE_MS
    assert scene.ask(address, headers) == first
    boss = operator(scene.organization)
    manage.set_preferences(store, boss, user, "fi-FI", Theme.DARK, now=scene.now[0])
    changed = scene.ask(address, headers)
    assert first != changed
    press(scene)
    if "2096-10" not in address:  # the month of the clock, unless it went on
        assert (scene.ask(address, headers) == changed) == ("last-7-days" in address)


def test_another_password_of_the_same_person_is_another_page(served: tuple[Store, httpx.Client, list[int]]) -> None:
    """Forms of a page have a token of the session, so two sessions have no page in common."""
    store, http, now = served
    scene = Scene(store, http, now, build(store))
    user, headers = scene.person(Role.USER, "en-US")
    boss = operator(scene.organization)
    manage.set_password(store, boss, user, PASSWORD, now=now[0])
    secret = manage.begin_session(store, boss, user, now=now[0])
    assert scene.http.get(ADDRESSES[0], headers=headers).status_code == 303, "the other sessions ended"
    other = scene.person(Role.USER, "en-US")[1]
    assert scene.ask(ADDRESSES[0], {**headers, "Cookie": f"hymio-session={secret}"}) != scene.ask(ADDRESSES[0], other)
    assert scene.ask(ADDRESSES[1], {**headers, "Cookie": f"hymio-session={secret}"}) == scene.ask(ADDRESSES[1], other)


def test_what_has_not_changed_waits_for_no_report_that_is_built(served: tuple[Store, httpx.Client, list[int]]) -> None:
    store, http, now = served
    scene = Scene(store, http, now, build(store))
    addresses, (_, headers) = (ADDRESSES[0], ADDRESSES[1]), scene.person(Role.USER, "en-US")
    tags = [scene.ask(address, headers) for address in addresses]
    services = Services.of(store, replace(UNBOUND, threads=2), lambda: now[0])
    asyncio.run(services.reading.turn(None).__aenter__())  # the only report that may be built at a time
    host = http.base_url.netloc.decode()
    with TestClient(Litestar(routes(services))) as client:
        for address, tag in zip(addresses, tags, strict=True):
            answer = client.get(address, headers={**headers, "If-None-Match": tag, "Host": host})
            assert answer.status_code == 304
