"""An organization's set-up as one value: what stood where, which survey was asked there, and under which rules."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import TypeVar, cast
from zoneinfo import ZoneInfo

from hymio.errors import SetupError
from hymio.feedback import Verdict
from hymio.hierarchy import BEGINNING, Hierarchy, Timeline
from hymio.misuse import MisusePolicy, longest_window
from hymio.period import instant_of, zone
from hymio.setup.standing import END, Standing, Where
from hymio.smiley import Placement, Smiley, SmileyType
from hymio.survey import ActivePeriod, Assignment, State, Survey, state_of

T = TypeVar("T")


@dataclass(frozen=True)
class Layout:
    """Everything an organization has set up, as of one set-up revision.

    `zones` and `policies` map a node to its own steps (from instant, value); nodes below inherit them.
    """

    organization: int
    revision: int
    hierarchy: Hierarchy
    surveys: Mapping[int, Survey]
    assignments: Mapping[int, Assignment]
    smileys: Mapping[int, Smiley]
    placements: tuple[Placement, ...]
    zones: Mapping[int, tuple[tuple[int, str | None], ...]]
    policies: Mapping[int, tuple[tuple[int, MisusePolicy | None], ...]]
    _memory: dict[tuple[str, object], object] = field(default_factory=dict, init=False, repr=False, compare=False)

    def zones_at(self, node: int) -> Timeline[ZoneInfo]:
        """The zone of a node over time; UTC where none was set."""
        return self._once("zones", node, lambda: self._zones(node))

    def zone_of(self, node: int, at: int) -> ZoneInfo:
        """The zone of a node at an instant."""
        return self.zones_at(node).at(at)

    def policies_of(self, assignment: int, smiley: int) -> Timeline[MisusePolicy]:
        """What judges a smiley's presses under an assignment, over time."""
        interval = self.smileys[smiley].type.judged_by_interval
        return self._once("policies", (assignment, interval), lambda: self._policies(assignment, interval=interval))

    def judging_window(self, assignment: int) -> int:
        """How many ms back a press can matter for judging another under an assignment, whatever the smiley."""
        return longest_window(self._policies(assignment, interval=True))

    def resolve(self, smiley: int, at: int) -> Where | Verdict:
        """Smiley → placement → point → assignment at the press's own instant, or why there is none."""
        return self.standing(smiley, at).answer

    def standing(self, smiley: int, at: int) -> Standing:
        """What a smiley's presses resolve to at an instant, and how long around it they do."""
        stretches, starts = self._stretches(smiley)
        return stretches[bisect_right(starts, at) - 1]

    def standings(self, smiley: int, start: int, end: int) -> Iterator[Standing]:
        """What a smiley's presses resolve to in [start, end), one answer after the other."""
        stretches, starts = self._stretches(smiley)
        for each in stretches[bisect_right(starts, start) - 1 : bisect_left(starts, end)]:
            yield Standing(max(each.start, start), min(each.end, end), each.answer)

    def ranges(self, assignment: int) -> tuple[tuple[int, int], ...]:
        """The active periods of an assignment as half-open ranges of instants, in its point's zones."""
        return self._once("ranges", assignment, lambda: tuple(self._ranges(self.assignments[assignment])))

    def state(self, assignment: int, now: int) -> State:
        """Whether an assignment gathers feedback now, will, or did."""
        return state_of(self.ranges(assignment), now)

    def survey_state(self, survey: int, now: int) -> State:
        """Active if any of the survey's assignments is, else upcoming if any will be, else ended."""
        assignments = (each.id for each in self.assignments.values() if each.survey == survey)
        return state_of((period for each in assignments for period in self.ranges(each)), now)

    def assignments_at(self, node: int) -> tuple[Assignment, ...]:
        """The assignments of one experience point, by id."""
        return self._assignments_by_node.get(node, ())

    def group_keys(self, assignment: int) -> tuple[tuple[int, int], ...]:
        """The (group, survey) pairs an assignment's hours count towards; minus its buttons stands for a whole scale."""
        return self._once("groups", assignment, lambda: tuple(self._group_keys(self.assignments[assignment])))

    def smiley_types(self, assignment: int) -> tuple[SmileyType, ...]:
        """The types of the smileys that (may) gather for an assignment, by first placement."""
        wanted = self.assignments[assignment]
        if wanted.smiley is not None:
            return (self.smileys[wanted.smiley].type,)
        placed = sorted((each.start, each.smiley) for each in self.placements if each.node == wanted.node)
        return tuple(dict.fromkeys(self.smileys[smiley].type for _, smiley in placed))

    def placed_at(self, node: int) -> tuple[Placement, ...]:
        """The placements at a point, whenever."""
        return self._placements_by_node.get(node, ())

    def check(self) -> None:
        """Refuses (SetupError) a set-up that names what does not exist or asks two surveys of a smiley at once."""
        for assignment in self.assignments.values():
            self._check_assignment(assignment)
        for placement in self.placements:
            self._check_point(placement.node, f"smiley {placement.smiley} is placed at")
            if placement.end is not None and placement.end <= placement.start:
                raise SetupError(f"smiley {placement.smiley} is placed at node {placement.node} until before it came")
        for smiley in self.smileys:
            self._stretches(smiley)

    @cached_property
    def _assignments_by_node(self) -> dict[int, tuple[Assignment, ...]]:
        by_node: dict[int, tuple[Assignment, ...]] = {}
        for each in sorted(self.assignments.values(), key=lambda each: each.id):
            by_node[each.node] = (*by_node.get(each.node, ()), each)
        return by_node

    @cached_property
    def _placements_by_node(self) -> dict[int, tuple[Placement, ...]]:
        by_node: dict[int, list[Placement]] = {}
        for each in self.placements:
            by_node.setdefault(each.node, []).append(each)
        return {node: tuple(found) for node, found in by_node.items()}

    @cached_property
    def _placements_by_smiley(self) -> dict[int, list[Placement]]:
        by_smiley: dict[int, list[Placement]] = {}
        for each in sorted(self.placements, key=lambda each: each.start):
            by_smiley.setdefault(each.smiley, []).append(each)
        return by_smiley

    def _zones(self, node: int) -> Timeline[ZoneInfo]:
        named = self.hierarchy.inherited(node, self.zones, "UTC")
        return Timeline((instant, zone(name)) for instant, name in named.steps)

    def _policies(self, assignment: int, *, interval: bool) -> Timeline[MisusePolicy]:
        node = self.assignments[assignment].node
        timeline = self.hierarchy.inherited(node, self.policies, MisusePolicy())
        return timeline if interval else Timeline((at, policy.without_interval()) for at, policy in timeline.steps)

    def _group_keys(self, assignment: Assignment) -> Iterator[tuple[int, int]]:
        buttons = self.surveys[assignment.survey].scale.buttons
        for group in self.hierarchy.ancestors(assignment.node):
            yield group, assignment.survey
            yield group, -buttons

    def _ranges(self, assignment: Assignment) -> Iterator[tuple[int, int]]:
        for start, end, _ in self._zoned_ranges(assignment):
            yield start, end

    def _zoned_ranges(self, assignment: Assignment) -> Iterator[tuple[int, int, ZoneInfo]]:
        for acting_from, acting_to, acting in self.zones_at(assignment.node).ranges():
            for period in assignment.periods:
                start, end = (
                    max(_instants(period, acting)[0], acting_from),
                    min(_instants(period, acting)[1], acting_to),
                )
                if start < end:
                    yield start, end, acting

    def _stretches(self, smiley: int) -> tuple[list[Standing], list[int]]:
        return self._once("stretches", smiley, lambda: self._made_stretches(smiley))

    def _made_stretches(self, smiley: int) -> tuple[list[Standing], list[int]]:
        filled: list[Standing] = []
        cursor = BEGINNING
        for placement in self._placements_by_smiley.get(smiley, ()):
            end = END if placement.end is None else placement.end
            if placement.start < cursor:
                raise SetupError(f"smiley {smiley} is placed twice at once: at node {placement.node} and before it")
            filled.append(Standing(cursor, placement.start, Verdict.NO_PLACEMENT))
            filled += self._placed(placement.start, end, self._answers(placement.node, smiley))
            cursor = end
        filled.append(Standing(cursor, END, Verdict.NO_PLACEMENT))
        kept = [stretch for stretch in filled if stretch.start < stretch.end]
        return kept, [stretch.start for stretch in kept]

    def _answers(self, node: int, smiley: int) -> list[Standing]:
        """When which assignment of a point gathers for a smiley; one that names the smiley goes before the others."""
        named: list[Standing] = []
        common: list[Standing] = []
        for assignment in self.assignments_at(node):
            if assignment.smiley in (None, smiley):
                into = common if assignment.smiley is None else named
                buttons = self.surveys[assignment.survey].scale.buttons
                zoned = self._zoned_ranges(assignment)
                into += [Standing(start, end, Where(assignment, zone, buttons)) for start, end, zone in zoned]
        _refuse_overlaps(named)
        _refuse_overlaps(common)
        return sorted([*named, *_outside(common, named)], key=lambda stretch: stretch.start)

    def _placed(self, start: int, end: int, answers: list[Standing]) -> Iterator[Standing]:
        cursor = start
        for each in answers:
            begins, ends = max(each.start, start), min(each.end, end)
            if begins < ends:
                yield Standing(cursor, begins, Verdict.NO_SURVEY)
                yield Standing(begins, ends, each.answer)
                cursor = ends
        yield Standing(cursor, end, Verdict.NO_SURVEY)

    def _check_assignment(self, assignment: Assignment) -> None:
        self._check_point(assignment.node, f"assignment {assignment.id} is at")
        if assignment.survey not in self.surveys:
            raise SetupError(f"assignment {assignment.id} names survey {assignment.survey}, which does not exist")
        if assignment.smiley is not None and assignment.smiley not in self.smileys:
            raise SetupError(f"assignment {assignment.id} names smiley {assignment.smiley}, which does not exist")

    def _check_point(self, node: int, what: str) -> None:
        if node not in self.hierarchy.nodes or not self.hierarchy.nodes[node].is_point:
            raise SetupError(f"{what} node {node}, which is not an experience point")

    def _once(self, kind: str, key: object, make: Callable[[], T]) -> T:
        """Remembers what was made of an immutable set-up; two threads may make the same thing, never different ones."""
        known = self._memory.get((kind, key))
        if known is None:
            known = self._memory[kind, key] = make()
        return cast(T, known)


def _instants(period: ActivePeriod, acting: ZoneInfo) -> tuple[int, int]:
    return instant_of(period.start, acting), END if period.end is None else instant_of(period.end, acting)


def _refuse_overlaps(stretches: list[Standing]) -> None:
    stretches.sort(key=lambda stretch: stretch.start)
    for before, after in pairwise(stretches):
        if after.start < before.end and isinstance(before.answer, Where) and isinstance(after.answer, Where):
            first, second = before.answer.assignment.id, after.answer.assignment.id
            raise SetupError(f"assignments {first} and {second} ask two surveys of one smiley at the same time")


def _outside(common: list[Standing], named: list[Standing]) -> Iterator[Standing]:
    for each in common:
        start = each.start
        for taken in named:
            if taken.start < each.end and taken.end > start:
                yield Standing(start, max(start, taken.start), each.answer)
                start = max(start, taken.end)
        yield Standing(start, max(start, each.end), each.answer)
