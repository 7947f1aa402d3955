"""How many answers a number of a report needs at least: an organization's setting, and settings of its surveys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hymio.errors import Forbidden
from hymio.store import schema
from hymio.store.dialect import Transaction

_WHOLE_ORGANIZATION: Final = 0
"""The survey id of the row of an organization's own setting; surveys have positive ones."""


@dataclass(frozen=True, slots=True)
class Minimums:
    """The organization's own minimum, and those of surveys that have one; None where none is set."""

    organization: int | None
    surveys: Mapping[int, int]

    def of(self, survey: int) -> int | None:
        """The setting that applies to a survey: its own, else the organization's."""
        return self.surveys.get(survey, self.organization)

    def require_one_division(self, survey: int, least: int) -> None:
        """Forbidden where other readers see a division of the same answers by a smaller minimum than `least`, above 1.

        The differences of sums of both could be about fewer answers than either shows (decision 37).
        """
        own = self.of(survey)
        if own is not None and 1 < own < least:
            raise Forbidden(
                "shared-minimum-too-small",
                "reports of survey {survey} show numbers of {own} answers or more: only numbers of {least} or more can"
                " be shared without sign-in, and both together could tell of fewer; share with sign-in",
                survey=survey,
                own=own,
                least=least,
            )


def minimums(transaction: Transaction, organization: int) -> Minimums:
    """The settings of an organization."""
    rows = transaction.rows(
        "SELECT survey_id, answers FROM minimum_answers WHERE organization_id = :o AND answers IS NOT NULL",
        o=organization,
    )
    surveys = {row[0]: int(row[1]) for row in rows}
    return Minimums(surveys.pop(_WHOLE_ORGANIZATION, None), surveys)


def set_minimum(transaction: Transaction, organization: int, survey: int | None, answers: int | None) -> None:
    """Sets the minimum of a survey or, with None, of the organization; `answers` None removes the setting."""
    transaction.insert(
        schema.minimum_answers,
        [(organization, _WHOLE_ORGANIZATION if survey is None else survey, answers)],
        "ON CONFLICT (organization_id, survey_id) DO UPDATE SET answers = excluded.answers",
    )
