"""The least number of answers that a number of a report needs."""

from __future__ import annotations

from typing import Final

from hymio.results import NodeReader
from hymio.survey import Survey, SurveyType

DEFAULT_MINIMUM: Final = {SurveyType.CUSTOMER: 1, SurveyType.EMPLOYEE: 5}
"""The least number of answers that is shown unless an organization or survey sets another: 1 withholds nothing."""


def minimum_of(reader: NodeReader, survey: Survey) -> int:
    """The least number of answers that is shown of a survey: its own, else the organization's, else its type's."""
    own = reader.minimums.of(survey.id)
    return max(DEFAULT_MINIMUM[survey.type] if own is None else own, reader.principal.least_answers)
