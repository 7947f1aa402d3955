"""Readers of results take turns and leave a core to intake; what is not read waits for none of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
from litestar import Litestar

from hymio import manage
from hymio.access import operator
from hymio.api.v1 import routes
from hymio.serving.door import Services, cores, reading_turns
from hymio.serving.streams import Exports
from hymio.store import Store
from tests.served import UNBOUND
from tests.world import NOW, build


def test_readers_leave_a_core_where_the_engine_is_in_this_process(store: Store) -> None:
    for threads in (1, 2, 8, 64):
        turns = reading_turns(store, replace(UNBOUND, threads=threads))
        assert 1 <= turns <= max(1, threads // 2)
        assert not store.has_single_writer or turns <= max(1, cores() - 1)


def test_an_unchanged_answer_waits_for_no_reader(store: Store) -> None:
    world = build(store)
    credentials = manage.activate_api(store, operator(world.organization), now=NOW)
    path = f"/v1/surveys/{world.assignments[0]}/results?truncate=hour"

    async def ask() -> None:
        async with client(store) as (http, services):
            auth = httpx.BasicAuth(credentials.client_id, credentials.token)
            first = await http.get(path, auth=auth)
            assert first.status_code == 200
            async with AllTurns(services):
                known = await http.get(path, auth=auth, headers={"If-None-Match": first.headers["etag"]})
                assert known.status_code == 304
                reading = asyncio.create_task(http.get(path, auth=auth))
                question = await http.get(f"/v1/surveys/{world.assignments[0]}", auth=auth)
                assert question.status_code == 200
                assert not reading.done()
            assert (await reading).content == first.content

    asyncio.run(ask())


def test_a_chunk_of_an_export_takes_a_turn() -> None:
    async def export() -> list[str]:
        reading, done = asyncio.Semaphore(1), list[str]()
        exports = Exports(2, 60, reading)
        async with reading:
            chunk = asyncio.create_task(exports.make_further(lambda: done.append("chunk")))
            await asyncio.sleep(0)
            done.append("reader")
        await chunk
        return done

    assert asyncio.run(export()) == ["reader", "chunk"]


class AllTurns:
    """Holds all turns of readers."""

    def __init__(self, services: Services) -> None:
        self._listings = services.listings
        self._held = 0

    async def __aenter__(self) -> None:
        while not self._listings.locked():
            await self._listings.acquire()
            self._held += 1

    async def __aexit__(self, *error: object) -> None:
        for _ in range(self._held):
            self._listings.release()


@asynccontextmanager
async def client(store: Store) -> AsyncIterator[tuple[httpx.AsyncClient, Services]]:
    """A client of API v1 in the event loop of its server."""
    services = Services.of(store, UNBOUND, lambda: NOW)
    app = Litestar(routes(services), openapi_config=None)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hymio") as http:  # type: ignore[arg-type]
        yield http, services
