"""20,000 hostile requests over all ways in: none is answered 500, every refusal is a problem document, nothing breaks.

They are the same whenever `CI` is set; otherwise a failure names the seed, which `HYMIO_FUZZ_SEED` repeats.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from hymio import intake, manage
from hymio.access import Role, operator
from hymio.app import create_app
from hymio.cli.running import _started
from hymio.serving import connection
from hymio.settings import Settings
from hymio.store import Store
from hymio.store.catalog.smileys import select_by_serial
from tests.example import make_example
from tests.example_v2 import furnish, make_token, press_with_phases
from tests.fuzzing import RAW, WAYS, Call, Keys, raw_request
from tests.pages import add_person
from tests.terminals import serving

SEED = os.environ.get("HYMIO_FUZZ_SEED") or ("1" if os.environ.get("CI") else str(secrets.randbits(32)))
NOW = 1_709_640_000_000
"""2024-03-05T12:00Z, the present of the example organization."""

SETTINGS = Settings(port=0, wrong_credentials=0, web_messages=0, body_bytes=1 << 16)
AT_ONCE = 16
BUSY = {"upload-queue-full", "too-many-bytes", "large-uploads-in-progress", "too-many-exports", "too-many-listings"}
"""What a 503 may say here: it is asked for a lot at once."""

_NO_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


@pytest.fixture
def keys(store: Store) -> Keys:
    example = make_example(store)
    organization, boss = example.organization, operator(example.organization)
    furnish(store, organization)
    press_with_phases(store, organization)
    tokens = tuple(manage.new_token(store, boss, smiley, now=NOW) for smiley in (1, 2, 3, 4))
    secret = manage.new_sms_secret(store, boss, now=NOW)
    with store.read() as transaction:
        known = select_by_serial(transaction, organization, "1934VA0C110311")
    assert known is not None
    code = manage.publish_smiley(store, boss, 4, now=NOW).code
    pair = (example.credentials.client_id, example.credentials.token)
    session = manage.begin_session(
        store, boss, add_person(store, organization, "ada@example.com", role=Role.ADMIN), now=NOW
    )
    return Keys(pair, make_token(store, organization), tokens, secret, "1934VA0C110311", known[1], NOW, code, session)


@pytest.mark.parametrize("way", WAYS)
def test_no_request_is_answered_500(store: Store, keys: Keys, way: str) -> None:
    make, count = WAYS[way]
    count = count if is_sqlite(store) else count // 10  # what engines differ in shows in fewer
    calls = [make(Random(f"{SEED} {way} {number}"), keys) for number in range(count)]
    app = create_app(store, SETTINGS, lambda: NOW, periodic=())
    answers = asyncio.run(ask_all(app, calls))
    for number, (call, answer) in enumerate(zip(calls, answers, strict=True)):
        wrong = what_is_wrong(call, *answer)
        assert not wrong, f"HYMIO_FUZZ_SEED={SEED}, {way} {number}: {wrong}\n{call}"
    assert len({status for status, _, _ in answers}) > 2, "requests of one kind only"
    assert list(intake.verify(store, 1)) == []


def is_sqlite(store: Store) -> bool:
    return store.kind == "sqlite"


async def ask_all(app: Any, calls: list[Call]) -> list[Answer]:
    answers = []
    async with _started(app):
        for start in range(0, len(calls), AT_ONCE):
            answers += await asyncio.gather(*(ask(app, call) for call in calls[start : start + AT_ONCE]))
    return answers


Answer = tuple[int, list[tuple[bytes, bytes]], bytes]
"""Status, headers and body; the status is 0 where there is none."""


async def ask(app: Any, call: Call) -> Answer:
    """The answer of an ASGI application."""
    left = list(call.pieces)
    started: list[tuple[int, list[tuple[bytes, bytes]]]] = []
    body = bytearray()

    async def receive() -> dict[str, Any]:
        if not left or (call.goes and len(left) == 1):
            return {"type": "http.disconnect"}
        piece = left.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(left)}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            started.append((message["status"], list(message["headers"])))
        else:
            body.extend(message.get("body", b""))

    await app(call.scope, receive, send)
    [(status, headers)] = started or [(0, [])]
    return status, headers, bytes(body)


def what_is_wrong(call: Call, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> str:
    """What no client should be answered; empty if there is nothing."""
    if status == 0:
        return "" if call.goes else "no answer"
    if any(_NO_VALUE.search(value) for _, value in headers):
        return f"a header that HTTP does not allow: {headers}"
    if status < 400:
        return ""
    if call.method == "HEAD":
        return "" if status < 500 else f"{status}"
    if call.path.startswith(("/w/", "/smileys")) and status < 500:
        return ""  # a page that says what is wrong with a form, or nothing at all
    problem = problem_in({name.lower(): value for name, value in headers}.get(b"content-type", b""), body)
    if problem is None:
        return f"{status}, which is no problem document: {body[:200]!r}"
    return "" if status < 500 or problem in BUSY else f"{status} {problem}"


def problem_in(media_type: bytes, body: bytes) -> str | None:
    """The code of a problem document; None if it is none."""
    try:
        document = json.loads(body)
    except ValueError:
        return None
    is_problem = media_type == b"application/problem+json" and isinstance(document, dict)
    return document.get("code") if is_problem else None


# --- bytes on a socket ------------------------------------------------------------------------------------------------


def test_no_bytes_are_answered_500(store: Store, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEADER_SECONDS", "BODY_SECONDS", "CLOSE_SECONDS"):
        monkeypatch.setattr(connection, name, 0.3)
    count = RAW if is_sqlite(store) else RAW // 10
    requests = [raw_request(Random(f"{SEED} raw {number}"), keys) for number in range(count)]
    with serving(store, NOW, SETTINGS) as url:
        answers = asyncio.run(say_all(int(url.rpartition(":")[2]), requests))
    for number, (request, answer) in enumerate(zip(requests, answers, strict=True)):
        for status, media_type, body in parts_of(answer):
            code = problem_in(media_type, body) if status >= 400 else ""
            is_quiet = status == 404 and not body and b" /w/" in request  # a code that no smiley has
            is_fine = is_quiet or (code is not None and (status < 500 or code in BUSY))
            assert is_fine or request.startswith(b"HEAD "), (
                f"HYMIO_FUZZ_SEED={SEED}, raw {number}: {status} {body!r}\n{request!r}"
            )
    statuses = {status for answer in answers for status, _, _ in parts_of(answer)}
    assert {200, 400} <= statuses
    assert list(intake.verify(store, 1)) == []


async def say_all(port: int, requests: list[bytes]) -> list[bytes]:
    """What is answered to each, on a connection of its own, until it is closed or nothing more comes."""
    turns = asyncio.Semaphore(100)

    async def say(request: bytes) -> bytes:
        answer = b""
        async with turns:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(request)
                while piece := await asyncio.wait_for(reader.read(1 << 16), 1.5):
                    answer += piece
            except (TimeoutError, ConnectionError):
                pass
            writer.close()
        return answer

    return await asyncio.gather(*map(say, requests))


_HEAD = re.compile(rb"HTTP/1\.1 ([0-9]{3})[^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n")


def parts_of(answer: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Status, media type and body of each response in what a server sent."""
    place = 0
    while match := _HEAD.match(answer, place):
        headers = dict(line.lower().split(b": ", 1) for line in match[2].splitlines())
        size = int(headers.get(b"content-length", b"0"))
        yield int(match[1]), headers.get(b"content-type", b""), answer[match.end() : match.end() + size]
        place = match.end() + size
