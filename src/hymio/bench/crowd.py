"""Idle and slow clients, which connect again whenever they are disconnected.

`python -m hymio.bench.crowd PORT IDLE SLOW`, until it is ended.
"""

from __future__ import annotations

import asyncio
import random
import sys
from contextlib import suppress

AGAIN_SECONDS, BYTE_SECONDS = 2.0, 1.0
"""How long a client waits before it connects again, on average, and a slow one before its next byte."""

SPARE_FILES = 200
"""Open files besides one for each client."""


async def crowd(port: int, idle: int, slow: int, came: asyncio.Semaphore) -> None:
    """Connects so many clients, again and again, until it is cancelled; `came` is released at each connection."""
    await asyncio.gather(
        *(_idle(port, came) for _ in range(idle)),
        *(_slow(port, came) for _ in range(slow)),
    )


async def _idle(port: int, came: asyncio.Semaphore) -> None:
    """A client that sends nothing, and connects again when it is disconnected."""
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            came.release()
            await reader.read()
            writer.close()
        await asyncio.sleep(_again())


def _again() -> float:
    """Seconds until a client connects again; not the same of all, as they would otherwise come together."""
    return AGAIN_SECONDS * random.uniform(0.5, 1.5)  # noqa: S311  not secret


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
                    await asyncio.wait_for(reader.read(1000), BYTE_SECONDS)
            writer.close()
        await asyncio.sleep(_again())


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


async def main(port: int, idle: int, slow: int) -> None:
    """A crowd; prints a line once half of it has come."""
    came = asyncio.Semaphore(0)
    clients = asyncio.create_task(crowd(port, idle, slow, came))
    for _ in range((idle + slow) // 2):
        await came.acquire()
    sys.stdout.write("half\n")
    sys.stdout.flush()
    await clients


if __name__ == "__main__":
    if not allow_open_files(int(sys.argv[2]) + int(sys.argv[3])):
        sys.exit("this account may not open enough files (ulimit -n)")
    asyncio.run(main(*map(int, sys.argv[1:])))
