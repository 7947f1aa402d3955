"""Stored hours: how the subject of a group's hour is stored."""

from __future__ import annotations

from hymio.rollup import GroupSubject, OfScale, OfSurvey


def survey_id(subject: GroupSubject) -> int:
    """The column `survey_id` of `group_hour`: a survey's id, or minus the number of buttons for a whole scale."""
    return subject.survey if isinstance(subject, OfSurvey) else -subject.buttons


def group_subject(node: int, survey_id: int) -> GroupSubject:
    """The subject of a row of `group_hour`: `survey_id` undone."""
    return OfSurvey(node, survey_id) if survey_id > 0 else OfScale(node, -survey_id)
