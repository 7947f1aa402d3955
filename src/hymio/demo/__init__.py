"""An example organization with a year of history, for `hymio demo`, the documents and tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from hymio import intake, manage
from hymio.access import Principal, operator
from hymio.demo import history
from hymio.demo.credentials import Credentials, SmileySecret
from hymio.demo.example import FOUNDED, GROUPS, NAME, PAGE, SPOTS, WEB, set_up
from hymio.demo.web_presses import REPLAYED_THROUGH, replayed
from hymio.errors import Forbidden, HymioError
from hymio.manage import Batch
from hymio.period import Instant
from hymio.results import reported_through
from hymio.store import Store

PRESSES = 200_000
MOST_PRESSES = 300_000
SEED = 1
FOR_DEMO = "Demo"
FOUNDER = "hymio demo"
"""The name of the demo in the audit log."""


@dataclass(frozen=True, slots=True)
class Demo:
    """The example in a store, and the secrets that open its doors."""

    organization: int
    credentials: Credentials


def build(
    store: Store,
    now: Instant,
    presses: int = PRESSES,
    seed: int = SEED,
    web_presses: Path | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Demo:
    """Makes the example with its whole history, the same for the same `presses` and `seed` but for ids of clients.

    Called again on the same store it makes new secrets, and loads only what is not there yet.
    """
    made = prepare(store, now)
    load(store, made.organization, presses, seed, web_presses, progress)
    return made


def prepare(store: Store, now: Instant, known: Credentials | None = None) -> Demo:
    """Makes the example without history, if it is not there; of the known secrets those are kept that still fit."""
    organization = next((each.id for each in manage.organizations(store) if each.name == NAME), None)
    if organization is None:
        return _create(store)
    founder = operator(organization, FOUNDER)
    tokens = {} if known is None else _fitting_tokens(store, organization, known)
    if not store.layout(organization).smileys:  # it was stopped between its creation and its set-up
        with manage.batch(store, organization, FOUNDED) as batch:
            tokens = set_up(batch, founder)
    return Demo(organization, _credentials(store, founder, now, tokens, known))


def _create(store: Store) -> Demo:
    """Creates the example and sets it up."""
    _, name, _, zone = GROUPS[0]
    organization = manage.create_organization(store, operator(name=FOUNDER), name, zone or "UTC", now=FOUNDED)
    founder = operator(organization, FOUNDER)
    with manage.batch(store, organization, FOUNDED) as batch:
        tokens = set_up(batch, founder)
        return Demo(organization, _new_credentials(batch, founder, FOUNDED, tokens, None))


def load(
    store: Store,
    organization: int,
    presses: int = PRESSES,
    seed: int = SEED,
    web_presses: Path | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Records the history, or the rest of it; `progress` is told how many presses more are there, of about `presses`.

    Each week is one commit, so what the first smiley has told says which weeks are there.
    """
    told = reported_through(store, operator(organization))
    if WEB.smiley not in told:
        _record(store, organization, history.Batch(REPLAYED_THROUGH, (replayed(web_presses),)))
    first = max(0, (told.get(SPOTS[0].smiley, history.START) - history.START) // history.WEEK_MS)
    progress(presses * min(first, history.WEEKS) // history.WEEKS)
    if first < history.WEEKS:
        for batch in history.weeks(presses, seed, _options(store, organization), first):
            progress(_record(store, organization, batch))


def _record(store: Store, organization: int, batch: history.Batch) -> int:
    for answer in intake.record(store, organization, batch.uploads, batch.now):
        if isinstance(answer, HymioError):
            raise answer
    return sum(len(each.presses) + sum(sum(hour.counts) for hour in each.hours) for each in batch.uploads)


def _options(store: Store, organization: int) -> tuple[int, ...]:
    followups = store.content(organization).followups(store.layout(organization).surveys[PAGE])
    [asked] = [each for each in followups if not each.positive]
    return tuple(option.id for option in asked.options)


# --- secrets ----------------------------------------------------------------------------------------------------------


def _fitting_tokens(store: Store, organization: int, known: Credentials) -> dict[int, str]:
    numbers = {spot.serial: spot.smiley for spot in SPOTS}
    return {
        numbers[each.serial]: each.token
        for each in known.smileys
        if _smiley_of(store, each.token) == (organization, numbers.get(each.serial))
    }


def _smiley_of(store: Store, token: str) -> tuple[int, int] | None:
    with store.read() as transaction:
        device = manage.device_principal(transaction, token)
    return None if device is None else (device.organization, device.id)


def _credentials(
    store: Store, founder: Principal, now: Instant, tokens: dict[int, str], known: Credentials | None
) -> Credentials:
    """The known secrets where they fit, and new ones in place of the others; nothing is written if all do."""
    kept = known if known is not None and _fits(store, founder.organization, known, now) else None
    if kept and len(tokens) == len(SPOTS):
        return kept
    with manage.batch(store, founder.organization, now) as batch:
        return _new_credentials(batch, founder, now, tokens, kept)


def _new_credentials(
    batch: Batch, founder: Principal, now: Instant, tokens: dict[int, str], kept: Credentials | None
) -> Credentials:
    if kept is None:
        api = manage.activate_api(batch, founder, now=now)
        v2_token = manage.create_token(batch, founder, FOR_DEMO, now=now).secret
        kept = Credentials("", api.client_id, api.token, v2_token, manage.new_sms_secret(batch, founder, now=now), ())
    for spot in SPOTS:
        if spot.smiley not in tokens:
            tokens[spot.smiley] = manage.new_token(batch, founder, spot.smiley, now=now)
    return replace(kept, smileys=tuple(SmileySecret(spot.serial, tokens[spot.smiley]) for spot in SPOTS))


def _fits(store: Store, organization: int, known: Credentials, now: Instant) -> bool:
    """Whether the secrets are those of an organization."""
    try:
        principals = (
            manage.v1_principal(store, known.client_id, known.api_token),
            manage.v2_principal(store, known.v2_token, now),
            manage.sms_principal(store, known.sms_secret),
        )
    except Forbidden:  # the API was revoked
        return False
    return all(principal is not None and principal.organization == organization for principal in principals)
