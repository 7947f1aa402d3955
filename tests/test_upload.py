"""Uploads over HTTP: what a body may say, what is refused, and that nobody suffers for a neighbour's mistake."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import cbor2
import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hymio import intake, manage
from hymio.access import operator
from hymio.errors import BadRequest, HymioError, NotFound, TooLarge, Unauthorized, Unavailable
from hymio.feedback import Press, Upload, Verdict, client_key
from hymio.gateway import envelope
from hymio.gateway.counting import MAX_PRESSES
from hymio.gateway.envelope import Envelope, Format, decode_small, parse, upload_of
from hymio.gateway.upload import SmallUpload
from hymio.intake import lanes, queue
from hymio.intake.arrival import Arrival, Committed, Outcome
from hymio.intake.queue import UploadQueue
from hymio.serving.bodies import BodyParsers
from hymio.settings import Settings
from hymio.store import Store, open_store
from hymio.store.dialect import Transaction
from tests.terminals import PLACED, Terminals, client, put_up, serving, stored

PATH = "/terminal/v1/uploads"
NOW = PLACED + 1_000_000_000
FORMATS = pytest.mark.parametrize("written", Format, ids=lambda each: each.name)


def written_as(written: Format, value: object) -> bytes:
    return json.dumps(value).encode() if written is Format.JSON else cbor2.dumps(value)


def read(written: Format, value: object) -> Envelope:
    return parse(written_as(written, value), written, 5, 1)


# --- reading a body ---------------------------------------------------------------------------------------------------

instants = st.integers(-(2**53) + 1, 2**53 - 1)
good_presses = st.fixed_dictionaries(
    {"sequence": st.integers(1, 2**31 - 1), "at": instants, "button": st.integers(-(2**15), 2**15 - 1)},
    optional={"survey": st.integers(1, 2**53 - 1), "visitor": st.text(min_size=1, max_size=200), "other": st.text()},
) | st.fixed_dictionaries(
    {
        "id": st.uuids(version=4).filter(lambda each: each.int >> 96).map(str),
        "at": instants,
        "button": st.integers(0, 10),
        "survey": st.integers(1, 2**53 - 1),
    }
)


def values(numbers: st.SearchStrategy[float]) -> st.SearchStrategy[Any]:
    return st.recursive(
        st.none() | st.booleans() | st.integers() | numbers | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=8,
    )


python_values = values(st.floats())
json_values = values(st.floats(allow_nan=False, allow_infinity=False))
"""What JSON has words for; Python's writes NaN and Infinity as well, which are read slowly or not at all."""

names = st.sampled_from(["at", "button", "sequence", "id", "survey", "visitor"])
damaged_presses = st.builds(lambda press, name: {**press, name: [name]}, good_presses, names)
bad_presses = (
    python_values.filter(lambda value: not isinstance(value, dict))
    | st.dictionaries(st.text(max_size=3), python_values, max_size=2)
    | damaged_presses
    | good_presses.map(lambda press: {key: value for key, value in press.items() if key != "at"})
    | good_presses.map(lambda press: {key: value for key, value in press.items() if key not in ("id", "sequence")})
    | good_presses.map(lambda press: press | {"id": "0b7e1c7e-9f0b-1f0e-8f43-4be1d3f8e6a1"})  # version 1
)
envelopes = st.fixed_dictionaries(
    {"epoch": st.integers(0, 2**32 - 1), "presses": st.lists(good_presses, max_size=5)},
    optional={
        "clock": instants,
        "reportedThrough": instants,
        "lost": st.lists(st.tuples(st.integers(1, 2**30), st.integers(2**30, 2**31 - 1)).map(list), max_size=3),
        "battery": st.floats(0, 1),
        "signal": st.integers(-200, 100),
        "firmware": st.text(max_size=100),
        "other": json_values,
    },
)


@FORMATS
@given(envelopes)
def test_every_field_of_a_body_is_in_the_upload(written: Format, said: dict[str, Any]) -> None:
    upload, unreadable = read(written, said)
    assert not unreadable
    assert not upload.unusable
    assert [(press.at, press.button, press.survey) for press in upload.presses] == [
        (press["at"], press["button"], press.get("survey")) for press in said["presses"]
    ]
    keys = [
        client_key(UUID(press["id"])) if "id" in press else (said["epoch"], press["sequence"])
        for press in said["presses"]
    ]
    assert [(press.epoch, press.sequence) for press in upload.presses] == keys
    assert (upload.clock, upload.reported_through) == (said.get("clock"), said.get("reportedThrough"))
    assert upload.lost == tuple((said["epoch"], first, last) for first, last in said.get("lost", []))
    assert (upload.health.battery, upload.health.signal) == (said.get("battery"), said.get("signal"))


@FORMATS
@given(envelopes, st.lists(st.tuples(st.integers(0, 5), bad_presses), min_size=1, max_size=4))
def test_a_bad_press_becomes_a_misfit_and_the_others_are_read(
    written: Format, said: dict[str, Any], bad: list[tuple[int, object]]
) -> None:
    presses = list(said["presses"])
    for place, press in bad:
        presses.insert(place, press)
    alone, _ = read(written, said)
    upload, unreadable = read(written, {**said, "presses": presses})
    assert upload._replace(unusable=()) == alone
    assert len(upload.unusable) == len(unreadable) == len(bad)
    for entry, unread in zip(upload.unusable, unreadable, strict=True):
        assert entry.reason is Verdict.UNREADABLE
        assert any(presses[unread.item] is press for _, press in bad)
        assert unread.detail.isprintable()
        assert entry.body.isascii()  # any database can hold it
        assert "\0" not in entry.body


@pytest.mark.parametrize(
    ("written", "body"),
    [
        (Format.JSON, b'{"epoch":1,"presses":["\\ud800\\u0000",%s]}'),
        (Format.JSON, b'{"epoch":1,"presses":["\xff\xfe",%s]}'),
        (Format.JSON, b'{"epoch":1,"presses":[{"at":1e999,"button":-Infinity},%s]}'),
        (Format.JSON, b'{"epoch":1,"presses":[{"at":' + b"9" * 5000 + b"},%s]}"),
        (Format.CBOR, b"\xa2\x65epoch\x01\x67presses\x82\x62\xff\xfe%s"),  # no UTF-8
        (Format.CBOR, b"\xa2\x65epoch\x01\x67presses\x82\xa1\x81\x01\x02%s"),  # a list as a key
        (Format.CBOR, b"\xa2\x65epoch\x01\x67presses\x82\xc2\x60%s"),  # a huge number made of text
    ],
)
def test_bytes_that_are_no_text_or_number_spoil_only_their_press(written: Format, body: bytes) -> None:
    good = written_as(written, {"sequence": 2, "at": 5, "button": 1})
    upload, unreadable = parse(body.replace(b"%s", good), written, 5, 1)
    assert upload.presses == (Press(1, 2, 5, 1),)
    assert [each.item for each in unreadable] == [0]
    assert upload.unusable[0].body.isascii()


@given(st.binary(max_size=300), st.sampled_from(Format))
@example(b"[" * 100_000, Format.JSON)
@example(b'{"presses":' + b"[" * 100_000, Format.JSON)
@example(b'{"epoch":' + b"9" * 5000 + b"}", Format.JSON)
@example(b'{"epoch":1,"epoch":2,"presses":[{"at":1,"at":2,"button":NaN}]}', Format.JSON)
@example(b'{"firmware":"\\ud800\\u0000"}', Format.JSON)
@example(b"\x81" * 100_000, Format.CBOR)
@example(b"\x9f" * 100_000, Format.CBOR)
@example(bytes.fromhex("c249") + b"\xff" * 9, Format.CBOR)
@example(bytes.fromhex("d81c81d81d00"), Format.CBOR)  # a list that holds itself
@example(bytes.fromhex("c5821b7fffffffffffffff01"), Format.CBOR)  # 1 × 2^(2^63)
@example(bytes.fromhex("bb7fffffffffffffff"), Format.CBOR)  # a map of 2^63 pairs
def test_any_bytes_are_parsed_or_refused(body: bytes, written: Format) -> None:
    try:
        envelope = parse(body, written, 5, 1)
    except HymioError as error:
        status = error.status
    else:
        status = 200 if envelope.upload.smiley == 5 else 500
    assert status in (200, 400, 413)


tagged = st.recursive(
    python_values | st.binary(max_size=5) | st.integers(-(2**80), 2**80),
    lambda inner: (
        st.builds(cbor2.CBORTag, st.sampled_from([0, 1, 2, 3, 4, 5, 30, 35, 37, 256, 258, 55799, 1]), inner)
        | st.lists(inner, max_size=3)
        | st.dictionaries(st.integers() | st.binary(max_size=3) | st.tuples(st.integers()), inner, max_size=2)
    ),
    max_leaves=5,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(
    ["epoch", "presses", "clock", "reportedThrough", "lost", "battery", "signal", "firmware"], tagged | st.lists(tagged)
)))  # fmt: skip
def test_any_cbor_is_parsed_or_refused_naming_the_field(said: dict[str, Any]) -> None:
    named = "nothing"
    try:
        read(Format.CBOR, said)
    except BadRequest as error:
        named = error.parameter or ""
    assert named in {"nothing", "body", *said, "epoch"}


@FORMATS
@pytest.mark.parametrize(
    ("said", "names", "got"),
    [
        ({"epoch": -1}, "epoch", "-1"),
        ({"epoch": 2**32}, "epoch", "4294967296"),
        ({"epoch": True}, "epoch", "true"),
        ({"presses": [{"sequence": 1, "at": 1, "button": 1}]}, "epoch", "nothing"),
        ({"lost": [[1, 2]]}, "epoch", "nothing"),
        ({"epoch": 1, "lost": [[2, 1]]}, "lost", "[[2, 1]]"),
        ({"epoch": 1, "lost": [[0, 1]]}, "lost", "[[0, 1]]"),
        ({"epoch": 1, "lost": [[1, 2]] * 1001}, "lost", None),
        ({"clock": "now"}, "clock", "now"),
        ({"clock": 2**53}, "clock", "9007199254740992"),
        ({"reportedThrough": 1.5}, "reportedThrough", "1.5"),
        ({"battery": "full"}, "battery", "full"),
        ({"signal": []}, "signal", "[]"),
        ({"firmware": 2}, "firmware", "2"),
        ({"presses": {}}, "presses", "{}"),
        ([], "body", "[]"),
    ],
)
def test_a_wrong_envelope_is_refused_naming_the_field(
    written: Format, said: object, names: str, got: str | None
) -> None:
    with pytest.raises(BadRequest) as refused:
        read(written, said)
    assert refused.value.parameter == names
    assert refused.value.accepted
    assert got is None or refused.value.got == got


@FORMATS
def test_ten_thousand_presses_are_taken_and_one_more_is_not(written: Format) -> None:
    presses = [{"sequence": number, "at": 0, "button": 0} for number in range(1, MAX_PRESSES + 1)]
    assert len(read(written, {"epoch": 1, "presses": presses}).upload.presses) == MAX_PRESSES
    with pytest.raises(TooLarge, match="10001"):
        read(written, {"epoch": 1, "presses": [*presses, presses[0]]})


@FORMATS
def test_whole_numbers_may_be_written_as_floats(written: Format) -> None:
    said = {"epoch": 1.0, "clock": 5.0, "presses": [{"sequence": 2.0, "at": 1.7e12, "button": 0.0}], "lost": []}
    upload = read(written, said).upload
    assert upload.presses == (Press(1, 2, 1_700_000_000_000, 0),)
    assert upload.clock == 5


@FORMATS
def test_health_out_of_range_is_no_reason_to_refuse_presses(written: Format) -> None:
    said = {"battery": 1.2, "signal": -1e300, "firmware": "v2\0\x1b" + "x" * 100}
    assert read(written, said).upload.health == (1.0, -200, "v2" + "x" * 62)
    assert read(written, {"battery": float("nan"), "signal": float("nan")}).upload.health == (None, None, None)


def test_a_visitors_hash_is_equal_only_within_one_organization() -> None:
    body = b'{"epoch":1,"presses":[{"sequence":1,"at":1,"button":1,"visitor":"somebody"}]}'
    kept = [parse(body, Format.JSON, 5, organization).upload.presses[0].visitor for organization in (1, 1, 2)]
    assert kept[0] == kept[1] == hashlib.sha256(b"1:somebody").digest() != kept[2]


# --- reading within bounds --------------------------------------------------------------------------------------------

CROWDS = [
    (Format.CBOR, b"\xa1gpresses\x9a\x00\x1e\x84\x80" + b"\xc1\x00" * 2_000_000),
    (Format.CBOR, b"\xa1gpresses\x9f" + b"\xc1\x00" * 300_000 + b"\xff"),
    (Format.CBOR, b"\xa1ax" + b"\x81" * 600_000),
    (Format.CBOR, b"\xd9\xd9\xf7\xa1gpresses\x99\x27\x11" + b"\xa0" * 10_001),
    (Format.JSON, b'{"presses":[' + b"1," * 600_000 + b"1]}"),
    (Format.JSON, b'{"epoch":1,"presses":[{"at":' + b"[" * 600_000),
]


@pytest.mark.parametrize(("written", "body"), CROWDS, ids=range(len(CROWDS)))
def test_too_many_values_are_refused_before_they_become_objects(
    written: Format, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(*_: object) -> Any:
        raise AssertionError("it was read")

    monkeypatch.setattr(envelope, "_from_cbor", made)
    monkeypatch.setattr(envelope, "_untyped", made)
    with pytest.raises(TooLarge):
        parse(body, written, 5, 1)


@FORMATS
def test_ten_thousand_presses_with_all_their_phases_are_not_too_many_values(written: Format) -> None:
    press = {"at": 0, "button": 0, "survey": 1, "visitor": "somebody", "unknown": [1, 2, 3, {"4": 5}]}
    presses = [press | {"sequence": number} for number in range(1, MAX_PRESSES)] + ["unreadable"]
    upload, unreadable = read(written, {"epoch": 1, "presses": presses})
    assert (len(upload.presses), len(unreadable)) == (MAX_PRESSES - 1, 1)


@FORMATS
@given(said=envelopes)
def test_decode_small_and_parse_give_the_same_upload(written: Format, said: dict[str, Any]) -> None:
    typed = decode_small(written_as(written, said), written)
    assert typed is not None
    assert Envelope(upload_of(typed, 5, 1)) == read(written, said)


@FORMATS
@given(said=envelopes, bad=bad_presses)
def test_decode_small_refuses_a_body_with_an_error(written: Format, said: dict[str, Any], bad: object) -> None:
    assert decode_small(written_as(written, {**said, "presses": [*said["presses"], bad]}), written) is None


def test_bodies_of_one_smiley_are_parsed_one_after_the_other_and_those_of_others_in_parallel() -> None:
    running: list[int] = []
    beside: list[set[int]] = []
    met = threading.Event()

    def step(smiley: int) -> None:
        running.append(smiley)
        if len(set(running)) == 2:
            met.set()
        met.wait(20)
        beside.append(set(running))
        assert running.count(smiley) == 1
        running.remove(smiley)

    async def parse_one(bodies: BodyParsers, smiley: int) -> None:
        async with bodies.of((1, smiley)) as parser:
            await parser.run(lambda: step(smiley))

    async def run() -> None:
        bodies = BodyParsers()
        with bodies.running():
            await asyncio.gather(*(parse_one(bodies, smiley) for smiley in (1, 1, 1, 2)))
            async with bodies.of((1, 1), max_users=1):
                with pytest.raises(Unavailable):
                    async with bodies.of((1, 1), max_users=1):
                        pass
                async with bodies.of((1, 2), max_users=1):
                    pass

    asyncio.run(run())
    assert {1, 2} in beside
    assert len(beside) == 4


@pytest.mark.parametrize(
    ("body", "got"),
    [
        (b'{"clock":123456789012345678901234567890}', "123456789012345678901234567890"),
        (b'{"clock":"J\xc3\xbcrgen"}', "Jürgen"),
        (b'{"clock":"J\xfcrgen"}', "J\ufffdrgen"),
        (b'{"clock":["a\\nb"]}', '["a\\nb"]'),
        (cbor2.dumps({"clock": cbor2.CBORTag(1, "a\nb")}), '{"tag": 1, "value": "a\\nb"}'),
        (cbor2.dumps({"clock": b"\x01\xff"}), '"01ff"'),
    ],
)
def test_a_refusal_shows_the_value_as_it_was_written(body: bytes, got: str) -> None:
    written = Format.JSON if body.startswith(b"{") else Format.CBOR
    with pytest.raises(BadRequest) as refused:
        parse(body, written, 5, 1)
    assert refused.value.got == got
    assert refused.value.detail.startswith(f"clock: got {got}, ") or f"clock: got '{got}', " in refused.value.detail


# --- over HTTP, on every engine ---------------------------------------------------------------------------------------


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = open_store(database_url)
    yield opened
    opened.close()


@pytest.fixture
def acme(store: Store) -> Terminals:
    return put_up(store, 3)


@pytest.fixture
def url(store: Store, acme: Terminals) -> Iterator[str]:
    with serving(store, NOW) as address:
        yield address


def presses(*buttons: object, first: int = 1) -> list[dict[str, object]]:
    return [
        {"sequence": number, "at": NOW - 60_000 + number * 6_000, "button": button}
        for number, button in enumerate(buttons, first)
    ]


@FORMATS
def test_a_repeated_upload_acknowledges_the_same_presses(
    store: Store, acme: Terminals, url: str, written: Format
) -> None:
    said = {"epoch": 9, "presses": [*presses(3, 0, 7, "x"), *presses(2, first=9)], "clock": NOW, "lost": [[5, 6]]}
    headers = acme.headers | {"Content-Type": written.value}
    receipts = []
    with client() as http:
        for _ in range(3):
            answer = http.post(f"{url}{PATH}", content=written_as(written, said), headers=headers)
            assert (answer.status_code, answer.headers["Content-Type"]) == (200, written.value)
            receipts.append(json.loads(answer.content) if written is Format.JSON else cbor2.loads(answer.content))
    assert [(each["stored"], each["duplicates"]) for each in receipts] == [(3, 0), (0, 5), (0, 5)]
    same = ("quarantined", "acknowledgedThrough", "correction", "settings", "time")
    assert all({name: each[name] for name in same} == {name: receipts[0][name] for name in same} for each in receipts)
    assert [(each["sequence"], each["reason"]) for each in receipts[0]["quarantined"]] == [
        (3, "off_scale"), (4, "unreadable"),
    ]  # fmt: skip
    assert receipts[0]["acknowledgedThrough"] == {"epoch": 9, "sequence": 6}
    assert stored(store, 1, "feedback", "sequence, verdict") == [(1, 0), (2, 0), (3, 22), (9, 0)]
    assert list(intake.verify(store, acme.organization)) == []


def test_unreadable_presses_are_stored_shortened(store: Store, acme: Terminals, url: str) -> None:
    wrong = [{"sequence": number, "x": "A" * 200_000 + end} for number, end in ((1, "y"), (2, "y"), (2, "z"))]
    with client() as http:
        receipts = [
            http.post(f"{url}{PATH}", json={"epoch": 1, "presses": wrong}, headers=acme.headers).json()
            for _ in range(2)
        ]
    assert [(each["stored"], each["duplicates"]) for each in receipts] == [(0, 0), (0, 3)]
    kept = [str(row[0]) for row in stored(store, 1, "quarantine", "body")]
    assert [len(body) for body in kept] == [4096] * 3
    assert all(body.endswith(f"cut, {len(json.dumps(wrong[0]))} characters in all") for body in kept)


def test_a_kiosk_makes_its_own_ids(store: Store, acme: Terminals, url: str) -> None:
    identity = "0b7e1c7e-9f0b-4f0e-8f43-4be1d3f8e6a1"
    press = {"id": identity, "at": NOW - 5_000, "button": 1, "survey": acme.survey}
    with client() as http:
        first = http.post(f"{url}{PATH}", json={"presses": [press]}, headers=acme.headers).json()
        other = http.post(f"{url}{PATH}", json={"presses": [press | {"button": 2}]}, headers=acme.headers).json()
    assert (first["stored"], first["quarantined"], first["acknowledgedThrough"]) == (1, [], None)
    [conflict] = other["quarantined"]
    assert (conflict["id"], conflict["reason"]) == (identity, "conflict")
    assert stored(store, 1, "feedback", "epoch, sequence, button") == [(*client_key(UUID(identity)), 1)]


def test_the_receipt_has_the_settings_of_the_smiley(store: Store, acme: Terminals, url: str) -> None:
    with store.begin(acme.organization, NOW) as ledger:
        ledger.transaction.run(
            "DELETE FROM placement WHERE organization_id = :o AND smiley_id = 2", o=acme.organization
        )
        ledger.transaction.run("UPDATE ledger SET setup_revision = :r", r=ledger.revision)
    with client() as http:
        told = [
            http.post(f"{url}{PATH}", json={}, headers={"Authorization": f"bearer {token}"}).json()["settings"]
            for token in acme.tokens[:2]
        ]
    assert told[0] == {
        "survey": acme.survey, "buttons": 4, "scale": "four", "interval": 5,
        "timeZone": "Europe/Helsinki", "offset": 120, "uploadEverySeconds": 900,
    }  # fmt: skip
    assert {name: value for name, value in told[1].items() if value is not None} == {"uploadEverySeconds": 900}


def test_a_missing_token_and_a_wrong_one_get_the_same_response(store: Store, acme: Terminals, url: str) -> None:
    said = {"epoch": 1, "presses": presses(1)}
    credentials = [
        None,
        "",
        "Bearer",
        "Bearer nobody",
        "Bearer ä",
        f"Basic {acme.tokens[0]}",
        f"Bearer {acme.tokens[0]}x",
        f"Bearer {acme.sms_secret}",
    ]
    with client() as http:
        answers = [
            http.post(
                f"{url}{PATH}", json=said, headers=None if each is None else {b"Authorization": each.encode("latin-1")}
            )
            for each in credentials
        ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert all(answer.headers["WWW-Authenticate"].startswith("Bearer") for answer in answers)
    assert stored(store, 1, "feedback", "sequence") == []


def test_a_new_token_ends_the_old_one(store: Store, acme: Terminals, url: str) -> None:
    with client() as http:
        assert http.post(f"{url}{PATH}", json={}, headers=acme.headers).status_code == 200
        with manage.batch(store, acme.organization, NOW) as batch:
            token = manage.new_token(batch, operator(acme.organization), 1, now=NOW)
        assert http.post(f"{url}{PATH}", json={}, headers=acme.headers).status_code == 401
        assert http.post(f"{url}{PATH}", json={}, headers={"Authorization": f"Bearer {token}"}).status_code == 200


# --- over HTTP, where the engine does not matter ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Terminals, str]]:
    opened = open_store(f"sqlite:///{tmp_path_factory.mktemp('upload') / 'hymio.db'}")
    acme = put_up(opened, 3)
    with serving(opened, NOW, Settings(port=0, body_bytes=1 << 20)) as url:
        yield opened, acme, url
    opened.close()


@given(
    body=st.binary(max_size=200) | python_values.map(lambda value: json.dumps(value).encode()),
    written=st.sampled_from(Format),
)
def test_no_body_is_answered_500(quick: tuple[Store, Terminals, str], body: bytes, written: Format) -> None:
    _, acme, url = quick
    answer = httpx.post(f"{url}{PATH}", content=body, headers=acme.headers | {"Content-Type": written.value})
    assert answer.status_code in (200, 400)


@given(data=st.data(), written=st.sampled_from(Format))
def test_no_damaged_body_is_answered_500(
    quick: tuple[Store, Terminals, str], data: st.DataObject, written: Format
) -> None:
    _, acme, url = quick
    whole = written_as(written, {"epoch": 6, "firmware": "2.4", "presses": presses(1, 2), "clock": NOW})
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(whole))] * 2)))
    body = whole[:start] + data.draw(st.binary(max_size=20)) + whole[min(end, start + 20) :]
    answer = httpx.post(f"{url}{PATH}", content=body, headers=acme.headers | {"Content-Type": written.value})
    assert answer.status_code in (200, 400, 413)


@given(garbage=st.binary(max_size=20), written=st.sampled_from(Format), field=st.sampled_from(["firmware", "x"]))
def test_presses_beside_garbage_are_stored(
    quick: tuple[Store, Terminals, str], garbage: bytes, written: Format, field: str
) -> None:
    _, acme, url = quick
    if written is Format.JSON:
        garbage = bytes(byte for byte in garbage if byte >= 32 and byte not in b'"\\')
    blank = "~" * len(garbage)
    marked = written_as(written, {field: blank, "epoch": 7, "presses": presses(1, 2)})
    body = marked.replace(blank.encode(), garbage) if garbage else marked
    answer = httpx.post(f"{url}{PATH}", content=body, headers=acme.headers | {"Content-Type": written.value})
    assert answer.status_code == 200
    receipt = json.loads(answer.content) if written is Format.JSON else cbor2.loads(answer.content)
    known = receipt["stored"] + receipt["duplicates"]
    assert known <= 2 <= known + len(receipt["quarantined"])


@given(st.lists(bad_presses | good_presses, max_size=6), st.sampled_from(Format))
def test_whatever_is_pressed_is_stored(
    quick: tuple[Store, Terminals, str], pressed: list[object], written: Format
) -> None:
    _, acme, url = quick
    content = written_as(written, {"epoch": 5, "presses": pressed})
    answer = httpx.post(f"{url}{PATH}", content=content, headers=acme.headers | {"Content-Type": written.value})
    assert answer.status_code == 200
    receipt = json.loads(answer.content) if written is Format.JSON else cbor2.loads(answer.content)
    known = receipt["stored"] + receipt["duplicates"]
    assert known <= len(pressed) <= known + len(receipt["quarantined"])


@pytest.mark.parametrize(
    ("how", "status", "names"),
    [
        ({"content": b""}, 400, "body"),
        ({"content": b"{"}, 400, "body"),
        ({"content": b"{}", "headers": {"Content-Type": "text/xml"}}, 400, "Content-Type"),
        ({"content": b"{}", "headers": {"Content-Encoding": "gzip"}}, 400, "Content-Encoding"),
        ({"content": b" " * (1 << 20) + b"{}"}, 413, None),
        ({"content": (b" " * 1000 for _ in range(1100))}, 413, None),
        ({"json": {"epoch": 1, "presses": [0] * 10_001}}, 413, None),
    ],
    ids=["empty", "not JSON", "XML", "gzip", "large", "large without length", "many"],
)
def test_bodies_of_another_type_encoding_or_size_are_refused(
    quick: tuple[Store, Terminals, str], how: dict[str, Any], status: int, names: str | None
) -> None:
    _, acme, url = quick
    answer = httpx.post(f"{url}{PATH}", **{**how, "headers": acme.headers | how.get("headers", {})})
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json().get("parameter") == names


def test_a_body_may_have_no_content_type_or_one_with_a_charset(quick: tuple[Store, Terminals, str]) -> None:
    _, acme, url = quick
    for kind in ({}, {"Content-Type": "Application/JSON; charset=utf-8"}):
        assert httpx.post(f"{url}{PATH}", content=b"{}", headers=acme.headers | kind).status_code == 200
    assert httpx.put(f"{url}{PATH}", content=b"{}", headers=acme.headers).status_code == 405


@pytest.mark.parametrize(
    "declared", ["Content-Length: 1000000", "Transfer-Encoding: chunked"], ids=["declared", "chunked"]
)
def test_the_token_is_checked_before_a_large_body_is_received(
    quick: tuple[Store, Terminals, str], declared: str
) -> None:
    _, _, url = quick
    with talk(url) as line:
        line.sendall(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer nobody\r\n{declared}\r\n\r\n".encode())
        assert line.recv(1000).startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize("field", ["clock", "reportedThrough", "lost", "battery", "signal", "epoch"])
@pytest.mark.parametrize("value", ["\ud800", ["\udfff"], [["a\ud800", 2]], {"\ud800": 1}], ids=ascii)
def test_a_lone_surrogate_is_refused_as_any_other_wrong_value(
    quick: tuple[Store, Terminals, str], field: str, value: object
) -> None:
    _, acme, url = quick
    body = json.dumps({field: value})
    assert "\\ud" in body
    answer = httpx.post(f"{url}{PATH}", content=body, headers=acme.headers)
    assert (answer.status_code, answer.json()["parameter"]) == (400, field)


@pytest.mark.parametrize(
    ("digits", "status"), [("0" * 5000 + "2", 200), ("0" * 5000 + "6000000", 413)], ids=[2, 6_000_000]
)
def test_a_content_length_may_have_thousands_of_digits(
    quick: tuple[Store, Terminals, str], digits: str, status: int
) -> None:
    _, acme, url = quick
    with talk(url) as line:
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: {acme.headers['Authorization']}\r\n"
        line.sendall(f"{head}Content-Length: {digits}\r\n\r\n{{}}".encode())
        assert line.recv(1000).startswith(f"HTTP/1.1 {status} ".encode())


@pytest.mark.parametrize("length", ["Content-Length: 10485760", "Transfer-Encoding: chunked"])
def test_every_client_that_sends_ten_megabytes_hears_that_it_is_too_much(
    quick: tuple[Store, Terminals, str], length: str
) -> None:
    """And none is reset while it sends, which is why the whole body is received."""
    _, acme, url = quick
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: {acme.headers['Authorization']}\r\n{length}\r\n\r\n"
    chunk = b" " * (1 << 20)
    framed = chunk if length.startswith("Content") else b"100000\r\n" + chunk + b"\r\n"

    def send(_: int) -> bytes:
        with talk(url) as line:
            line.sendall(head.encode())
            for _ in range(10):
                line.sendall(framed)
            if framed is not chunk:
                line.sendall(b"0\r\n\r\n")
            answer = b""
            while piece := line.recv(10_000):
                answer += piece
        return answer

    with ThreadPoolExecutor(8) as pool:
        for answer in pool.map(send, range(24)):
            assert answer.startswith((b"HTTP/1.1 413", b"HTTP/1.1 503"))  # 503 to a fourth at once of one smiley
            assert answer.rstrip().endswith(b"}")


def test_a_client_that_sends_too_much_receives_the_response(quick: tuple[Store, Terminals, str]) -> None:
    _, acme, url = quick
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: {acme.headers['Authorization']}\r\n"
    with talk(url) as line:
        line.sendall(f"{head}Content-Length: 6000000\r\n\r\n".encode())
        for _ in range(6):
            line.sendall(b" " * 1_000_000)
        answer = b""
        while piece := line.recv(10_000):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 413")
    assert answer.rstrip().endswith(b"}")


def test_only_a_few_large_uploads_of_one_smiley_are_received_at_once(quick: tuple[Store, Terminals, str]) -> None:
    _, acme, url = quick
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Length: 100000\r\n\r\n"
    with ExitStack() as stack:
        lines = [stack.enter_context(talk(url)) for _ in range(5)]
        for line, token in zip(lines, [acme.tokens[1]] * 4 + [acme.tokens[2]], strict=True):
            line.sendall((head % f"Bearer {token}").encode() + b"{")
            time.sleep(0.2)
        assert lines[3].recv(1000).startswith(b"HTTP/1.1 503")
        for line in (*lines[:3], lines[4]):
            line.sendall(b"}" + b" " * 99_998)
            assert line.recv(1000).startswith(b"HTTP/1.1 200")


@contextlib.contextmanager
def talk(url: str) -> Iterator[socket.socket]:
    """A connection on which a test says what no client would."""
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=30) as line:
        yield line


def test_a_locked_database_acknowledges_nothing(tmp_path: Path) -> None:
    file = tmp_path / "hymio.db"
    opened = open_store(f"sqlite:///{file}", lock_seconds=1)
    acme = put_up(opened)
    said = {"epoch": 1, "presses": presses(1, 2)}
    with serving(opened, NOW) as url, client() as http:
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        refused = http.post(f"{url}{PATH}", json=said, headers=acme.headers)
        other.execute("ROLLBACK")
        other.close()
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) > 0
        assert stored(opened, 1, "feedback", "sequence") == []
        assert http.post(f"{url}{PATH}", json=said, headers=acme.headers).json()["stored"] == 2
    opened.close()


def test_a_full_disk_acknowledges_nothing(tmp_path: Path) -> None:
    opened = open_store(f"sqlite:///{tmp_path / 'hymio.db'}")
    acme = put_up(opened)
    with serving(opened, NOW) as url, client() as http:
        # All this while the store has needed one connection only, so this is the one that will write.
        with opened.read() as transaction:
            [(pages,)] = transaction.rows("PRAGMA page_count")
            transaction.rows(f"PRAGMA max_page_count = {pages}")
        said = {"epoch": 1, "presses": presses(*[1] * 5000)}
        refused = http.post(f"{url}{PATH}", json=said, headers=acme.headers)
        assert refused.status_code == 503
        assert "Retry-After" in refused.headers
        assert stored(opened, 1, "feedback", "sequence") == []
        with opened.read() as transaction:
            transaction.rows("PRAGMA max_page_count = 1000000")
        receipt = http.post(f"{url}{PATH}", json=said, headers=acme.headers).json()
        assert receipt["stored"] + len(receipt["quarantined"]) == 5000
    opened.close()


# --- waiting for company ----------------------------------------------------------------------------------------------


class Made(NamedTuple):
    """An arrival that knows what it says."""

    organization: int
    upload: Upload
    size: int = 100
    rows: int = 1
    sender: str = "a terminal"

    def read(self, _transaction: Transaction) -> tuple[int, Upload]:
        return self.organization, self.upload


class Broken:
    """An arrival on which our own code trips."""

    size = 100
    rows = 1
    sender = "a terminal"

    def read(self, _transaction: Transaction) -> tuple[int, Upload]:
        raise TypeError("a mistake of ours")


def terminal_upload(token: str, said: object) -> Any:
    body = written_as(Format.JSON, said)
    typed = decode_small(body, Format.JSON)
    assert typed is not None
    return SmallUpload(token, typed, len(body))


def together(store: Store, *arrivals: Any, **how: Any) -> list[Any]:
    """What becomes of arrivals that come in at once."""

    async def run() -> list[Any]:
        uploads = UploadQueue(store, lambda: NOW, **how)
        async with uploads.running():
            waiting = [asyncio.create_task(uploads.record(arrival)) for arrival in arrivals]
            await asyncio.sleep(0)
        return await asyncio.gather(*waiting, return_exceptions=True)

    return asyncio.run(run())


def test_uploads_of_one_batch_share_a_commit_but_no_errors(store: Store, acme: Terminals) -> None:
    globex = put_up(store, 1, "Globex")
    outcomes = together(
        store,
        terminal_upload(acme.tokens[0], {"epoch": 1, "presses": presses(1)}),
        terminal_upload("nobody", {"epoch": 1, "presses": presses(1)}),
        terminal_upload(acme.tokens[1], {"epoch": 1, "lost": [[2, 1]]}),
        terminal_upload(acme.tokens[1], {"epoch": 1, "presses": presses(1, 7)}),
        Made(acme.organization, Upload(99)),
        terminal_upload(globex.tokens[0], {"epoch": 1, "presses": presses(1)}),
        terminal_upload(acme.tokens[0], {"epoch": 1, "presses": presses(1, 2)}),
        threads=1,
    )
    assert [type(each) for each in outcomes if isinstance(each, Exception)] == [Unauthorized, BadRequest, NotFound]
    first, second, abroad, again = (each.receipt for each in outcomes if not isinstance(each, Exception))
    assert first.revision == second.revision == again.revision
    assert [(each.new, each.duplicates) for each in (first, second, abroad, again)] == [
        (1, 0),
        (2, 0),
        (1, 0),
        (1, 1),
    ]
    assert len(stored(store, acme.organization, "feedback", "sequence")) == 4
    assert len(stored(store, globex.organization, "feedback", "sequence")) == 1


def test_an_unforeseen_exception_in_one_upload_fails_no_other(store: Store, acme: Terminals) -> None:
    impossible: Any = Press(1, 1, "yesterday", 1)  # type: ignore[arg-type]  # such as only a mistake of ours could bring
    for wrong in (Made(acme.organization, Upload(2, (impossible,))), Broken()):
        outcomes = together(
            store,
            terminal_upload(acme.tokens[0], {"epoch": 1, "presses": presses(1)}),
            wrong,
            terminal_upload(acme.tokens[2], {"epoch": 1, "presses": presses(1)}),
            terminal_upload("nobody", {}),
        )
        assert [type(each).__name__ for each in outcomes] == ["Committed", "TypeError", "Committed", "Unauthorized"]
    assert stored(store, 1, "feedback", "smiley_id, sequence") == [(1, 1), (3, 1)]


def test_uploads_that_wait_are_committed_before_the_queue_closes(store: Store, acme: Terminals) -> None:
    uploads = [
        terminal_upload(token, {"epoch": 1, "presses": presses(1, first=number)})
        for token in acme.tokens
        for number in range(1, 201)
    ]
    outcomes = together(store, *uploads)
    assert [outcome.receipt.new for outcome in outcomes] == [1] * 600
    assert len(stored(store, 1, "feedback", "sequence")) == 600


@pytest.mark.parametrize("size", [100, 30 << 20])
def test_uploads_beyond_the_limits_of_the_queue_are_unavailable(
    fresh_database: Callable[[str], str], size: int
) -> None:
    opened = open_store(fresh_database("sqlite"))
    acme = put_up(opened)
    arrivals = [Made(acme.organization, Upload(1, (Press(1, number, NOW, 1),)), size) for number in range(1, 6)]
    outcomes = together(opened, *arrivals, max_waiting=2 if size == 100 else 1000)
    refused = [each for each in outcomes if isinstance(each, Unavailable)]
    assert len(refused) == 3
    assert all(each.retry_after > 0 for each in refused)
    assert stored(opened, 1, "feedback", "sequence") == [(1,), (2,)]
    opened.close()


def test_uploads_that_wait_for_a_locked_database_fail_together_with_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "MAX_BATCH_UPLOADS", 2)
    tried: list[int] = []
    commit_batch = queue.commit_batch

    def counted(store: Store, arrivals: Sequence[Arrival], now: int) -> list[Outcome]:
        tried.append(len(arrivals))
        return commit_batch(store, arrivals, now)

    monkeypatch.setattr(queue, "commit_batch", counted)
    opened = open_store(f"sqlite:///{tmp_path / 'hymio.db'}", lock_seconds=1)
    acme = put_up(opened)
    other = sqlite3.connect(tmp_path / "hymio.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    arrivals = [Made(acme.organization, Upload(1, (Press(1, number, NOW, 1),))) for number in range(1, 10)]
    outcomes = together(opened, *arrivals)
    other.close()
    assert [type(each) for each in outcomes] == [Unavailable] * 9
    assert tried == [2]
    assert all(isinstance(each, Committed) for each in together(opened, *arrivals))
    opened.close()


def test_a_closed_queue_accepts_nothing(fresh_database: Callable[[str], str]) -> None:
    opened = open_store(fresh_database("sqlite"))
    acme = put_up(opened)

    async def run() -> None:
        uploads = UploadQueue(opened, lambda: NOW)
        async with uploads.running():
            pass
        await uploads.record(Made(acme.organization, Upload(1)))

    with pytest.raises(Unavailable, match="shutting down"):
        asyncio.run(run())
    opened.close()
