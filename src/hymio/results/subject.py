"""What results are asked of: one survey at one point, or a node with one survey or one scale."""

from __future__ import annotations

from dataclasses import dataclass

from hymio.errors import NotFound
from hymio.period import InstantRange
from hymio.setup import END, Layout
from hymio.store import Store
from hymio.store import feedback as reading
from hymio.store.dialect import Transaction

EVERYTHING = InstantRange(-END // 2, END // 2)


@dataclass(frozen=True, slots=True)
class OfAssignment:
    """The results of one survey at one point."""

    assignment: int


@dataclass(frozen=True, slots=True)
class OfNode:
    """The results of a group or point: of one survey, or of a whole scale (`survey` is minus its number of buttons)."""

    node: int
    survey: int


Subject = OfAssignment | OfNode


def revision(store: Store, organization: int) -> tuple[int, int]:
    """The organization's revision, and the one at which its set-up last changed. NotFound."""
    with store.read() as transaction:
        found = reading.revisions(transaction, organization)
    if found is None:
        raise NotFound(f"there is no organization {organization}")
    return found


def revision_in(transaction: Transaction, organization: int) -> int:
    found = reading.revisions(transaction, organization)
    return found[0] if found else 0


def points_of(layout: Layout, subject: Subject) -> tuple[int, ...]:
    if isinstance(subject, OfAssignment):
        return (point_of(layout, subject.assignment),)
    return tuple(point.id for point in layout.hierarchy.points(subject.node))


def point_of(layout: Layout, assignment: int) -> int:
    if assignment not in layout.assignments:
        raise NotFound(f"there is no assignment {assignment}")
    return layout.assignments[assignment].node


def assignments_of(layout: Layout, subject: Subject) -> list[int]:
    if isinstance(subject, OfAssignment):
        point_of(layout, subject.assignment)
        return [subject.assignment]
    if subject.node not in layout.hierarchy.nodes:
        raise NotFound(f"there is no group or experience point {subject.node}")
    below = {point.id for point in layout.hierarchy.points(subject.node)}
    return sorted(
        each.id
        for each in layout.assignments.values()
        if each.node in below and _asks(layout, each.survey, subject.survey)
    )


def _asks(layout: Layout, survey: int, wanted: int) -> bool:
    return survey == wanted or layout.surveys[survey].scale.buttons == -wanted


def node_of(layout: Layout, subject: Subject) -> int:
    return layout.assignments[subject.assignment].node if isinstance(subject, OfAssignment) else subject.node


def buttons_of(layout: Layout, subject: Subject) -> int:
    survey = layout.assignments[subject.assignment].survey if isinstance(subject, OfAssignment) else subject.survey
    if survey > 0 and survey not in layout.surveys:
        raise NotFound(f"there is no survey {survey}")
    return -survey if survey < 0 else layout.surveys[survey].scale.buttons
