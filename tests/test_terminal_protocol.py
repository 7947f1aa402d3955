"""The terminal protocol's document, executed: every example against a real server, its schemas, its programs."""

from __future__ import annotations

import contextlib
import json
import re
import sys
import textwrap
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cbor2
import httpx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from typer.testing import CliRunner

import hymio
from hymio import manage
from hymio.errors import BadRequest
from hymio.feedback import HourReport
from hymio.gateway.envelope import Envelope, Format, parse
from hymio.gateway.sms_text import decode, encode
from hymio.simulator.commands import terminal
from hymio.store import Store, open_store
from tests.terminals import client, give_secrets, put_up, serving, stored

DOCUMENT = Path(__file__).parents[1] / "docs" / "terminal-protocol.md"
SCHEMAS = Path(hymio.__file__).parent / "gateway" / "schema"

SERIAL = "2415VE0A110042"
TOKEN = "qT7sYf3kV9b2XwmL0aHdR5uJ8cEz1nPi"
SMS_SECRET = "9sXh2mVtQ4kLwZ7aRb1NcY6d"
NOW = 1_772_442_899_120
"""When the document's examples happen: 2 March 2026, 09:14:59 UTC."""

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SHOWN = ("content-type", "www-authenticate", "retry-after", "allow", "x-hymio-outcome")
_WIDTH = 116


def schema(name: str) -> Draft202012Validator:
    content = json.loads((SCHEMAS / f"{name}.json").read_text())
    Draft202012Validator.check_schema(content)
    return Draft202012Validator(content, format_checker=FormatChecker())


UPLOAD, RECEIPT, SMS = schema("upload"), schema("receipt"), schema("sms")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'hymio.db'}")
    organization = put_up(opened, serials=[SERIAL]).organization
    give_secrets(opened, organization, 1, TOKEN, SMS_SECRET)
    yield opened
    opened.close()


def test_the_examples_are_what_a_server_answers(store: Store) -> None:
    document = DOCUMENT.read_text()
    with serving(store, NOW) as url, client() as http:
        assert executed(document, url, http) == document
    outcomes = [row[1] for row in stored(store, 1, "message", "smiley_id IS NULL, outcome")]
    assert [outcome.partition(":")[0] for outcome in map(str, outcomes)] == ["stored", "stored", "unreadable"]


def executed(document: str, url: str, http: httpx.Client) -> str:
    """The document with the answers that a server gives to its requests, and the texts that tell its hours."""
    last: dict[str, Any] = {}

    def replaced(block: re.Match[str]) -> str:
        kind, body = block[1], block[2]
        if kind == "http" and body.startswith("HTTP/"):
            return f"```http\n{shown(last['answer'])}```"
        if kind == "http":
            last["answer"] = answered(body, url, http)
        elif kind == "json":
            last["hours"] = json.loads(body)
        elif kind == "sms":
            return "```sms\n" + "".join(text + "\n" for text in told(last["hours"])) + "```"
        return block[0]

    return _BLOCK.sub(replaced, document)


def answered(example: str, url: str, http: httpx.Client) -> httpx.Response:
    """What a server answers to a request as it is printed; CBOR is printed in hexadecimal."""
    head, _, body = example.partition("\n\n")
    first, *lines = head.splitlines()
    method, target, _ = first.split(" ")
    headers = dict(line.split(": ", 1) for line in lines)
    is_cbor = headers.get("Content-Type") == Format.CBOR.value
    content = bytes.fromhex(body) if is_cbor else body.strip().encode()
    answer = http.request(method, f"{url}{target}", headers=headers, content=content)
    check_against_schemas(target, headers.get("Content-Type", ""), content, answer)
    return answer


def check_against_schemas(target: str, kind: str, content: bytes, answer: httpx.Response) -> None:
    if kind == "application/json" and target.startswith("/sms"):
        SMS.validate(json.loads(content))
    elif not target.startswith("/sms") and answer.status_code == 200:
        receipt = answer.json() if kind == "application/json" else cbor2.loads(answer.content)
        RECEIPT.validate(receipt)
        if not any(each["reason"] == "unreadable" for each in receipt["quarantined"]):
            UPLOAD.validate(json.loads(content) if kind == "application/json" else cbor2.loads(content))


def shown(answer: httpx.Response) -> str:
    """An answer as the document prints it."""
    lines = [f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}"]
    lines += [f"{name.title()}: {answer.headers[name]}" for name in _SHOWN if name in answer.headers]
    if not answer.content:
        return "\n".join([*lines, ""])
    if answer.headers["content-type"] == Format.CBOR.value:
        return "\n".join([*lines, "", *textwrap.wrap(answer.content.hex(), _WIDTH), ""])
    return "\n".join([*lines, "", pretty(answer.json()), ""])


def pairs(value: dict[str, Any]) -> list[str]:
    return [f"{json.dumps(name)}: {json.dumps(each)}" for name, each in value.items()]


def pretty(content: dict[str, Any]) -> str:
    """JSON with a line for each field, and for each member of a long one."""
    lines = []
    for name, value in content.items():
        text = json.dumps(value)
        if len(text) > 80 and isinstance(value, list | dict):
            members = [json.dumps(each) for each in value] if isinstance(value, list) else pairs(value)
            opening, closing = text[0], text[-1]
            text = f"{opening}\n    " + ",\n    ".join(members) + f"\n  {closing}"
        lines.append(f"  {json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}"


def told(example: dict[str, Any]) -> list[str]:
    hours = [HourReport(each["epoch"], each["first"], each["at"], tuple(each["counts"])) for each in example["hours"]]
    return encode(
        example["serial"], hours, manage.sms_key(TOKEN),
        offset=example["offset"], reported_through=example["reportedThrough"], battery=example["battery"],
    )  # fmt: skip


# --- its programs ----------------------------------------------------------------------------------------------------


def program(name: str) -> dict[str, Any]:
    """A program of the document, run up to its end."""
    [source] = [body for kind, body in _BLOCK.findall(DOCUMENT.read_text()) if body.startswith(f"# {name}\n")]
    namespace: dict[str, Any] = {}
    exec(compile(source, f"{DOCUMENT.name}: {name}", "exec"), namespace)
    return namespace


def test_the_checksum_program_signs_as_we_do() -> None:
    made = program("checksum")
    key = made["sms_key"](TOKEN)
    assert f"the key is `{key.hex()}`" in DOCUMENT.read_text()
    [text] = re.findall(r"^```sms\n(.*)\n```$", DOCUMENT.read_text(), re.MULTILINE)
    signed, _, check = text.rpartition("/")
    assert made["checksum"](f"{signed}/", key) == check == decode(text).check


def test_the_firmware_loses_and_doubles_nothing(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with serving(store, NOW) as url, client() as http:
        reached = [False, True, True]  # the first try meets no server, the second loses its answer

        def post(_url: str, data: str, headers: dict[str, str]) -> httpx.Response:
            if not reached or reached.pop(0):
                answer = http.post(f"{url}/terminal/v1/uploads", content=data, headers=headers)
                if len(reached) != 1:
                    return answer
            raise OSError("no connection")

        monkeypatch.setitem(sys.modules, "requests", types.SimpleNamespace(post=post))
        firmware = program("firmware")
        firmware["random"] = types.SimpleNamespace(getrandbits=lambda _bits: 7)
        state = firmware["load"]()
        for count in range(2500):
            firmware["press"](state, count % 4, NOW + count)
        with Path("presses.txt").open("a") as file:
            file.write("\npress 2501 177")  # power fails
        state = firmware["load"]()
        outcomes = [firmware["upload"](state, NOW + 10_000) for _ in range(5)]
        assert outcomes == [False, False, False, False, True]
        assert firmware["load"]()["waiting"] == []
    assert stored(store, 1, "feedback", "sequence") == [(sequence,) for sequence in range(1, 2501)]


def test_the_commands_do_what_they_are_there_for(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [commands] = [body for kind, body in _BLOCK.findall(DOCUMENT.read_text()) if kind == "sh"]
    monkeypatch.chdir(tmp_path)
    Path("token.txt").write_text(f"{TOKEN}\n", encoding="utf-8")
    with serving(store, NOW) as url:
        monkeypatch.setenv("HYMIO_TERMINAL_URL", url)
        for line in commands.splitlines():
            words = line.replace("--every 2 --seconds 60", "--every 0.05 --seconds 0.2").split()
            assert words[:2] == ["hymio", "terminal"]
            result = CliRunner().invoke(terminal, words[2:])
            assert result.exit_code == 0, result.output
    assert decode(result.output).serial == SERIAL
    assert len(stored(store, 1, "feedback", "sequence")) > 3


# --- its schemas -----------------------------------------------------------------------------------------------------

odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-3, 12),
    st.floats(),
    st.text(max_size=3),
    st.just([]),
    st.just({}),
)
identities = (
    st.uuids().map(str) | st.uuids(version=4).map(str) | st.sampled_from(["", "0b7e1c7e9f0b4f0e8f434be1d3f8e6a1"])
)
sequences = st.integers(1, 2**31 - 1) | st.sampled_from([0, -1, 2**31, 2**31 - 1, 1.0, 1.5, 1e30])
likely_presses = st.fixed_dictionaries(
    {"at": st.integers(0, 2**53) | odd, "button": st.integers(0, 4) | odd},
    optional={"sequence": sequences | odd, "id": identities | odd, "survey": st.integers(1, 3) | odd, "visitor": odd},
)


class Backwards(Exception):
    """What a schema cannot say: that the first of a pair of sequences is not above the last."""


def read(upload: object) -> Envelope:
    try:
        return parse(json.dumps(upload).encode(), Format.JSON, 1, 1)
    except BadRequest as error:
        if "not above" in str(error):
            raise Backwards from error
        raise


@given(likely_presses)
def test_the_schema_accepts_a_press_that_the_server_can_read(press: dict[str, object]) -> None:
    upload = {"epoch": 1, "presses": [press]}
    envelope = read(upload)
    is_valid = UPLOAD.is_valid(json.loads(json.dumps(upload)))
    assert not (is_valid and envelope.unreadable)
    if not is_valid and not envelope.unreadable:
        assert len(str(press["id"])) == 32  # a UUID without hyphens is read, but not part of the protocol


ranges = st.tuples(st.integers(1, 2**31 - 1), st.integers(1, 2**31 - 1)).map(list)
instants = st.integers(0, 2**53 - 1)
envelopes = st.fixed_dictionaries(
    {},
    optional={
        "epoch": st.integers(0, 2**32 - 1), "clock": instants, "reportedThrough": instants,
        "lost": st.lists(ranges, max_size=2), "signal": st.integers(-200, 0), "battery": st.floats(0, 1),
        "firmware": st.text(max_size=40), "presses": st.lists(likely_presses, max_size=2), "other": odd,
    },
)  # fmt: skip


@given(envelopes)
def test_the_server_accepts_an_envelope_that_the_schema_accepts(upload: dict[str, object]) -> None:
    # Hypothesis fails the test where too few of the envelopes are valid.
    assume(UPLOAD.is_valid(json.loads(json.dumps(upload))))
    with contextlib.suppress(Backwards):
        assert not read(upload).unreadable


if __name__ == "__main__":  # writes the answers of today into the document, for whoever changed the protocol to read
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        written = open_store(f"sqlite:///{folder}/hymio.db")
        give_secrets(written, put_up(written, serials=[SERIAL]).organization, 1, TOKEN, SMS_SECRET)
        with serving(written, NOW) as address, client() as browser:
            DOCUMENT.write_text(executed(DOCUMENT.read_text(), address, browser))
        written.close()
