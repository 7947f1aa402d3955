"""What people answered after the button: follow-ups by option, and open texts."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping
from typing import Any, cast

from hymio.feedback import Followup, Text, feedback_id_text
from hymio.report.clock import local
from hymio.report.query import TextLanguage, TextQuery
from hymio.report.source import AllHours, Source
from hymio.report.values import FollowupLine, OptionLine, TextLine, Texts
from hymio.results import FeedbackRow, Phase
from hymio.survey import FollowupQuestion


def followup_lines(source: Source) -> tuple[FollowupLine, ...]:
    """The follow-ups of the survey: positive ones first, then by id; options in their order."""
    reader = source.reader
    survey = reader.layout.surveys[source.selection.survey]
    questions = sorted(reader.content.followups(survey), key=lambda one: (not one.positive, one.id))
    if not questions:
        return ()
    chosen, left = Counter[int](), Counter[int]()
    for (option, question), number in _followups(source).items():
        if option is not None:
            chosen[option] += number
        elif question is not None:
            left[question] += number
    return tuple(_followup_line(question, chosen, left[question.id]) for question in questions)


def _followups(source: Source) -> Mapping[tuple[int | None, int | None], int]:
    """How often each option was chosen, and each question left (with option None)."""
    if isinstance(source, AllHours):
        columns = "answer_option_id", "answer_question_id"
        return cast("Counter[Any]", source.reader.tally(source.selection, Phase.FOLLOWUP, columns))
    with source.reader.answers(source.selection, Phase.FOLLOWUP) as rows:
        shown = (row.answer for row in rows if source.holds(row))
        return Counter((answer.option, answer.question) for answer in shown if isinstance(answer, Followup))


def _followup_line(question: FollowupQuestion, chosen: Counter[int], left: int) -> FollowupLine:
    total = sum(chosen[option.id] for option in question.options)
    return FollowupLine(
        id=question.id,
        text=question.wording.text,
        positive=question.positive,
        answers=total,
        left=left,
        options=tuple(
            OptionLine(
                id=option.id,
                text=option.wording.text,
                answers=chosen[option.id],
                share=chosen[option.id] / total if total else None,
            )
            for option in question.options
        ),
    )


def texts_of(source: Source, query: TextQuery) -> Texts:
    """The open texts of the period that match a query, with how many there are in all."""
    if isinstance(source, AllHours) and not query.search and query.language is None and query.limit is not None:
        return _page_of_texts(source, query, query.limit)
    total = spam = matching = 0
    shown: list[TextLine] = []
    wanted = _plain(query.search)
    with source.reader.answers(source.selection, Phase.TEXT) as rows:
        for row in rows:
            answer = row.answer
            if not isinstance(answer, Text) or not answer.text or not source.holds(row):
                continue
            total += 1
            spam += bool(answer.spam)
            if (answer.spam and not query.spam) or (query.buttons is not None and row.button not in query.buttons):
                continue
            if query.language not in (None, language_of(answer)):
                continue
            if wanted and wanted not in _plain(answer.text) and wanted not in _plain(answer.english or ""):
                continue
            is_of_part = matching >= query.offset and (query.limit is None or len(shown) < query.limit)
            if is_of_part or not isinstance(source, AllHours):
                shown.append(_text_line(source, row, answer))
            matching += 1
    if not isinstance(source, AllHours):
        shown = _part_by_text(shown, query)
    return Texts(total=total, spam=spam, matching=matching, offset=query.offset, shown=tuple(shown))


def _page_of_texts(source: AllHours, query: TextQuery, limit: int) -> Texts:
    """`texts_of` without a search: the engine counts, and no more texts are read than are listed or skipped."""
    counts = source.reader.tally(source.selection, Phase.TEXT, ("button", "coalesce(answer_spam, 0)"))

    def is_listed(button: int, spam: object) -> bool:
        return (query.spam or not spam) and (query.buttons is None or button in query.buttons)

    shown: list[TextLine] = []
    skipped = 0
    with source.reader.answers(source.selection, Phase.TEXT) as rows:
        for row in rows:
            answer = row.answer
            if not isinstance(answer, Text) or not answer.text or not is_listed(row.button, answer.spam):
                continue
            if skipped < query.offset:
                skipped += 1
                continue
            shown.append(_text_line(source, row, answer))
            if len(shown) >= limit:
                break
    return Texts(
        total=counts.total(),
        spam=sum(number for (_, spam), number in counts.items() if spam),
        matching=sum(number for key, number in counts.items() if is_listed(*key)),
        offset=query.offset,
        shown=tuple(shown),
    )


def language_of(answer: Text) -> TextLanguage:
    """What the source's English translation tells of a text's language."""
    if answer.english is None:
        return TextLanguage.UNKNOWN
    is_same = _plain(answer.english).split() == _plain(answer.text or "").split()
    return TextLanguage.ENGLISH if is_same else TextLanguage.OTHER


def _part_by_text(lines: list[TextLine], query: TextQuery) -> list[TextLine]:
    """The asked part of all texts in the order of their letters: that of time would tell withheld instants.

    So would parts of a list by time, of which one text leaves when the next one comes in.
    """
    ordered = sorted(lines, key=lambda line: (line.text, line.button, line.english or "", line.relevance or 0.0))
    return ordered[query.offset : None if query.limit is None else query.offset + query.limit]


def _text_line(source: Source, row: FeedbackRow, answer: Text) -> TextLine:
    """A text; with a minimum number of answers, without what tells when and where it was given."""
    is_told = isinstance(source, AllHours)
    return TextLine(
        feedback=feedback_id_text(row.smiley, row.epoch, row.sequence) if is_told else None,
        at=local(row.at, row.offset) if is_told else None,
        node=source.reader.layout.assignments[row.assignment].node if is_told else None,
        button=row.button,
        text=answer.text or "",
        spam=bool(answer.spam),
        relevance=answer.relevance,
        categories=answer.categories,
        themes=answer.themes,
        language=language_of(answer).value,
        english=answer.english if language_of(answer) is TextLanguage.OTHER else None,
    )


def _plain(text: str) -> str:
    """A text without regard to case and forms of the same letters."""
    return unicodedata.normalize("NFKC", text).casefold()
