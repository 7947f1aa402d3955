"""Questions, surveys with their follow-ups, and where each is asked when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from hymio.errors import SetupError
from hymio.locale import check_locale
from hymio.scale import IndexType, Scale
from hymio.store import schema
from hymio.store.catalog.changing import changed, check_text, identity_of, must_have, run
from hymio.store.ledger import Ledger
from hymio.store.reading import FOLLOWUP_OPTION, FOLLOWUP_QUESTION, QUESTION
from hymio.survey import ActivePeriod, Localized, SurveyType

_MAX_OPTIONS = 6


def add_question(ledger: Ledger, wording: Localized, id: int | None = None) -> int:  # noqa: A002
    """Adds a question."""
    identity = identity_of(ledger, "question", id)
    ledger.transaction.insert(schema.question, [(ledger.organization, identity, wording.default_locale)])
    localize(ledger, QUESTION, identity, wording)
    return identity


def add_survey(
    ledger: Ledger,
    question: int,
    scale: Scale,
    index_type: IndexType = IndexType.HAPPY,
    type: SurveyType = SurveyType.CUSTOMER,  # noqa: A002
    id: int | None = None,  # noqa: A002
) -> int:
    """Adds a survey that asks a question."""
    must_have(ledger, "question", question)
    identity = identity_of(ledger, "survey", id)
    row = (ledger.organization, identity, question, scale.value, index_type.value, type.value)
    ledger.transaction.insert(schema.survey, [row])
    changed(ledger)
    return identity


def add_followup(
    ledger: Ledger, survey: int, *, positive: bool, wording: Localized, options: Sequence[Localized]
) -> tuple[int, tuple[int, ...]]:
    """Adds a follow-up question with at most six options; its id and theirs."""
    if not 1 <= len(options) <= _MAX_OPTIONS:
        raise SetupError(f"a follow-up question has 1 to {_MAX_OPTIONS} options; got {len(options)}")
    must_have(ledger, "survey", survey)
    identity = identity_of(ledger, "followup_question")
    row = (ledger.organization, identity, survey, int(positive), wording.default_locale)
    ledger.transaction.insert(schema.followup_question, [row])
    localize(ledger, FOLLOWUP_QUESTION, identity, wording)
    made = []
    for position, option in enumerate(options):
        made.append(identity_of(ledger, "followup_option"))
        ledger.transaction.insert(schema.followup_option, [(ledger.organization, made[-1], identity, position)])
        localize(ledger, FOLLOWUP_OPTION, made[-1], option)
    return identity, tuple(made)


def assign(
    ledger: Ledger,
    node: int,
    survey: int,
    periods: Iterable[ActivePeriod],
    smiley: int | None = None,
    id: int | None = None,  # noqa: A002
) -> int:
    """Asks a survey at a point in active periods, on one smiley or on all that stand there. SetupError on overlap."""
    identity = identity_of(ledger, "assignment", id)
    ledger.transaction.insert(schema.assignment, [(ledger.organization, identity, node, survey, smiley)])
    _put_periods(ledger, identity, periods)
    return identity


def set_periods(ledger: Ledger, assignment: int, periods: Iterable[ActivePeriod]) -> None:
    """Asks an assignment's survey in these active periods in place of those before. SetupError on overlap.

    What is stored stays as it is, until somebody resettles the point or releases quarantine.
    """
    must_have(ledger, "assignment", assignment)
    text = "DELETE FROM active_period WHERE organization_id = :o AND assignment_id = :assignment"
    run(ledger, text, assignment=assignment)
    _put_periods(ledger, assignment, periods)


def _put_periods(ledger: Ledger, assignment: int, periods: Iterable[ActivePeriod]) -> None:
    known = sorted(set(periods), key=lambda each: each.start)
    for each in known:
        if each.end is not None and each.end <= each.start:
            raise SetupError(f"got an active period from {each.start} until {each.end}; it must end after it begins")
    for each, following in pairwise(known):
        if each.end is None or following.start < each.end:
            raise SetupError(f"got an active period from {following.start}, when that from {each.start} is not over")
    rows = [
        (ledger.organization, assignment, each.start.isoformat(), None if each.end is None else each.end.isoformat())
        for each in known
    ]
    ledger.transaction.insert(schema.active_period, rows)
    changed(ledger)


def localize_question(ledger: Ledger, question: int, locale: str, text: str) -> None:
    """Adds or replaces the text of a question in a locale."""
    must_have(ledger, "question", question)
    _put_texts(ledger, QUESTION, question, {locale: text})


def localize_followup_question(ledger: Ledger, followup: int, locale: str, text: str) -> None:
    """Adds or replaces the text of a follow-up question in a locale."""
    must_have(ledger, "followup_question", followup)
    _put_texts(ledger, FOLLOWUP_QUESTION, followup, {locale: text})


def localize_followup_option(ledger: Ledger, option: int, locale: str, text: str) -> None:
    """Adds or replaces the text of an option in a locale."""
    must_have(ledger, "followup_option", option)
    _put_texts(ledger, FOLLOWUP_OPTION, option, {locale: text})


def localize(ledger: Ledger, kind: str, identity: int, wording: Localized) -> None:
    if wording.default_locale not in wording.texts:
        raise SetupError(f"{kind} {identity}: no text in its default locale {wording.default_locale}")
    _put_texts(ledger, kind, identity, wording.texts)


def _put_texts(ledger: Ledger, kind: str, identity: int, texts: Mapping[str, str]) -> None:
    for locale, text in texts.items():
        check_locale(locale)
        check_text(text)
    ledger.transaction.insert(
        schema.localization,
        [(ledger.organization, kind, identity, locale, text) for locale, text in texts.items()],
        "ON CONFLICT (organization_id, kind, id, locale) DO UPDATE SET text = excluded.text",
    )
    changed(ledger)
