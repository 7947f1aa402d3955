"""A small world for laws: an organization made from a few numbers, and uploads that its smileys may send."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from hymio import manage
from hymio.access import operator
from hymio.feedback import HourReport, Press, Upload
from hymio.misuse import MisusePolicy
from hymio.opening_hours import parse_opening_hours
from hymio.scale import IndexType, Scale
from hymio.smiley import SmileyType
from hymio.store import Store
from hymio.store.catalog.organizations import insert_organization, select_organizations
from hymio.survey import ActivePeriod, Localized
from tests.zones import HOUR, ZONES, clock_changes, told_offset

NOW = 4_000_000_000_000
"""After everything that is pressed in these tests (2096)."""

_names = itertools.count(1)


@dataclass(frozen=True)
class World:
    """An organization with two points in two zones below a tree of groups, three terminals and a digital smiley."""

    organization: int
    root: int
    groups: tuple[int, ...]
    points: tuple[int, int]
    assignments: tuple[int, int, int]
    smileys: tuple[int, ...]
    surveys: tuple[int, int]


def wall(text: str) -> datetime:
    """A wall time, which has no zone of its own."""
    return datetime.fromisoformat(text)


def wording(text: str) -> Localized:
    return Localized("en-US", {"en-US": text})


def build(
    store: Store,
    zones: tuple[str, str] = ("UTC", "UTC"),
    policy: MisusePolicy | None = None,
    scales: tuple[Scale, Scale] = (Scale.FOUR, Scale.FIVE),
    index_type: IndexType = IndexType.HAPPY,
) -> World:
    """Two terminals at point one, a terminal and a digital smiley at point two; the digital one has its own survey."""
    organization = manage.create_organization(store, operator(), f"Organization {next(_names)}", now=0)
    boss, root = operator(organization), manage.ROOT
    with manage.batch(store, organization, 0) as batch:
        north, south = (manage.add_group(batch, boss, name, root, now=0) for name in ("North", "South"))
        points = (
            manage.add_point(batch, boss, "One", north, now=0),
            manage.add_point(batch, boss, "Two", south, now=0),
        )
        for point, zone in zip(points, zones, strict=True):
            manage.set_zone(batch, boss, point, zone, now=0)
        manage.set_policy(batch, boss, root, policy or MisusePolicy(), now=0)
        surveys = tuple(
            manage.add_survey(
                batch,
                operator(organization),
                manage.add_question(batch, boss, wording(text), now=0),
                scale,
                index_type,
                now=0,
            )
            for text, scale in zip(("How was it?", "And the web?"), scales, strict=True)
        )
        kinds = (SmileyType.TERMINAL, SmileyType.TERMINAL, SmileyType.TERMINAL, SmileyType.DIGITAL)
        smileys = tuple(
            manage.add_smiley(batch, boss, f"S{n}", f"Smiley {n}", kind, now=0).id for n, kind in enumerate(kinds)
        )
        for smiley, point in zip(smileys, (points[0], points[0], points[1], points[1]), strict=True):
            manage.place(batch, boss, smiley, point, 0, now=0)
        always = [ActivePeriod(wall("1990-01-01"))]
        assignments = (
            manage.assign(batch, boss, points[0], surveys[0], always, now=0),
            manage.assign(batch, boss, points[1], surveys[0], always, now=0),
            manage.assign(batch, boss, points[1], surveys[1], always, smiley=smileys[3], now=0),
        )
    return World(organization, root, (root, north, south), points, assignments, smileys, (surveys[0], surveys[1]))


def treeless(store: Store, name: str) -> int:
    """An organization without nodes, as databases from before its root was made with it may have."""
    with store.write() as transaction:
        identity = max((each.id for each in select_organizations(transaction)), default=0) + 1
        insert_organization(transaction, identity, name, 0)
    return identity


def instants_around(name: str) -> st.SearchStrategy[int]:
    """Instants within an hour and a half of one clock change of a zone, close together so that presses meet."""
    changes = [change for change in clock_changes(name) if change > 1_000_000_000_000] or [1_700_000_000_000]
    change = st.sampled_from(changes[-4:])
    near = st.integers(-12, 12).map(lambda step: step * HOUR // 8)
    return st.tuples(change, near, st.integers(-8, 30)).map(lambda parts: parts[0] + parts[1] + parts[2] * 700)


zone_pairs = st.tuples(st.sampled_from(ZONES), st.sampled_from(ZONES))

policies = st.builds(
    MisusePolicy,
    interval=st.sampled_from([0, 1, 5, 60, 7200]),
    burst_presses=st.sampled_from([0, 1, 3]),
    burst_seconds=st.sampled_from([2, 10]),
    judge_closed=st.booleans(),
    opening_hours=st.sampled_from([None, parse_opening_hours("mon-sat 1-12")]),
)


@st.composite
def pressed(draw: st.DrawFn, world_smileys: int = 3, zone: str = "America/New_York") -> list[tuple[int, Press]]:
    """Presses of terminals, numbered as each terminal would, with (terminal, press)."""
    count = draw(st.integers(1, 30))
    instants = draw(st.lists(instants_around(zone), min_size=count, max_size=count))
    made = []
    counters = [0] * world_smileys
    for at in instants:
        which = draw(st.integers(0, world_smileys - 1))
        counters[which] += 1
        made.append((which, Press(draw(st.sampled_from([7, 7, 7, 8])), counters[which], at, draw(st.integers(0, 4)))))
    return made


@st.composite
def deliveries(draw: st.DrawFn, presses: list[tuple[int, Press]], smileys: tuple[int, ...]) -> list[list[Upload]]:
    """The same presses in any order, cut into any uploads and commits, some delivered twice."""
    shuffled = draw(st.permutations(presses))
    repeated = draw(st.lists(st.sampled_from(presses), max_size=5))
    commits: list[list[Upload]] = []
    for which, press in [*shuffled, *repeated]:
        if not commits or draw(st.integers(0, 2)) == 0:
            commits.append([])
        uploads = commits[-1]
        if uploads and uploads[-1].smiley == smileys[which] and draw(st.booleans()):
            uploads[-1] = uploads[-1]._replace(presses=(*uploads[-1].presses, press))
        else:
            uploads.append(Upload(smileys[which], (press,)))
    return commits


def hour_reports(presses: list[Press], epoch: int, zone: str = "UTC") -> list[HourReport]:
    """What a terminal tells by SMS of its presses, given in order of sequence: an hour's worth at a time."""
    reports = []
    for (hour, offset), group in itertools.groupby(presses, key=lambda press: hour_shown(press.at, zone)):
        counts = [0] * 5
        told = list(group)
        for press in told:
            counts[press.button] += 1
        at = hour * HOUR - offset * 60_000
        reports.append(HourReport(epoch, told[0].sequence, at, tuple(counts), offset))
    return reports


def hour_shown(at: int, zone: str) -> tuple[int, int]:
    """The local hour that the clocks of a zone show at an instant, and their offset."""
    offset = told_offset(at, ZoneInfo(zone))
    return (at + offset * 60_000) // HOUR, offset
