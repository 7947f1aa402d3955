"""Rows of questions, surveys, follow-up questions with their options, texts in locales, and assignments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from hymio.scale import IndexType, Scale
from hymio.setup import Part
from hymio.store import schema
from hymio.store.catalog.rows import first_row, run
from hymio.store.ledger import Ledger
from hymio.survey import ActivePeriod, SurveyType


class AssignmentRow(NamedTuple):
    """An assignment's point, survey and smiley (None for all smileys placed there)."""

    node: int
    survey: int
    smiley: int | None


def insert_question(ledger: Ledger, identity: int, default_locale: str) -> None:
    """Inserts a question without its texts."""
    ledger.transaction.insert(schema.question, [(ledger.organization, identity, default_locale)])
    ledger.changed(Part.QUESTION, identity)


def insert_survey(
    ledger: Ledger, identity: int, question: int, scale: Scale, index_type: IndexType, type: SurveyType  # noqa: A002
) -> None:  # fmt: skip
    """Inserts a survey."""
    values = (ledger.organization, identity, question, scale.value, index_type.value, type.value)
    ledger.transaction.insert(schema.survey, [values])
    ledger.changed(Part.SURVEY, identity)


def insert_followup(ledger: Ledger, identity: int, survey: int, default_locale: str, *, positive: bool) -> None:
    """Inserts a follow-up question without its texts and options."""
    values = (ledger.organization, identity, survey, int(positive), default_locale)
    ledger.transaction.insert(schema.followup_question, [values])
    ledger.changed(Part.FOLLOWUP, identity)


def insert_options(ledger: Ledger, followup: int, options: Iterable[int]) -> None:
    """Inserts the options of a new follow-up question, in this order."""
    rows = [(ledger.organization, option, followup, position) for position, option in enumerate(options)]
    ledger.transaction.insert(schema.followup_option, rows)
    ledger.changed(Part.FOLLOWUP, followup)


def select_followup_of(ledger: Ledger, option: int) -> int | None:
    """The follow-up question that an option answers."""
    text = "SELECT followup_question_id FROM followup_option WHERE organization_id = :o AND id = :option"
    row = first_row(ledger, text, option=option)
    return row[0] if row else None


def select_text(ledger: Ledger, kind: str, identity: int, locale: str) -> str | None:
    """The text of a question, follow-up question or option in a locale."""
    text = "SELECT text FROM localization WHERE organization_id = :o AND kind = :kind AND id = :id AND locale = :locale"
    row = first_row(ledger, text, kind=kind, id=identity, locale=locale)
    return row[0] if row else None


def upsert_texts(ledger: Ledger, part: Part, owner: int, kind: str, texts: Mapping[int, Mapping[str, str]]) -> None:
    """Sets texts of a kind, by id and locale; `owner` is the question or follow-up question that they belong to."""
    ledger.transaction.insert(
        schema.localization,
        [
            (ledger.organization, kind, identity, locale, text)
            for identity, by_locale in texts.items()
            for locale, text in by_locale.items()
        ],
        "ON CONFLICT (organization_id, kind, id, locale) DO UPDATE SET text = excluded.text",
    )
    ledger.changed(part, owner)


def select_assignment(ledger: Ledger, assignment: int) -> AssignmentRow | None:
    """The row of an assignment."""
    text = "SELECT node_id, survey_id, smiley_id FROM assignment WHERE organization_id = :o AND id = :assignment"
    row = first_row(ledger, text, assignment=assignment)
    return AssignmentRow(*row) if row else None


def insert_assignment(ledger: Ledger, identity: int, node: int, survey: int, smiley: int | None) -> None:
    """Inserts an assignment without its active periods."""
    ledger.transaction.insert(schema.assignment, [(ledger.organization, identity, node, survey, smiley)])
    ledger.changed(Part.ASSIGNMENT, identity)


def select_periods(ledger: Ledger, assignment: int) -> list[tuple[str, str | None]]:
    """The active periods of an assignment as they are stored: wall times in ISO 8601, by their start."""
    text = "SELECT starts, ends FROM active_period WHERE organization_id = :o AND assignment_id = :assignment"
    rows = ledger.transaction.rows(text, o=ledger.organization, assignment=assignment)
    return sorted((starts, ends) for starts, ends in rows)


def replace_periods(ledger: Ledger, assignment: int, periods: Iterable[ActivePeriod]) -> None:
    """Replaces the active periods of an assignment."""
    text = "DELETE FROM active_period WHERE organization_id = :o AND assignment_id = :assignment"
    run(ledger, text, assignment=assignment)
    insert_periods(ledger, assignment, periods)


def insert_periods(ledger: Ledger, assignment: int, periods: Iterable[ActivePeriod]) -> None:
    """Adds active periods to an assignment."""
    rows = [
        (ledger.organization, assignment, period.start.isoformat(), period.end and period.end.isoformat())
        for period in periods
    ]
    ledger.transaction.insert(schema.active_period, rows)
    ledger.changed(Part.ASSIGNMENT, assignment)
