"""What people see of an organization's set-up: questions and follow-up questions with their texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hymio.survey import FollowupQuestion, Question, Survey


@dataclass(frozen=True)
class Content:
    """The texts of an organization as of one content revision; resolving and judging presses do not need them."""

    organization: int
    revision: int
    questions: Mapping[int, Question]
    followups_by_survey: Mapping[int, tuple[FollowupQuestion, ...]]

    def question(self, survey: Survey) -> Question:
        """The question that a survey asks."""
        return self.questions[survey.question]

    def followups(self, survey: Survey) -> tuple[FollowupQuestion, ...]:
        """The follow-up questions of a survey, by id."""
        return self.followups_by_survey.get(survey.id, ())
