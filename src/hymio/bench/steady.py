"""Terminals that press at a steady rate, whatever the server does, and clients that read all the while.

`python -m hymio.bench.steady PORT TOKENS.json PATH AUTHORIZATION READERS RATE SECONDS EPOCH`
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from pathlib import Path

from hymio.bench.client import upload
from hymio.clock import now

CONNECTIONS = 64
"""Connections of the terminals; a press waits where all of them wait for an answer."""

SETTLING_SECONDS = 1.0
"""How long the readers read before the first press."""

_LONGEST_ANSWER = 1 << 24


class Connection:
    """A kept connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> Connection:
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=_LONGEST_ANSWER))

    async def ask(self, request: bytes) -> None:
        """Sends a request and reads its answer to the end. RuntimeError unless it is 200."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode())
        await self._reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))


async def read(port: int, request: bytes, counts: list[int]) -> None:
    """Reads the same again and again; adds 1 to the count for each answer."""
    connection = await Connection.open(port)
    while True:
        await connection.ask(request)
        counts[0] += 1


async def press(port: int, tokens: list[str], rate: float, seconds: float, epoch: int) -> dict[str, float]:
    """Presses `rate` times a second; response times count from when a press was due."""
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await Connection.open(port))
    latencies, first = list[float](), now() - 3_600_000
    began = time.perf_counter()

    async def one(number: int, due: float) -> None:
        connection = await free.get()
        sequence, terminal = number // len(tokens) + 1, number % len(tokens)
        presses = [{"sequence": sequence, "at": first + sequence * 10_000, "button": number % 4}]
        await connection.ask(upload(tokens[terminal], epoch, presses))
        free.put_nowait(connection)
        latencies.append(time.perf_counter() - due)

    async with asyncio.TaskGroup() as group:
        for number in itertools.count():
            due = began + number / rate
            if due >= began + seconds:
                break
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(one(number, due))
    through = len(latencies) / (time.perf_counter() - began)
    latencies.sort()
    p50, p99 = latencies[len(latencies) // 2], latencies[len(latencies) * 99 // 100]
    return {"rate": through, "p50": p50 * 1000, "p99": p99 * 1000}


async def main(
    port: int, tokens: list[str], request: bytes, readers: int, rate: float, seconds: float, epoch: int
) -> dict[str, float]:  # fmt: skip
    """Presses beside readers: presses a second, response times in ms, and answers that were read a second (`reads`)."""
    counts = [0]
    reading = [asyncio.create_task(read(port, request, counts)) for _ in range(readers)]
    await asyncio.sleep(SETTLING_SECONDS if readers else 0.0)
    before, began = counts[0], time.perf_counter()
    pressed = await press(port, tokens, rate, seconds, epoch)
    pressed["reads"] = (counts[0] - before) / (time.perf_counter() - began)
    for task in reading:
        task.cancel()
    return pressed


if __name__ == "__main__":
    tokens = json.loads(Path(sys.argv[2]).read_text())
    head = f"GET {sys.argv[3]} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {sys.argv[4]}\r\n\r\n".encode()
    numbers = int(sys.argv[5]), float(sys.argv[6]), float(sys.argv[7]), int(sys.argv[8])
    sys.stdout.write(json.dumps(asyncio.run(main(int(sys.argv[1]), tokens, head, *numbers))))
