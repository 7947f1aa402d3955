"""Answers about a report that has not changed: an entity tag that is made before the report is, and 304."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from litestar import Response

from hymio.access import Principal
from hymio.period import Instant
from hymio.report import Basis, ReportQuery, basis_of
from hymio.serving.answers import cached, is_known, tag_of
from hymio.store import Store
from hymio.web.sign_in import Answer

Making: TypeAlias = Callable[[], Answer]
"""Makes an answer that may take long: what is known without it (304, a redirect, a refusal) is answered before."""

NOT_STORED: Final = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The entity tag of the answer about a report, by what the answer depends on.

    Build the report with `moment` as its `now`, then send `headers()`.
    """

    store: Store
    principal: Principal
    query: ReportQuery
    basis: Basis
    asked_at: Instant
    tag: str
    vary: str

    @property
    def moment(self) -> Instant:
        """The instant to build the report with."""
        return self.basis.moment

    def answer(self, if_none_match: str) -> Response[None] | None:
        """304 if the header If-None-Match of the request names the tag, otherwise None."""
        if not is_known(self.tag, if_none_match):
            return None
        return Response(None, status_code=304, headers={**cached(self.tag), "Vary": self.vary})

    def headers(self) -> dict[str, str]:
        """The headers of the answer, to be asked for once the report is built.

        It has no tag, and is not stored, if something was committed meanwhile, as the report may be of either state.
        """
        is_same = basis_of(self.store, self.principal, self.query, self.asked_at) == self.basis
        return {**(cached(self.tag) if is_same else NOT_STORED), "Vary": self.vary}


def unchanged(
    store: Store, principal: Principal, query: ReportQuery, now: Instant, *parts: object, vary: str
) -> Unchanged:
    """The tag of an answer about a report. NotFound for a node that does not exist or is outside the scope.

    It is made from the last change to what the report shows, the moment by which dates are resolved, the query, the
    version of Hymio, what the principal may read, and `parts`: all else that the answer's bytes depend on, as its
    format, language, theme, and the token of its forms. `vary` names the headers that they come from.
    """
    basis = basis_of(store, principal, query, now)
    tag = tag_of("report", query, basis, _reader(principal), parts)
    return Unchanged(store, principal, query, basis, now, tag, vary)


def _reader(principal: Principal) -> tuple[object, ...]:
    """What a report depends on of its reader; the name does not matter."""
    kinds = sorted(kind.value for kind in principal.kinds)  # the order of a set differs between processes
    limits = principal.raw_results, principal.least_answers
    return principal.organization, principal.role.value, principal.node, kinds, *limits
