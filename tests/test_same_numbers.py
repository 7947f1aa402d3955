"""Law 7: every surface shows the same number for the same question, whatever the node, period, zone and grain."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hymio import intake, manage, results
from hymio.access import Principal, operator
from hymio.feedback import Followup, Phases, Press, Text, Upload, Verdict
from hymio.misuse import MisusePolicy
from hymio.period import DateRange, Grain, InstantRange, wall_of
from hymio.results import OfAssignment, OfNode, OfScale, OfSurvey, Phase
from hymio.rollup import GroupSubject
from hymio.setup import Layout
from hymio.spreadsheet import disarmed
from hymio.store import Store
from tests.served import serving
from tests.test_laws import law, opened
from tests.world import NOW, World, build, deliveries, policies, pressed, zone_pairs

DIGITAL = 3
"""The place of the smiley whose scale has five buttons; the others have four."""

Counts = Counter[int]
"""Presses by button index."""


@dataclass(frozen=True)
class Surfaces:
    """A world in a served store, and the clients that ask for its numbers."""

    store: Store
    world: World
    http: httpx.Client
    v1: httpx.BasicAuth
    v2: str

    @property
    def principal(self) -> Principal:
        return operator(self.world.organization)

    @property
    def layout(self) -> Layout:
        return self.store.layout(self.world.organization)

    def instants(self, assignment: int, dates: DateRange) -> InstantRange:
        """Dates in the zone of an assignment's point."""
        return dates.instants(self.layout.zone_of(self.layout.assignments[assignment].node, NOW))

    def v1_json(self, path: str, dates: DateRange, **more: str) -> Any:
        query = {"date_start": dates.start.isoformat(), "date_end": dates.end.isoformat(), **more}
        answer = self.http.get(f"/v1/surveys/{path}", params=query, auth=self.v1)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def v2_text(self, listing: str, dates: DateRange, **more: str) -> str:
        query = {"startDate": dates.start.isoformat(), "endDate": dates.end.isoformat(), "limit": "10000", **more}
        answer = self.http.get(f"/v2/results/{listing}", params=query, headers={"X-HON-API-Token": self.v2})
        assert answer.status_code == 200, answer.text
        assert answer.headers["x-more-available"] == "false"
        return answer.text

    def v2_rows(self, listing: str, dates: DateRange, **more: str) -> list[dict[str, str]]:
        """The rows of a listing, the same in JSON and CSV, each value as text."""
        rows = httpx.Response(200, text=self.v2_text(f"{listing}.json", dates, **more)).json()
        table = list(csv.DictReader(io.StringIO(self.v2_text(f"{listing}.csv", dates, **more), newline="")))
        as_text = [{name: _text(value) for name, value in row.items()} for row in rows]
        cells = [{name: disarmed(row.get(name, "")) for name in line} for row, line in zip(as_text, table, strict=True)]
        assert cells == table
        return as_text


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.fixture(scope="module")
def served(shared_database_url: str) -> Iterator[tuple[Store, httpx.Client]]:
    """The shared store of an engine, and a client of a server of it."""
    store = opened(shared_database_url)
    with serving(store, now=NOW) as http:
        yield store, http


def surfaces(served: tuple[Store, httpx.Client], world: World) -> Surfaces:
    store, http = served
    boss = operator(world.organization)
    client = manage.activate_api(store, boss, now=NOW)
    token = manage.create_token(store, boss, "Law 7", now=NOW)
    return Surfaces(store, world, http, httpx.BasicAuth(client.client_id, client.token), token.secret)


def with_phases(upload: Upload) -> Upload:
    """An upload in which some presses have a text, and some follow-ups."""

    def phases(press: Press) -> Phases | None:
        followups = tuple(Followup(option, 1, option) for option in range(1, 1 + press.sequence % 3))
        text = Text(f'Soup {press.sequence}; =cold, "no"', 0.5, press.sequence % 4 == 0)
        return Phases(followups, text if press.sequence % 2 else None) if followups or press.sequence % 2 else None

    return upload._replace(presses=tuple(press._replace(phases=phases(press)) for press in upload.presses))


def dates_around(press: Press, zone: ZoneInfo) -> st.SearchStrategy[DateRange]:
    """Dates that begin or end near the one on which a press was made, or hold it in their middle."""
    day = wall_of(press.at, zone).date()
    return st.tuples(st.integers(-2, 1), st.sampled_from([1, 1, 2, 3, 40, 300])).map(
        lambda drawn: DateRange(day + timedelta(drawn[0]), day + timedelta(drawn[0] + drawn[1]))
    )


def added(counts: Iterable[tuple[int, ...]]) -> Counts:
    total = Counter[int]()
    for each in counts:
        total.update({button: count for button, count in enumerate(each) if count})
    return total


def of_rows(rows: Iterable[dict[str, str]]) -> Counts:
    return Counter(int(row["buttonIndex"]) for row in rows)


@settings(law, max_examples=law.max_examples // 2)
@given(st.data(), zone_pairs, policies, st.sampled_from(Grain))
def test_every_surface_shows_the_same_numbers(
    served: tuple[Store, httpx.Client],
    data: st.DataObject,
    zones: tuple[str, str],
    policy: MisusePolicy,
    grain: Grain,
) -> None:
    world = build(served[0], zones, policy)
    presses = data.draw(pressed(4, zone=zones[0]))
    for uploads in data.draw(deliveries(presses, world.smileys)):
        intake.record(served[0], world.organization, [with_phases(upload) for upload in uploads], NOW)
    shown = surfaces(served, world)
    with results.raw(shown.store, shown.principal, OfNode(world.root)) as found:
        stored = {(row.smiley, row.epoch, row.sequence) for row in found.rows}
    on_scale = [(which, press) for which, press in presses if which == DIGITAL or press.button < 4]
    assert stored == {(world.smileys[which], press.epoch, press.sequence) for which, press in on_scale}
    dates = data.draw(dates_around(data.draw(st.sampled_from([press for _, press in presses])), ZoneInfo(zones[0])))
    assert_same_of_assignment(shown, data.draw(st.sampled_from(world.assignments)), dates, grain)
    node = data.draw(st.sampled_from([*world.groups, *world.points]))
    assert_same_of_node(shown, node, data.draw(st.sampled_from([None, *world.surveys])), dates)
    subjects: list[GroupSubject] = [*(OfSurvey(node, survey) for survey in world.surveys), OfScale(node, 4)]
    assert_same_for_all_time(shown, data.draw(st.sampled_from(subjects)), grain)
    assert list(intake.verify(shown.store, world.organization)) == []


def assert_same_of_assignment(shown: Surfaces, assignment: int, dates: DateRange, grain: Grain) -> None:
    """Hourly results, rows, API v1 and API v2 show the same of an assignment on dates of its point's zone."""
    at = shown.layout.assignments[assignment]
    within, subject = shown.instants(assignment, dates), OfAssignment(assignment)
    buckets = results.hourly(shown.store, shown.principal, subject, within, grain).buckets
    counted, raw = added(bucket.counted for bucket in buckets), added(bucket.raw for bucket in buckets)
    assert raw - counted == added(counts for bucket in buckets for counts in bucket.misuse.values())

    with results.raw(shown.store, shown.principal, subject, within) as found:
        rows = list(found.rows)
        assert found.total == len(rows)
    assert Counter(row.button for row in rows) == raw
    assert Counter(row.button for row in rows if row.verdict == Verdict.COUNTED) == counted

    hours = shown.v1_json(f"{assignment}/results", dates, truncate=grain.value)
    assert added(tuple(hour["data"]) for hour in hours) == counted
    published = shown.v1_json(f"{assignment}/rawresults", dates)
    assert (published["meta"]["total"], Counter(row["r"] for row in published["data"])) == (len(rows), raw)
    texts, followups = (shown.v1_json(f"{assignment}/{name}", dates) for name in ("openfeedback", "followup"))
    assert [texts["meta"]["total"], followups["meta"]["total"]] == [len(texts["data"]), len(followups["data"])]
    assert [row for row in published["data"] if "text" in row] == texts["data"]

    asked = {"experiencePointId": str(at.node), "surveyId": str(at.survey)}
    assert of_rows(shown.v2_rows("button-feedbacks", dates, **asked)) == counted
    everything = shown.v2_rows("button-feedbacks", dates, includeMisuse="true", **asked)
    assert of_rows(everything) == raw
    assert of_rows(row for row in everything if row["misuse"] == "false") == counted
    for listing, answers in (("text-feedbacks", texts), ("follow-up-feedbacks", followups)):
        listed = shown.v2_rows(listing, dates, includeMisuse="true", **asked)
        assert of_rows(listed) == Counter(row["r"] for row in answers["data"])


def assert_same_of_node(shown: Surfaces, node: int, survey: int | None, dates: DateRange) -> None:
    """API v2 shows of a node what its assignments have, each on the dates of its own zone."""
    counted, raw, texts = Counter[int](), Counter[int](), 0
    below = {point.id for point in shown.layout.hierarchy.points(node)}
    for each in shown.layout.assignments.values():
        if each.node in below and survey in (None, each.survey):
            within, subject = shown.instants(each.id, dates), OfAssignment(each.id)
            buckets = results.hourly(shown.store, shown.principal, subject, within).buckets
            counted += added(bucket.counted for bucket in buckets)
            raw += added(bucket.raw for bucket in buckets)
            with results.answers(shown.store, shown.principal, subject, within, phase=Phase.TEXT) as found:
                texts += found.total
    asked = {"experiencePointId": str(node), **({} if survey is None else {"surveyId": str(survey)})}
    assert of_rows(shown.v2_rows("button-feedbacks", dates, **asked)) == counted
    assert of_rows(shown.v2_rows("button-feedbacks", dates, includeMisuse="true", **asked)) == raw
    assert len(shown.v2_rows("text-feedbacks", dates, includeMisuse="true", **asked)) == texts


def assert_same_for_all_time(shown: Surfaces, subject: GroupSubject, grain: Grain) -> None:
    """A node's own hours, its rows and its CSV hold the same presses."""
    buckets = results.hourly(shown.store, shown.principal, subject, grain=grain).buckets
    with results.raw(shown.store, shown.principal, subject) as found:
        rows = list(found.rows)
        assert found.total == len(rows)
    assert added(bucket.raw for bucket in buckets) == Counter(row.button for row in rows)
    verdicts = Counter[Verdict]()
    for bucket in buckets:
        verdicts.update({Verdict(verdict): sum(counts) for verdict, counts in bucket.verdicts.items()})
    assert verdicts == Counter(Verdict(row.verdict) for row in rows)
    with results.raw_csv(shown.store, shown.principal, subject) as lines:
        table = list(csv.reader(io.StringIO(b"".join(lines.chunks).decode())))
        assert lines.total == len(table)
    assert Counter((line[1], line[3]) for line in table) == Counter(
        (str(row.button), Verdict(row.verdict).label) for row in rows
    )


def test_a_range_within_an_hour_has_the_total_of_its_rows(store: Store) -> None:
    """Hours that the ends of a range cut are counted row by row, whatever their offsets."""
    world = build(store, ("Asia/Kathmandu", "Australia/Lord_Howe"), MisusePolicy(interval=0))
    at = 1_700_000_000_000
    uploads = [
        Upload(smiley, tuple(Press(1, n, at + 61_000 * n, n % 4) for n in range(1, 400)))
        for smiley in (world.smileys[0], world.smileys[2])
    ]
    intake.record(store, world.organization, uploads, NOW)
    for start in range(at, at + 7_300_000, 700_000):
        for length in (1, 61_000, 1_900_000, 3_600_000, 7_000_000):
            for subject in (OfAssignment(world.assignments[0]), OfScale(world.root, 4)):
                within = InstantRange(start, start + length)
                with results.raw(store, operator(world.organization), subject, within) as found:
                    assert found.total == len(list(found.rows))
