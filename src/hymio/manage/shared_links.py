"""Shared links: reports that people show to others by an address, with or without sign-in."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from hymio.access import DataKind, Permission, Principal, Role, Via
from hymio.errors import NotFound, SetupError
from hymio.manage.change import Batch, Change, changing, hierarchy_in, instant_text, reach_in, reading
from hymio.manage.checks import check_name
from hymio.manage.principals import parts_of, person_principal
from hymio.manage.secrets import hash_secret, new_secret
from hymio.manage.users import require_oneself
from hymio.period import DAY_MS, HOUR_MS, Instant
from hymio.store import Store
from hymio.store.catalog import shared_links as rows
from hymio.store.catalog.rows import is_id
from hymio.store.catalog.shared_links import LinkTerms, SharedLink
from hymio.store.minimum import minimums
from hymio.user import User

LEAST_ANSWERS: Final = 5
"""The least number of answers that a link without sign-in shows, unless that of the survey is larger.

It is one number for all links: what two links with different ones show could be compared (decision 37).
"""

LONGEST_MS: Final = 366 * DAY_MS
"""How long a link lasts at most."""

USED_EVERY_MS: Final = HOUR_MS
"""How often the use of a link is written."""

MOST_LINKS: Final = 500
"""Valid links of a user."""

_MAX_WORDS: Final = 2_000


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link's id and the secret of its address, which is shown once."""

    id: int
    secret: str


@dataclass(frozen=True, slots=True)
class Shared:
    """A link that can be used, and the principal that reads its report."""

    link: SharedLink
    principal: Principal


# --- verbs -----------------------------------------------------------------------------------------------------------


def share_report(store: Store | Batch, principal: Principal, user: int, terms: LinkTerms, *, now: Instant) -> NewLink:
    """Makes a link that shows the report of a node as the user may see it. Forbidden if a person names another user.

    NotFound for a node or user outside the scope; SetupError if the user does not reach the node, may not sign in or
    has MOST_LINKS valid links, and for terms that are none. Forbidden to show texts without their kind of data,
    and to share without sign-in what has a minimum below LEAST_ANSWERS.
    """
    with changing(store, principal, Permission.SHARE_REPORTS, now) as change:
        owner = require_oneself(change, user)
        change.require_node(terms.node)
        if terms.shows_texts:
            principal.require_kind(DataKind.TEXT_FEEDBACKS)
        _check(change, owner, terms)
        secret = new_secret()
        identity = rows.insert_link(change.ledger, user, hash_secret(secret), terms, now)
        change.audit("share-report", f"link {identity}", node=terms.node, new={"user": user, **_shown(terms)})
        return NewLink(identity, f"{change.ledger.organization}.{identity}.{secret}")


def revoke_link(store: Store | Batch, principal: Principal, link: int, *, now: Instant) -> None:
    """Revokes a link for good; one that is revoked already stays as it is.

    NotFound if it does not exist or its node is outside the scope, and for another's link without the permission to
    change users.
    """
    with changing(store, principal, Permission.SHARE_REPORTS, now) as change:
        ledger = change.ledger
        stored = rows.select_link(ledger.transaction, ledger.organization, link) if is_id(link) else None
        if stored is None or not _is_manageable(change, stored[0]):
            raise NotFound("unknown-link", "there is no link {link}", link=link)
        if rows.revoke_links(ledger, now, link=link):
            terms = stored[0].terms
            change.audit("revoke-link", f"link {link}", node=terms.node, old=_shown(terms))


def links(store: Store | Batch, principal: Principal) -> list[SharedLink]:
    """The links of the person who asks or, with the permission to change users, all in its scope; the newest first."""
    principal.require(Permission.SHARE_REPORTS)
    is_for_all = principal.may(Permission.CHANGE_USERS)
    with reading(store) as transaction:
        reach = reach_in(store, transaction, principal)
        stored = rows.select_links(transaction, principal.organization, None if is_for_all else principal.id)
    return [link for link in stored if _is_own(principal, link) or (is_for_all and reach.holds(link.terms.node))]


def _is_own(principal: Principal, link: SharedLink) -> bool:
    """Whether a person shares a link; an operator has no links."""
    return principal.role.is_person and link.user == principal.id


def _is_manageable(change: Change, link: SharedLink) -> bool:
    """Whether the principal may revoke a link: its own, or one of its scope with the permission to change users."""
    is_reached = change.reaches(link.terms.node)
    return _is_own(change.principal, link) or (is_reached and change.principal.may(Permission.CHANGE_USERS))


def _check(change: Change, owner: User, terms: LinkTerms) -> None:
    """SetupError unless the terms are valid and the owner may share the report; Forbidden by a minimum."""
    hierarchy, now = change.ledger.layout.hierarchy, change.now
    if owner.node != terms.node and owner.node not in hierarchy.ancestors(terms.node):
        raise SetupError("link-beyond-owner", "user {user} does not reach node {node}", user=owner.id, node=terms.node)
    if person_principal(change.ledger.transaction, change.ledger.organization, owner.id) is None:
        raise SetupError("no-sign-in-by-password", "user {user} may not sign in by password", user=owner.id)
    check_name(terms.name)
    if not now < terms.expires_at <= now + LONGEST_MS:
        raise SetupError("link-end-refused", "a link lasts at most {days} days", days=LONGEST_MS // DAY_MS)
    if len(terms.words) > _MAX_WORDS or not (terms.words.isascii() and terms.words.isprintable()):
        raise SetupError("link-words-refused", "the parameters of the report are too long")
    if not terms.needs_sign_in:
        _require_one_division(change, terms)
    existing = rows.select_links(change.ledger.transaction, change.ledger.organization, owner.id)
    if sum(link.is_valid(now) for link in existing) >= MOST_LINKS:
        raise SetupError("too-many-links", "there are {most} links already; revoke some first", most=MOST_LINKS)


def _require_one_division(change: Change, terms: LinkTerms) -> None:
    """Forbidden if reports of the survey have a minimum between 1 and LEAST_ANSWERS (decision 37)."""
    survey = dict(parse_qsl(terms.words)).get("survey", "")
    if survey.isdecimal() and len(survey) < 19:
        stored = minimums(change.ledger.transaction, change.ledger.organization)
        stored.require_one_division(int(survey), LEAST_ANSWERS)


def _shown(terms: LinkTerms) -> dict[str, object]:
    """The terms of a link for the audit log."""
    return {
        "name": terms.name,
        "expires": instant_text(terms.expires_at),
        "needsSignIn": terms.needs_sign_in,
        "showsTexts": terms.shows_texts,
    }


# --- use -------------------------------------------------------------------------------------------------------------


def shared_report(store: Store, secret: str, now: Instant) -> Shared | None:
    """The link with a secret, and the principal that reads its report and nothing else.

    None, as for an unknown secret, if it expired or was revoked, or if the user who shares it may not sign in or does
    not reach its node any more.
    """
    organization, identity, key = parts_of(secret)
    with store.read() as transaction:
        stored = rows.select_link(transaction, organization, identity)
        if stored is None or not hmac.compare_digest(stored[1], hash_secret(key)) or not stored[0].is_valid(now):
            return None
        person = person_principal(transaction, organization, stored[0].user)
        if person is None:
            return None
        owner = person[0]
        hierarchy = hierarchy_in(store, transaction, owner)
    link = stored[0]
    if link.terms.node not in hierarchy.nodes or not owner.reaches(hierarchy, link.terms.node):
        return None
    return Shared(link, _reader(owner, link))


def _reader(owner: Principal, link: SharedLink) -> Principal:
    """The principal of a link: numbers and, if they are shared, texts of its node; never contact details."""
    kinds = {DataKind.BUTTON_FEEDBACKS, DataKind.FOLLOWUP_FEEDBACKS}
    if link.terms.shows_texts:
        kinds.add(DataKind.TEXT_FEEDBACKS)
    return Principal(
        owner.organization, Role.LINK, Via.SHARED_LINK, f"link {link.id}", link.id, link.terms.node,
        frozenset(kinds) & owner.kinds, default_language=owner.default_language,
        least_answers=1 if link.terms.needs_sign_in else LEAST_ANSWERS,
    )  # fmt: skip


def note_link_use(store: Store, organization: int, link: SharedLink, now: Instant) -> None:
    """Writes that a link was used, at most every USED_EVERY_MS, outside the ledger. Unavailable."""
    if link.used_at is None or now - link.used_at >= USED_EVERY_MS:
        with store.write() as transaction:
            rows.update_used(transaction, organization, link.id, now)


def clear_links(store: Store, organization: int, before: Instant) -> int:
    """Deletes links that ended before an instant; returns their number. Idempotent."""
    with store.write() as transaction:
        return rows.delete_ended(transaction, organization, before)
