"""What `manage` stores of custom data, users, alerts and translations, and what it refuses, on every engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hymio import manage
from hymio.access import EVERY_KIND, Principal, Role, operator
from hymio.alert import Alert, AlertComment, AlertSpecification, AlertType
from hymio.custom import CustomField, CustomValue
from hymio.errors import NotFound, SetupError
from hymio.locale import check_locale, parse_locale, underscored
from hymio.manage import Stretch
from hymio.manage.checks import check_name, check_text
from hymio.misuse import MisusePolicy
from hymio.period import InstantRange
from hymio.scale import Scale
from hymio.smiley import SmileyType
from hymio.store import Store
from hymio.store.outbox import OutboxId
from hymio.survey import Localized
from hymio.user import LoginMethod, User, check_email
from tests.world import wording

NOW = 1_700_000_000_000
ROOT, GROUP, POINT, ELSEWHERE = 1, 2, 3, 4


@dataclass(frozen=True)
class Place:
    """An organization with a small tree and a survey, whose ledger is opened as often as a test likes."""

    store: Store
    organization: int

    def do(self, change: Callable[..., object], *what: object, now: int = NOW) -> object:
        return change(self.store, self.operator, *what, now=now)

    @property
    def operator(self) -> Principal:
        return operator(self.organization)

    def refuse(self, said: str, change: Callable[..., object], *what: object) -> None:
        with pytest.raises((SetupError, NotFound), match=said):
            self.do(change, *what)

    @property
    def users(self) -> list[User]:
        return manage.users(self.store, self.operator)

    def alerts(self, *stretches: Stretch) -> list[Alert]:
        return manage.alerts(self.store, self.operator, stretches, None, 0, 100)


@pytest.fixture
def place(store: Store) -> Place:
    made = Place(store, manage.create_organization(store, operator(), "Root", now=NOW))
    with manage.batch(store, made.organization, NOW) as batch:
        manage.add_group(batch, made.operator, "Group", ROOT, id=GROUP, now=NOW)
        manage.add_point(batch, made.operator, "Point", GROUP, id=POINT, now=NOW)
        manage.add_point(batch, made.operator, "Elsewhere", ROOT, id=ELSEWHERE, now=NOW)
        manage.add_survey(
            batch,
            made.operator,
            manage.add_question(batch, made.operator, wording("How?"), now=NOW),
            Scale.FOUR,
            now=NOW,
        )
        manage.add_followup(
            batch, made.operator, 1, positive=True, wording=wording("Why?"), options=[wording("So")], now=NOW
        )
    return made


def everywhere(start: int = 0, end: int = 2 * NOW) -> Stretch:
    return Stretch(InstantRange(start, end), [ROOT, GROUP, POINT, ELSEWHERE])


# --- custom data -----------------------------------------------------------------------------------------------------


def test_custom_fields_are_changed_and_removed_with_their_values(place: Place):
    size, zebra = CustomField("Size", "Size", "select", ("S", "L")), CustomField("a-zebra", "Zebra")
    for field in (zebra, size):
        place.do(manage.add_custom_field, field)
    assert manage.custom_fields(place.store, place.operator) == [size, zebra]
    for node, value in ((POINT, "S"), (ROOT, "S"), (POINT, "L")):
        place.do(manage.set_custom_value, node, "Size", value)
    place.do(manage.set_custom_value, POINT, "a-zebra", "Žofie ✓")
    values = [CustomValue(ROOT, "Size", "S"), CustomValue(POINT, "Size", "L"), CustomValue(POINT, "a-zebra", "Žofie ✓")]
    assert manage.custom_values(place.store, place.operator) == values
    place.refuse("no option now", manage.change_custom_field, replace(size, options=("S",)))
    place.do(manage.clear_custom_value, POINT, "Size")
    changed = replace(size, label="Largeness", options=("S",))
    place.do(manage.change_custom_field, changed)
    assert manage.custom_fields(place.store, place.operator) == [changed, zebra]
    place.do(manage.remove_custom_field, "Size")
    assert manage.custom_fields(place.store, place.operator) == [zebra]
    assert manage.custom_values(place.store, place.operator) == values[2:]


def test_custom_data_that_cannot_be(place: Place):
    field = CustomField("f", "Field", "select", ("a", "b"))
    place.do(manage.add_custom_field, field)
    place.refuse("already", manage.add_custom_field, field)
    for wrong in (
        replace(field, id="no words"), replace(field, id=""), replace(field, type="?"), replace(field, label=" "),
        replace(field, id="g", options=("a", "a")), replace(field, id="g", options=("a", "")),
    ):  # fmt: skip
        place.refuse("accepted|twice", manage.add_custom_field, wrong)
    place.refuse("accepted are: a, b", manage.set_custom_value, POINT, "f", "c")
    place.refuse("no custom field 'g'", manage.set_custom_value, POINT, "g", "c")
    place.refuse("no node 99", manage.set_custom_value, 99, "f", "a")
    place.refuse("no node 99", manage.clear_custom_value, 99, "f")
    place.refuse("no custom field", manage.remove_custom_field, "g")
    place.refuse("no custom field", manage.change_custom_field, replace(field, id="g"))


# --- users -----------------------------------------------------------------------------------------------------------


def test_users_are_edited_and_removed(place: Place):
    made = place.do(manage.add_user, "Jane@example.com", "Jane", "Doe", GROUP)
    jane = User(
        1, "Jane@example.com", "Jane", "Doe", GROUP, Role.USER, "en-US", True, LoginMethod.EMAIL_PASSWORD, NOW, None
    )  # fmt: skip
    assert (made, place.users) == (1, [jane])
    changed = replace(
        jane, email="jane@example.com", first_name="J.", last_name="Roe", node=POINT, role=Role.PARTNER, locale="fi",
        login_allowed=False, login_method=LoginMethod.SINGLE_SIGN_ON,
    )  # fmt: skip
    place.do(manage.edit_user, replace(changed, created_at=5, last_login_at=5), now=NOW + 1)
    assert place.users == [changed]
    place.do(manage.remove_user, 1)
    assert place.users == []
    place.refuse("no user 1", manage.remove_user, 1)
    place.refuse("no user 1", manage.edit_user, jane)


def test_users_that_cannot_be(place: Place):
    def add(email: str = "joe@example.com", first: str = "Joe", node: int = ROOT, locale: str = "en") -> None:
        place.do(manage.add_user, email, first, "Doe", node, Role.USER, locale)

    add()
    with pytest.raises(SetupError, match="already"):
        add("JOE@example.com")
    add("jill@example.com")
    joe, jill = place.users
    place.refuse("already", manage.edit_user, replace(jill, email=joe.email))
    for wrong, said in (
        ({"email": "joe"}, "address"), ({"email": "x@example.com", "first": "\t"}, "first name"),
        ({"email": "x@example.com", "node": 99}, "no node 99"), ({"email": "x@example.com", "locale": "fin"}, "locale"),
    ):  # fmt: skip
        with pytest.raises((SetupError, NotFound), match=said):
            add(**wrong)
    assert place.users == [joe, jill]


def test_the_number_of_a_user_who_has_gone_is_not_given_again(place: Place):
    place.do(manage.add_user, "a@example.com", "A", "A", ROOT)
    place.do(manage.add_alert_specification, 1, POINT, AlertType.NEGATIVE, "percent=50")
    place.do(manage.open_alert, 1, NOW)
    place.do(manage.comment_alert, 1, 1, "Seen.")
    place.do(manage.remove_user, 1)
    assert place.do(manage.add_user, "b@example.com", "B", "B", ROOT) == 2


@pytest.mark.parametrize(
    "email",
    [
        "jane.doe@example.com",
        "a@b.co",
        "o'neill+tag@mail.example.co.uk",
        "x_1@xn--bcher-kva.example",
        "A" * 64 + "@a.fi",
    ],
)
def test_email_addresses(email: str):
    check_email(email)


@pytest.mark.parametrize(
    "email",
    [
        "", "jane", "jane@", "@example.com", "jane@example", "jane doe@example.com", "jane@@example.com",
        "jane@exa mple.com", ".jane@example.com", "jane.@example.com", "ja..ne@example.com", "jane@-a.example",
        "jane@example.com\n", "jane@example..com", "A" * 65 + "@a.fi", "a@" + "b" * 250 + ".fi", "jäne@example.com",
    ],
)  # fmt: skip
def test_what_is_no_email_address(email: str):
    with pytest.raises(SetupError, match=r"jane\.doe@example\.com"):
        check_email(email)


# --- alerts ----------------------------------------------------------------------------------------------------------


def test_the_life_of_an_alert(place: Place):
    place.do(manage.add_user, "a@example.com", "A", "A", ROOT)
    place.do(manage.add_user, "b@example.com", "B", "B", ROOT)
    place.do(manage.add_alert_specification, 1, GROUP, AlertType.INDEX_THRESHOLD, "below=50")
    kept = AlertSpecification(1, 1, GROUP, AlertType.INDEX_THRESHOLD, "below=50")
    assert manage.alert_specifications(place.store, place.operator) == [kept]
    place.do(manage.open_alert, 1, NOW, POINT)
    place.do(manage.open_alert, 1, NOW - 5)
    first, second = place.alerts(everywhere())
    assert second == Alert(1, 1, 1, POINT, AlertType.INDEX_THRESHOLD, "below=50", NOW)
    assert (first.id, first.node) == (2, GROUP)
    place.do(manage.acknowledge_alert, 1, 2, now=NOW + 7)
    place.do(manage.acknowledge_alert, 1, 1, now=NOW + 8)
    place.do(manage.close_alert, 1, NOW + 9)
    place.do(manage.close_alert, 1, NOW + 10)
    closed = replace(second, ends_at=NOW + 9, acknowledged_by=2, acknowledged_at=NOW + 7)
    assert place.alerts(everywhere(NOW)) == [closed]
    place.do(manage.comment_alert, 1, 2, "Two\nlines", now=NOW + 11)
    comments = manage.alert_comments(place.store, place.operator, [everywhere()], 1, 0, 10)
    assert comments == [AlertComment(1, 1, POINT, 2, NOW + 11, "Two\nlines")]


def test_stretches_have_their_own_nodes(place: Place):
    for node in (GROUP, POINT, ELSEWHERE):
        place.do(manage.add_alert_specification, 1, node, AlertType.NEGATIVE, "a=1")
        for minute in range(3):
            place.do(manage.open_alert, node - 1, NOW + minute)
    early = Stretch(InstantRange(NOW, NOW + 1), [POINT])
    late = Stretch(InstantRange(NOW + 1, NOW + 3), [ELSEWHERE, GROUP])
    found = [(each.node, each.begins_at - NOW) for each in place.alerts(early, late)]
    assert found == [(POINT, 0), (GROUP, 1), (ELSEWHERE, 1), (GROUP, 2), (ELSEWHERE, 2)]
    # More stretches than there are digits, as zones may be.
    many = [Stretch(InstantRange(NOW, NOW), [POINT])] * 12
    assert place.alerts(*many, early) == place.alerts(early)
    assert place.alerts() == []
    assert manage.alerts(place.store, place.operator, [everywhere()], 99, 0, 10) == []


def test_alerts_that_cannot_be(place: Place):
    for wrong in ("", "a", "a=1  b=2", "a=1 ", "ä=1", "a=1\n", "a=1.5"):
        place.refuse("window=15", manage.add_alert_specification, 1, POINT, AlertType.NEGATIVE, wrong)
    place.refuse("no survey 9", manage.add_alert_specification, 9, POINT, AlertType.NEGATIVE, "a=1")
    place.do(manage.add_alert_specification, 1, GROUP, AlertType.NEGATIVE, "a=")
    place.refuse("no alert specification 9", manage.open_alert, 9, NOW)
    place.refuse("does not lie there", manage.open_alert, 1, NOW, ELSEWHERE)
    place.refuse("no node 99", manage.open_alert, 1, NOW, 99)
    place.do(manage.open_alert, 1, NOW)
    place.refuse("before it begins", manage.close_alert, 1, NOW - 1)
    place.refuse("no user 1", manage.comment_alert, 1, 1, "Hm")
    place.do(manage.add_user, "a@example.com", "A", "A", ROOT)
    for wrong in ("", " \n", "\x00", "x" * 5_001):
        place.refuse("accepted", manage.comment_alert, 1, 1, wrong)
    place.refuse("no alert 2", manage.acknowledge_alert, 2, 1)


# --- translations ----------------------------------------------------------------------------------------------------


def test_a_text_in_another_locale_is_added_and_replaced(place: Place):
    for text in ("Kuinka?", "Miten?"):
        place.do(manage.localize_question, 1, "fi", text)
    place.do(manage.localize_question, 1, "en-US", "How was it?")
    place.do(manage.localize_followup_question, 1, "fi-FI", "Miksi?")
    place.do(manage.localize_followup_option, 1, "sv", "Så")
    content, survey = place.store.content(place.organization), place.store.layout(place.organization).surveys[1]
    assert content.question(survey).wording == Localized("en-US", {"en-US": "How was it?", "fi": "Miten?"})
    [followup] = content.followups(survey)
    assert followup.wording.texts == {"en-US": "Why?", "fi-FI": "Miksi?"}
    assert followup.options[0].wording.texts == {"en-US": "So", "sv": "Så"}


def test_translations_that_cannot_be(place: Place):
    place.refuse("no question 9", manage.localize_question, 9, "fi", "?")
    place.refuse("no follow-up question 9", manage.localize_followup_question, 9, "fi", "?")
    place.refuse("no option 9", manage.localize_followup_option, 9, "fi", "?")
    place.refuse("en-US", manage.localize_question, 1, "fi_FI", "?")
    place.refuse("accepted", manage.localize_question, 1, "fi", " ")
    place.refuse("en-US", manage.add_question, Localized("fin", {"fin": "?"}))


@pytest.mark.parametrize(
    ("typed", "locale", "shown"), [("fi", "fi", "fi"), ("en_us", "en-US", "en_US"), ("EN-gb", "en-GB", "en_GB")]
)
def test_locales(typed: str, locale: str, shown: str):
    assert parse_locale(typed) == locale
    check_locale(locale)
    assert underscored(locale) == shown


@pytest.mark.parametrize("text", ["", "e", "eng", "en-", "en-USA", "en-U1", "zh-Hant-TW", "en US", "en\n", "ée"])
def test_what_is_no_locale(text: str):
    with pytest.raises(SetupError, match="en-US"):
        parse_locale(text)


# --- the edges of what a column holds ---------------------------------------------------------------------------------


@given(st.text(st.characters(categories=("Cc", "Cs", "Co", "Cn")), min_size=1), st.text("ab", max_size=3))
@example("\x7f", "a")
@example("\x85", "a")
@example("\u202e", "a")
@example("\ud800", "a")
def test_what_cannot_be_printed_is_refused_in_names_and_texts(wrong: str, around: str) -> None:
    text = f"{around}{wrong}{around}"
    with pytest.raises(SetupError, match="printable"):
        check_name(text)
    if wrong.replace("\n", ""):
        with pytest.raises(SetupError, match="printable"):
            check_text(text)


@given(st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=200))
@example("Ça va\u202f?")
@example("می\u200cخواهم")
@example("Café 👩\u200d🍳")
def test_what_can_be_printed_is_accepted_in_names_and_texts(text: str) -> None:
    check_name(text)
    check_text(f"{text}\n{text}")


@pytest.mark.parametrize("number", [0, -1, 1 << 63, 1 << 100])
def test_no_row_has_an_id_that_no_column_holds(place: Place, number: int) -> None:
    for verb, *args in (
        (manage.rename_node, number, "Name"),
        (manage.move_node, POINT, number),
        (manage.set_periods, number, []),
        (manage.localize_question, number, "fi", "Miksi?"),
        (manage.localize_followup_question, number, "fi", "Miksi?"),
        (manage.localize_followup_option, number, "fi", "Miksi?"),
        (manage.new_token, number),
        (manage.remove_user, number),
        (manage.revoke_token, number),
        (manage.close_alert, number, NOW),
        (manage.open_alert, number, NOW),
        (manage.assign, POINT, number, []),
        (manage.retry_outbox_row, OutboxId(number, number)),
    ):
        place.refuse("there is no", verb, *args)
    place.refuse("a number from 1 to", manage.add_point, "Name", ROOT, number)
    with pytest.raises(SetupError, match="a number from 1 to"):
        manage.create_organization(place.store, operator(), "Other", id=number, now=NOW)


@pytest.mark.parametrize("at", [(1 << 62) + 1, -(1 << 62) - 1, 1 << 100])
def test_no_change_acts_at_an_instant_that_no_column_holds(place: Place, at: int) -> None:
    smiley = place.do(manage.add_smiley, "T1", "T1", SmileyType.TERMINAL)
    assert isinstance(smiley, manage.NewSmiley)
    place.do(manage.activate_api)
    for verb, *args in (
        (manage.set_zone, POINT, "UTC", at),
        (manage.set_policy, POINT, MisusePolicy(), at),
        (manage.place, smiley.id, POINT, at),
        (manage.place, smiley.id, POINT, NOW, at),
        (manage.unplace, smiley.id, at),
        (manage.create_token, "Token", None, EVERY_KIND, at),
        (manage.begin_resettle, POINT, at),
    ):
        place.refuse("got the instant", verb, *args)
