"""What people answered after the button: follow-ups by option, and open texts."""

from __future__ import annotations

import unicodedata
from collections import Counter

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
    chosen, left = Counter[int](), Counter[int]()
    with reader.answers(source.selection, Phase.FOLLOWUP) as rows:
        for row in rows:
            if isinstance(row.answer, Followup) and source.holds(row):
                option = row.answer.option
                if option is not None:
                    chosen[option] += 1
                elif row.answer.question is not None:
                    left[row.answer.question] += 1
    questions = sorted(reader.content.followups(survey), key=lambda one: (not one.positive, one.id))
    return tuple(_followup_line(question, chosen, left[question.id]) for question in questions)


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
            if matching >= query.offset and (query.limit is None or len(shown) < query.limit):
                shown.append(_text_line(source, row, answer))
            matching += 1
    return Texts(total=total, spam=spam, matching=matching, offset=query.offset, shown=tuple(_ordered(source, shown)))


def language_of(answer: Text) -> TextLanguage:
    """What the source's English translation tells of a text's language."""
    if answer.english is None:
        return TextLanguage.UNKNOWN
    is_same = _plain(answer.english).split() == _plain(answer.text or "").split()
    return TextLanguage.ENGLISH if is_same else TextLanguage.OTHER


def _ordered(source: Source, lines: list[TextLine]) -> list[TextLine]:
    """The newest first; where instants are withheld by the text, as the order would tell them."""
    return lines if isinstance(source, AllHours) else sorted(lines, key=lambda line: (line.text, line.button))


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
