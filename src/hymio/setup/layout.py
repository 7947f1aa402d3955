"""The layout: placements, assignments, zones and policies over time, and the resolution of presses with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

from hymio.feedback import Verdict
from hymio.hierarchy import Hierarchy, Timeline
from hymio.misuse import MisusePolicy, longest_window
from hymio.period import instant_of
from hymio.period import zone as zone_named
from hymio.rollup import GroupSubject, OfScale, OfSurvey
from hymio.setup.affected import affected_by
from hymio.setup.checks import check_rows
from hymio.setup.memory import Memory, once
from hymio.setup.part import ChangedIds, Part
from hymio.setup.resolution import END, ActiveRange, Resolution, ResolvedRange, Where, merged, resolved_ranges
from hymio.setup.rows import LayoutRows, Steps
from hymio.sharing import regrouped, replaced, versions
from hymio.smiley import Placement, Smiley, SmileyType
from hymio.survey import ActivePeriod, Assignment, State, Survey, state_of


@dataclass(frozen=True)
class Layout:
    """The layout of an organization as of one set-up revision; `changed` makes the next one from it.

    `placements` are by smiley, in order of their start. `zones` and `policies` are steps by node (from instant, value);
    nodes below inherit them. All mappings are in order of their keys.
    """

    organization: int
    revision: int
    hierarchy: Hierarchy = field(default_factory=Hierarchy)
    surveys: Mapping[int, Survey] = field(default_factory=dict)
    assignments: Mapping[int, Assignment] = field(default_factory=dict)
    smileys: Mapping[int, Smiley] = field(default_factory=dict)
    placements: Mapping[int, tuple[Placement, ...]] = field(default_factory=dict)
    zones: Mapping[int, Steps[str]] = field(default_factory=dict)
    policies: Mapping[int, Steps[MisusePolicy]] = field(default_factory=dict)
    _assignments_by_node: Mapping[int, tuple[Assignment, ...]] = field(default_factory=dict, repr=False, compare=False)
    _placements_by_node: Mapping[int, tuple[Placement, ...]] = field(default_factory=dict, repr=False, compare=False)
    _memory: Memory = field(default_factory=Memory, repr=False, compare=False)
    shown: dict[int, Any] = field(default_factory=dict, repr=False, compare=False)
    """By smiley, what the receipts of its uploads cache (`gateway.receipt`); each revision begins with none."""
    uniform: dict[int, Any] = field(default_factory=dict, repr=False, compare=False)
    """By smiley, the range of instants whose presses intake resolves alike (`intake.resolving`)."""
    stored_keys: dict[int, tuple[tuple[int, int], ...]] = field(default_factory=dict, repr=False, compare=False)
    """By assignment, `group_subjects` as the store writes them (`store.hours.group_keys`)."""

    # Zones, policies and active periods over time

    def zones_at(self, node: int) -> Timeline[ZoneInfo]:
        """The zone of a node over time; UTC where neither the node nor a node above has one."""
        return once(self._memory.zones, node, lambda: self._zones(node))

    def zone_of(self, node: int, at: int) -> ZoneInfo:
        """The zone of a node at an instant."""
        return self.zones_at(node).at(at)

    def policies_of(self, assignment: int, smiley: int) -> Timeline[MisusePolicy]:
        """The misuse policy of a smiley's presses under an assignment, over time."""
        interval = self.smileys[smiley].type.judged_by_interval
        return once(self._memory.policies, (assignment, interval), lambda: self._policies(assignment, interval))

    def judging_window(self, assignment: int) -> int:
        """How far back, in ms, a press can affect the verdict of another under an assignment, for any smiley."""
        return longest_window(self._policies(assignment, interval=True))

    def ranges(self, assignment: int) -> tuple[tuple[int, int], ...]:
        """The active periods of an assignment as half-open ranges of instants, in its point's zones."""
        return once(self._memory.ranges, assignment, lambda: self._ranges(self.assignments[assignment]))

    def state(self, assignment: int, now: int) -> State:
        """Whether an assignment collects feedback now, will do so, or has ended."""
        return state_of(self.ranges(assignment), now)

    # Resolution of presses

    def resolve(self, smiley: int, at: int) -> Where | Verdict:
        """What a press of a smiley at an instant belongs to, via its placement, or the reason for quarantine."""
        return self.resolved_range(smiley, at).result

    def resolved_range(self, smiley: int, at: int) -> ResolvedRange:
        """The result of `resolve` at an instant, with the range of instants around it that has the same result."""
        return self._resolution(smiley).at(at)

    def resolved_ranges(self, smiley: int, start: int, end: int) -> Iterator[ResolvedRange]:
        """The results of `resolve` in [start, end) as contiguous ranges, in order of time."""
        return self._resolution(smiley).within(start, end)

    # Lookups

    def assignments_at(self, node: int) -> tuple[Assignment, ...]:
        """The assignments of one experience point, by id."""
        return self._assignments_by_node.get(node, ())

    def placement(self, smiley: int, at: int) -> Placement | None:
        """The placement of a smiley at an instant, None if it has none then."""
        rows = self.placements.get(smiley, ())
        return next((row for row in rows if row.start <= at and (row.end is None or at < row.end)), None)

    def placed_at(self, node: int) -> tuple[Placement, ...]:
        """All placements at a point, past and future ones too, by smiley and start."""
        return self._placements_by_node.get(node, ())

    def group_subjects(self, assignment: int) -> tuple[GroupSubject, ...]:
        """The subjects of group hours that include an assignment: its survey and its scale at each group above."""
        return once(self._memory.groups, assignment, lambda: tuple(self._group_subjects(self.assignments[assignment])))

    def smiley_types(self, assignment: int) -> tuple[SmileyType, ...]:
        """The types of the smileys of an assignment: of its one smiley, or of all that were ever placed at its point.

        They are in the order of the first placement.
        """
        row = self.assignments[assignment]
        if row.smiley is not None:
            return (self.smileys[row.smiley].type,)
        placed = sorted((placement.start, placement.smiley) for placement in self.placed_at(row.node))
        return tuple(dict.fromkeys(self.smileys[smiley].type for _, smiley in placed))

    # Changes and checks

    def changed(self, rows: LayoutRows, revision: int) -> Layout:
        """A new layout in which `rows` replace those with the same ids.

        Unchanged parts and cached results that the change does not affect are shared. SetupError if a node's parent is
        not a group.
        """
        assignments = replaced(self.assignments, rows.assignments)
        placements = replaced(self.placements, rows.placements)
        after = Layout(
            self.organization,
            revision,
            self.hierarchy.changed(rows.nodes),
            replaced(self.surveys, rows.surveys),
            assignments,
            replaced(self.smileys, rows.smileys),
            placements,
            replaced(self.zones, rows.zones),
            replaced(self.policies, rows.policies),
            regrouped(
                self._assignments_by_node,
                versions(self.assignments, rows.assignments),
                versions(assignments, rows.assignments),
                attrgetter("node"),
                attrgetter("id"),
            ),
            regrouped(
                self._placements_by_node,
                _all(versions(self.placements, rows.placements)),
                _all(versions(placements, rows.placements)),
                attrgetter("node"),
                attrgetter("smiley", "start"),
            ),
        )
        if self._memory.is_empty:
            return after
        return replace(after, _memory=self._memory.without(affected_by(self, after, rows.changed_ids)))

    def check(self) -> None:
        """SetupError if a row refers to a missing one, or a smiley has two points or surveys at one instant."""
        check_rows(self, self.assignments, self.placements.keys() | self.smileys.keys())

    def check_changes(self, before: Layout, changed_ids: ChangedIds) -> None:
        """`check` of only what may differ from `before`, a checked layout, given the ids of the changed rows."""
        if Part.WHOLE in changed_ids:
            self.check()
            return
        affected = affected_by(before, self, changed_ids)
        check_rows(self, affected.assignments, affected.resolutions)

    # Computation of cached results

    def _zones(self, node: int) -> Timeline[ZoneInfo]:
        """The inherited zone of a node over time."""
        names = self.hierarchy.inherited(node, self.zones, "UTC")
        return Timeline((instant, zone_named(name)) for instant, name in names.steps)

    def _policies(self, assignment: int, interval: bool) -> Timeline[MisusePolicy]:
        """The policy of an assignment's point over time; without the interval rule unless `interval` is set."""
        node = self.assignments[assignment].node
        timeline = self.hierarchy.inherited(node, self.policies, MisusePolicy())
        return timeline if interval else Timeline((at, policy.without_interval()) for at, policy in timeline.steps)

    def _group_subjects(self, assignment: Assignment) -> Iterator[GroupSubject]:
        """The subjects of `group_subjects`, from the lowest group to the root."""
        buttons = self.surveys[assignment.survey].scale.buttons
        for group in self.hierarchy.ancestors(assignment.node):
            yield OfSurvey(group, assignment.survey)
            yield OfScale(group, buttons)

    def _ranges(self, assignment: Assignment) -> tuple[tuple[int, int], ...]:
        """The active periods of an assignment as ranges of instants."""
        return tuple((active.start, active.end) for active in self._active_ranges(assignment))

    def _active_ranges(self, assignment: Assignment) -> Iterator[ActiveRange]:
        """The ranges of instants in which an assignment is active, one for each of its active periods and zones."""
        buttons = self.surveys[assignment.survey].scale.buttons
        for zone_from, zone_to, zone in self.zones_at(assignment.node).ranges():
            for period in assignment.periods:
                start, end = _instants(period, zone)
                start, end = max(start, zone_from), min(end, zone_to)
                if start < end:
                    yield ActiveRange(start, end, Where(assignment, zone, buttons))

    def _resolution(self, smiley: int) -> Resolution:
        """The cached results of `resolve` for a smiley."""
        return once(self._memory.resolutions, smiley, lambda: self._new_resolution(smiley))

    def _new_resolution(self, smiley: int) -> Resolution:
        """The results of `resolve` for a smiley at all instants. SetupError if it is placed twice at once."""
        placements = self.placements.get(smiley, ())
        return Resolution(resolved_ranges(smiley, placements, lambda node: self._active_at(node, smiley)))

    def _active_at(self, node: int, smiley: int) -> list[ActiveRange]:
        """The active ranges of the assignments that a smiley has at a point. SetupError if two overlap."""
        rows = self.assignments_at(node)
        on_all = [active for row in rows if row.smiley is None for active in self._active_ranges(row)]
        on_one = [active for row in rows if row.smiley == smiley for active in self._active_ranges(row)]
        return merged(on_all, on_one)


def _instants(period: ActivePeriod, zone: ZoneInfo) -> tuple[int, int]:
    """The start and end of an active period in a zone, as instants."""
    return instant_of(period.start, zone), END if period.end is None else instant_of(period.end, zone)


def _all(groups: Iterable[tuple[Placement, ...]]) -> list[Placement]:
    """The placements of all groups as one list."""
    return [row for group in groups for row in group]
