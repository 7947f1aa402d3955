"""What requests for the pages of web smileys have in common: who asks, for which smiley, and what it offers."""

from __future__ import annotations

from hymio.access import Permission, Principal
from hymio.errors import NotFound, SetupError
from hymio.handouts.offer import Offer, offer
from hymio.hierarchy import Hierarchy
from hymio.manage import SignedIn
from hymio.serving.answers import base_url_of
from hymio.smiley import Placement
from hymio.web.people import Visit


def admin(person: SignedIn) -> Principal:
    """The person's principal. Forbidden unless it may change smileys."""
    person.principal.require(Permission.CHANGE_SMILEYS)
    return person.principal


def smiley_of(here: Visit) -> int:
    """The number of the smiley in the address. NotFound if it is none."""
    return number_from(here.request.path_params["smiley"])


def number_from(text: str) -> int:
    """A number of an address or a form. NotFound if it is none, as for one that does not exist."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise NotFound("unknown-address", "There is nothing at this address.")
    return int(text)


def place_of(hierarchy: Hierarchy, principal: Principal, placement: Placement | None) -> str:
    """The names of the groups of the scope above a smiley's place, and its own: `Finland / Tampere`; empty without one.

    What lies above a scope has no name for who reads there.
    """
    if placement is None:
        return ""
    ways = [*reversed([*hierarchy.ancestors(placement.node)]), placement.node]
    return " / ".join(hierarchy.nodes[node].name for node in ways if principal.reaches(hierarchy, node))


def base_url(here: Visit) -> str:
    """The public address of the server, or the one at which the browser asks."""
    return base_url_of(here.services.settings, here.request)


def offer_of(here: Visit, principal: Principal, smiley: int) -> Offer | None:
    """What the handouts show, None while the smiley asks nothing. NotFound; Unavailable."""
    try:
        return offer(here.services.store, principal, base_url(here), smiley, here.services.clock())
    except SetupError:
        return None


def locale_of(here: Visit, shown: Offer | None) -> str:
    """The locale in the address, else the question's default."""
    if shown is None:
        return "en-US"
    asked = here.request.query_params.get("locale", "")
    return asked if asked in shown.wording.texts else shown.wording.default_locale
