"""The subjects of results, read in one consistent view of an organization and limited to the principal's scope."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, NamedTuple

from hymio.access import DataKind, Permission, Principal
from hymio.errors import NotFound
from hymio.period import Instant, InstantRange
from hymio.rollup import OfAssignment, OfScale, OfSurvey, Subject
from hymio.scale import Scale
from hymio.setup import END, Layout
from hymio.store import Store
from hymio.store.dialect import Transaction
from hymio.store.receive_time import receive_time
from hymio.store.rows import Phase, Revisions, revisions
from hymio.survey import Assignment

EVERYTHING: Final = InstantRange(-END // 2, END // 2)


@dataclass(frozen=True, slots=True)
class OfNode:
    """All feedback at a node and below it; for rows only, because hours of different scales cannot be added."""

    node: int


RowSubject = Subject | OfNode


class View(NamedTuple):
    """One consistent state of an organization, read in one transaction by a principal."""

    transaction: Transaction
    layout: Layout
    revision: int
    principal: Principal

    @property
    def organization(self) -> int:
        """The principal's organization."""
        return self.principal.organization


KINDS: Final[Mapping[Phase, DataKind]] = {
    Phase.BUTTON: DataKind.BUTTON_FEEDBACKS,
    Phase.FOLLOWUP: DataKind.FOLLOWUP_FEEDBACKS,
    Phase.TEXT: DataKind.TEXT_FEEDBACKS,
    Phase.CONTACT: DataKind.CONTACT_DETAILS,
    Phase.METADATA: DataKind.METADATA,
    Phase.DEMOGRAPHICS: DataKind.DEMOGRAPHICS,
}
"""The kind of data that a principal needs for the rows of a phase."""


@contextmanager
def open_view(store: Store, principal: Principal, *phases: Phase) -> Iterator[View]:
    """A view of the present revision for a principal, to read these phases.

    Forbidden without the permission to read results and, where it is among the phases, that to read contact details, or
    without the kind of data of a phase; NotFound if the organization does not exist.
    """
    _require_phases(principal, phases)
    with store.read() as transaction:
        layout = store.layout_now(transaction, principal.organization)
        yield View(transaction, layout, _revisions(transaction, principal).revision, principal)


def _require_phases(principal: Principal, phases: Iterable[Phase]) -> None:
    """Raises Forbidden unless the principal may read results of these phases."""
    principal.require(Permission.READ_RESULTS)
    for phase in phases:
        if phase is Phase.CONTACT:
            principal.require(Permission.READ_CONTACT_DETAILS)
        principal.require_kind(KINDS[phase])


def revision(store: Store, principal: Principal) -> Revisions:
    """The revisions of the principal's organization, which change with every commit. NotFound."""
    with store.read() as transaction:
        return _revisions(transaction, principal)


def committed_at(store: Store, principal: Principal, revision: int) -> Instant:
    """The receive time of a revision of the principal's organization; BEGINNING if there is none."""
    with store.read() as transaction:
        return receive_time(transaction, principal.organization, revision)


def _revisions(transaction: Transaction, principal: Principal) -> Revisions:
    """The revisions of the principal's organization. NotFound."""
    current = revisions(transaction, principal.organization)
    if current is None:
        organization = principal.organization
        raise NotFound("unknown-organization", "there is no organization {organization}", organization=organization)
    return current


class ScopedSubject(NamedTuple):
    """A subject that the principal may see: its node, and the ids of its assignments, ascending."""

    subject: RowSubject
    node: int
    assignments: tuple[int, ...]


def in_scope(view: View, subject: RowSubject) -> ScopedSubject:
    """A subject with its assignments.

    NotFound, with the same text, for a node, assignment or survey that does not exist or is outside the scope.
    """
    if isinstance(subject, OfAssignment):
        return ScopedSubject(subject, _assignment(view, subject.assignment).node, (subject.assignment,))
    view.principal.require_node(view.layout.hierarchy, subject.node)
    if isinstance(subject, OfSurvey):
        _require_survey(view, subject.survey)
    elif isinstance(subject, OfScale):
        _require_scale(subject.buttons)
    assignments = assignments_below(view.layout, subject.node)
    ids = (assignment.id for assignment in assignments if _is_of(view.layout, assignment, subject))
    return ScopedSubject(subject, subject.node, tuple(sorted(ids)))


def assignments_below(layout: Layout, node: int) -> Iterator[Assignment]:
    """The assignments at a node and everywhere below it."""
    for point in layout.hierarchy.points(node):
        yield from layout.assignments_at(point.id)


def buttons_of(layout: Layout, subject: Subject) -> int:
    """How many buttons the scale of a subject has."""
    if isinstance(subject, OfScale):
        return subject.buttons
    survey = subject.survey if isinstance(subject, OfSurvey) else layout.assignments[subject.assignment].survey
    return layout.surveys[survey].scale.buttons


def _is_of(layout: Layout, assignment: Assignment, subject: RowSubject) -> bool:
    """Whether an assignment's survey belongs to the subject."""
    if isinstance(subject, OfSurvey):
        return assignment.survey == subject.survey
    return not isinstance(subject, OfScale) or layout.surveys[assignment.survey].scale.buttons == subject.buttons


def _assignment(view: View, assignment: int) -> Assignment:
    """The assignment with an id. NotFound if it does not exist or is outside the scope."""
    row = view.layout.assignments.get(assignment)
    if row is None or not view.principal.reaches(view.layout.hierarchy, row.node):
        raise NotFound("unknown-assignment", "there is no assignment {assignment}", assignment=assignment)
    return row


def _require_survey(view: View, survey: int) -> None:
    """NotFound unless the survey has an assignment within the scope; with the whole tree it need not have any."""
    layout, principal = view.layout, view.principal
    is_visible = survey in layout.surveys
    if is_visible and not principal.reaches_all(layout.hierarchy):
        root = principal.root(layout.hierarchy)
        is_visible = root is not None and any(
            assignment.survey == survey for assignment in assignments_below(layout, root)
        )
    if not is_visible:
        raise NotFound("unknown-survey", "there is no survey {survey}", survey=survey)


def _require_scale(buttons: int) -> None:
    """NotFound unless a scale has so many buttons."""
    if all(scale.buttons != buttons for scale in Scale):
        raise NotFound("unknown-scale", "there is no scale of {buttons} buttons", buttons=buttons)
