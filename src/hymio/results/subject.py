"""What results are asked of, within one consistent view of an organization, and whether the principal reaches it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, NamedTuple

from hymio.access import DataKind, Permission, Principal
from hymio.errors import NotFound
from hymio.period import InstantRange
from hymio.rollup import OfAssignment, OfScale, OfSurvey, Subject
from hymio.scale import Scale
from hymio.setup import END, Layout
from hymio.store import Store
from hymio.store.dialect import Transaction
from hymio.store.rows import Phase, Revisions, revisions
from hymio.survey import Assignment

EVERYTHING: Final = InstantRange(-END // 2, END // 2)


@dataclass(frozen=True, slots=True)
class OfNode:
    """All feedback at a node and everywhere below it. Of rows alone: hours of several scales cannot be added up."""

    node: int


RowSubject = Subject | OfNode


class View(NamedTuple):
    """One consistent state of an organization, and who looks at it."""

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
"""The kind of data that the rows of a phase are."""


@contextmanager
def viewed(store: Store, principal: Principal, *phases: Phase) -> Iterator[View]:
    """What a principal sees now, to read these phases.

    Forbidden without the permission to read results and, where it is among the phases, that to read contact details, or
    without the kind of data of a phase; NotFound for no organization.
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
    """The revision of the principal's organization, and the one at which its set-up last changed. NotFound."""
    with store.read() as transaction:
        return _revisions(transaction, principal)


def _revisions(transaction: Transaction, principal: Principal) -> Revisions:
    """The revisions of the principal's organization. NotFound."""
    found = revisions(transaction, principal.organization)
    if found is None:
        organization = principal.organization
        raise NotFound("unknown-organization", "there is no organization {organization}", organization=organization)
    return found


class Reached(NamedTuple):
    """A subject within the principal's subtree: its node, and by id the assignments whose feedback it is."""

    subject: RowSubject
    node: int
    assignments: tuple[int, ...]


def reached(view: View, subject: RowSubject) -> Reached:
    """A subject as the principal sees it.

    NotFound, in one text, for a node, assignment or survey that is not there or not in the principal's subtree.
    """
    if isinstance(subject, OfAssignment):
        return Reached(subject, _assignment(view, subject.assignment).node, (subject.assignment,))
    view.principal.require_node(view.layout.hierarchy, subject.node)
    if isinstance(subject, OfSurvey):
        _require_survey(view, subject.survey)
    elif isinstance(subject, OfScale):
        _require_scale(subject.buttons)
    chosen = (each.id for each in assignments_below(view.layout, subject.node) if _is_of(view.layout, each, subject))
    return Reached(subject, subject.node, tuple(sorted(chosen)))


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
    """Whether an assignment's survey is one of the subject."""
    if isinstance(subject, OfSurvey):
        return assignment.survey == subject.survey
    return not isinstance(subject, OfScale) or layout.surveys[assignment.survey].scale.buttons == subject.buttons


def _assignment(view: View, assignment: int) -> Assignment:
    """The assignment. NotFound if it does not exist or is out of the principal's reach."""
    found = view.layout.assignments.get(assignment)
    if found is None or not view.principal.reaches(view.layout.hierarchy, found.node):
        raise NotFound("unknown-assignment", "there is no assignment {assignment}", assignment=assignment)
    return found


def _require_survey(view: View, survey: int) -> None:
    """A survey is seen where it is asked; whoever reaches the whole tree sees those too that are asked nowhere."""
    layout, principal = view.layout, view.principal
    known = survey in layout.surveys
    if known and not principal.reaches_all(layout.hierarchy):
        root = principal.root(layout.hierarchy)
        known = root is not None and any(each.survey == survey for each in assignments_below(layout, root))
    if not known:
        raise NotFound("unknown-survey", "there is no survey {survey}", survey=survey)


def _require_scale(buttons: int) -> None:
    """NotFound unless a scale has so many buttons."""
    if all(scale.buttons != buttons for scale in Scale):
        raise NotFound("unknown-scale", "there is no scale of {buttons} buttons", buttons=buttons)
