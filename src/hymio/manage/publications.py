"""How digital smileys are open to the web, and what surveys ask for there."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from hymio.access import Permission, Principal
from hymio.errors import NotFound, SetupError
from hymio.manage.change import Batch, Change, changing
from hymio.manage.checks import check_name
from hymio.manage.secrets import hash_secret
from hymio.manage.smileys import require_smiley
from hymio.manage.surveys import check_wording, require_survey
from hymio.period import Instant
from hymio.setup import Part
from hymio.smiley import MAX_WORK_BITS, Publication, SmileyType
from hymio.store import Store
from hymio.store.catalog import publications, surveys
from hymio.store.catalog.directory import Kind, insert_hash, look_up
from hymio.store.setup.content_rows import CONSENT
from hymio.survey import Flow

DEFAULT_ANSWER_INTERVAL: Final = 10
"""Seconds within which a visitor of a newly published smiley is not counted again: who changes his mind, or reloads.

It is short, because people behind one router with the same browser are one visitor.
"""

MAX_ANSWER_INTERVAL: Final = 1_000_000
MAX_ORIGINS: Final = 100
MAX_METADATA: Final = 20

_TOKEN: Final = re.compile(r"[0-9A-F]{32}")
_ORIGIN: Final = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")
_METADATUM: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_CODE_LETTERS: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""32 letters and digits of which no two look alike."""
_CODE_LENGTH: Final = 10


def publish_smiley(
    store: Store | Batch, principal: Principal, smiley: int, token: str | None = None, *, now: Instant
) -> Publication:
    """Opens a digital smiley to the web: gives it a token and a code, both public, if it has none yet.

    `token` is that of a smiley which moves in from elsewhere, 32 hexadecimal digits, so that the tags of its pages stay
    as they are. A withdrawn smiley gets back the token and code that it had. SetupError if the token is another's, or
    the smiley is no digital one or has another token.
    """
    with changing(store, principal, Permission.CHANGE_SMILEYS, now) as change:
        require_smiley(change, smiley)
        published = change.ledger.layout.smileys[smiley]
        if published.type is not SmileyType.DIGITAL:
            raise SetupError("not-digital", "smiley {smiley} is no digital smiley", smiley=smiley)
        before = published.publication
        if before is not None and token in (None, before.token):
            return _reopened(change, smiley, before)
        if before is not None:
            raise SetupError("published-already", "smiley {smiley} is published with another token", smiley=smiley)
        made = Publication(_checked(change, token), _new_code(), answer_interval=DEFAULT_ANSWER_INTERVAL)
        _insert_addresses(change, smiley, made)
        change.audit("publish-smiley", f"smiley {smiley}", new=_addresses(made))
        return made


def edit_publication(
    store: Store | Batch, principal: Principal, smiley: int, publication: Publication, *, now: Instant
) -> None:
    """Replaces what the owner of a published smiley decided; its token and code stay, and whether it is
    withdrawn. NotFound; SetupError.
    """
    with changing(store, principal, Permission.CHANGE_SMILEYS, now) as change:
        require_smiley(change, smiley)
        before = change.ledger.layout.smileys[smiley].publication
        if before is None or _identity(before) != _identity(publication):
            raise NotFound("not-published", "smiley {smiley} is not published under this code", smiley=smiley)
        _check(publication)
        if publication != before:
            publications.upsert_publication(change.ledger, smiley, publication)
            change.audit("edit-publication", f"smiley {smiley}", old=_shown(before), new=_shown(publication))


def withdraw_smiley(store: Store | Batch, principal: Principal, smiley: int, *, now: Instant) -> None:
    """Takes a published smiley from the web: its addresses answer 404 until it is published again. NotFound."""
    with changing(store, principal, Permission.CHANGE_SMILEYS, now) as change:
        before = _published(change, smiley)
        if not before.is_withdrawn:
            publications.upsert_publication(change.ledger, smiley, replace(before, is_withdrawn=True))
            change.audit("withdraw-smiley", f"smiley {smiley}", old=_addresses(before))


def renew_addresses(store: Store | Batch, principal: Principal, smiley: int, *, now: Instant) -> Publication:
    """Gives a published smiley a new token and code, as after a link leaked; the old ones answer 404. NotFound.

    Hashes of the old ones stay in the directory, so that no other smiley can take them over with their visitors.
    """
    with changing(store, principal, Permission.CHANGE_SMILEYS, now) as change:
        before = _published(change, smiley)
        made = replace(before, token=_checked(change, None), code=_new_code())
        _insert_addresses(change, smiley, made)
        change.audit("renew-addresses", f"smiley {smiley}", old=_addresses(before), new=_addresses(made))
        return made


def set_flow(store: Store | Batch, principal: Principal, flow: Flow, *, now: Instant) -> None:
    """Sets what a survey asks for on the web, its metadata and consent text. NotFound; SetupError."""
    with changing(store, principal, Permission.CHANGE_SURVEYS, now) as change:
        change.require_whole_tree()
        require_survey(change, flow.survey)
        _check_metadata(flow.metadata)
        if flow.consent is not None:
            check_wording(CONSENT, flow.survey, flow.consent)
        before = change.ledger.content.flow(flow.survey)
        if flow == before:
            return
        publications.upsert_flow(change.ledger, flow)
        if flow.consent is not None:
            surveys.upsert_texts(change.ledger, Part.FLOW, flow.survey, CONSENT, {flow.survey: flow.consent.texts})
        change.audit("set-flow", f"survey {flow.survey}", old=_asked(before), new=_asked(flow))


def _published(change: Change, smiley: int) -> Publication:
    """How a smiley is published, withdrawn or not. NotFound."""
    require_smiley(change, smiley)
    known = change.ledger.layout.smileys[smiley].publication
    if known is None:
        raise NotFound("no-published-smiley", "there is no published smiley {smiley}", smiley=smiley)
    return known


def _reopened(change: Change, smiley: int, before: Publication) -> Publication:
    """The publication of a smiley that has one, not withdrawn any more."""
    if not before.is_withdrawn:
        return before
    made = replace(before, is_withdrawn=False)
    publications.upsert_publication(change.ledger, smiley, made)
    change.audit("publish-smiley", f"smiley {smiley}", new=_addresses(made))
    return made


def _insert_addresses(change: Change, smiley: int, made: Publication) -> None:
    """Stores a publication whose token and code are new."""
    for word in (made.token, made.code):
        insert_hash(change.ledger, Kind.WEB_SMILEY, hash_secret(word), smiley)
    publications.upsert_publication(change.ledger, smiley, made)


def _identity(publication: Publication) -> tuple[str, str, bool]:
    """What other functions change."""
    return publication.token, publication.code, publication.is_withdrawn


def _addresses(publication: Publication) -> dict[str, object]:
    """Token and code, for the audit log."""
    return {"token": publication.token, "code": publication.code}


def _checked(change: Change, token: str | None) -> str:
    """A token that is given, or a new one. SetupError if it has another form or is taken."""
    if token is None:
        return secrets.token_hex(16).upper()
    if not _TOKEN.fullmatch(token):
        raise SetupError("bad-public-token", "got token {token!r}; accepted are 32 of 0-9 and A-F", token=token[:40])
    if look_up(change.ledger.transaction, Kind.WEB_SMILEY, hash_secret(token)):
        raise SetupError("public-token-taken", "there is a smiley with this token already")
    return token


def _new_code() -> str:
    """A random code."""
    return "".join(secrets.choice(_CODE_LETTERS) for _ in range(_CODE_LENGTH))


def _check(publication: Publication) -> None:
    """SetupError unless origins, answer interval and bits of work are possible."""
    for origin in publication.origins:
        if not _ORIGIN.fullmatch(origin):
            raise SetupError(
                "bad-origin", "got origin {origin!r}; accepted are such as https://shop.example", origin=origin[:80]
            )
    if len(publication.origins) > MAX_ORIGINS:
        raise SetupError("too-many-origins", "a smiley has at most {most} origins", most=MAX_ORIGINS)
    interval = publication.answer_interval
    if interval is not None and not 0 <= interval <= MAX_ANSWER_INTERVAL:
        raise SetupError(
            "answer-interval-out-of-range", "got {got} seconds; accepted are 0 to {most}", got=interval,
            most=MAX_ANSWER_INTERVAL,
        )  # fmt: skip
    if not 0 <= publication.work_bits <= MAX_WORK_BITS:
        raise SetupError(
            "work-out-of-range", "got {got} bits of work; accepted are 0 to {most}", got=publication.work_bits,
            most=MAX_WORK_BITS,
        )  # fmt: skip


def _check_metadata(names: Sequence[str]) -> None:
    """SetupError unless names of metadata are words, and not too many."""
    for name in names:
        if not _METADATUM.fullmatch(name):
            raise SetupError(
                "bad-metadatum", "got {name!r}; accepted are letters, digits and _.- after a letter", name=name[:80]
            )
        check_name(name)
    if len(names) > MAX_METADATA:
        raise SetupError("too-many-metadata", "a survey accepts at most {most} metadata", most=MAX_METADATA)


def _shown(publication: Publication) -> dict[str, object]:
    """What the owner decided, for the audit log."""
    return {
        "origins": list(publication.origins),
        "answerInterval": publication.answer_interval,
        "installing": publication.is_installing,
        "workBits": publication.work_bits,
    }


def _asked(flow: Flow) -> dict[str, object]:
    """A flow, for the audit log."""
    consent = None if flow.consent is None else dict(flow.consent.texts)
    return {"text": flow.asks_text, "contact": flow.asks_contact, "metadata": list(flow.metadata), "consent": consent}
