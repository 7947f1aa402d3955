"""Reading questions and follow-up questions with their texts, all or those of some ids."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping

from hymio.setup import ChangedIds, Content, ContentRows, Part
from hymio.store.dialect import Transaction
from hymio.store.setup.tables import Ids, Tables, with_none_for_missing
from hymio.survey import Flow, FollowupOption, FollowupQuestion, Localized, Question

QUESTION, FOLLOWUP_QUESTION, FOLLOWUP_OPTION, CONSENT = "question", "followup_question", "followup_option", "consent"
"""The kinds of localized texts."""


def load_content(transaction: Transaction, organization: int, revision: int) -> Content:
    """The content of an organization from all its rows."""
    rows = _content_rows(Tables(transaction, organization), dict.fromkeys(Part))
    return Content(organization, revision).changed(rows, revision)


def content_rows(transaction: Transaction, organization: int, changed_ids: ChangedIds) -> ContentRows:
    """The content rows of some ids; None for those that are not there."""
    return _content_rows(Tables(transaction, organization), changed_ids)


def _content_rows(tables: Tables, ids: Mapping[Part, Ids]) -> ContentRows:
    """The rows of the content with these ids."""
    return ContentRows(
        _questions(tables, ids.get(Part.QUESTION, ())),
        _followup_questions(tables, ids.get(Part.FOLLOWUP, ())),
        _flows(tables, ids.get(Part.FLOW, ())),
    )


def _questions(tables: Tables, ids: Ids) -> dict[int, Question | None]:
    """Questions with their texts by id."""
    texts = _Texts(tables, QUESTION, ids)
    rows = tables.rows("question", ("id", "default_locale"), ids)
    return with_none_for_missing(ids, {key: Question(key, texts.localized(key, locale)) for key, locale in rows})


def _followup_questions(tables: Tables, ids: Ids) -> dict[int, FollowupQuestion | None]:
    """Follow-up questions with options and texts by id; None for an id that is no longer stored."""
    rows = tables.rows("followup_question", ("id", "survey_id", "positive", "default_locale"), ids)
    texts, options = _Texts(tables, FOLLOWUP_QUESTION, ids), _options(tables, ids)
    followups = {
        key: FollowupQuestion(key, survey, bool(positive), texts.localized(key, locale), options(key, locale))
        for key, survey, positive, locale in rows
    }
    return with_none_for_missing(ids, followups)


def _options(tables: Tables, ids: Ids) -> Callable[[int, str], tuple[FollowupOption, ...]]:
    """The options of a follow-up question in order of their positions, whose default locale is the question's."""
    rows = tables.rows("followup_option", ("followup_question_id", "position", "id"), ids)
    texts = _Texts(tables, FOLLOWUP_OPTION, None if ids is None else [option for _, _, option in rows])
    by_question: defaultdict[int, list[int]] = defaultdict(list)
    for question, _, option in rows:
        by_question[question].append(option)

    def options(question: int, locale: str) -> tuple[FollowupOption, ...]:
        """The options of a question with their texts."""
        return tuple(FollowupOption(option, texts.localized(option, locale)) for option in by_question[question])

    return options


def _flows(tables: Tables, ids: Ids) -> dict[int, Flow | None]:
    """Flows with their consent texts by survey."""
    columns = ("survey_id", "asks_text", "asks_contact", "metadata", "consent_locale")
    texts = _Texts(tables, CONSENT, ids)
    flows = {
        survey: Flow(
            survey, bool(text), bool(contact), tuple(json.loads(names)),
            None if locale is None else texts.localized(survey, locale),
        )
        for survey, text, contact, names, locale in tables.rows("survey_flow", columns, ids)
    }  # fmt: skip
    return with_none_for_missing(ids, flows)


class _Texts:
    """The texts of one kind by id and locale."""

    def __init__(self, tables: Tables, kind: str, ids: Ids) -> None:
        self._texts: defaultdict[int, dict[str, str]] = defaultdict(dict)
        for key, locale, text in tables.rows("localization", ("id", "locale", "text"), ids, f"AND kind = '{kind}'"):
            self._texts[key][locale] = text

    def localized(self, key: int, default_locale: str) -> Localized:
        """The texts of an object in all locales."""
        return Localized(default_locale, self._texts[key])
