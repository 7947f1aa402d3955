"""A touch smiley of the example's organization on a running server, and a tablet (a real browser) that claims it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import httpx

from hymio import manage
from hymio.access import Principal, operator
from hymio.scale import Scale
from hymio.settings import Settings
from hymio.smiley import SmileyType
from hymio.store import Store, scan
from hymio.survey import ActivePeriod, Flow, Localized
from tests.example import PLACED, make_example
from tests.served import serving
from tests.web_page import Clock, Present

UNBOUND = Settings(port=0, wrong_credentials=0, web_messages=0)
SERIAL = "KIOSK-1"


def wording(**texts: str) -> Localized:
    return Localized("en", texts)


@dataclass
class KioskSite:
    """A touch smiley at a shop; its survey has four faces, a follow-up for each side and a text, in three languages."""

    http: httpx.Client
    store: Store
    organization: int
    smiley: int
    survey: int
    shop: int
    assignment: int
    clock: Clock

    @property
    def boss(self) -> Principal:
        return operator(self.organization)

    @property
    def base(self) -> str:
        return str(self.http.base_url).rstrip("/")

    def at(self, http: httpx.Client, store: Store) -> KioskSite:
        """The same, served at another address or of another database."""
        return replace(self, http=http, store=store)

    def followup_and_text(self, sequence: int) -> tuple[str, str | None]:
        """The chosen option and the text of a press."""
        [row] = [row for row in self.rows() if row.sequence == sequence]
        with self.store.begin(self.organization, self.clock.now) as ledger:
            phases = ledger.phases.at(self.smiley, [row.at])[(row.at, self.smiley, row.epoch, row.sequence)]
        survey = self.store.layout(self.organization).surveys[self.survey]
        followups = self.store.content(self.organization).followups(survey)
        names = {option.id: option.wording.text for each in followups for option in each.options}
        assert phases.text is not None
        return names[phases.followups[0].option or 0], phases.text.text

    def code(self) -> str:
        """A new one-time code."""
        return manage.new_claim(self.store, self.boss, self.smiley, now=self.clock.now).code

    def rows(self) -> list[Any]:
        """The feedback of the smiley, by instant."""
        with self.store.read() as transaction:
            return [*scan.rows_in_order(transaction, self.organization, self.assignment, 0, 1 << 60)]


def make_kiosk(store: Store, name: str, clock: Clock) -> KioskSite:
    """Places a touch smiley at a new point of a new organization."""
    organization = make_example(store, name).organization
    boss = operator(organization)
    with manage.batch(store, organization, PLACED) as batch:
        shop = manage.add_point(batch, boss, "Shop", 1, now=PLACED)
        manage.set_zone(batch, boss, shop, "Europe/Helsinki", now=PLACED)
        asked = wording(en="How was your visit today?", fi="Millainen asiointisi oli tänään?", ar="كيف كانت زيارتك؟")
        question = manage.add_question(batch, boss, asked, now=PLACED)
        survey = manage.add_survey(batch, boss, question, Scale.FOUR, now=PLACED)
        _followups(batch, boss, survey)
        assignment = manage.assign(
            batch, boss, shop, survey, [ActivePeriod(datetime.fromisoformat("2024-01-01"))], now=PLACED
        )
        manage.set_flow(batch, boss, Flow(survey, asks_text=True), now=PLACED)
        smiley = manage.add_smiley(batch, boss, SERIAL, "By the door", SmileyType.TOUCH, now=PLACED).id
        manage.place(batch, boss, smiley, shop, PLACED, now=PLACED)
    return KioskSite(httpx.Client(), store, organization, smiley, survey, shop, assignment, clock)


@contextmanager
def kiosk_site(store: Store, name: str = "Kiosks", clock: Clock | None = None) -> Iterator[KioskSite]:
    """A kiosk's smiley on a running server."""
    site = make_kiosk(store, name, clock or Present())
    with serving(store, UNBOUND, site.clock) as http:
        yield site.at(http, store)


def _followups(batch: manage.Batch, boss: Principal, survey: int) -> None:
    bad = [
        wording(en="Waiting time", fi="Jono", ar="الانتظار"), wording(en="Service", fi="Palvelu", ar="الخدمة"),
        wording(en="Prices", fi="Hinnat", ar="الأسعار"), wording(en="Selection", fi="Valikoima", ar="التشكيلة"),
        wording(en="Cleanliness", fi="Siisteys", ar="النظافة"), wording(en="Something else", fi="Muu", ar="شيء آخر"),
    ]  # fmt: skip
    good = [wording(en="Service", fi="Palvelu", ar="الخدمة"), wording(en="Selection", fi="Valikoima", ar="التشكيلة")]
    why = wording(en="What went wrong?", fi="Mikä meni pieleen?", ar="ما الذي لم يعجبك؟")
    liked = wording(en="What did you like most?", fi="Mistä pidit eniten?", ar="ما الذي أعجبك أكثر؟")
    manage.add_followup(batch, boss, survey, positive=False, wording=why, options=bad, now=PLACED)
    manage.add_followup(batch, boss, survey, positive=True, wording=liked, options=good, now=PLACED)
