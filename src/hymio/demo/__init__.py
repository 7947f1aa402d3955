"""An example organization with a year of history, for `hymio demo`, the documents and tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from hymio import intake
from hymio.demo import history, page
from hymio.demo.credentials import Credentials, SmileySecret
from hymio.demo.tree import FOUNDED, NAME, PAGE, SPOTS, WEB, set_up
from hymio.errors import HymioError
from hymio.period import Instant
from hymio.store import Store, catalog
from hymio.store.feedback import reported_through

PRESSES = 200_000
MOST_PRESSES = 300_000
SEED = 1
FOR_DEMO = "Demo"


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
    found = [each.id for each in catalog.organizations(store) if each.name == NAME]
    organization = found[0] if found else catalog.create_organization(store, NAME, FOUNDED)
    tokens: dict[int, str] = {}
    if store.layout(organization).hierarchy.root is None:
        with store.begin(organization, FOUNDED) as ledger:
            tokens = set_up(ledger)
    elif known is not None:
        tokens = _fitting_tokens(store, organization, known)
    return Demo(organization, _credentials(store, organization, now if found else FOUNDED, tokens, known))


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
    with store.read() as transaction:
        told = reported_through(transaction, organization)
    if WEB.smiley not in told:
        _record(store, organization, history.Batch(page.REPLAYED_THROUGH, (page.replayed(web_presses),)))
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
    followups = store.content(organization).followups_by_survey[PAGE]
    [asked] = [each for each in followups if not each.positive]
    return tuple(option.id for option in asked.options)


# --- secrets ----------------------------------------------------------------------------------------------------------


def _fitting_tokens(store: Store, organization: int, known: Credentials) -> dict[int, str]:
    numbers = {spot.serial: spot.smiley for spot in SPOTS}
    return {
        numbers[each.serial]: each.token
        for each in known.smileys
        if catalog.smiley_by_token(store, each.token) == (organization, numbers.get(each.serial))
    }


def _credentials(
    store: Store, organization: int, now: Instant, tokens: dict[int, str], known: Credentials | None
) -> Credentials:
    """The known secrets where they fit, and new ones in place of the others; nothing is written if all do."""
    kept = known if known is not None and _fits(store, organization, known) else None
    if kept and len(tokens) == len(SPOTS):
        return kept
    with store.begin(organization, now) as ledger:
        api = catalog.activate_api(ledger) if kept is None else catalog.ApiCredentials(kept.client_id, kept.api_token)
        v2_token = catalog.create_token(ledger, FOR_DEMO).secret if kept is None else kept.v2_token
        secret = catalog.sms_secret(ledger) if kept is None else kept.sms_secret
        for spot in SPOTS:
            if spot.smiley not in tokens:
                tokens[spot.smiley] = catalog.new_token(ledger, spot.smiley)
    smileys = tuple(SmileySecret(spot.serial, tokens[spot.smiley]) for spot in SPOTS)
    made = Credentials("", api.client_id, api.token, v2_token, secret, smileys)
    return made if kept is None else replace(made, base_url=kept.base_url, presses=kept.presses, seed=kept.seed)


def _fits(store: Store, organization: int, known: Credentials) -> bool:
    client, token = catalog.v1_client(store, known.client_id), catalog.v2_token(store, known.v2_token)
    return (
        client is not None
        and token is not None
        and (token.organization, token.revoked_at) == (organization, None)
        and client.organization == organization
        and client.api_enabled
        and client.token_hash == catalog.hash_secret(known.api_token)
        and catalog.organization_by_sms_secret(store, known.sms_secret) == organization
    )
