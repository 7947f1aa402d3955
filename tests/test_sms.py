"""Hours told by SMS: the text there and back, what gateways do to it, and the webhook on every engine."""

from __future__ import annotations

import base64
import itertools
import json
import string
from collections import Counter
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from hymio import intake, manage
from hymio.access import operator
from hymio.feedback import HourReport, Press, Upload
from hymio.gateway.sms_text import MAX_CHARACTERS, decode, encode, is_genuine
from hymio.period import offset_at
from hymio.smiley import SmileyType
from hymio.store import Store, open_store
from tests.terminals import PLACED, Terminals, client, put_up, serving, stored
from tests.zones import ZONES

KEY = b"sixteen bytes of"
HOUR = 3_600_000
SMS_CHARACTERS = string.ascii_uppercase + string.digits + "/.,-"
GSM_7 = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)

serials = st.from_regex(r"\A[A-Z0-9][A-Z0-9-]{0,31}\Z")
offsets = st.sampled_from([0, 60, 120, -210, 345, 765, 840, -720]) | st.integers(-840, 840)
counts = (
    st.lists(st.integers(0, 30) | st.integers(0, 3_600), min_size=1, max_size=11)
    .filter(lambda counted: any(counted) and sum(counted) <= 10_000)
    .map(tuple)
)
batteries = st.none() | st.integers(0, 100).map(lambda percent: percent / 100)


@st.composite
def told_hours(draw: st.DrawFn, offset: int) -> list[HourReport]:
    """Hours of one terminal as it may tell them: mostly one after another, now and then after a gap or a new epoch."""
    epoch, first, number = (
        draw(st.integers(0, 2**32 - 1)),
        draw(st.integers(1, 2**30)),
        draw(st.integers(300_000, 900_000)),
    )
    hours = []
    for counted in draw(st.lists(counts, max_size=30)):
        hours.append(HourReport(epoch, first, number * HOUR - offset * 60_000, counted, offset))
        first = hours[-1].end + draw(st.sampled_from([0, 0, 0, 0, 5]))
        epoch = epoch if draw(st.integers(0, 9)) else draw(st.integers(0, 2**32 - 1))
        number += draw(st.sampled_from([1, 1, 1, 2, 40, 2000, -1]))
    return hours


def told_and_offset() -> st.SearchStrategy[tuple[int, list[HourReport]]]:
    return offsets.flatmap(lambda offset: st.tuples(st.just(offset), told_hours(offset)))


def without_trailing_zeros(hour: HourReport) -> HourReport:
    kept = list(hour.counts)
    while not kept[-1]:
        kept.pop()
    return hour._replace(counts=tuple(kept))


# --- the text --------------------------------------------------------------------------------------------------------


@given(serials, told_and_offset(), batteries, st.none() | st.integers(0, 60_000_000))
def test_decoded_hours_are_the_encoded_ones(
    serial: str, told: tuple[int, list[HourReport]], battery: float | None, minute: int | None
) -> None:
    offset, hours = told
    through = None if minute is None else minute * 60_000
    texts = encode(serial, hours, KEY, offset=offset, reported_through=through, battery=battery)
    reports = [decode(text) for text in texts]
    assert [hour for report in reports for hour in report.hours] == [without_trailing_zeros(hour) for hour in hours]
    assert all(report.serial == serial and is_genuine(report, KEY) for report in reports)
    assert (reports[-1].reported_through, reports[-1].battery) == (through, battery)
    assert all(report[2:4] == (None, None) for report in reports[:-1])
    for text in texts:
        assert len(text) <= MAX_CHARACTERS
        assert set(text) <= set(SMS_CHARACTERS) <= set(GSM_7)


@given(told_and_offset(), batteries)
def test_a_text_begins_only_when_the_one_before_is_full_or_interrupted(
    told: tuple[int, list[HourReport]], battery: float | None
) -> None:
    offset, hours = told
    reports = [decode(text) for text in encode("2415VE0A110042", hours, KEY, offset=offset, battery=battery)]
    for report, following in itertools.pairwise(reports):
        together = [*report.hours, following.hours[0]]
        assert len(encode("2415VE0A110042", together, KEY, offset=offset, battery=battery)) == 2


@given(told_and_offset(), st.data())
def test_a_changed_character_fails_the_checksum(told: tuple[int, list[HourReport]], data: st.DataObject) -> None:
    offset, hours = told
    text = data.draw(st.sampled_from(encode("2415VE0A110042", hours, KEY, offset=offset, battery=0.5)))
    place = data.draw(st.integers(0, len(text) - 1))
    changed = text[:place] + data.draw(st.sampled_from(GSM_7)) + text[place + 1 :]
    assume("".join(changed.split()).upper() != text)
    assert not is_believed(changed)


@given(told_and_offset(), st.data())
def test_a_lost_or_doubled_or_swapped_character_fails_the_checksum(
    told: tuple[int, list[HourReport]], data: st.DataObject
) -> None:
    offset, hours = told
    text = data.draw(st.sampled_from(encode("2415VE0A110042", hours, KEY, offset=offset)))
    at = data.draw(st.integers(0, len(text) - 2))
    for changed in (
        text[:at] + text[at + 1 :],
        text[: at + 1] + text[at:],
        text[:at] + text[at + 1] + text[at] + text[at + 2 :],
    ):
        # "…H1/…" is a word before the mark, and begins no other text.
        assert changed in (text, f"H{text}") or not is_believed(changed)


def is_believed(text: str) -> bool:
    try:
        return is_genuine(decode(text), KEY)
    except ValueError:
        return False


@given(st.data())
def test_gateways_may_add_spaces_and_words_and_change_case(data: st.DataObject) -> None:
    hours = data.draw(told_hours(120))
    text = data.draw(st.sampled_from(encode("2415VE0A110042", hours, KEY, offset=120)))
    place = data.draw(st.integers(0, len(text)))
    mangled = (
        data.draw(st.sampled_from(["", "HYMIO ", "fb 160: ", "WITH1/X ", "H1/ h1/A/ "]))
        + text[:place]
        + " \n"
        + text[place:].lower()
        + "\r\n"
    )
    assert decode(mangled) == decode(text)
    assert is_genuine(decode(mangled), KEY)


@given(st.text() | st.text(SMS_CHARACTERS).map(lambda rest: f"H1/{rest}"))
@example("H1/A/ZZZZZZZ/1/E0/AI3K.1/AAAAAAAA")  # an epoch beyond 32 bits
@example("H1/A/1/0/E0/AI3K.1/AAAAAAAA")  # a sequence of 0
@example("H1/A/1/ZIK0ZJ/E0/AI3K.1/AAAAAAAA")  # a sequence beyond 31 bits
@example("H1/A/1/1/E0/AI3K.2S1/AAAAAAAA")  # 3,601 presses of a button
@example("H1/A/1/1/E0/AI3K.2S0.2S0.2S0/AAAAAAAA")  # 10,800 presses
@example("H1/A/1/1/E0/AI3K.1" + ",.1" * 60 + "/AAAAAAAA")  # over 160 characters
@example("H1/A/1/1/E0/AI3K.1.1.1.1.1.1.1.1.1.1.1.1/AAAAAAAA")  # twelve buttons
@example("H1/A/1/1/E0/AI3K..../AAAAAAAA")
@example("H1/A/1/1/E1081/AI3K.1/AAAAAAAA")
@example("H1/A/1/1/E0/.1/AAAAAAAA")
def test_any_text_is_decoded_or_refused_with_a_reason(text: str) -> None:
    try:
        report = decode(text)
    except ValueError as error:
        reason = str(error)
    else:
        reason = "not genuine" if not is_genuine(report, KEY) else ""
    assert reason
    assert reason.isascii()
    assert reason.isprintable()


@pytest.mark.parametrize(
    "hour",
    [
        HourReport(1, 1, 5 * HOUR + 1, (1,)),
        HourReport(1, 1, 5 * HOUR, (0, 0)),
        HourReport(1, 1, 5 * HOUR, ()),
        HourReport(1, 1, 5 * HOUR, (-1, 2)),
        HourReport(1, 1, 5 * HOUR, (3_601,)),
        HourReport(1, 1, 5 * HOUR, (3_600, 3_600, 2_801)),
        HourReport(1, 1, 5 * HOUR, (1,) * 12),
        HourReport(1, 1, -5 * HOUR, (1,)),
    ],
)
def test_an_hour_that_cannot_be_encoded_is_refused(hour: HourReport) -> None:
    with pytest.raises(ValueError, match=r"cannot be sent|no local hour"):
        encode("T1", [hour], KEY, offset=0)


@given(st.sampled_from(ZONES), st.integers(1_000_000, 2_000_000))
def test_the_local_hour_of_any_zone_is_found_again(zone: str, minutes: int) -> None:
    """Zones with offsets of 30 and 45 minutes have hours that begin at half past in UTC."""
    at = minutes * 1_000_000
    offset = offset_at(at, ZoneInfo(zone))
    start = (at + offset * 60_000) // HOUR * HOUR - offset * 60_000
    [text] = encode("T1", [HourReport(1, 1, start, (3,))], KEY, offset=offset)
    [hour] = decode(text).hours
    assert hour.at == start <= at < start + HOUR


def test_a_day_of_a_busy_terminal_takes_three_texts() -> None:
    hours: list[HourReport] = []
    for number in range(24):
        hours.append(HourReport(2**32 - 1, hours[-1].end if hours else 1, (490_000 + number) * HOUR, (2, 1, 9, 31)))
    assert len(encode("2415VE0A110042", hours, KEY, offset=0, reported_through=490_024 * HOUR, battery=1.0)) == 3


def test_an_hour_of_the_most_presses_is_one_text() -> None:
    busy = HourReport(1, 1, 490_000 * HOUR, (3_600, 3_600, 2_800), 0)
    [text] = encode("T1", [busy], KEY, offset=0)
    assert decode(text).hours == (busy,)


# --- the webhook -----------------------------------------------------------------------------------------------------

NOW = PLACED + 500 * HOUR


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = open_store(database_url)
    yield opened
    opened.close()


@pytest.fixture
def acme(store: Store) -> Terminals:
    return put_up(store, 2)


@pytest.fixture
def url(store: Store, acme: Terminals) -> Iterator[str]:
    with serving(store, NOW) as address:
        yield address


def texts_of(acme: Terminals, *hours: HourReport, serial: str = "T1", through: int | None = None) -> list[str]:
    key = manage.sms_key(acme.tokens[0])
    return encode(serial, hours, key, offset=120, reported_through=through, battery=0.5)


def deliver(url: str, secret: str | None, kind: str | None = None, **how: Any) -> httpx.Response:
    headers = {"X-Hymio-Secret": secret, "Content-Type": kind}
    with client() as http:
        return http.post(
            f"{url}/sms", headers={name: value for name, value in headers.items() if value is not None}, **how
        )


def test_texts_tell_hours_whatever_comes_first(store: Store, acme: Terminals, url: str) -> None:
    start = NOW - 3 * HOUR
    one, two = HourReport(7, 1, start, (1, 0, 0, 2)), HourReport(7, 4, start + HOUR, (0, 2))
    [text] = texts_of(acme, one, two, through=start + 2 * HOUR)
    for _ in range(2):  # gateways deliver twice
        answer = deliver(url, acme.sms_secret, json={"from": "+358401234567", "text": text})
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["X-Hymio-Outcome"] == "stored"
    detail = Upload(1, (Press(7, 2, start + 5_000, 3),))
    assert intake.record(store, acme.organization, [detail], NOW)
    standing = [row for row in stored(store, 1, "feedback", "verdict, accuracy, button") if row[0] == 0]
    assert standing == [(0, 0, 3), (0, 1, 0), (0, 1, 1), (0, 1, 1), (0, 1, 3)]
    assert list(intake.verify(store, acme.organization)) == []
    assert stored(store, 1, "smiley_state", "reported_through, battery") == [(start + 2 * HOUR, 0.5)]
    assert [row[0] for row in stored(store, 1, "message", "text")] == [text]  # both at this instant


def test_an_hour_sent_again_may_have_more_presses(store: Store, acme: Terminals, url: str) -> None:
    for told in ((1, 0, 2), (1, 2, 4), (1, 0, 2)):
        [text] = texts_of(acme, HourReport(7, 1, NOW - 2 * HOUR, told))
        assert deliver(url, acme.sms_secret, json={"text": text}).headers["X-Hymio-Outcome"] == "stored"
    assert stored(store, 1, "feedback", "button") == [(0,), (1,), (1,), (2,), (2,), (2,), (2,)]
    [overlapping] = texts_of(acme, HourReport(7, 3, NOW - 2 * HOUR, (5,)))
    answer = deliver(url, acme.sms_secret, json={"text": overlapping})
    assert (answer.status_code, answer.headers["X-Hymio-Outcome"]) == (204, "conflict with an earlier message")
    assert list(intake.verify(store, acme.organization)) == []


def test_an_unusable_message_is_stored_and_answered_204(store: Store, acme: Terminals, url: str) -> None:
    [text] = texts_of(acme, HourReport(7, 1, NOW - 2 * HOUR, (1, 0, 2)))
    foreign = encode("T1", [HourReport(7, 1, NOW - 2 * HOUR, (9,))], manage.sms_key("another token"), offset=120)[0]
    unknown = texts_of(acme, HourReport(7, 1, NOW - 2 * HOUR, (9,)), serial="T99")[0]
    useless = {
        "Is the shop open on Sunday?\0 \ud83d": "unreadable",
        text.replace("..2", "..3"): "wrong checksum",
        foreign: "wrong checksum",
        unknown: "unknown serial T99",
    }
    for each, outcome in useless.items():
        answer = deliver(url, acme.sms_secret, content=json.dumps({"text": each}).encode(), kind="application/json")
        assert answer.status_code == 204
        assert answer.headers["X-Hymio-Outcome"].startswith(outcome)
    kept = stored(store, 1, "message", "text, outcome")
    assert len(kept) == len(useless)
    assert "Is the shop open on Sunday?\N{REPLACEMENT CHARACTER} ?" in {row[0] for row in kept}
    assert stored(store, 1, "feedback", "button") == []


def test_the_forms_of_several_sms_gateways_are_accepted(store: Store, acme: Terminals, url: str) -> None:
    [text] = texts_of(acme, HourReport(7, 1, NOW - 2 * HOUR, (1, 0, 2)))
    basic = "Basic " + base64.b64encode(f"any:{acme.sms_secret}".encode()).decode()
    ways: list[dict[str, Any]] = [
        {"json": {"from": "+1", "text": text, "secret": acme.sms_secret}},
        {"data": {"From": "+2", "Body": text, "secret": acme.sms_secret}},
        {"data": {"sender": "+3", "message": text}, "headers": {"Authorization": basic}},
        {"params": {"msisdn": "+4", "text": text, "secret": acme.sms_secret}},
        {
            "params": {"secret": acme.sms_secret}, "content": text,
            "headers": {"Content-Type": "text/plain; charset=UTF-8", "X-Kannel-From": "+5"},
        },
    ]  # fmt: skip
    with client() as http:
        outcomes = [http.post(f"{url}/sms", **way).headers["X-Hymio-Outcome"] for way in ways]
    assert outcomes == ["stored"] * len(ways)
    assert stored(store, 1, "message", "sender") == [(f"+{n}",) for n in range(1, len(ways) + 1)]
    assert len(stored(store, 1, "feedback", "button")) == 3


def test_the_outcome_names_presses_in_quarantine(store: Store, acme: Terminals, url: str) -> None:
    early = HourReport(7, 1, PLACED - 5 * HOUR, (3, 5))
    off_scale = HourReport(7, 9, NOW - 2 * HOUR, (1, 0, 0, 0, 4))
    outcomes = [
        deliver(url, acme.sms_secret, json={"text": text}).headers["X-Hymio-Outcome"]
        for text in (*texts_of(acme, early), *texts_of(acme, off_scale))
    ]
    assert outcomes == [
        "8 in quarantine: no placement",
        "stored 1 of 5 presses; 4 in quarantine: off scale",
    ]
    assert {row[0] for row in stored(store, 1, "message", "outcome")} == set(outcomes)


@pytest.mark.parametrize(
    "how",
    [{"json": {"text": ""}}, {"data": {"Body": ""}}, {"params": {"text": ""}}, {"json": {"text": "", "body": "\n"}}],
    ids=["JSON", "form", "query", "spaces"],
)
def test_an_empty_message_is_stored(store: Store, acme: Terminals, url: str, how: dict[str, Any]) -> None:
    answer = deliver(url, acme.sms_secret, **how)
    assert (answer.status_code, answer.headers["X-Hymio-Outcome"][:11]) == (204, "unreadable:")
    assert len(stored(store, 1, "message", "text")) == 1


def test_the_hour_in_which_a_smiley_was_placed_counts(store: Store, acme: Terminals, url: str) -> None:
    start = NOW - 5 * HOUR
    with manage.batch(store, acme.organization, NOW) as batch:
        late = manage.add_smiley(batch, operator(acme.organization), "T9", "Late", SmileyType.TERMINAL, now=NOW)
        [point] = {each.node for placements in batch.layout.placements.values() for each in placements}
        manage.place(batch, operator(acme.organization), late.id, point, start + HOUR // 2, now=NOW)
    hours = [
        HourReport(7, 1, start - HOUR, (2,)),
        HourReport(7, 3, start, (0, 3)),
        HourReport(7, 6, start + HOUR, (4,)),
    ]
    for text in encode("T9", hours, manage.sms_key(late.token), offset=120):
        deliver(url, acme.sms_secret, json={"text": text})
    rows = stored(store, 1, "feedback", "at, verdict")
    assert Counter(rows) == {(start - HOUR, 20): 2, (start, 0): 3, (start + HOUR, 0): 4}
    assert list(intake.verify(store, acme.organization)) == []


def test_errors_of_the_body_are_told_only_with_the_right_secret(store: Store, acme: Terminals, url: str) -> None:
    broken: list[dict[str, Any]] = [
        {"content": b"{", "kind": "application/json"},
        {"content": b"x" * 70_000, "kind": "text/plain"},
        {"json": {"text": "x"}},
    ]
    for how in broken:
        for secret in (None, "wrong"):
            answer = deliver(url, secret, **how)
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"] == 'Basic realm="Hymio"'
    assert [deliver(url, acme.sms_secret, **how).status_code for how in broken] == [400, 413, 204]


def test_a_request_with_a_wrong_secret_stores_nothing(store: Store, acme: Terminals, url: str) -> None:
    globex = put_up(store, 1, "Globex")
    [text] = texts_of(acme, HourReport(7, 1, NOW - 2 * HOUR, (1,)))
    for secret in (None, "", "wrong", acme.tokens[0]):
        answer = deliver(url, secret, json={"text": text})
        assert answer.status_code == 401
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert deliver(url, globex.sms_secret, json={"text": text}).headers["X-Hymio-Outcome"] == "wrong checksum"
    assert stored(store, acme.organization, "message", "text") == []
    assert stored(store, acme.organization, "feedback", "button") == []


@pytest.mark.parametrize(
    ("how", "status", "names"),
    [
        ({"json": {"from": "+1"}}, 400, "text"),
        ({"json": ["text"]}, 400, "body"),
        ({"content": b"[" * 60_000, "headers": {"Content-Type": "application/json"}}, 400, "body"),
        ({"content": b"\xff\xfe{", "headers": {"Content-Type": "application/json"}}, 400, "body"),
        ({"json": {"text": "x" * 70_000}}, 413, None),
    ],
)
def test_a_request_without_a_usable_body_is_refused(
    how: dict[str, Any], status: int, names: str | None, fresh_database: Any
) -> None:
    opened = open_store(fresh_database("sqlite"))
    acme = put_up(opened)
    with serving(opened, NOW) as url, client() as http:
        headers = {"X-Hymio-Secret": acme.sms_secret} | how.pop("headers", {})
        answer = http.post(f"{url}/sms", headers=headers, **how)
        assert http.put(f"{url}/sms").status_code == 405
    opened.close()
    assert answer.status_code == status
    assert answer.json().get("parameter") == names
