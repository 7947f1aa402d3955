"""An example organization with a history of a year until now, for `hymio demo`, the documents and tests."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from hymio import intake, manage
from hymio.access import Principal, SmsGateway, operator
from hymio.demo import history
from hymio.demo.credentials import Credentials, SmileySecret
from hymio.demo.example import FOUNDED, GROUPS, NAME, PAGE, SPOTS, USERS, WEB, set_up
from hymio.demo.history import YEAR_DAYS, Span
from hymio.demo.web_presses import REPLAYED_THROUGH, replayed
from hymio.errors import Forbidden, HymioError
from hymio.manage import Batch
from hymio.period import DAY_MS, Instant, wall_of, zone
from hymio.results import reported_through
from hymio.store import Store

PRESSES = 200_000
SEED = 1
DAYS_AHEAD = 92
"""How many days after its creation a history can be continued when the demo is started again."""

FOR_DEMO = "Demo"
PERSON = USERS[0][0]
"""The e-mail address of the user with whose password one signs in to the demo's pages."""

FOUNDER = "hymio demo"
"""The name of the demo in the audit log."""


@dataclass(frozen=True, slots=True)
class Demo:
    """The example organization in a store, and credentials for all its clients."""

    organization: int
    credentials: Credentials


def build(
    store: Store,
    now: Instant,
    presses: int = PRESSES,
    seed: int = SEED,
    web_presses: Path | None = None,
    progress: Callable[[int], None] = lambda _: None,
    *,
    span: Span | None = None,
    step: int = 1,
) -> Demo:
    """Creates the example with its history of about `presses` random presses a year until now, reproducible by `seed`.

    The history has the dates of `span`, by default those from a year ago on, with a commit every `step` days. On a
    store that already has the example, it creates new credentials and loads only what is missing.
    """
    chosen = span_until(now) if span is None else span
    demo = prepare(store, now, first=chosen.first)
    begun = chosen._replace(first=first_date(store, demo.organization))
    load(store, demo.organization, begun, now, presses, seed, web_presses, progress, step)
    return demo


def span_until(now: Instant) -> Span:
    """The dates of a history that begins a year before today and can be continued for some weeks."""
    return Span(wall_of(now, zone("UTC")).date() - timedelta(days=YEAR_DAYS), YEAR_DAYS + DAYS_AHEAD)


def first_date(store: Store, organization: int) -> date:
    """The first date of the history, from which its surveys are active."""
    return store.layout(organization).assignments[1].periods[0].start.date()


def prepare(store: Store, now: Instant, known: Credentials | None = None, *, first: date | None = None) -> Demo:
    """Creates the example without history if it does not exist; keeps those of the known credentials that are valid.

    Its surveys are active from `first` on, by default the date a year before today.
    """
    begin = span_until(now).first if first is None else first
    organization = next((found.id for found in manage.organizations(store) if found.name == NAME), None)
    if organization is None:
        return _create(store, begin)
    founder = operator(organization, FOUNDER)
    tokens = {} if known is None else _valid_tokens(store, organization, known)
    if not store.layout(organization).smileys:  # an earlier run was stopped between creation and set-up
        with manage.batch(store, organization, FOUNDED) as batch:
            tokens = set_up(batch, founder, begin)
    return Demo(organization, _credentials(store, founder, now, tokens, known))


def _create(store: Store, first: date) -> Demo:
    """Creates the organization with its set-up and credentials."""
    _, name, _, zone_name = GROUPS[0]
    organization = manage.create_organization(store, operator(name=FOUNDER), name, zone_name or "UTC", now=FOUNDED)
    founder = operator(organization, FOUNDER)
    with manage.batch(store, organization, FOUNDED) as batch:
        tokens = set_up(batch, founder, first)
        return Demo(organization, _new_credentials(batch, founder, FOUNDED, tokens, None))


def load(
    store: Store,
    organization: int,
    span: Span,
    until: Instant,
    presses: int = PRESSES,
    seed: int = SEED,
    web_presses: Path | None = None,
    progress: Callable[[int], None] = lambda _: None,
    step: int = 1,
) -> None:
    """Records the history of a span that is missing until an instant, with a commit every `step` days.

    Calls `progress` with the number of presses added. The reported-through instant of the first smiley tells what is
    stored.
    """
    through = reported_through(store, operator(organization))
    if WEB.smiley not in through:
        _record(store, organization, history.Batch(REPLAYED_THROUGH, (replayed(web_presses),)))
    since = max(span.start, through.get(SPOTS[0].smiley, span.start))
    progress(presses * (since - span.start) // (YEAR_DAYS * DAY_MS))
    if since < min(until, span.end):
        options = _options(store, organization)
        for batch in history.batches(span, presses, seed, options, since, until, step):
            progress(_record(store, organization, batch))


def _record(store: Store, organization: int, batch: history.Batch) -> int:
    """Records one commit; returns its number of presses. Raises the error of an upload that was refused."""
    for answer in intake.record(store, organization, batch.uploads, batch.now, replayed=True):
        if isinstance(answer, HymioError):
            raise answer
    return sum(len(upload.presses) + sum(sum(hour.counts) for hour in upload.hours) for upload in batch.uploads)


def _options(store: Store, organization: int) -> tuple[int, ...]:
    """The ids of the options of the web survey's negative follow-up."""
    followups = store.content(organization).followups(store.layout(organization).surveys[PAGE])
    [negative] = [followup for followup in followups if not followup.positive]
    return tuple(option.id for option in negative.options)


# --- secrets ----------------------------------------------------------------------------------------------------------


def _valid_tokens(store: Store, organization: int, known: Credentials) -> dict[int, str]:
    """The known upload tokens that are valid, by smiley."""
    numbers = {spot.serial: spot.smiley for spot in SPOTS}
    return {
        numbers[secret.serial]: secret.token
        for secret in known.smileys
        if _smiley_of(store, secret.token) == (organization, numbers.get(secret.serial))
    }


def _smiley_of(store: Store, token: str) -> tuple[int, int] | None:
    """Organization and smiley of an upload token, None if it is not valid."""
    with store.read() as transaction:
        device = manage.device_principal(transaction, token)
    return None if device is None else (device.organization, device.id)


def _credentials(
    store: Store, founder: Principal, now: Instant, tokens: dict[int, str], known: Credentials | None
) -> Credentials:
    """The known credentials that are valid, and new ones for the others; without a commit if all are valid."""
    valid = known if known is not None and _are_valid(store, founder.organization, known, now) else None
    if valid and len(tokens) == len(SPOTS) and _is_person(store, founder.organization, valid):
        return valid
    with manage.batch(store, founder.organization, now) as batch:
        return _new_credentials(batch, founder, now, tokens, valid)


def _new_credentials(
    batch: Batch, founder: Principal, now: Instant, tokens: dict[int, str], valid: Credentials | None
) -> Credentials:
    """New credentials where `valid` is None, and new upload tokens of smileys that are not in `tokens`."""
    if valid is None:
        api = manage.activate_api(batch, founder, now=now)
        v2_token = manage.create_token(batch, founder, FOR_DEMO, now=now).secret
        sms_secret = manage.new_sms_secret(batch, founder, SmsGateway.KANNEL, now=now)
        valid = Credentials("", api.client_id, api.token, v2_token, sms_secret, ())
    for spot in SPOTS:
        if spot.smiley not in tokens:
            tokens[spot.smiley] = manage.new_token(batch, founder, spot.smiley, now=now)
    smileys = tuple(SmileySecret(spot.serial, tokens[spot.smiley]) for spot in SPOTS)
    return replace(valid, smileys=smileys, email=PERSON, password=_new_password(batch, founder, now))


def _new_password(batch: Batch, founder: Principal, now: Instant) -> str:
    """Gives the demo's person a new password."""
    person = next((user for user in manage.users(batch, founder) if user.email == PERSON), None)
    if person is None:  # somebody removed or renamed it
        return ""
    password = "-".join(secrets.token_hex(2) for _ in range(4))
    manage.set_password(batch, founder, person.id, password, now=now)
    return password


def _is_person(store: Store, organization: int, known: Credentials) -> bool:
    """Whether a person of the organization can sign in with the known password."""
    principal = manage.password_principal(store, known.email, known.password) if known.password else None
    return principal is not None and principal.organization == organization


def _are_valid(store: Store, organization: int, known: Credentials, now: Instant) -> bool:
    """Whether all credentials but upload tokens are valid and belong to the organization."""
    try:
        principals = (
            manage.v1_principal(store, known.client_id, known.api_token),
            manage.v2_principal(store, known.v2_token, now),
            manage.sms_principal(store, known.sms_secret, SmsGateway.KANNEL),
        )
    except Forbidden:  # the API was revoked
        return False
    return all(principal is not None and principal.organization == organization for principal in principals)
