"""What people see of an organization's set-up: questions and follow-up questions with their texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import attrgetter

from hymio.sharing import regrouped, replaced, versions
from hymio.survey import FollowupQuestion, Question, Survey


@dataclass(frozen=True)
class ContentRows:
    """Questions and follow-up questions by id; None where there is none (any more)."""

    questions: Mapping[int, Question | None] = field(default_factory=dict)
    followup_questions: Mapping[int, FollowupQuestion | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Content:
    """The texts of an organization as of one content revision; an empty one becomes any other by `changed`."""

    organization: int
    revision: int
    questions: Mapping[int, Question] = field(default_factory=dict)
    followup_questions: Mapping[int, FollowupQuestion] = field(default_factory=dict)
    _by_survey: Mapping[int, tuple[FollowupQuestion, ...]] = field(default_factory=dict, repr=False, compare=False)

    def question(self, survey: Survey) -> Question:
        """The question that a survey asks."""
        return self.questions[survey.question]

    def followups(self, survey: Survey) -> tuple[FollowupQuestion, ...]:
        """The follow-up questions of a survey, by id."""
        return self._by_survey.get(survey.id, ())

    def changed(self, rows: ContentRows, revision: int) -> Content:
        """With these rows in place of those of the same ids; what did not change is shared."""
        before, after = self.followup_questions, replaced(self.followup_questions, rows.followup_questions)
        left, joined = (versions(each, rows.followup_questions) for each in (before, after))
        by_survey = regrouped(self._by_survey, left, joined, attrgetter("survey"), attrgetter("id"))
        return Content(self.organization, revision, replaced(self.questions, rows.questions), after, by_survey)
