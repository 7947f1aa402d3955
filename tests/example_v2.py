"""The example organization with everything that API v2 shows: people, custom data, translations, alerts, phases."""

from __future__ import annotations

from collections.abc import Iterable

from hymio import intake, manage
from hymio.access import DataKind, Principal, Role, operator
from hymio.alert import AlertType
from hymio.custom import CustomField
from hymio.feedback import ContactDetails, Demographics, Followup, Phases, Press, Text, Ui, Upload
from hymio.manage import Batch
from hymio.store import Store
from hymio.user import LoginMethod
from tests.example import FOUND, NEW_YORK, NOW, PLACED, TABLET, TAMPERE, VISIT, WEB, Example, at
from tests.world import treeless

ACME, FINLAND = 1, 2
JANE, JOE, TOM = 1, 2, 3
SPECIFIED = {TAMPERE: 1, NEW_YORK: 2}


def furnish(store: Store, organization: int) -> None:
    """Adds people, custom data, translations and alerts to the example organization."""
    boss = operator(organization)
    with manage.batch(store, organization, at("2024-02-01T09:30:00.250+00:00")) as batch:
        manage.add_user(batch, boss, "jane@example.com", "Jane", "Doe", ACME, Role.ADMIN, now=batch.now)
        manage.add_user(
            batch, boss, "joe@example.com", "Joe", "Doe", FINLAND, locale="fi",
            login_method=LoginMethod.SINGLE_SIGN_ON, login_allowed=False, now=batch.now,
        )  # fmt: skip
        manage.add_user(batch, boss, "tom@example.com", "Tom", "Thumb", NEW_YORK, Role.PARTNER, "en-GB", now=batch.now)
        manage.add_custom_field(
            batch,
            boss,
            CustomField("format", "Store format", "select", ("City", "Outlet")),
            now=batch.now,
        )
        manage.add_custom_field(batch, boss, CustomField("cost", "Cost centre"), now=batch.now)
        manage.set_custom_value(batch, boss, TAMPERE, "format", "City", now=batch.now)
        manage.set_custom_value(batch, boss, FINLAND, "cost", "0042", now=batch.now)
        manage.set_custom_value(batch, boss, NEW_YORK, "format", "Outlet", now=batch.now)
        manage.localize_question(batch, boss, VISIT, "fi", "Millainen käynti oli?", now=batch.now)
        manage.localize_question(batch, boss, VISIT, "sv-FI", "Hur var besöket?", now=batch.now)
        manage.localize_followup_question(batch, boss, 1, "fi", "Mitä puuttui?", now=batch.now)
        manage.localize_followup_option(batch, boss, 2, "fi", "Hinta", now=batch.now)
    with manage.batch(store, organization, at("2024-03-05T07:20:00+00:00")) as batch:
        _alerts(batch, boss)


def _alerts(batch: Batch, boss: Principal) -> None:
    for node, number in SPECIFIED.items():
        parameters = "percent=50 window=15 buttons=0,1"
        manage.add_alert_specification(batch, boss, VISIT, node, AlertType.NEGATIVE, parameters, number, now=batch.now)
    for number, node, moment in (
        (1, TAMPERE, "2024-03-04T08:15:07+02:00"), (2, NEW_YORK, "2024-03-04T01:15:07-05:00"),
        (3, NEW_YORK, "2024-03-05T01:00:00-05:00"), (4, TAMPERE, "2024-03-05T09:00:00+02:00"),
        (5, TAMPERE, "2024-03-05T00:30:00+02:00"),
    ):  # fmt: skip
        manage.open_alert(batch, boss, SPECIFIED[node], at(moment), id=number, now=batch.now)
    manage.close_alert(batch, boss, 1, at("2024-03-04T09:00:00+02:00"), now=batch.now)
    manage.acknowledge_alert(batch, boss, 1, JANE, now=batch.now)
    manage.comment_alert(batch, boss, 1, JANE, "Somebody was ill.\nBetter now.", now=batch.now)
    manage.comment_alert(batch, boss, 3, TOM, "=1+1", now=batch.now)


def press_with_phases(store: Store, organization: int) -> None:
    """Adds presses with everything that may come with or after a button."""
    uploads = [
        Upload(WEB, (
            Press(-2, 1, at("2024-03-04T20:00:00.500+00:00"), 0, FOUND, None, Ui.QR, Phases(
                (Followup(1, 1, 1, Ui.DIGITAL), Followup(None, 1, 3, Ui.SKIP)),
                Text(
                    'Where is "the, damn" shop?', 0.9, spam=False, position=2, ui=Ui.DIGITAL,
                    masked="Where is the shop?", rephrased="Where is the shop?", english="Where is the shop?",
                    categories=("relevant", "profanity"), themes=("location", "other"),
                ),
                ContactDetails("John Doe", "john@example.com", "+358401234567", 4),
                (("refId", "ABCD1234"), ("cart", "=1+1")),
            )),
            Press(-2, 2, at("2024-03-04T20:00:00.500+00:00"), 4, FOUND, None, Ui.LINK, Phases(
                text=Text("=HYPERLINK(1)\nnot", spam=True, position=1), contact=ContactDetails("Mary", position=2),
            )),
        )),
        Upload(TABLET, (
            Press(9, 1, at("2024-03-04T11:00:00+02:00"), 3, phases=Phases(demographics=Demographics("female", 34))),
            Press(9, 2, at("2024-03-04T11:00:02+02:00"), 10, phases=Phases(demographics=Demographics(None, 61))),
        )),
    ]  # fmt: skip
    intake.record(store, organization, uploads, NOW)


# --- what its clients may read ---------------------------------------------------------------------------------------


def make_token(
    store: Store, organization: int, node: int | None = None, kinds: Iterable[str] = (), expires_at: int | None = None
) -> str:
    """The secret of a new token of API v2; without `node` it reaches the whole tree, without `kinds` all data."""
    chosen = [DataKind(kind) for kind in kinds] or list(DataKind)
    with manage.batch(store, organization, PLACED) as batch:
        return manage.create_token(
            batch, operator(organization), "For tests", node, chosen, expires_at, now=PLACED
        ).secret


def switch_raw_results_off(store: Store, organization: int) -> None:
    """Raw results are no longer part of the organization's API."""
    with manage.batch(store, organization, PLACED) as batch:
        manage.set_raw_results(batch, operator(organization), enabled=False, now=PLACED)


def switch_api_off(store: Store, organization: int) -> None:
    """The organization's API is not activated, while its credentials stay."""
    with store.write() as transaction:
        transaction.run("UPDATE organization SET api_enabled = 0 WHERE id = :o", o=organization)


def make_empty(store: Store) -> Example:
    """An organization of which nothing is set up but its API."""
    organization = treeless(store, "Empty")
    with manage.batch(store, organization, PLACED) as batch:
        return Example(organization, manage.activate_api(batch, operator(organization), now=PLACED))
