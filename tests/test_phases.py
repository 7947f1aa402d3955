"""What comes after the button: every field of it, what is wrong with some, and that it may be told bit by bit."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any, get_args
from uuid import UUID

import cbor2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hymio import intake, manage
from hymio.access import operator
from hymio.feedback import (
    LEFT,
    ContactDetails,
    Demographics,
    Followup,
    Phases,
    Press,
    Receipt,
    Text,
    Ui,
    UnusablePress,
    Upload,
    Verdict,
    client_key,
)
from hymio.gateway import press_parts
from hymio.gateway.envelope import Envelope, Format, parse
from hymio.intake.phase_merge import merged
from hymio.smiley import SmileyType
from hymio.store import Store
from hymio.store.ledger import PhaseRows
from tests.terminals import PLACED, Terminals, client, put_up, serving, stored
from tests.test_laws import assert_settled, law, opened
from tests.test_terminal_protocol import RECEIPT, UPLOAD
from tests.world import NOW as LATER
from tests.world import World, build

PATH = "/terminal/v1/uploads"
NOW = PLACED + 1_000_000_000
AT = NOW - 60_000
PRESS = {"sequence": 1, "at": AT, "button": 1}
FORMATS = pytest.mark.parametrize("written", Format, ids=lambda each: each.name)


def written_as(written: Format, value: object) -> bytes:
    return json.dumps(value).encode() if written is Format.JSON else cbor2.dumps(value)


def read(said: dict[str, Any], written: Format = Format.JSON) -> Envelope:
    """The envelope of a press that says this."""
    return parse(written_as(written, {"epoch": 1, "presses": [PRESS | said]}), written, 5, 1)


# --- every field ------------------------------------------------------------------------------------------------------

EVERYTHING = {
    "ui": "touchless",
    "phases": [
        {"followup": {"question": 4, "option": 17}, "ui": "digital"},
        {"followup": {"option": None}, "ui": "skip", "position": 3},
        {
            "text": {
                "text": "Cold d*** soup", "relevance": 0.75, "spam": False, "masked": "Cold soup",
                "rephrased": "The soup was cold", "english": "Cold soup!", "categories": ["relevant", "room for more"],
                "themes": ["quality", "other"],
            },
            "ui": "link", "position": 7,
        },
        {"contact": {"name": "Aino", "email": "aino@example.com", "phone": "+358 40 1234567"}},
    ],
    "metadata": {"table": "12", "refId": "ABCD1234"},
    "demographics": {"gender": "female", "age": 0},
}  # fmt: skip
PHASES = Phases(
    (Followup(17, 4, 1, Ui.DIGITAL), Followup(None, None, 3, Ui.SKIP)),
    Text(
        "Cold d*** soup", 0.75, False, 7, Ui.LINK, "Cold soup", "The soup was cold", "Cold soup!",
        ("relevant", "room for more"), ("quality", "other"),
    ),
    ContactDetails("Aino", "aino@example.com", "+358 40 1234567", 4),
    (("refId", "ABCD1234"), ("table", "12")),
    Demographics("female", 0),
)  # fmt: skip


@FORMATS
def test_every_field_is_read(written: Format) -> None:
    envelope = read(EVERYTHING, written)
    assert envelope.upload.presses == (Press(1, 1, AT, 1, ui=Ui.TOUCHLESS, phases=PHASES),)
    assert not envelope.unreadable
    assert not envelope.upload.unusable
    assert UPLOAD.is_valid({"epoch": 1, "presses": [PRESS | EVERYTHING]})


@FORMATS
def test_whole_numbers_may_be_written_as_floats_here_too(written: Format) -> None:
    said = {"phases": [{"followup": {"question": 4.0, "option": 17.0}, "position": 2.0}], "demographics": {"age": 9.0}}
    assert read(said, written).upload.presses[0].phases == Phases(
        (Followup(17, 4, 2),), demographics=Demographics(None, 9)
    )


@FORMATS
@pytest.mark.parametrize(
    "said",
    [
        {},
        dict.fromkeys(["ui", "phases", "metadata", "demographics"]),
        {"phases": [], "metadata": {}, "demographics": {}},
        {"demographics": {"gender": None, "age": None, "height": 180}},
    ],
)
def test_nothing_may_come_after_the_button(written: Format, said: dict[str, Any]) -> None:
    envelope = read(said, written)
    assert envelope.upload.presses == (Press(1, 1, AT, 1),)
    assert not envelope.unreadable


def test_a_phase_may_be_left_without_an_answer() -> None:
    said = {"phases": [{"followup": {}, "ui": "exit"}, {"text": {}, "ui": "timeout", "contact": None}]}
    assert read(said).upload.presses[0].phases == Phases(
        (Followup(None, None, 1, Ui.EXIT),), Text(position=2, ui=Ui.TIMEOUT)
    )


def test_the_ways_to_answer_are_those_that_are_published() -> None:
    assert get_args(press_parts.PhaseUi) == tuple(each.label for each in Ui)
    assert get_args(press_parts.ButtonUi) == tuple(each.label for each in Ui if each < Ui.EXIT)
    for label in get_args(press_parts.ButtonUi):
        assert read({"ui": label}).upload.presses[0].ui == Ui[label.upper()]


@FORMATS
def test_what_a_database_cannot_hold_is_replaced(written: Format) -> None:
    bad, good = ("a\0\ud800b", "a\ufffd?b") if written is Format.JSON else ("a\0b", "a\ufffdb")
    text = {"text": bad, "masked": bad, "rephrased": bad, "english": bad, "categories": [bad], "themes": [bad]}
    contact = {"name": bad, "email": f"{bad}@b", "phone": bad}
    said = {"phases": [{"text": text}, {"contact": contact}], "metadata": {bad: bad}}
    [press] = read(said, written).upload.presses
    assert press.phases == Phases(
        text=Text(good, masked=good, rephrased=good, english=good, categories=(good,), themes=(good,)),
        contact=ContactDetails(good, f"{good}@b", good, 2),
        metadata=((good, good),),
    )


@FORMATS
def test_every_limit_is_within_reach(written: Format) -> None:
    long, words = "ü" * 10_000, [f"{number:064}" for number in range(20)]
    text = {"text": long, "masked": long, "rephrased": long, "english": long, "categories": words, "themes": words}
    followups = [
        {"followup": {"option": 2**53 - 1, "question": 1}, "position": 32_767 - number} for number in range(14)
    ]
    contact = {"name": "n" * 254, "email": "e" * 250 + "@x.y", "phone": "5" * 254}
    said = {
        "phases": [*followups, {"text": text | {"relevance": 1}}, {"contact": contact}],
        "metadata": {f"{number:064}": "v" * 1_000 for number in range(20)},
        "demographics": {"age": 130},
    }
    envelope = read(said, written)
    assert not envelope.unreadable
    assert UPLOAD.is_valid({"epoch": 1, "presses": [PRESS | said]})
    phases = envelope.upload.presses[0].phases
    assert phases is not None
    assert (len(phases.followups), len(phases.metadata)) == (14, 20)


# --- what is wrong with some ------------------------------------------------------------------------------------------

TEXT, FOLLOWUP, CONTACT = {"text": {"text": "Fine"}}, {"followup": {"option": 1}}, {"contact": {"name": "A"}}


@FORMATS
@pytest.mark.parametrize(
    ("said", "phase", "begins"),
    [
        ({"ui": "exit"}, "ui", 'ui: got "exit", accepted: physical'),
        ({"ui": 3}, "ui", "ui: got 3, accepted"),
        ({"phases": {}}, "phases", "phases: got {}, accepted: a list of at most 16"),
        ({"phases": "none"}, "phases", 'phases: got "none", accepted'),
        ({"phases": [TEXT] * 17}, "phases", "phases: got 17 of them, accepted: a list of at most 16"),
        ({"phases": [5]}, 0, "got 5, accepted: an object with exactly one"),
        ({"phases": [None]}, 0, "got null, accepted: an object with exactly one"),
        ({"phases": [{}]}, 0, "got none, accepted: exactly one"),
        ({"phases": [{"position": 1, "text": None}]}, 0, "got none, accepted: exactly one"),
        ({"phases": [TEXT | FOLLOWUP]}, 0, "got followup and text, accepted: exactly one"),
        ({"phases": [FOLLOWUP, TEXT, {"text": {"text": "Two"}}]}, 2, "text: got a second one, accepted: at most one"),
        ({"phases": [CONTACT, CONTACT]}, 1, "contact: got a second one, accepted: at most one"),
        ({"phases": [FOLLOWUP, FOLLOWUP | {"position": 1}]}, 1, "position: got 1, accepted: one that no other"),
        ({"phases": [FOLLOWUP | {"position": 0}]}, 0, "position: got 0, accepted: an integer from 1 to 32767"),
        ({"phases": [FOLLOWUP | {"position": 32_768}]}, 0, "position: got 32768, accepted"),
        ({"phases": [FOLLOWUP | {"position": True}]}, 0, "position: got true, accepted"),
        ({"phases": [FOLLOWUP | {"ui": "teleported"}]}, 0, 'ui: got "teleported", accepted: physical'),
        ({"phases": [{"followup": 3}]}, 0, "followup: got 3, accepted: an object"),
        ({"phases": [{"followup": {"option": "red"}}]}, 0, 'followup.option: got "red", accepted'),
        ({"phases": [{"followup": {"option": 0}}]}, 0, "followup.option: got 0, accepted"),
        ({"phases": [{"followup": {"question": 2**53}}]}, 0, "followup.question: got 9007199254740992, accepted"),
        ({"phases": [{"text": "Fine"}]}, 0, 'text: got "Fine", accepted: an object'),
        ({"phases": [{"text": {"text": 5}}]}, 0, "text.text: got 5, accepted"),
        ({"phases": [{"text": {"text": "x" * 10_001}}]}, 0, f'text.text: got "{"x" * 59}…, accepted: a text'),
        ({"phases": [{"text": {"relevance": 1.01}}]}, 0, "text.relevance: got 1.01, accepted: a number from 0 to 1"),
        ({"phases": [{"text": {"relevance": float("nan")}}]}, 0, "text.relevance: got NaN, accepted"),
        ({"phases": [{"text": {"spam": 1}}]}, 0, "text.spam: got 1, accepted: true or false"),
        ({"phases": [{"text": {"masked": []}}]}, 0, "text.masked: got [], accepted"),
        ({"phases": [{"text": {"rephrased": {}}}]}, 0, "text.rephrased: got {}, accepted"),
        ({"phases": [{"text": {"english": "x" * 10_001}}]}, 0, "text.english: got"),
        ({"phases": [{"text": {"categories": "a,b"}}]}, 0, 'text.categories: got "a,b", accepted: a list'),
        ({"phases": [{"text": {"categories": ["a,b"]}}]}, 0, 'text.categories: got ["a,b"], accepted: a list'),
        ({"phases": [{"text": {"themes": [""]}}]}, 0, 'text.themes: got [""], accepted'),
        ({"phases": [{"text": {"themes": ["x" * 65]}}]}, 0, "text.themes: got"),
        ({"phases": [{"text": {"themes": ["x"] * 21}}]}, 0, "text.themes: got"),
        ({"phases": [{"contact": {}}]}, 0, "contact.name: got nothing, accepted"),
        ({"phases": [{"contact": {"name": ""}}]}, 0, 'contact.name: got "", accepted'),
        ({"phases": [{"contact": {"name": "n" * 255}}]}, 0, f'contact.name: got "{"n" * 59}…, accepted'),
        ({"phases": [{"contact": {"name": "A", "email": "call me"}}]}, 0, 'contact.email: got "call me", accepted'),
        ({"phases": [{"contact": {"name": "A", "phone": 112}}]}, 0, "contact.phone: got 112, accepted"),
        ({"metadata": ["a"]}, "metadata", 'metadata: got ["a"], accepted: an object'),
        ({"metadata": {"table": 12}}, "metadata", 'metadata: got {"table": 12}, accepted'),
        ({"metadata": {"x" * 65: ""}}, "metadata", "metadata: got"),
        ({"metadata": {"x": "v" * 1_001}}, "metadata", "metadata: got"),
        ({"metadata": {str(number): "" for number in range(21)}}, "metadata", "metadata: got"),
        ({"metadata": {"a\0": "1", "a\ufffd": "2"}}, "metadata", "metadata: got"),
        ({"demographics": 34}, "demographics", "demographics: got 34, accepted"),
        ({"demographics": {"age": 131}}, "demographics", 'demographics: got {"age": 131}, accepted'),
        ({"demographics": {"age": -1}}, "demographics", 'demographics: got {"age": -1}, accepted'),
        ({"demographics": {"gender": "other"}}, "demographics", 'demographics: got {"gender": "other"}, accepted'),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named_and_costs_nothing_else(
    written: Format, said: dict[str, Any], phase: int | str, begins: str
) -> None:
    rest = {"ui": "qr", "metadata": {"k": "v"}, "demographics": {"age": 1}, "phases": []}
    envelope = read(rest | said, written)
    [press], [entry], [unread] = envelope.upload.presses, envelope.upload.unusable, envelope.unreadable
    assert (press.sequence, press.at, press.button) == (1, AT, 1)
    assert press.ui == (None if phase == "ui" else Ui.QR)
    phases = press.phases or Phases()
    assert phases.metadata == (() if phase == "metadata" else (("k", "v"),))
    assert phases.demographics == (None if phase == "demographics" else Demographics(None, 1))
    assert (entry.epoch, entry.sequence, entry.reason) == (1, 1, Verdict.UNREADABLE)
    assert entry.phase is not None
    assert (unread.item, unread.sequence, unread.phase) == (0, 1, phase)
    assert unread.detail.startswith(begins)
    assert len(unread.detail) < 250


def test_phases_keep_their_places_beside_one_that_cannot_be_read() -> None:
    said = {"phases": [{"text": 5}, FOLLOWUP, TEXT, "contact", CONTACT]}
    envelope = read(said)
    assert envelope.upload.presses[0].phases == Phases(
        (Followup(1, None, 2),), Text("Fine", position=3), ContactDetails("A", position=5)
    )
    assert [each.body for each in envelope.upload.unusable] == ['{"text": 5}', '"contact"']
    assert [each.phase for each in envelope.unreadable] == [0, 3]


def test_a_part_of_a_kiosks_press_is_named_by_its_id() -> None:
    identity = UUID("0b7e1c7e-9f0b-4f0e-8f43-4be1d3f8e6a1")
    press = {"id": str(identity), "at": AT, "button": 1, "survey": 1, "phases": 7}
    envelope = parse(json.dumps({"presses": [press]}).encode(), Format.JSON, 5, 1)
    assert envelope.upload.unusable == (
        UnusablePress(*client_key(identity), Verdict.UNREADABLE, '{"phases": 7}', "phases"),
    )
    assert [(each.sequence, each.id) for each in envelope.unreadable] == [(None, identity)]


def test_a_press_that_cannot_be_read_is_kept_with_its_phases() -> None:
    said = {"button": "green", "phases": [TEXT, 5]}
    envelope = read(said)
    assert not envelope.upload.presses
    assert [json.loads(each.body) for each in envelope.upload.unusable] == [PRESS | said]
    assert [each.phase for each in envelope.unreadable] == [None]


def test_no_error_repeats_what_people_wrote() -> None:
    told = "My name is Aino and I live in Oulu. " * 20
    for said in ({"presses": told}, {"presses": [], "clock": told}, {"presses": [], "firmware": [told]}):
        with pytest.raises(Exception, match="accepted") as refused:
            parse(json.dumps(said).encode(), Format.JSON, 5, 1)
        assert len(str(refused.value)) < 200


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_no_log_repeats_what_people_wrote(log_format: str) -> None:
    program = f"""
import structlog
from hymio.serving.log import configure_log
from hymio.settings import Settings

def trip(text):
    raise TypeError("a mistake of ours")

configure_log(Settings(port=0, log_format={log_format!r}))
try:
    trip(" ".join(["My", "name", "is", "Aino"]))
except TypeError:
    structlog.get_logger("hymio").exception("request failed")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "a mistake of ours" in done.stderr
    assert "trip" in done.stderr
    assert "My name is Aino" not in done.stderr


# --- the schema agrees ------------------------------------------------------------------------------------------------

odd: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers(-2, 40) | st.floats(-1, 2) | st.text(max_size=3) | st.just([]) | st.just({})
)
ids = st.integers(1, 2**53 - 1) | odd
texts = st.text(max_size=5) | odd
words = st.lists(st.text(max_size=3) | st.text("x", min_size=63, max_size=65), max_size=3) | odd
likely_phases = st.fixed_dictionaries(
    {},
    optional={
        "followup": st.fixed_dictionaries({}, optional={"question": ids, "option": ids}) | odd,
        "text": st.fixed_dictionaries(
            {}, optional={"text": texts, "relevance": odd, "spam": odd, "english": texts, "categories": words, "a": odd}
        )
        | odd,
        "contact": st.fixed_dictionaries(
            {"name": texts}, optional={"email": texts | st.just("a@b") | st.emails(), "phone": texts}
        )
        | odd,
        "position": st.integers(1, 4) | st.sampled_from([32_767, 32_768]) | odd,
        "ui": st.sampled_from([each.label for each in Ui]) | odd,
    },
)
one_kind = st.sampled_from(["followup", "text", "contact"])
phases_of_one_kind = st.builds(
    lambda phase, kept: {name: each for name, each in phase.items() if name in (kept, "position", "ui")},
    likely_phases, one_kind,
)  # fmt: skip
likely_parts = st.fixed_dictionaries(
    {},
    optional={
        "ui": st.sampled_from([each.label for each in Ui]) | odd,
        "phases": st.lists(phases_of_one_kind | likely_phases | odd, max_size=4)
        | st.lists(st.builds(lambda: dict(FOLLOWUP)), min_size=14, max_size=18)
        | odd,
        "metadata": st.dictionaries(st.text(max_size=66), st.text(max_size=5) | odd, max_size=3) | odd,
        "demographics": st.fixed_dictionaries(
            {}, optional={"gender": st.sampled_from(["male", "female", "x"]) | odd, "age": st.integers(0, 140) | odd}
        )
        | odd,
    },
)
AT_ODDS = ("accepted: one that no other follow-up",)
"""What a schema cannot say."""


@given(likely_parts)
@example({"phases": [FOLLOWUP, FOLLOWUP | {"position": 1}]})
def test_the_schema_accepts_what_the_server_can_read_and_nothing_else(said: dict[str, Any]) -> None:
    said = json.loads(json.dumps(said))
    envelope = read(said)
    assert len(envelope.upload.presses) == 1
    unread = [each for each in envelope.unreadable if not any(odds in each.detail for odds in AT_ODDS)]
    distinct = {name.replace("\0", "\ufffd") for name in said["metadata"]} if _is_object(said, "metadata") else set()
    if not distinct or len(distinct) == len(said["metadata"]):
        assert UPLOAD.is_valid({"epoch": 1, "presses": [PRESS | said]}) == (not unread)


def _is_object(said: dict[str, Any], name: str) -> bool:
    return isinstance(said.get(name), dict)


@given(likely_parts)
def test_json_and_cbor_say_the_same(said: dict[str, Any]) -> None:
    assert read(said, Format.JSON) == read(said, Format.CBOR)


tagged = st.recursive(
    odd | st.binary(max_size=3) | st.integers(-(2**80), 2**80) | st.just(float("nan")),
    lambda inner: (
        st.builds(cbor2.CBORTag, st.sampled_from([0, 2, 4, 37, 258]), inner)
        | st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3) | st.integers() | st.binary(max_size=2), inner, max_size=2)
    ),
    max_leaves=5,
)


@given(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(["ui", "metadata", "demographics", "phases"], tagged)
    ) | st.fixed_dictionaries({"phases": st.lists(st.dictionaries(one_kind | st.just("ui"), tagged), max_size=3)})
)  # fmt: skip
def test_whatever_comes_with_a_press_does_not_cost_it(said: dict[str, Any]) -> None:
    envelope = read(said, Format.CBOR)
    assert [(press.sequence, press.at, press.button) for press in envelope.upload.presses] == [(1, AT, 1)]
    assert len(envelope.upload.unusable) == len(envelope.unreadable)
    assert all(each.body.isascii() for each in envelope.upload.unusable)


# --- bit by bit -------------------------------------------------------------------------------------------------------

answered = st.none() | st.sampled_from([int(each) for each in Ui])
maybe_text = st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
maybe_words = st.lists(st.text("abc ", min_size=1, max_size=4), max_size=3).map(tuple)
maybe_id = st.none() | st.integers(1, 99)
positions = st.integers(1, 9)


def without_contradiction(phase: Any) -> Any:
    """A phase that does not say both what was answered and that its question was left."""
    return phase._replace(ui=None) if phase[0] is not None and phase.ui in LEFT else phase


followups = st.builds(Followup, maybe_id, maybe_id, ui=answered).map(without_contradiction)
followups_at_places = st.dictionaries(positions, followups, max_size=3).map(
    lambda each: tuple(each[position]._replace(position=position) for position in sorted(each))
)
afters = st.builds(
    Phases,
    followups_at_places,
    st.none()
    | st.builds(
        Text, maybe_text, st.none() | st.floats(0, 1), st.none() | st.booleans(), positions, answered,
        maybe_text, maybe_text, maybe_text, maybe_words, maybe_words,
    ).map(without_contradiction),
    st.none() | st.builds(ContactDetails, st.text("abc", min_size=1), maybe_text, maybe_text, positions),
    st.dictionaries(st.text("kl", max_size=3), st.text("vw", max_size=3), max_size=3)
    .map(lambda each: tuple(sorted(each.items()))),
    st.none() | st.builds(Demographics, st.sampled_from([None, "male", "female"]), st.none() | st.integers(0, 130)),
)  # fmt: skip


@st.composite
def bits(draw: st.DrawFn, whole: Phases) -> list[Phases]:
    """What makes a whole when put together, in any order, some of it told more than once."""
    made = [Phases(followups=(part,)) for each in whole.followups for part in draw(parts(each, {"position"}))]
    made += [Phases(text=part) for part in draw(parts(whole.text, {"position"}))]
    made += [Phases(contact=part) for part in draw(parts(whole.contact, {"position", "name"}))]
    made += [Phases(metadata=(pair,)) for pair in whole.metadata]
    made += [Phases(demographics=part) for part in draw(parts(whole.demographics, set()))]
    repeated = draw(st.lists(st.sampled_from(made), max_size=3)) if made else []
    return draw(st.permutations([*made, *repeated]))


@st.composite
def parts(draw: st.DrawFn, phase: Any, always: set[str]) -> list[Any]:
    """Phases that have some fields of one each, and all of them together."""
    if phase is None:
        return []
    count = draw(st.integers(1, 3))
    empty = {name: type(phase)._field_defaults.get(name) for name in phase._fields}
    chosen = {name: draw(st.sets(st.integers(0, count - 1), min_size=1)) for name in phase._fields}
    return [
        phase._replace(**{name: empty[name] for name in chosen if name not in always and number not in chosen[name]})
        for number in range(count)
    ]


def together(after: Sequence[Phases]) -> Phases:
    """Bits merged into one."""
    found = Phases()
    for each in after:
        found, refused = merged(found, each)
        assert not refused
    return found


@given(st.data(), afters)
def test_bits_in_any_order_make_the_whole(data: st.DataObject, whole: Phases) -> None:
    assert together(data.draw(bits(whole))) == whole


@given(afters, afters)
def test_what_is_known_stands(known: Phases, told: Phases) -> None:
    found, refused = merged(known, told)
    assert merged(found, known) == (found, [])
    assert merged(found, found) == (found, [])
    assert merged(found, told)[0] == found
    assert {name for name, _ in refused} <= {"followup", "text", "contact", "metadata", "demographics"}
    if not refused:
        assert merged(told, known) == (found, [])
    assert all(json.loads(body) for _, body in refused)


def kept(store: Store, organization: int, smiley: int, press: Press, at: int | None = None) -> Phases:
    with store.read() as transaction:
        key = (at or press.at, smiley, press.epoch, press.sequence)
        return PhaseRows(transaction, organization, 0).at(smiley, key[:1]).get(key, Phases())


def told(store: Store, world: World, *presses: Press, smiley: int = 0, clock: int | None = None) -> Receipt:
    upload = Upload(world.smileys[smiley], presses, clock=clock)
    [receipt] = intake.record(store, world.organization, [upload], LATER)
    assert isinstance(receipt, Receipt)
    return receipt


@law
@given(st.data(), afters)
def test_bits_told_in_any_uploads_are_stored_as_the_whole(
    shared_database_url: str, data: st.DataObject, whole: Phases
) -> None:
    store = opened(shared_database_url)
    world = build(store)
    press = Press(7, 1, AT, 2, ui=int(Ui.QR))
    presses = [press._replace(phases=phases) for phases in [None, *data.draw(bits(whole))]]
    presses = data.draw(st.permutations(presses))
    duplicates = 0
    while presses:
        count = data.draw(st.integers(1, len(presses)))
        receipt = told(store, world, *presses[:count])
        duplicates += receipt.duplicates
        assert not receipt.quarantined
        presses = presses[count:]
    other = press._replace(sequence=2, at=AT + 100_000, phases=whole)
    told(store, world, other)
    first, second = (kept(store, world.organization, world.smileys[0], each) for each in (press, other))
    assert first == second == whole
    assert len(assert_settled(store, world)) == 2
    assert stored(store, world.organization, "quarantine", "sequence") == []


@law
@given(st.lists(afters, min_size=2, max_size=4))
def test_contradictions_are_kept_aside_and_the_first_stands(shared_database_url: str, said: list[Phases]) -> None:
    store = opened(shared_database_url)
    world = build(store)
    press = Press(7, 1, AT, 2)
    expected, refused = Phases(), set()
    for sent in said:
        expected, wrong = merged(expected, sent)
        refused |= set(wrong)
    for presses in (said, *([each] for each in said)):  # at once, and then again one by one
        receipt = told(store, world, *(press._replace(phases=phases) for phases in presses))
        assert receipt.new + receipt.duplicates == len(presses)
        assert receipt.acknowledged == ((7, 1),)
        assert kept(store, world.organization, world.smileys[0], press) == expected
    rows = stored(store, world.organization, "quarantine", "sequence, reason, body")
    assert {row[2] for row in rows} == {body for _, body in refused}
    assert {row[:2] for row in rows} <= {(1, int(Verdict.CONFLICT))}
    assert len(assert_settled(store, world)) == 1


def _with(press: Press, phases: Phases) -> Press:
    return press._replace(phases=phases)


def test_presses_of_one_instant_keep_their_phases_apart(store: Store) -> None:
    world = build(store)
    presses = [Press(epoch, number, AT, 1) for epoch in (1, 2) for number in (1, 2)]
    said = [Phases(text=Text(f"{press.epoch} {press.sequence}")) for press in presses]
    for smiley in (0, 1):
        told(store, world, *map(_with, presses, said), smiley=smiley)
    told(store, world, *(_with(presses[place], Phases((Followup(3),))) for place in (0, 3)))
    found = [[kept(store, world.organization, smiley, press) for press in presses] for smiley in world.smileys[:2]]
    assert found[1] == said
    assert found[0] == [
        said[0]._replace(followups=(Followup(3),)),
        *said[1:3],
        said[3]._replace(followups=(Followup(3),)),
    ]


def test_the_same_position_twice_in_one_telling_is_merged_or_a_conflict(store: Store) -> None:
    world = build(store)
    twice = Phases((Followup(1), Followup(1, ui=2), Followup(2)), metadata=(("a", "1"), ("a", "2")))
    receipt = told(store, world, Press(1, 1, AT, 1, phases=twice))
    assert [(each.reason, each.phase) for each in receipt.quarantined] == [
        (Verdict.CONFLICT, "followup"), (Verdict.CONFLICT, "metadata"),
    ]  # fmt: skip
    found = kept(store, world.organization, world.smileys[0], Press(1, 1, AT, 1))
    assert found == Phases((Followup(1, ui=2),), metadata=(("a", "1"),))


def test_a_press_that_contradicts_takes_its_phases_into_quarantine(store: Store) -> None:
    world = build(store)
    told(store, world, Press(1, 1, AT, 1, phases=Phases(text=Text("First"))))
    for _ in range(2):
        told(store, world, Press(1, 1, AT, 2, phases=Phases((Followup(3),), Text("Second"), metadata=(("a", "b"),))))
    [(body,)] = stored(store, world.organization, "quarantine", "body")
    assert json.loads(str(body)) == {
        "at": AT, "button": 2, "survey": None,
        "after": {
            "text": {"text": "Second", "position": 1}, "followups": [{"option": 3, "position": 1}],
            "metadata": {"a": "b"},
        },
    }  # fmt: skip
    assert kept(store, world.organization, world.smileys[0], Press(1, 1, AT, 1)) == Phases(text=Text("First"))


def test_a_quarantined_press_is_released_with_its_phases(store: Store) -> None:
    world = build(store)
    with manage.batch(store, world.organization, LATER) as batch:
        smiley = manage.add_smiley(batch, operator(world.organization), "LATE", "Late", SmileyType.TOUCH, now=LATER).id
    press = Press(1, 1, AT, 1, ui=int(Ui.DIGITAL))
    text, followup = Phases(text=Text("Still here", position=2)), Phases((Followup(3),))

    def said(phases: Phases) -> Receipt:
        upload = Upload(smiley, (press._replace(phases=phases),))
        [receipt] = intake.record(store, world.organization, [upload], LATER)
        assert isinstance(receipt, Receipt)
        return receipt

    assert [each.reason for each in said(text).quarantined] == [Verdict.NO_PLACEMENT]
    assert [each.reason for each in said(followup).quarantined] == [Verdict.NO_PLACEMENT]
    with manage.batch(store, world.organization, LATER) as batch:
        manage.place(batch, operator(world.organization), smiley, world.points[0], AT - 1, now=LATER)
    assert intake.release(store, world.organization, LATER) == 1
    assert said(Phases(demographics=Demographics("male"))).quarantined == ()
    assert kept(store, world.organization, smiley, press) == Phases(
        (Followup(3),), text.text, demographics=Demographics("male")
    )
    assert stored(store, world.organization, "feedback", "verdict, ui") == [(0, 2)]


def test_a_press_whose_clock_was_corrected_may_be_told_again_with_more(store: Store) -> None:
    world = build(store)
    press = Press(1, 1, 5_000, 1, phases=Phases((Followup(3),)))
    first = told(store, world, press, clock=10_000)
    assert first.correction == LATER - 10_000
    for clock in (20_000, LATER, None):  # restarted, set, not told
        again = told(store, world, press._replace(phases=Phases(text=Text("More", position=2))), clock=clock)
        assert (again.stored, again.duplicates, again.quarantined) == (0, 1, ())
    found = kept(store, world.organization, world.smileys[0], press, at=5_000 + first.correction)
    assert found == Phases((Followup(3),), Text("More", position=2))


def test_how_a_button_was_pressed_stands_as_it_was_told_first(store: Store) -> None:
    world = build(store)
    told(store, world, Press(1, 1, AT, 1, ui=int(Ui.QR)))
    again = told(store, world, Press(1, 1, AT, 1, ui=int(Ui.EMAIL)))
    assert (again.duplicates, again.quarantined) == (1, ())
    assert stored(store, world.organization, "feedback", "ui") == [(int(Ui.QR),)]


# --- over HTTP, on every engine ---------------------------------------------------------------------------------------


@pytest.fixture
def acme(store: Store) -> Terminals:
    return put_up(store)


@pytest.fixture
def url(store: Store, acme: Terminals) -> Iterator[str]:
    with serving(store, NOW) as address:
        yield address


def post(url: str, acme: Terminals, said: object, written: Format = Format.JSON) -> dict[str, Any]:
    headers = acme.headers | {"Content-Type": written.value}
    with client() as http:
        answer = http.post(f"{url}{PATH}", content=written_as(written, said), headers=headers)
    assert answer.status_code == 200, answer.text
    receipt = json.loads(answer.content) if written is Format.JSON else cbor2.loads(answer.content)
    RECEIPT.validate(receipt)
    return receipt


@FORMATS
def test_everything_is_stored(store: Store, acme: Terminals, url: str, written: Format) -> None:
    for _ in range(2):
        receipt = post(url, acme, {"epoch": 1, "presses": [PRESS | EVERYTHING]}, written)
        assert receipt["quarantined"] == []
    assert kept(store, 1, 1, Press(1, 1, AT, 1)) == PHASES
    assert stored(store, 1, "feedback", "ui, verdict") == [(int(Ui.TOUCHLESS), 0)]


@FORMATS
def test_parts_that_cannot_be_read_are_kept_once_and_count_as_no_presses(
    store: Store, acme: Terminals, url: str, written: Format
) -> None:
    identity = "0b7e1c7e-9f0b-4f0e-8f43-4be1d3f8e6a1"
    bad = {
        "ui": "x",
        "phases": [TEXT, 5, {"contact": {"name": "A" * 300}}],
        "metadata": [],
        "demographics": {"age": "x"},
    }
    kiosk = {"id": identity, "at": AT + 20_000, "button": 2, "survey": acme.survey}
    said = {
        "epoch": 9,
        "presses": [PRESS | bad, {**PRESS, "sequence": 2, "at": AT + 9_000}, kiosk | {"phases": "all"}, kiosk],
        "lost": [[4, 5]],
    }
    receipts = [post(url, acme, said, written) for _ in range(3)]
    assert [(each["stored"], each["duplicates"]) for each in receipts] == [(3, 1), (0, 4), (0, 4)]
    assert all(each["acknowledgedThrough"] == {"epoch": 9, "sequence": 2} for each in receipts)
    assert receipts[0]["quarantined"] == receipts[1]["quarantined"] == receipts[2]["quarantined"]
    named = [{name: each[name] for name in each if name != "detail"} for each in receipts[0]["quarantined"]]
    assert named == [
        *({"sequence": 1, "index": 0, "phase": phase, "reason": "unreadable"} for phase in
          ("ui", "metadata", "demographics", 1, 2)),
        {"id": identity, "index": 2, "phase": "phases", "reason": "unreadable"},
    ]  # fmt: skip
    assert all("A" * 60 not in each["detail"] for each in receipts[0]["quarantined"])
    assert len(stored(store, 1, "quarantine", "epoch, sequence, hash")) == 6
    assert stored(store, 1, "accounted", "first_sequence, last_sequence") == [(4, 5)]
    assert [row[0] for row in stored(store, 1, "feedback", "verdict")] == [0, 0, 0]
    assert kept(store, 1, 1, Press(9, 1, AT, 1)) == Phases(text=Text("Fine"))
    mended = post(url, acme, {"epoch": 9, "presses": [PRESS | {"phases": [TEXT, FOLLOWUP]}]}, written)
    assert mended["quarantined"] == []
    assert kept(store, 1, 1, Press(9, 1, AT, 1)) == Phases((Followup(1, position=2),), Text("Fine"))


def test_a_conflict_names_the_part_and_not_the_press(store: Store, acme: Terminals, url: str) -> None:
    post(url, acme, {"epoch": 1, "presses": [PRESS | EVERYTHING]})
    other = {
        "phases": [{"followup": {"option": 18}}, {"text": {"text": "x" * 500}, "position": 7}],
        "metadata": {"table": "13", "new": "1"},
        "demographics": {"gender": "male"},
    }
    receipts = [post(url, acme, {"epoch": 1, "presses": [PRESS | other]}) for _ in range(2)]
    assert [(each["stored"], each["duplicates"]) for each in receipts] == [(0, 1), (0, 1)]
    for receipt in receipts:
        assert {(each["sequence"], each["phase"], each["reason"]) for each in receipt["quarantined"]} == {
            (1, phase, "conflict") for phase in ("followup", "text", "metadata", "demographics")
        }
        assert len(json.dumps(receipt)) < 1_000
    assert kept(store, 1, 1, Press(1, 1, AT, 1)) == PHASES._replace(metadata=(("new", "1"), *PHASES.metadata))
    assert len(stored(store, 1, "quarantine", "hash")) == 4


def test_what_no_database_holds_is_stored_as_something_else(store: Store, acme: Terminals, url: str) -> None:
    bad = "a\0\ud800b"
    said = {"phases": [{"text": {"text": bad}}, {"contact": {"name": bad}}, {"x\0\ud800": bad}], "metadata": {bad: bad}}
    receipt = post(url, acme, {"epoch": 1, "presses": [PRESS | said]})
    assert [each["phase"] for each in receipt["quarantined"]] == [2]
    assert kept(store, 1, 1, Press(1, 1, AT, 1)) == Phases(
        text=Text("a\ufffd?b"), contact=ContactDetails("a\ufffd?b", position=2), metadata=(("a\ufffd?b", "a\ufffd?b"),)
    )


def test_many_presses_with_phases_are_taken_at_once_and_again(store: Store, acme: Terminals, url: str) -> None:
    said = [
        PRESS
        | {"sequence": number, "at": AT - 9_000 * number, "phases": [FOLLOWUP, {"text": {"text": str(number)}}, 5]}
        for number in range(1, 501)
    ]
    for stored_, duplicates in ((500, 0), (0, 500)):
        receipt = post(url, acme, {"epoch": 1, "presses": said})
        assert (receipt["stored"], receipt["duplicates"]) == (stored_, duplicates)
        assert len(receipt["quarantined"]) == 500
    assert len(stored(store, 1, "text_feedback", "sequence")) == 500
    assert len(stored(store, 1, "quarantine", "sequence")) == 500
    assert list(intake.verify(store, 1)) == []
