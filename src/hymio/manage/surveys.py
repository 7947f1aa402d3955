"""Questions, surveys with their follow-ups, assignments with their active periods, and texts in locales."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final

from hymio.access import Permission, Principal
from hymio.errors import NotFound, SetupError
from hymio.locale import check_locale
from hymio.manage.change import NOUNS, Batch, Change, changing
from hymio.manage.checks import check_text
from hymio.period import Instant
from hymio.scale import IndexType, Scale
from hymio.setup import Part
from hymio.store import Store
from hymio.store.catalog import rows, surveys
from hymio.store.setup.content_rows import FOLLOWUP_OPTION, FOLLOWUP_QUESTION, QUESTION
from hymio.survey import ActivePeriod, Localized, SurveyType

_MAX_OPTIONS: Final = 6


def add_question(
    store: Store | Batch, principal: Principal, wording: Localized, id: int | None = None, *, now: Instant  # noqa: A002
) -> int:  # fmt: skip
    """Adds a question. Returns its id."""
    with changing(store, principal, Permission.CHANGE_SURVEYS, now) as change:
        change.require_whole_tree()
        identity = change.new_id("question", id)
        check_wording(QUESTION, identity, wording)
        surveys.insert_question(change.ledger, identity, wording.default_locale)
        surveys.upsert_texts(change.ledger, Part.QUESTION, identity, QUESTION, {identity: wording.texts})
        change.audit("add-question", f"question {identity}", new=dict(wording.texts))
        return identity


def add_survey(
    store: Store | Batch, principal: Principal, question: int, scale: Scale, index_type: IndexType = IndexType.HAPPY,
    type: SurveyType = SurveyType.CUSTOMER, id: int | None = None, *, now: Instant,  # noqa: A002
) -> int:  # fmt: skip
    """Adds a survey that asks a question. Returns its id."""
    with changing(store, principal, Permission.CHANGE_SURVEYS, now) as change:
        change.require_whole_tree()
        _require_question(change, question)
        identity = change.new_id("survey", id)
        surveys.insert_survey(change.ledger, identity, question, scale, index_type, type)
        new = {"question": question, "scale": scale.value, "index": index_type.value, "type": type.value}
        change.audit("add-survey", f"survey {identity}", new=new)
        return identity


def add_followup(
    store: Store | Batch, principal: Principal, survey: int, *, positive: bool, wording: Localized,
    options: Sequence[Localized], now: Instant,
) -> tuple[int, tuple[int, ...]]:  # fmt: skip
    """Adds a follow-up question with one to six options to a survey. Returns its id and theirs."""
    with changing(store, principal, Permission.CHANGE_SURVEYS, now) as change:
        change.require_whole_tree()
        require_survey(change, survey)
        _check_count(len(options))
        identity = rows.next_id(change.ledger, "followup_question")
        first = rows.next_id(change.ledger, "followup_option")
        texts = dict(enumerate(options, first))
        _insert_followup(change, identity, survey, wording, texts, positive=positive)
        new = {"survey": survey, "positive": positive, "texts": dict(wording.texts), "options": list(texts)}
        change.audit("add-followup", f"follow-up question {identity}", new=new)
        return identity, tuple(texts)


def _check_count(options: int) -> None:
    """SetupError unless a follow-up has 1 to _MAX_OPTIONS options."""
    if not 1 <= options <= _MAX_OPTIONS:
        raise SetupError(
            "bad-option-count",
            "a follow-up question has 1 to {most} options; got {count}",
            most=_MAX_OPTIONS,
            count=options,
        )


def _insert_followup(
    change: Change, identity: int, survey: int, wording: Localized, options: Mapping[int, Localized], *, positive: bool
) -> None:
    """Checks and inserts a follow-up question with its options and texts."""
    check_wording(FOLLOWUP_QUESTION, identity, wording)
    for option, option_wording in options.items():
        check_wording(FOLLOWUP_OPTION, option, option_wording)
    ledger = change.ledger
    surveys.insert_followup(ledger, identity, survey, wording.default_locale, positive=positive)
    surveys.upsert_texts(ledger, Part.FOLLOWUP, identity, FOLLOWUP_QUESTION, {identity: wording.texts})
    surveys.insert_options(ledger, identity, options)
    texts = {option: option_wording.texts for option, option_wording in options.items()}
    surveys.upsert_texts(ledger, Part.FOLLOWUP, identity, FOLLOWUP_OPTION, texts)


# --- where and when --------------------------------------------------------------------------------------------------


def assign(
    store: Store | Batch, principal: Principal, node: int, survey: int, periods: Iterable[ActivePeriod],
    smiley: int | None = None, id: int | None = None, *, now: Instant,  # noqa: A002
) -> int:  # fmt: skip
    """Assigns a survey to a point in active periods, on one smiley or on all placed there. Returns the assignment's id.

    SetupError where periods overlap or, at the commit, two surveys are asked of one smiley at once.
    """
    with changing(store, principal, Permission.CHANGE_SURVEYS, now, node=node) as change:
        require_survey(change, survey)
        if smiley is not None and not rows.exists(change.ledger, "smiley", smiley):
            raise NotFound("unknown-smiley", "there is no smiley {smiley}", smiley=smiley)
        ordered = _checked(periods)
        identity = change.new_id("assignment", id)
        surveys.insert_assignment(change.ledger, identity, node, survey, smiley)
        surveys.insert_periods(change.ledger, identity, ordered)
        new = {"survey": survey, "smiley": smiley, "periods": _shown(ordered)}
        change.audit("assign", f"assignment {identity}", node=node, new=new)
        return identity


def set_periods(
    store: Store | Batch, principal: Principal, assignment: int, periods: Iterable[ActivePeriod], *, now: Instant
) -> None:
    """Sets the active periods of an assignment in place of those before. SetupError on overlap.

    Stored feedback keeps its assignment or reason for quarantine, until it is resettled or released.
    """
    with changing(store, principal, Permission.CHANGE_SURVEYS, now) as change:
        row = surveys.select_assignment(change.ledger, assignment) if rows.is_id(assignment) else None
        if row is None or not change.reaches(row.node):
            raise NotFound("unknown-assignment", "there is no assignment {assignment}", assignment=assignment)
        ordered = _checked(periods)
        old = [f"{start}/{end or ''}" for start, end in surveys.select_periods(change.ledger, assignment)]
        if (new := _shown(ordered)) == old:
            return
        surveys.replace_periods(change.ledger, assignment, ordered)
        change.audit("set-periods", f"assignment {assignment}", node=row.node, old=old, new=new)


def _checked(periods: Iterable[ActivePeriod]) -> list[ActivePeriod]:
    """Active periods in order. SetupError where one ends before it begins or overlaps another."""
    ordered = sorted(set(periods), key=lambda period: period.start)
    for period in ordered:
        if period.end is not None and period.end <= period.start:
            raise SetupError(
                "period-ends-early",
                "got an active period from {start} until {end}; it must end after it begins",
                start=period.start,
                end=period.end,
            )
    for before, after in pairwise(ordered):
        if before.end is None or after.start < before.end:
            raise SetupError(
                "periods-overlap",
                "got an active period from {start}, when that from {other} is not over",
                start=after.start,
                other=before.start,
            )
    return ordered


def _shown(periods: Iterable[ActivePeriod]) -> list[str]:
    """Active periods for the audit log."""
    return [f"{period.start.isoformat()}/{period.end.isoformat() if period.end else ''}" for period in periods]


# --- texts in languages ----------------------------------------------------------------------------------------------


def localize_question(
    store: Store | Batch, principal: Principal, question: int, locale: str, text: str, *, now: Instant
) -> None:
    """Adds or replaces the text of a question in a locale."""
    with changing(store, principal, Permission.CHANGE_SURVEYS, now) as change:
        change.require_whole_tree()
        _require_question(change, question)
        old = _localize(change, Part.QUESTION, question, QUESTION, question, locale, text)
        if (new := {locale: text}) != old:
            change.audit("localize-question", f"question {question}", old=old, new=new)


def localize_followup_question(
    store: Store | Batch, principal: Principal, followup: int, locale: str, text: str, *, now: Instant
) -> None:
    """Adds or replaces the text of a follow-up question in a locale."""
    with changing(store, principal, Permission.CHANGE_SURVEYS, now) as change:
        change.require_whole_tree()
        if not rows.exists(change.ledger, "followup_question", followup):
            raise NotFound("unknown-followup", "there is no follow-up question {followup}", followup=followup)
        old = _localize(change, Part.FOLLOWUP, followup, FOLLOWUP_QUESTION, followup, locale, text)
        if (new := {locale: text}) != old:
            change.audit("localize-followup-question", f"follow-up question {followup}", old=old, new=new)


def localize_followup_option(
    store: Store | Batch, principal: Principal, option: int, locale: str, text: str, *, now: Instant
) -> None:
    """Adds or replaces the text of an option in a locale."""
    with changing(store, principal, Permission.CHANGE_SURVEYS, now) as change:
        change.require_whole_tree()
        followup = surveys.select_followup_of(change.ledger, option) if rows.is_id(option) else None
        if followup is None:
            raise NotFound("unknown-option", "there is no option {option}", option=option)
        old = _localize(change, Part.FOLLOWUP, followup, FOLLOWUP_OPTION, option, locale, text)
        if (new := {locale: text}) != old:
            change.audit("localize-followup-option", f"option {option}", old=old, new=new)


def _localize(
    change: Change, part: Part, owner: int, kind: str, identity: int, locale: str, text: str
) -> dict[str, str] | None:
    """Sets a text, unless it is the same already; returns the text before by its locale, None if there was none."""
    _check_texts({locale: text})
    old = surveys.select_text(change.ledger, kind, identity, locale)
    if old == text:
        return {locale: old}
    surveys.upsert_texts(change.ledger, part, owner, kind, {identity: {locale: text}})
    return None if old is None else {locale: old}


def check_wording(kind: str, identity: int, wording: Localized) -> None:
    """SetupError unless a wording has a text in its default locale, and all locales and texts are valid."""
    if wording.default_locale not in wording.texts:
        raise SetupError(
            "default-text-missing",
            "{kind} {id}: no text in its default locale {locale}",
            kind=NOUNS[kind],
            id=identity,
            locale=wording.default_locale,
        )
    _check_texts(wording.texts)


def _check_texts(texts: Mapping[str, str]) -> None:
    """SetupError unless all locales and texts are valid."""
    for locale, text in texts.items():
        check_locale(locale)
        check_text(text)


def _require_question(change: Change, question: int) -> None:
    """NotFound unless the question exists."""
    if not rows.exists(change.ledger, "question", question):
        raise NotFound("unknown-question", "there is no question {question}", question=question)


def require_survey(change: Change, survey: int) -> None:
    """Raises NotFound unless the survey exists."""
    if not rows.exists(change.ledger, "survey", survey):
        raise NotFound("unknown-survey", "there is no survey {survey}", survey=survey)
