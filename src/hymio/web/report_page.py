"""The page of a report."""

from __future__ import annotations

from hymio.errors import NotFound
from hymio.manage import SignedIn
from hymio.web.people import Visit
from hymio.web.sign_in import Answer


def report_page(here: Visit, person: SignedIn, node: int) -> Answer:
    """The page of a node's report for a person. NotFound for a node that does not exist or is outside the scope."""
    person.principal.require_node(here.services.store.layout(person.principal.organization).hierarchy, node)
    raise NotFound("unknown-address", "There is nothing at this address.")
