"""Deleting nodes, surveys and smileys, what keeps them from it, and the rows of what is archived instead."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from hymio.feedback import quarantine_key
from hymio.period import Instant
from hymio.setup import Part
from hymio.store import schema
from hymio.store.catalog.rows import first_row, run
from hymio.store.dialect import Transaction
from hymio.store.ledger import Ledger
from hymio.store.setup.content_rows import FOLLOWUP_OPTION, FOLLOWUP_QUESTION, QUESTION

_OF_ASSIGNMENT: Final = ("feedback", "assignment_hour", "departure")
_OF_SMILEY: Final = ("feedback", "quarantine", "hour_report", "accounted", "message")
_AT_NODE: Final = {
    "users": "user_account WHERE organization_id = :o AND node_id = :id",
    "tokens": "api_token WHERE organization_id = :o AND node_id = :id",
    "shared links": "shared_link WHERE organization_id = :o AND node_id = :id",
    "alert specifications": "alert_specification WHERE organization_id = :o AND node_id = :id",
    "alerts": "alert WHERE organization_id = :o AND node_id = :id",
}
_OF_SURVEY: Final = {
    "alert specifications": "alert_specification WHERE organization_id = :o AND survey_id = :id",
    "alerts": "alert WHERE organization_id = :o AND survey_id = :id",
}


# --- what is there ---------------------------------------------------------------------------------------------------


def has_feedback(ledger: Ledger, assignments: Iterable[int]) -> bool:
    """Whether any feedback or hour lies under the assignments, or feedback that was there has left them."""
    return any(
        first_row(ledger, f"SELECT 1 FROM {table} WHERE organization_id = :o AND assignment_id = :id LIMIT 1", id=each)
        for each in assignments
        for table in _OF_ASSIGNMENT
    )


def has_quarantined(ledger: Ledger, survey: int) -> bool:
    """Whether presses that name a survey are in quarantine."""
    return has_feedback(ledger, [quarantine_key(survey)])


def smiley_has_data(ledger: Ledger, smiley: int) -> bool:
    """Whether a smiley has ever sent a press or a text."""
    return any(
        first_row(ledger, f"SELECT 1 FROM {table} WHERE organization_id = :o AND smiley_id = :id LIMIT 1", id=smiley)
        for table in _OF_SMILEY
    )


def uses_of_node(ledger: Ledger, node: int) -> list[str]:
    """What names a node besides the set-up below it, in words."""
    return _uses(ledger, _AT_NODE, node)


def uses_of_survey(ledger: Ledger, survey: int) -> list[str]:
    """What names a survey besides its assignments, in words."""
    return _uses(ledger, _OF_SURVEY, survey)


def _uses(ledger: Ledger, tables: dict[str, str], identity: int) -> list[str]:
    return [what for what, rows in tables.items() if first_row(ledger, f"SELECT 1 FROM {rows} LIMIT 1", id=identity)]


# --- deleting --------------------------------------------------------------------------------------------------------


def delete_assignments(ledger: Ledger, assignments: Iterable[int]) -> None:
    """Deletes assignments with their active periods."""
    for assignment in assignments:
        _delete(ledger, "active_period", "assignment_id", assignment)
        _delete(ledger, "assignment", "id", assignment)
        ledger.changed(Part.ASSIGNMENT, assignment)


def delete_node(ledger: Ledger, node: int) -> None:
    """Deletes a node with its settings and custom values, and what says that smileys stood there."""
    rows = ledger.transaction.rows(
        "SELECT DISTINCT smiley_id FROM placement WHERE organization_id = :o AND node_id = :node",
        o=ledger.organization, node=node,
    )  # fmt: skip
    _delete(ledger, "placement", "node_id", node)
    for (smiley,) in rows:
        ledger.changed(Part.PLACEMENT, smiley)
    _delete(ledger, "node_setting", "node_id", node)
    ledger.changed(Part.NODE_SETTING, node)
    _delete(ledger, "custom_value", "node_id", node)
    _delete(ledger, "node", "id", node)
    ledger.changed(Part.NODE, node)


def delete_survey(ledger: Ledger, survey: int, followups: Iterable[tuple[int, Iterable[int]]]) -> None:
    """Deletes a survey with its follow-up questions (each with its options), and its question if no other asks it."""
    for followup, options in followups:
        for option in options:
            _delete_texts(ledger, FOLLOWUP_OPTION, option)
        _delete_texts(ledger, FOLLOWUP_QUESTION, followup)
        _delete(ledger, "followup_option", "followup_question_id", followup)
        _delete(ledger, "followup_question", "id", followup)
        ledger.changed(Part.FOLLOWUP, followup)
    row = first_row(ledger, "SELECT question_id FROM survey WHERE organization_id = :o AND id = :id", id=survey)
    _delete(ledger, "minimum_answers", "survey_id", survey)
    _delete(ledger, "survey", "id", survey)
    ledger.changed(Part.SURVEY, survey)
    others = "SELECT 1 FROM survey WHERE organization_id = :o AND question_id = :id LIMIT 1"
    if row is not None and not first_row(ledger, others, id=row[0]):
        _delete_texts(ledger, QUESTION, row[0])
        _delete(ledger, "question", "id", row[0])
        ledger.changed(Part.QUESTION, row[0])


def delete_smiley(ledger: Ledger, smiley: int) -> None:
    """Deletes a smiley with its placements and its state; its hashes in the directory are the caller's."""
    for table, column in (
        ("placement", "smiley_id"), ("smiley_state", "smiley_id"), ("smiley_epoch", "smiley_id"), ("smiley", "id"),
    ):  # fmt: skip
        _delete(ledger, table, column, smiley)
    ledger.changed(Part.PLACEMENT, smiley)
    ledger.changed(Part.SMILEY, smiley)


def _delete(ledger: Ledger, table: str, column: str, value: int) -> None:
    run(ledger, f"DELETE FROM {table} WHERE organization_id = :o AND {column} = :value", value=value)


def _delete_texts(ledger: Ledger, kind: str, identity: int) -> None:
    run(
        ledger,
        "DELETE FROM localization WHERE organization_id = :o AND kind = :kind AND id = :id",
        kind=kind,
        id=identity,
    )


# --- what is archived ------------------------------------------------------------------------------------------------


def insert_archived(ledger: Ledger, kind: str, identity: int, now: Instant) -> None:
    """Notes that something is archived."""
    row = (ledger.organization, kind, identity, now)
    ledger.transaction.insert(schema.archived, [row], "ON CONFLICT DO NOTHING")


def delete_archived(ledger: Ledger, kind: str, identity: int) -> int:
    """Removes the note; returns how many there were."""
    text = "DELETE FROM archived WHERE organization_id = :o AND kind = :kind AND id = :id"
    return run(ledger, text, kind=kind, id=identity)


def select_archived(transaction: Transaction, organization: int) -> frozenset[tuple[str, int]]:
    """The kinds and ids of what is archived."""
    rows = transaction.rows("SELECT kind, id FROM archived WHERE organization_id = :o", o=organization)
    return frozenset((row[0], row[1]) for row in rows)
