"""The example organization with everything that API v2 shows: people, custom data, translations, alerts, phases."""

from __future__ import annotations

from collections.abc import Iterable

from hymio import intake
from hymio.alert import AlertType
from hymio.custom import CustomField
from hymio.feedback import ContactDetails, Demographics, Followup, Phases, Press, Text, Ui, Upload
from hymio.store import Store, catalog
from hymio.store.catalog import DataKind
from hymio.store.ledger import Ledger
from hymio.user import LoginMethod, Role
from tests.example import FOUND, NEW_YORK, NOW, PLACED, TABLET, TAMPERE, VISIT, WEB, Example, at

ACME, FINLAND = 1, 2
JANE, JOE, TOM = 1, 2, 3
SPECIFIED = {TAMPERE: 1, NEW_YORK: 2}


def furnish(store: Store, organization: int) -> None:
    """Adds people, custom data, translations and alerts to the example organization."""
    with store.begin(organization, at("2024-02-01T09:30:00.250+00:00")) as ledger:
        catalog.add_user(ledger, "jane@example.com", "Jane", "Doe", ACME, Role.ADMIN)
        catalog.add_user(
            ledger, "joe@example.com", "Joe", "Doe", FINLAND, locale="fi", login_method=LoginMethod.SINGLE_SIGN_ON,
            login_allowed=False,
        )  # fmt: skip
        catalog.add_user(ledger, "tom@example.com", "Tom", "Thumb", NEW_YORK, Role.PARTNER, "en-GB")
        catalog.add_custom_field(ledger, CustomField("format", "Store format", "select", ("City", "Outlet")))
        catalog.add_custom_field(ledger, CustomField("cost", "Cost centre"))
        catalog.set_custom_value(ledger, TAMPERE, "format", "City")
        catalog.set_custom_value(ledger, FINLAND, "cost", "0042")
        catalog.set_custom_value(ledger, NEW_YORK, "format", "Outlet")
        catalog.localize_question(ledger, VISIT, "fi", "Millainen käynti oli?")
        catalog.localize_question(ledger, VISIT, "sv-FI", "Hur var besöket?")
        catalog.localize_followup_question(ledger, 1, "fi", "Mitä puuttui?")
        catalog.localize_followup_option(ledger, 2, "fi", "Hinta")
    with store.begin(organization, at("2024-03-05T07:20:00+00:00")) as ledger:
        _alerts(ledger)


def _alerts(ledger: Ledger) -> None:
    for node, number in SPECIFIED.items():
        parameters = "percent=50 window=15 buttons=0,1"
        catalog.add_alert_specification(ledger, VISIT, node, AlertType.NEGATIVE, parameters, number)
    for number, node, moment in (
        (1, TAMPERE, "2024-03-04T08:15:07+02:00"), (2, NEW_YORK, "2024-03-04T01:15:07-05:00"),
        (3, NEW_YORK, "2024-03-05T01:00:00-05:00"), (4, TAMPERE, "2024-03-05T09:00:00+02:00"),
        (5, TAMPERE, "2024-03-05T00:30:00+02:00"),
    ):  # fmt: skip
        catalog.open_alert(ledger, SPECIFIED[node], at(moment), id=number)
    catalog.close_alert(ledger, 1, at("2024-03-04T09:00:00+02:00"))
    catalog.acknowledge_alert(ledger, 1, JANE)
    catalog.comment_alert(ledger, 1, JANE, "Somebody was ill.\nBetter now.")
    catalog.comment_alert(ledger, 3, TOM, "=1+1")


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
    with store.begin(organization, PLACED) as ledger:
        return catalog.create_token(ledger, "For tests", node, chosen, expires_at).secret


def switch_raw_results_off(store: Store, organization: int) -> None:
    """Raw results are no longer part of the organization's API."""
    with store.begin(organization, PLACED) as ledger:
        catalog.set_raw_results(ledger, enabled=False)


def switch_api_off(store: Store, organization: int) -> None:
    """The organization's API is not activated, while its credentials stay."""
    with store.write() as transaction:
        transaction.run("UPDATE organization SET api_enabled = 0 WHERE id = :o", o=organization)


def make_empty(store: Store) -> Example:
    """An organization of which nothing is set up but its API."""
    organization = catalog.create_organization(store, "Empty", PLACED)
    with store.begin(organization, PLACED) as ledger:
        return Example(organization, catalog.activate_api(ledger))
