"""A published smiley of the example's organization, and what browsers send to it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import httpx

from hymio import manage
from hymio.access import Principal, operator
from hymio.feedback import Feedback, client_key
from hymio.settings import Settings
from hymio.smiley import Publication, SmileyType
from hymio.store import Store, scan
from hymio.survey import ActivePeriod, Flow, FollowupQuestion, Localized
from tests.example import FOUND, NOW, PLACED, RECOMMEND, WEB, make_example
from tests.served import serving
from tests.world import wall

UNBOUND = Settings(port=0, wrong_credentials=0, web_messages=0)


@dataclass
class Clock:
    """The server's clock, which a test sets."""

    now: int = NOW

    def __call__(self) -> int:
        return self.now


class Present(Clock):
    """The present, for a browser that has a clock of its own."""

    @property
    def now(self) -> int:
        """Milliseconds since 1970 UTC."""
        return int(time.time() * 1000)

    @now.setter
    def now(self, _: int) -> None:
        raise AttributeError("the present cannot be set")

    def __init__(self) -> None:
        """Has no instant of its own."""


@dataclass
class WebPage:
    """A published smiley on a running server; its survey has five buttons, a follow-up, a text and contact details."""

    http: httpx.Client
    store: Store
    organization: int
    clock: Clock

    @property
    def boss(self) -> Principal:
        return operator(self.organization)

    @property
    def publication(self) -> Publication:
        published = self.store.layout(self.organization).smileys[WEB].publication
        assert published is not None
        return published

    @property
    def followup(self) -> FollowupQuestion:
        [followup] = self.store.content(self.organization).followups(
            self.store.layout(self.organization).surveys[FOUND]
        )
        return followup

    def edit(self, **changes: Any) -> None:
        """Changes what the smiley's owner decided."""
        manage.edit_publication(self.store, self.boss, WEB, replace(self.publication, **changes), now=self.clock.now)

    def message(self, button: int = 1, **others: Any) -> dict[str, Any]:
        """A message as the script sends it, at the server's present."""
        now = self.clock.now
        return {
            "smiley": self.publication.code,
            "id": str(uuid4()), "button": button, "survey": FOUND, "at": now, "clock": now, "dwell": 900, **others
        }  # fmt: skip

    def send(self, message: dict[str, Any], *, agent: str = "", **headers: str) -> httpx.Response:
        """Sends a message as `text/plain`, as a page of another origin does; by a browser of its own unless named."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.post(
            "/w/press", json=message,
            headers={"Content-Type": "text/plain", "User-Agent": agent or f"Browser {uuid4()}", **named},
        )  # fmt: skip

    def stored(self, message: dict[str, Any], smiley: int = WEB) -> Feedback:
        """The feedback of a message."""
        epoch, sequence = client_key(UUID(message["id"]))
        with self.store.read() as transaction:
            [row] = scan.numbered_rows(transaction, self.organization, smiley, epoch, range(sequence, sequence + 1))
        return row

    def phases(self, message: dict[str, Any]) -> Any:
        """What is stored of what came after the button of a message."""
        row = self.stored(message)
        with self.store.begin(self.organization, self.clock.now) as ledger:
            return ledger.phases.at(WEB, [row.at]).get((row.at, WEB, row.epoch, row.sequence))


def another(page: WebPage, node: int) -> Publication:
    """Publishes one more smiley, at a point, which asks what is asked there."""
    with manage.batch(page.store, page.organization, PLACED) as batch:
        serial = f"WEB-{len(batch.layout.smileys) + 1}"
        made = manage.add_smiley(batch, page.boss, serial, serial, SmileyType.DIGITAL, now=PLACED)
        manage.place(batch, page.boss, made.id, node, PLACED, now=PLACED)
        return manage.publish_smiley(batch, page.boss, made.id, now=PLACED)


def ask_for_recommendation(page: WebPage) -> int:
    """A new point that asks the example's question of NPS for good; its id."""
    with manage.batch(page.store, page.organization, PLACED) as batch:
        point = manage.add_point(batch, page.boss, "Checkout", 1, now=PLACED)
        manage.assign(batch, page.boss, point, RECOMMEND, [ActivePeriod(wall("2024-01-01"))], now=PLACED)
        return point


@contextmanager
def web_page(
    store: Store, name: str = "Web", settings: Settings = UNBOUND, clock: Clock | None = None
) -> Iterator[WebPage]:
    """Publishes the web smiley of a new organization and serves it."""
    organization = make_example(store, name).organization
    boss, clock = operator(organization), clock or Clock()
    manage.publish_smiley(store, boss, WEB, now=PLACED)
    consent = Localized("en-US", {"en-US": "We only use this to answer you.", "fi": "Vain vastausta varten."})
    manage.set_flow(store, boss, Flow(FOUND, True, True, ("refId", "table"), consent), now=PLACED)
    with serving(store, settings, clock) as http:
        yield WebPage(http, store, organization, clock)
