"""Undoing the set-up: nodes, surveys and smileys are removed, or archived where feedback lies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from enum import Enum

from hymio.access import Permission, Principal
from hymio.errors import NotFound, SetupError
from hymio.manage.change import NOUNS, Batch, Change, changing, reading
from hymio.manage.smileys import after_stored, require_smiley
from hymio.manage.surveys import require_survey
from hymio.period import Instant, wall_of
from hymio.store import Store
from hymio.store.catalog import removal, smileys, surveys
from hymio.store.catalog.directory import Kind, delete_hashes
from hymio.survey import Assignment


class Removal(Enum):
    """What became of something that was to be removed."""

    REMOVED = "removed"
    ARCHIVED = "archived"


class Archivable(Enum):
    """The kinds of what can be archived; the values stand in the database."""

    NODE = "node"
    SURVEY = "survey"
    SMILEY = "smiley"


def remove_node(store: Store | Batch, principal: Principal, node: int, *, now: Instant) -> Removal:
    """Removes a node below which nothing lies; archives one where feedback lies, with all that is below it.

    Of an archived node all surveys end and all smileys stand nowhere any more. SetupError for the root, for a group
    with nodes but no feedback below, and for a node that users, tokens, links or alerts name.
    """
    with changing(store, principal, Permission.CHANGE_TREE, now, node=node) as change:
        layout = change.ledger.layout
        old = layout.hierarchy.nodes[node]
        if old.parent is None:
            raise SetupError("root-stays", "node {node} is the root, which cannot be removed", node=node)
        points = [point.id for point in layout.hierarchy.points(node)]
        assignments = [assignment for point in points for assignment in layout.assignments_at(point)]
        ids = [assignment.id for assignment in assignments]
        if removal.has_feedback(change.ledger, ids):
            _end(change, assignments)
            _take_away(change, points)
            return _archive(change, "remove-node", Archivable.NODE, node, old.name, node)
        if layout.hierarchy.children(node):
            raise SetupError("nodes-below", "nodes lie below node {node}; remove or move them first", node=node)
        _require_unused("node", node, removal.uses_of_node(change.ledger, node))
        removal.delete_assignments(change.ledger, ids)
        removal.delete_node(change.ledger, node)
        removal.delete_archived(change.ledger, Archivable.NODE.value, node)
        change.audit("remove-node", f"node {node}", node=old.parent, old={"name": old.name, "parent": old.parent})
        return Removal.REMOVED


def remove_survey(store: Store | Batch, principal: Principal, survey: int, *, now: Instant) -> Removal:
    """Removes a survey with its follow-up questions and assignments; archives one that was answered, which then ends.

    SetupError for a survey that alerts name.
    """
    with changing(store, principal, Permission.CHANGE_SURVEYS, now) as change:
        change.require_whole_tree()
        require_survey(change, survey)
        ledger = change.ledger
        assignments = [assignment for assignment in ledger.layout.assignments.values() if assignment.survey == survey]
        name = ledger.content.question(ledger.layout.surveys[survey]).wording.text
        ids = [assignment.id for assignment in assignments]
        if removal.has_feedback(ledger, ids) or removal.has_quarantined(ledger, survey):
            _end(change, assignments)
            return _archive(change, "remove-survey", Archivable.SURVEY, survey, name, None)
        _require_unused("survey", survey, removal.uses_of_survey(ledger, survey))
        followups = ledger.content.followups(ledger.layout.surveys[survey])
        removal.delete_assignments(ledger, ids)
        removal.delete_survey(
            ledger, survey, [(question.id, [option.id for option in question.options]) for question in followups]
        )  # fmt: skip
        removal.delete_archived(ledger, Archivable.SURVEY.value, survey)
        change.audit("remove-survey", f"survey {survey}", old=name)
        return Removal.REMOVED


def remove_smiley(store: Store | Batch, principal: Principal, smiley: int, *, now: Instant) -> Removal:
    """Removes a smiley that never sent anything; archives any other, which then stands nowhere and has no token."""
    with changing(store, principal, Permission.CHANGE_SMILEYS, now) as change:
        placements = require_smiley(change, smiley)
        ledger = change.ledger
        stored, node = ledger.layout.smileys[smiley], placements[-1].node if placements else None
        delete_hashes(ledger, Kind.SMILEY_TOKEN, smiley)
        own = [assignment for assignment in ledger.layout.assignments.values() if assignment.smiley == smiley]
        if removal.smiley_has_data(ledger, smiley) or removal.has_feedback(
            ledger, (assignment.id for assignment in own)
        ):
            _end(change, own)
            _unplace(change, smiley)
            return _archive(change, "remove-smiley", Archivable.SMILEY, smiley, stored.name, node)
        removal.delete_assignments(ledger, [assignment.id for assignment in own])
        delete_hashes(ledger, Kind.SMILEY_SERIAL, smiley)
        removal.delete_smiley(ledger, smiley)
        removal.delete_archived(ledger, Archivable.SMILEY.value, smiley)
        old = {"serial": stored.serial, "name": stored.name}
        change.audit("remove-smiley", f"smiley {smiley}", node=node, old=old)
        return Removal.REMOVED


def unarchive(store: Store | Batch, principal: Principal, kind: Archivable, identity: int, *, now: Instant) -> None:
    """Lists something that is archived again. What ended then stays ended. NotFound if it is not archived."""
    with changing(store, principal, Permission.CHANGE_TREE, now) as change:
        change.require_whole_tree()
        if not removal.delete_archived(change.ledger, kind.value, identity):
            raise NotFound("not-archived", "{kind} {id} is not archived", kind=NOUNS[kind.value], id=identity)
        change.audit("unarchive", f"{kind.value} {identity}")


def archived(store: Store | Batch, principal: Principal) -> dict[Archivable, frozenset[int]]:
    """The ids of what is archived, by kind. Forbidden."""
    principal.require(Permission.READ_SETUP)
    with reading(store) as transaction:
        rows = removal.select_archived(transaction, principal.organization)
    return {kind: frozenset(identity for word, identity in rows if word == kind.value) for kind in Archivable}


def _require_unused(kind: str, identity: int, uses: list[str]) -> None:
    """SetupError if something else names what is to be removed."""
    if uses:
        raise SetupError(
            "still-in-use", "{kind} {id} is named by {uses}; remove these first", kind=NOUNS[kind], id=identity,
            uses=", ".join(uses),
        )  # fmt: skip


def _archive(change: Change, verb: str, kind: Archivable, identity: int, name: str, node: int | None) -> Removal:
    """Notes that something is archived, with the audit row of the verb."""
    removal.insert_archived(change.ledger, kind.value, identity, change.now)
    change.audit(verb, f"{kind.value} {identity}", node=node, old=name, new=Removal.ARCHIVED.value)
    return Removal.ARCHIVED


def _end(change: Change, assignments: Iterable[Assignment]) -> None:
    """Ends active periods after all stored presses, on the clocks of each point; later ones are removed."""
    for assignment in assignments:
        zone = change.ledger.layout.zone_of(assignment.node, change.from_now_on)
        last = wall_of(change.from_now_on + 999, zone).replace(microsecond=0)
        ended = [replace(part, end=_earlier(part.end, last)) for part in assignment.periods if part.start < last]
        if ended != list(assignment.periods):
            surveys.replace_periods(change.ledger, assignment.id, ended)


def _earlier(end: datetime | None, last: datetime) -> datetime:
    """The end of a period that ends at `last` at the latest."""
    return last if end is None or end > last else end


def _take_away(change: Change, points: Iterable[int]) -> None:
    """Ends the placements of all smileys at some points."""
    layout = change.ledger.layout
    for smiley in {placement.smiley for point in points for placement in layout.placed_at(point)}:
        last = layout.placements[smiley][-1]
        if last.node in set(points):
            _unplace(change, smiley)


def _unplace(change: Change, smiley: int) -> None:
    """Ends the placement of a smiley after all its stored presses."""
    end = after_stored(change, smiley)
    smileys.delete_placements(change.ledger, smiley, end)
    smileys.end_placements(change.ledger, smiley, end)
