"""What people see of an organization's set-up: questions and follow-up questions with their texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import attrgetter

from hymio.sharing import regrouped, replaced, versions
from hymio.survey import Flow, FollowupQuestion, Question, Survey


@dataclass(frozen=True)
class ContentRows:
    """Questions and follow-up questions by id, flows by survey; None for removed ones."""

    questions: Mapping[int, Question | None] = field(default_factory=dict)
    followup_questions: Mapping[int, FollowupQuestion | None] = field(default_factory=dict)
    flows: Mapping[int, Flow | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Content:
    """The texts of an organization as of one content revision; `changed` makes the next one from it."""

    organization: int
    revision: int
    questions: Mapping[int, Question] = field(default_factory=dict)
    followup_questions: Mapping[int, FollowupQuestion] = field(default_factory=dict)
    flows: Mapping[int, Flow] = field(default_factory=dict)
    _by_survey: Mapping[int, tuple[FollowupQuestion, ...]] = field(default_factory=dict, repr=False, compare=False)

    def question(self, survey: Survey) -> Question:
        """The question that a survey asks."""
        return self.questions[survey.question]

    def followups(self, survey: Survey) -> tuple[FollowupQuestion, ...]:
        """The follow-up questions of a survey, by id."""
        return self._by_survey.get(survey.id, ())

    def flow(self, survey: int) -> Flow:
        """What a survey asks for on the web."""
        return self.flows.get(survey) or Flow(survey)

    def changed(self, rows: ContentRows, revision: int) -> Content:
        """New content in which `rows` replace those with the same ids; unchanged parts are shared."""
        changes = rows.followup_questions
        followups = replaced(self.followup_questions, changes)
        removed, added = versions(self.followup_questions, changes), versions(followups, changes)
        by_survey = regrouped(self._by_survey, removed, added, attrgetter("survey"), attrgetter("id"))
        questions, flows = replaced(self.questions, rows.questions), replaced(self.flows, rows.flows)
        return Content(self.organization, revision, questions, followups, flows, by_survey)
