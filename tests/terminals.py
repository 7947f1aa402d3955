"""Terminals for tests: an organization that has some, and a real server for them to speak to."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import httpx

from hymio import manage
from hymio.access import operator
from hymio.manage.secrets import hash_secret
from hymio.scale import Scale
from hymio.settings import Settings
from hymio.smiley import SmileyType
from hymio.store import Store, schema
from hymio.store.catalog.directory import Kind
from hymio.survey import ActivePeriod, Localized
from tests import served

PLACED = 1_735_689_600_000
"""2025, when every terminal was put up."""


@dataclass(frozen=True, slots=True)
class Terminals:
    """An organization with terminals, their serials (`T1`, `T2`, …) and tokens; its survey has four buttons."""

    organization: int
    survey: int
    tokens: tuple[str, ...]
    sms_secret: str

    @property
    def headers(self) -> dict[str, str]:
        """How the first terminal authenticates."""
        return {"Authorization": f"Bearer {self.tokens[0]}"}


def put_up(store: Store, count: int = 1, name: str = "Acme", serials: Sequence[str] = ()) -> Terminals:
    """Puts terminals up in Helsinki, all at one point."""
    serials = serials or [f"T{number}" for number in range(1, count + 1)]
    organization = manage.create_organization(store, operator(), name, now=PLACED)
    boss = operator(organization)
    with manage.batch(store, organization, PLACED) as batch:
        root = manage.ROOT
        point = manage.add_point(batch, boss, "Exit", root, now=PLACED)
        manage.set_zone(batch, boss, root, "Europe/Helsinki", now=PLACED)
        question = manage.add_question(batch, boss, Localized("en-US", {"en-US": "How was your visit?"}), now=PLACED)
        survey = manage.add_survey(batch, boss, question, Scale.FOUR, now=PLACED)
        manage.assign(batch, boss, point, survey, [ActivePeriod(datetime(2025, 1, 1))], now=PLACED)  # noqa: DTZ001  a wall time
        made = [
            manage.add_smiley(batch, boss, each, f"Terminal {each}", SmileyType.TERMINAL, now=PLACED)
            for each in serials
        ]
        for smiley in made:
            manage.place(batch, boss, smiley.id, point, PLACED, now=PLACED)
        secret = manage.new_sms_secret(batch, boss, now=PLACED)
    return Terminals(organization, survey, tuple(smiley.token for smiley in made), secret)


def give_secrets(store: Store, organization: int, smiley: int, token: str, sms_secret: str) -> None:
    """Gives a smiley and the SMS webhook secrets that a document prints, where `manage` would draw its own."""
    with manage.batch(store, organization, PLACED) as batch:
        key = manage.sms_key(token)
        statement = "UPDATE smiley SET sms_key = :key WHERE organization_id = :o AND id = :smiley"
        batch.ledger.transaction.run(statement, o=organization, smiley=smiley, key=key)
        rows = [
            (kind, hash_secret(secret), organization, identity)
            for kind, secret, identity in (
                (Kind.SMILEY_TOKEN, token, smiley),
                (Kind.SMS_SECRET, sms_secret, 0),
            )
        ]
        batch.ledger.transaction.insert(schema.directory, rows)


@contextlib.contextmanager
def serving(store: Store, now: int, settings: Settings | None = None) -> Iterator[str]:
    """A real server of the whole application on a free port, whose clock stands still; its address."""
    with served.serving(store, settings or served.UNBOUND, now) as http:
        yield str(http.base_url).rstrip("/")


def stored(store: Store, organization: int, table: str, columns: str) -> list[tuple[object, ...]]:
    """What a table holds of an organization, in order."""
    with store.read() as transaction:
        rows = transaction.rows(f"SELECT {columns} FROM {table} WHERE organization_id = :o", o=organization)
    return sorted(rows)


def client() -> httpx.Client:
    """A client that waits as long as a busy machine needs."""
    return httpx.Client(timeout=60)
