"""Forms on the page of a published smiley: how it is published, its addresses, and what its survey asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from hymio import manage
from hymio.access import Principal
from hymio.errors import NotFound, SetupError
from hymio.handouts.offer import publication_of
from hymio.manage import SignedIn
from hymio.survey import Flow, Localized
from hymio.web.people import Visit
from hymio.web.sign_in import Answer
from hymio.web.smiley_asked import admin, number_from, smiley_of
from hymio.web.smiley_page import flow_of, smiley_page


def change(here: Visit, person: SignedIn, fields: dict[str, str]) -> Answer:
    """Does what one of the forms asks for. NotFound for any other."""
    name, number = here.request.path_params["name"], smiley_of(here)
    if name not in _ACTS:
        raise NotFound("unknown-address", "There is nothing at this address.")
    try:
        _ACTS[name](here, admin(person), number, fields)
    except SetupError as error:
        return smiley_page(here, person, error)
    return here.to(f"/smileys/{number}?done={name}")


def _set_publication(here: Visit, principal: Principal, number: int, fields: dict[str, str]) -> None:
    """Sets whether presses are tests, the allowed origins, and the answer interval."""
    store, now = here.services.store, here.services.clock()
    before = publication_of(store.layout(principal.organization), principal, number, now)
    interval = fields.get("interval", "").strip()
    changed = replace(
        before,
        origins=tuple(dict.fromkeys(line.rstrip("/").lower() for line in fields.get("origins", "").split())),
        answer_interval=number_from(interval) if interval else None,
        is_installing=fields.get("presses") == "tests",
    )
    manage.edit_publication(store, principal, number, changed, now=now)


def _set_flow(here: Visit, principal: Principal, number: int, fields: dict[str, str]) -> None:
    """Sets what the survey asks for and the texts of consent. NotFound if it asks nothing now."""
    store, now = here.services.store, here.services.clock()
    publication_of(store.layout(principal.organization), principal, number, now)
    before = flow_of(here, principal, number)
    if before is None:
        raise NotFound("unknown-address", "There is nothing at this address.")
    names = tuple(dict.fromkeys(fields.get("metadata", "").replace(",", " ").split()))
    consent = _consent(before.consent, fields)
    flow = Flow(before.survey, "text" in fields, "contact" in fields, names, consent)
    manage.set_flow(store, principal, flow, now=now)


def _consent(before: Localized | None, fields: dict[str, str]) -> Localized | None:
    """The texts of consent with those of the form; an empty one is left out."""
    texts = {} if before is None else dict(before.texts)
    for name, text in fields.items():
        if name.startswith("consent-"):
            texts[name.removeprefix("consent-")] = " ".join(text.split())
    texts = {locale: text for locale, text in texts.items() if text}
    default = fields.get("default", "") if before is None else before.default_locale
    return Localized(default if default in texts else min(texts), texts) if texts else None


def _withdraw(here: Visit, principal: Principal, number: int, _fields: dict[str, str]) -> None:
    """Takes the smiley from the web."""
    manage.withdraw_smiley(here.services.store, principal, number, now=here.services.clock())


def _renew(here: Visit, principal: Principal, number: int, fields: dict[str, str]) -> None:
    """Gives it new addresses, if the box beside the button says that this is meant."""
    if "sure" not in fields:
        raise SetupError("not-confirmed", "tick the box first: the old addresses cannot come back")
    manage.renew_addresses(here.services.store, principal, number, now=here.services.clock())


_ACTS: Final[dict[str, Callable[[Visit, Principal, int, dict[str, str]], None]]] = {
    "settings": _set_publication, "flow": _set_flow, "withdraw": _withdraw, "renew": _renew,
}  # fmt: skip
