"""How many answers a number of a report needs at least: settings of an organization and of its surveys."""

from __future__ import annotations

from typing import Final

from hymio.access import Permission, Principal
from hymio.errors import SetupError
from hymio.manage.change import Batch, changing, reading
from hymio.manage.surveys import require_survey
from hymio.period import Instant
from hymio.store import Store
from hymio.store.minimum import Minimums, minimums, set_minimum

MAX_MINIMUM: Final = 1_000


def minimum_answers(store: Store | Batch, principal: Principal) -> Minimums:
    """The least numbers of answers that reports show, of the principal's organization and its surveys. Forbidden."""
    principal.require(Permission.READ_SETUP)
    with reading(store) as transaction:
        return minimums(transaction, principal.organization)


def set_minimum_answers(
    store: Store | Batch, principal: Principal, survey: int | None, answers: int | None, *, now: Instant
) -> None:
    """Sets how many answers a number of a report needs; `survey` None is for the organization, 1 withholds nothing.

    `answers` None removes the setting, so that the organization's or the default applies. SetupError for a number
    outside 1 to MAX_MINIMUM; NotFound for an unknown survey; Forbidden below the root.
    """
    with changing(store, principal, Permission.CHANGE_SURVEYS, now) as change:
        change.require_whole_tree()
        if survey is not None:
            require_survey(change, survey)
        if answers is not None and not 1 <= answers <= MAX_MINIMUM:
            raise SetupError(
                "minimum-out-of-range", "got {answers}; accepted are 1 to {most}", answers=answers, most=MAX_MINIMUM
            )
        transaction, organization = change.ledger.transaction, change.ledger.organization
        stored = minimums(transaction, organization)
        before = stored.organization if survey is None else stored.surveys.get(survey)
        if before != answers:
            set_minimum(transaction, organization, survey, answers)
            subject = "organization" if survey is None else f"survey {survey}"
            change.audit("set-minimum-answers", subject, old=before, new=answers)
