"""Terminals that work beside thousands of clients that do not: `python -m hymio.bench.crowd PORT TOKENS.json …`.

The further arguments are how many clients are idle, how many are slow, and how many presses each terminal sends.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from hymio.bench.client import upload
from hymio.clock import now

AGAIN_SECONDS = 0.5
"""How long an idle or slow client waits before it connects again, and a slow one before its next byte."""

SPARE_FILES = 200
"""Open files besides one for each client."""


class Answer(NamedTuple):
    """An answer to a terminal: its status, and the seconds that it took."""

    status: int
    seconds: float


async def answers(port: int, tokens: list[str], idle: int, slow: int, presses: int) -> list[Answer]:
    """The answers to terminals that keep one connection each, while so many others connect again and again.

    A terminal sends its next press once its share of half of the others has come. IncompleteReadError where the server
    closes the connection of a terminal.
    """
    came = asyncio.Semaphore(0)
    others = [asyncio.create_task(_idle(port, came)) for _ in range(idle)]
    others += [asyncio.create_task(_slow(port, came)) for _ in range(slow)]
    share = (idle + slow) // (2 * len(tokens) * presses)
    made = await asyncio.gather(*(_work(port, token, presses, share, came) for token in tokens))
    for other in others:
        other.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    return [answer for of_terminal in made for answer in of_terminal]


async def _idle(port: int, came: asyncio.Semaphore) -> None:
    """A client that sends nothing, and connects again when it is disconnected."""
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            came.release()
            await reader.read()
            writer.close()
        await asyncio.sleep(AGAIN_SECONDS)


async def _slow(port: int, came: asyncio.Semaphore) -> None:
    """A client that sends a header a byte at a time, and connects again when it is disconnected."""
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            came.release()
            writer.write(b"GET /health HTTP/1.1\r\nHost: x\r\nX: ")
            while not reader.at_eof():
                writer.write(b"x")
                with suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(1000), AGAIN_SECONDS)
            writer.close()
        await asyncio.sleep(AGAIN_SECONDS)


async def _work(port: int, token: str, presses: int, share: int, came: asyncio.Semaphore) -> list[Answer]:
    """A terminal that sends presses over one connection, the first before the others come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    start = now() - 3_600_000
    made = []
    for sequence in range(1, presses + 1):
        began = time.perf_counter()
        writer.write(upload(token, 1, [{"sequence": sequence, "at": start + sequence * 10_000, "button": 1}]))
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
        made.append(Answer(int(head.split()[1]), time.perf_counter() - began))
        for _ in range(share):
            await came.acquire()
    writer.close()
    return made


def allow_open_files(clients: int) -> bool:
    """Has this process open a file for each client; whether its account may."""
    try:
        import resource  # noqa: PLC0415  no module of Windows, which has no such limit
    except ImportError:
        return True
    needed = clients + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        return False
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    return True


def main(port: int, tokens: list[str], idle: int, slow: int, presses: int) -> dict[str, float]:
    """The median and 99th percentile of the answers to terminals in ms; RuntimeError if one was not 200."""
    if not allow_open_files(idle + slow + len(tokens)):
        raise RuntimeError("this account may not open enough files (ulimit -n)")
    made = asyncio.run(answers(port, tokens, idle, slow, presses))
    if any(answer.status != 200 for answer in made):
        raise RuntimeError("a terminal was refused")
    seconds = sorted(answer.seconds for answer in made)
    return {"p50": seconds[len(seconds) // 2] * 1000, "p99": seconds[len(seconds) * 99 // 100] * 1000}


if __name__ == "__main__":
    figures = main(int(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()), *map(int, sys.argv[3:]))
    sys.stdout.write(json.dumps(figures))
