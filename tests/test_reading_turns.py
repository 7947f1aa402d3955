"""Readers of results take turns and leave a core to intake; what is not read waits for none of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar import Litestar

from hymio import manage
from hymio.access import Role, operator
from hymio.api import v1, v2
from hymio.errors import HymioError, Unavailable
from hymio.serving import turns
from hymio.serving.answers import error_answer
from hymio.serving.door import Services, cores, reading_turns
from hymio.serving.streams import Exports
from hymio.serving.turns import Turns
from hymio.store import Store
from hymio.web import front, reports
from tests.served import UNBOUND
from tests.world import NOW, World, build

OWNERS = ("Acme", "Bolt", "Corp")


def test_readers_leave_a_core_and_the_interpreter(store: Store) -> None:
    for threads in (1, 2, 8, 64):
        most = reading_turns(store, replace(UNBOUND, threads=threads))
        assert 1 <= most <= max(1, threads // 2, cores() - 1)
        assert most == 1 or not store.has_single_writer


# --- whose turn is next -----------------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(OWNERS), max_size=20), st.integers(1, 3))
def test_owners_take_turns_and_the_requests_of_one_come_in_order(owners: list[str], most: int) -> None:
    async def read() -> list[tuple[str, int]]:
        order, waits = list[tuple[str, int]](), Turns(most)

        async def one(number: int, owner: str) -> None:
            async with waits.turn(owner):
                order.append((owner, number))
                assert len(reading) < most
                reading.append(number)
                await asyncio.sleep(0)
                reading.remove(number)

        reading = list[int]()
        await asyncio.gather(*(one(number, owner) for number, owner in enumerate(owners)))
        return order

    order = asyncio.run(read())
    assert sorted(number for _, number in order) == list(range(len(owners)))
    for owner in OWNERS:
        numbers = [number for each, number in order if each == owner]
        assert numbers == sorted(numbers)


def test_who_asks_for_much_keeps_only_themselves_waiting() -> None:
    async def read() -> list[str]:
        order, waits = list[str](), Turns(1)

        async def one(owner: str) -> None:
            async with waits.turn(owner):
                order.append(owner)

        async with waits.turn("another"):
            readers = [asyncio.create_task(one(owner)) for owner in ["many"] * 50 + ["few"]]
            await asyncio.sleep(0)
        await asyncio.gather(*readers)
        return order

    assert asyncio.run(read()).index("few") == 1


@settings(max_examples=50, deadline=None)
@given(st.lists(st.booleans(), max_size=8), st.booleans())
def test_a_turn_is_lost_by_nobody_who_goes_away(gone: list[bool], at_the_same_moment: bool) -> None:
    """Those who leave while they wait, or just as their turn comes, leave it to others."""

    async def read() -> int:
        waits, done = Turns(1), list[int]()

        async def one(number: int) -> None:
            async with waits.turn(number % 2):
                done.append(number)

        async with AsyncExitStack() as turn:
            await turn.enter_async_context(waits.turn(None))
            readers = [asyncio.create_task(one(number)) for number in range(len(gone))]
            await asyncio.sleep(0)
            if at_the_same_moment:
                await turn.aclose()
            for reader, leaves in zip(readers, gone, strict=True):
                if leaves:
                    reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
        async with asyncio.timeout(1), waits.turn(None):  # the turn is free again
            return len(done)

    assert asyncio.run(read()) == gone.count(False)


@given(st.floats(0, 10), st.floats(0, 10), st.floats(0, 10))
def test_a_turn_rests_the_longer_the_longer_uploads_wait(taken: float, lag: float, more: float) -> None:
    rest = turns.rest_seconds(taken, lag)
    assert rest <= turns.rest_seconds(taken, lag + more) <= min(turns.MOST_REST_SECONDS, turns.MOST_RESTS * taken)
    assert lag >= turns.LAG_SECONDS or not rest


def test_the_next_turn_begins_after_the_rest_of_the_one_before() -> None:
    async def read() -> list[str]:
        rests, order = list[Callable[[], object]](), list[str]()
        waits, loop = Turns(1, lag=lambda: 1.0), asyncio.get_running_loop()

        def later(_: float, passing_on: Callable[[], object]) -> None:
            rests.append(passing_on)

        loop.call_later = later  # type: ignore[assignment,method-assign]

        async def second() -> None:
            async with waits.turn("second"):
                order.append("second")

        async with waits.turn("first"):
            reader = asyncio.create_task(second())
        order.append("the first is answered")
        for _ in range(3):
            await asyncio.sleep(0)
        order.append("it has rested")
        rests.pop()()
        await reader
        return order

    assert asyncio.run(read()) == ["the first is answered", "it has rested", "second"]


def test_a_turn_that_does_not_come_is_refused_and_leaves_no_place_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    async def read() -> None:
        waits = Turns(1)
        async with waits.turn("first"):
            monkeypatch.setattr(turns, "WAIT_SECONDS", 0.01)
            with pytest.raises(Unavailable) as refused:
                async with waits.turn("second"):
                    pass
            assert refused.value.retry_after == turns.RETRY_SECONDS
        async with waits.turn("third"):
            pass

    asyncio.run(read())


def test_who_left_many_requests_behind_is_refused_at_once_and_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "MOST_WAITING", 3)

    async def read() -> list[str]:
        read, waits = list[str](), Turns(1)

        async def one(owner: str) -> None:
            async with waits.turn(owner):
                read.append(owner)

        async with waits.turn("another"):
            readers = [asyncio.create_task(one(owner)) for owner in ["many"] * 5 + ["few"]]
            await asyncio.wait(readers, return_when=asyncio.FIRST_EXCEPTION)
        await asyncio.gather(*readers, return_exceptions=True)
        assert [type(reader.exception()) for reader in readers].count(Unavailable) == 2
        return read

    assert asyncio.run(read()) == ["many", "few", "many", "many"]


# --- what takes a turn ------------------------------------------------------------------------------------------------


def test_an_unchanged_answer_waits_for_no_reader(store: Store) -> None:
    world = build(store)
    credentials = manage.activate_api(store, operator(world.organization), now=NOW)
    path = f"/v1/surveys/{world.assignments[0]}/results?truncate=hour"

    async def ask() -> None:
        async with client(store) as (http, services):
            auth = httpx.BasicAuth(credentials.client_id, credentials.token)
            first = await http.get(path, auth=auth)
            assert first.status_code == 200
            async with all_turns(services):
                known = await http.get(path, auth=auth, headers={"If-None-Match": first.headers["etag"]})
                assert known.status_code == 304
                reading = asyncio.create_task(http.get(path, auth=auth))
                question = await http.get(f"/v1/surveys/{world.assignments[0]}", auth=auth)
                assert question.status_code == 200
                assert not reading.done()
            assert (await reading).content == first.content

    asyncio.run(ask())


def test_a_reader_whose_turn_does_not_come_is_told_when_to_ask_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = build(store)
    credentials = manage.activate_api(store, operator(world.organization), now=NOW)
    token = manage.create_token(store, operator(world.organization), "BI", now=NOW).secret
    session = manage.begin_session(store, operator(world.organization), someone(store, world), now=NOW)
    monkeypatch.setattr(turns, "WAIT_SECONDS", 0.02)

    async def ask() -> list[httpx.Response]:
        async with client(store) as (http, services):
            auth = httpx.BasicAuth(credentials.client_id, credentials.token)
            survey, v2_token = f"/v1/surveys/{world.assignments[0]}", {"X-HON-API-Token": token}
            gets: list[Callable[[], Awaitable[httpx.Response]]] = [
                lambda: http.get(f"{survey}/results?truncate=hour", auth=auth),
                lambda: http.get(f"{survey}/rawresults", auth=auth),
                lambda: http.get("/v2/results/button-feedbacks.csv", headers=v2_token),
                lambda: http.get(f"/reports/{manage.ROOT}.csv", headers={"Authorization": f"Bearer {token}"}),
                lambda: http.get("/", headers={"Cookie": f"hymio-session={session}"}),
            ]
            async with all_turns(services):
                wrong = await http.get("/v2/results/button-feedbacks.csv", headers={"X-HON-API-Token": "wrong"})
                assert wrong.status_code == 401, "who has no right to read waits for no turn"
                refused = [await get() for get in gets]
            assert [(await get()).status_code for get in gets] == [200] * len(gets)
            return refused

    for answer in asyncio.run(ask()):
        assert (answer.status_code, answer.headers["retry-after"]) == (503, str(turns.RETRY_SECONDS))
        assert answer.json()["code"] == "too-many-listings"


def test_what_is_not_read_from_results_is_looked_up_in_turn(store: Store) -> None:
    world = build(store)
    manage.activate_api(store, operator(world.organization), now=NOW)
    token = {"X-HON-API-Token": manage.create_token(store, operator(world.organization), "BI", now=NOW).secret}

    async def ask() -> None:
        async with client(store) as (http, services):
            paths = ["/v2/experience-points.json", "/v2/alerts.json", "/v2/token/introspect"]
            async with AsyncExitStack() as held:
                for _ in range(1 if store.has_single_writer else 2):
                    await held.enter_async_context(services.looking.turn("holder"))
                asking = [asyncio.create_task(http.get(path, headers=token)) for path in paths]
                await asyncio.sleep(0.05)
                assert not any(one.done() for one in asking)
            assert [(await one).status_code for one in asking] == [200] * len(paths)

    asyncio.run(ask())


def test_a_chunk_of_an_export_takes_a_turn() -> None:
    async def export() -> list[str]:
        reading, done = Turns(1), list[str]()
        exports = Exports(2, 60, reading)
        async with reading.turn("reader"):
            chunk = asyncio.create_task(exports.make_further(lambda: done.append("chunk")))
            await asyncio.sleep(0)
            done.append("reader")
        await chunk
        return done

    assert asyncio.run(export()) == ["reader", "chunk"]


def someone(store: Store, world: World) -> int:
    """A person of the organization."""
    by = operator(world.organization)
    return manage.add_user(store, by, "a@example.com", "A", "B", world.root, Role.USER, "en-US", now=NOW)


@asynccontextmanager
async def all_turns(services: Services) -> AsyncIterator[None]:
    """Holds all turns of readers."""
    async with AsyncExitStack() as held:
        for _ in range(reading_turns(services.store, services.settings)):
            await held.enter_async_context(services.reading.turn("holder"))
        yield


@asynccontextmanager
async def client(store: Store) -> AsyncIterator[tuple[httpx.AsyncClient, Services]]:
    """A client of what reads results, in the event loop of its server."""
    services = Services.of(store, UNBOUND, lambda: NOW)
    routes = [*v1.routes(services), *v2.routes(services), *reports.routes(services), *front.routes(services)]
    app = Litestar(
        routes, openapi_config=None, exception_handlers={HymioError: lambda _request, error: error_answer(error)}
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hymio") as http:  # type: ignore[arg-type]
        yield http, services
