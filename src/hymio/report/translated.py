"""The texts of the set-up in a report: questions, follow-ups and their options in a reader's language."""

from __future__ import annotations

from msgspec.structs import replace

from hymio.report.values import FollowupLine, OptionLine, Report, SurveyLine
from hymio.setup import Content, Layout
from hymio.survey import FollowupQuestion


def in_language(report: Report, layout: Layout, content: Content, language: str) -> Report:
    """The report with the texts of its set-up in a language; those that the set-up has not in it stay as they are."""
    survey = report.survey
    return replace(
        report,
        surveys=tuple(_survey(line, layout, content, language) for line in report.surveys),
        survey=None if survey is None else _survey(survey, layout, content, language),
        followups=_followups(report, layout, content, language),
    )


def _survey(line: SurveyLine, layout: Layout, content: Content, language: str) -> SurveyLine:
    survey = layout.surveys.get(line.id)
    if survey is None:
        return line
    wording = content.question(survey).wording
    locale = wording.locale_in(language)
    return replace(line, question=wording.texts[locale], locale=locale)


def _followups(report: Report, layout: Layout, content: Content, language: str) -> tuple[FollowupLine, ...] | None:
    survey = None if report.survey is None else layout.surveys.get(report.survey.id)
    if report.followups is None or survey is None:
        return report.followups
    questions = {question.id: question for question in content.followups(survey)}
    return tuple(
        _followup(line, questions[line.id], language) if line.id in questions else line for line in report.followups
    )


def _followup(line: FollowupLine, question: FollowupQuestion, language: str) -> FollowupLine:
    texts = {option.id: option.wording.text_in(language) for option in question.options}
    options = tuple(_option(option, texts) for option in line.options)
    return replace(line, text=question.wording.text_in(language), options=options)


def _option(line: OptionLine, texts: dict[int, str]) -> OptionLine:
    return replace(line, text=texts.get(line.id, line.text))
