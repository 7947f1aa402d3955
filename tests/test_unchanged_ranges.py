"""304 of both APIs: a tag changes when the answer does, and not because presses arrive elsewhere or at another time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from uuid import UUID

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hymio import intake, manage
from hymio.access import operator
from hymio.feedback import Phases as After
from hymio.feedback import Press, Text, Upload
from hymio.manage import ApiCredentials
from hymio.period import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, format_timestamp
from hymio.personal_data import OfOrganization
from hymio.store import Store
from tests.served import UNBOUND, serving
from tests.test_laws import law, opened
from tests.world import NOW, World, build

CLOSED = NOW - 60 * DAY_MS
"""The middle of the closed period; presses elsewhere in time are made now."""

_FIRST, _END = (format_timestamp(CLOSED + days * DAY_MS, 0, utc=True)[:10] for days in (-15, 15))
_V1 = f"date_start={_FIRST}&date_end={_END}"
_V2 = f"startDate={_FIRST}&endDate={_END}&limit=50"


@dataclass
class Scene:
    """A served organization with an API, and the sequences of its presses."""

    store: Store
    http: httpx.Client
    world: World
    v1: ApiCredentials
    v2: dict[str, str]
    sequence: Iterator[int] = field(default_factory=lambda: count(1))
    closed: list[Press] = field(default_factory=list)
    bodies: dict[tuple[str, str], bytes] = field(default_factory=dict)

    @property
    def addresses(self) -> list[str]:
        """Answers of both APIs about the first point, in the closed period."""
        survey, point = self.assignment(0), self.world.points[0]
        return [
            f"/v1/surveys/{survey}/results?{_V1}",
            f"/v1/surveys/{survey}/rawresults?{_V1}",
            f"/v1/surveys/{survey}/openfeedback?{_V1}",
            f"/v2/results/button-feedbacks.json?{_V2}&experiencePointId={point}&includeMisuse=true",
            f"/v2/results/text-feedbacks.csv?{_V2}&experiencePointId={point}",
        ]

    def assignment(self, point: int) -> int:
        layout = self.store.layout(self.world.organization)
        return min(row.id for row in layout.assignments_at(self.world.points[point]))

    def press(self, at: int, point: int = 0, button: int = 1, text: str | None = None) -> None:
        phases = None if text is None else After((), Text(text, 0.5, False))
        one = Press(7, next(self.sequence), at, button, phases=phases)
        if point == 0 and at < NOW - DAY_MS:
            self.closed.append(one)
        self.send(one, point)

    def send(self, press: Press, point: int = 0) -> None:
        intake.record(self.store, self.world.organization, [Upload(self.world.smileys[2 * point], (press,))], NOW)

    def ask(self, address: str) -> tuple[str, bytes]:
        """The tag and the body of an answer; a tag has the bytes that it had before."""
        is_v1 = address.startswith("/v1")
        auth = httpx.BasicAuth(self.v1.client_id, self.v1.token) if is_v1 else None
        answer = self.http.get(address, auth=auth, headers=None if is_v1 else self.v2)
        assert answer.status_code == 200, answer.text
        tag = answer.headers["etag"].replace("-zstd", "").replace("-gzip", "")
        assert self.bodies.setdefault((address, tag), answer.content) == answer.content
        return tag, answer.content


@pytest.fixture(scope="module")
def served(shared_database_url: str) -> Iterator[tuple[Store, httpx.Client]]:
    store = opened(shared_database_url)
    with serving(store, UNBOUND, NOW) as http:
        yield store, http


def scene_of(served: tuple[Store, httpx.Client]) -> Scene:
    store, http = served
    world = build(store)
    boss = operator(world.organization)
    with manage.batch(store, world.organization, NOW - DAY_MS) as batch:
        v1 = manage.activate_api(batch, boss, now=NOW - DAY_MS)
    token = manage.create_token(store, boss, "BI", now=NOW - DAY_MS)
    scene = Scene(store, http, world, v1, {"X-HON-API-Token": token.secret})
    scene.press(CLOSED)
    return scene


def today(scene: Scene) -> None:
    scene.press(NOW - MINUTE_MS, text="Now")


def elsewhere(scene: Scene) -> None:
    scene.press(CLOSED, point=1)


def late(scene: Scene) -> None:
    number = next(scene.sequence)
    scene.press(CLOSED - number * HOUR_MS, button=number % 4)


def misuse(scene: Scene) -> None:
    """Presses within the interval of others, of which earlier ones are judged anew."""
    scene.press(CLOSED - SECOND_MS * next(scene.sequence), button=2, text="Quick")


def text_later(scene: Scene) -> None:
    press = scene.closed[-1]
    scene.send(press._replace(phases=After((), Text(f"Later {next(scene.sequence)}", 0.5, False))))


def spam(scene: Scene) -> None:
    rows = scene.ask(scene.addresses[4])[1].decode().splitlines()
    columns = rows[0].split(",")
    if len(rows) > 1:
        feedback = UUID(rows[1].split(",")[columns.index("feedbackId")])
        boss = operator(scene.world.organization)
        manage.mark_spam(scene.store, boss, feedback, spam=next(scene.sequence) % 2 == 0, now=NOW)


def rename(scene: Scene) -> None:
    boss = operator(scene.world.organization)
    manage.rename_node(scene.store, boss, scene.world.points[0], f"Point {next(scene.sequence)}", now=NOW)


STEPS: tuple[Callable[[Scene], None], ...] = (today, elsewhere, late, misuse, text_later, spam, rename)


@settings(law, max_examples=max(6, law.max_examples // 10))
@given(st.lists(st.sampled_from(STEPS), min_size=1, max_size=8))
def test_equal_tags_are_of_equal_bytes_and_a_changed_answer_has_another(
    served: tuple[Store, httpx.Client], steps: list[Callable[[Scene], None]]
) -> None:
    scene = scene_of(served)
    before = {address: scene.ask(address) for address in scene.addresses}
    for step in steps:
        step(scene)
        for address in scene.addresses:
            tag, body = scene.ask(address)
            assert tag != before[address][0] or body == before[address][1]
            if step in (today, elsewhere):
                assert tag == before[address][0]
            before[address] = tag, body


def test_what_is_erased_is_another_answer(served: tuple[Store, httpx.Client]) -> None:
    scene = scene_of(served)
    scene.press(CLOSED - HOUR_MS, text="Call Jane Doe")
    address = scene.addresses[4]
    tag, body = scene.ask(address)
    assert b"Jane" in body
    intake.erase(scene.store, scene.world.organization, OfOrganization(), NOW)
    again, rest = scene.ask(address)
    assert again != tag
    assert b"Jane" not in rest
