"""Terminals that press at a steady rate, whatever the server does, and clients that read all the while.

`python -m hymio.bench.steady PORT TOKENS.json PATH HEADER READERS EXPORTERS RATE SECONDS EPOCH`. Each of EXPORTERS
reads all pages from PATH on by their links, again and again; the presses last at least until all pages were read once.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from hymio.bench.client import upload
from hymio.clock import now

CONNECTIONS = 64
"""Connections of the terminals; a press waits where all of them wait for an answer."""

SETTLING_SECONDS = 1.0
"""How long the readers read before the first press."""

_LONGEST_ANSWER = 1 << 24
_NEXT = re.compile(rb'<([^>]+)>; rel="next"')


class Connection:
    """A kept connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> Connection:
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=_LONGEST_ANSWER))

    async def ask(self, request: bytes) -> tuple[bytes, bytes]:
        """Sends a request and reads its answer to the end: head and body. RuntimeError unless it is 200."""
        head, body = await self._exchange(request)
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode())
        return head, body

    async def ask_patiently(self, request: bytes) -> tuple[bytes, bytes]:
        """The same, and asks again a second after an answer 503, which a reader gets where too many read."""
        while True:
            head, body = await self._exchange(request)
            if head.startswith(b"HTTP/1.1 200"):
                return head, body
            if not head.startswith(b"HTTP/1.1 503"):
                raise RuntimeError(head.decode())
            await asyncio.sleep(1.0)

    async def _exchange(self, request: bytes) -> tuple[bytes, bytes]:
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        return head, await (self._reader.readexactly(int(length[1])) if length else self._chunks())

    async def _chunks(self) -> bytes:
        """A chunked body."""
        body = bytearray()
        while size := int(await self._reader.readuntil(b"\r\n"), 16):
            body += await self._reader.readexactly(size)
            await self._reader.readexactly(2)
        await self._reader.readexactly(2)
        return bytes(body)


@dataclass(slots=True)
class Count:
    """What the readers have read so far."""

    answers: int = 0
    rows: int = 0
    exports: int = 0


async def read(port: int, path: str, header: str, count: Count) -> None:
    """Reads the same again and again."""
    connection, request = await Connection.open(port), _get(path, header)
    while True:
        await connection.ask_patiently(request)
        count.answers += 1


async def export(port: int, path: str, header: str, count: Count) -> None:
    """Reads all pages of CSV from `path` on by their links, again and again."""
    connection = await Connection.open(port)
    while True:
        following = path
        while following:
            head, body = await connection.ask_patiently(_get(following, header))
            count.answers, count.rows = count.answers + 1, count.rows + body.count(b"\n") - 1
            link = _NEXT.search(head)
            following = _path_of(link[1].decode()) if link else ""
        count.exports += 1


def _get(path: str, header: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{header}\r\n\r\n".encode()


def _path_of(address: str) -> str:
    """The path and the query of an address."""
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}"


async def press(
    port: int, tokens: list[str], rate: float, lasts: Callable[[float], bool], epoch: int
) -> dict[str, float]:  # fmt: skip
    """Presses `rate` times a second for as long as `lasts` says of the seconds since the first press.

    Response times count from when a press was due.
    """
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await Connection.open(port))
    latencies, first = list[float](), now() - 3_600_000
    began = time.perf_counter()

    async def one(number: int, due: float) -> None:
        connection = await free.get()
        sequence, terminal = number // len(tokens) + 1, number % len(tokens)
        presses = [{"sequence": sequence, "at": first + sequence * 5_000, "button": number % 4}]
        await connection.ask(upload(tokens[terminal], epoch, presses))
        free.put_nowait(connection)
        latencies.append(time.perf_counter() - due)

    async with asyncio.TaskGroup() as group:
        for number in itertools.count():
            due = began + number / rate
            if not lasts(due - began):
                break
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(one(number, due))
    through = len(latencies) / (time.perf_counter() - began)
    latencies.sort()
    p50, p99 = latencies[len(latencies) // 2], latencies[len(latencies) * 99 // 100]
    return {"rate": through, "p50": p50 * 1000, "p99": p99 * 1000}


async def main(
    port: int, tokens: list[str], path: str, header: str, readers: int, exporters: int, rate: float, seconds: float,
    epoch: int,
) -> dict[str, float]:  # fmt: skip
    """Presses beside readers: presses a second (`rate`), response times in ms, and `reads` and `rows` a second."""
    count = Count()
    reading = [
        asyncio.create_task(client(port, path, header, count)) for client in [read] * readers + [export] * exporters
    ]
    await asyncio.sleep(SETTLING_SECONDS if reading else 0.0)
    before, rows, began = count.answers, count.rows, time.perf_counter()

    def lasts(since: float) -> bool:
        """Until the time is over, and an export if there is any."""
        for task in reading:
            if task.done():  # it failed
                task.result()
        return since < seconds or (exporters > 0 and not count.exports)

    pressed = await press(port, tokens, rate, lasts, epoch)
    taken = time.perf_counter() - began
    for task in reading:
        task.cancel()
    return pressed | {"reads": (count.answers - before) / taken, "rows": (count.rows - rows) / taken}


if __name__ == "__main__":
    tokens = json.loads(Path(sys.argv[2]).read_text())
    numbers = int(sys.argv[5]), int(sys.argv[6]), float(sys.argv[7]), float(sys.argv[8]), int(sys.argv[9])
    sys.stdout.write(json.dumps(asyncio.run(main(int(sys.argv[1]), tokens, sys.argv[3], sys.argv[4], *numbers))))
