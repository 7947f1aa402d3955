"""An HTTP client with many keep-alive connections.

`python -m hymio.bench.client PORT TOKENS.json CLIENTS PRESSES EPOCH`, and seconds between an answer and the next
request.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from hymio.clock import now
from hymio.period import HOUR_MS

EPOCH = 20_250_101
HOURS = 24


async def press(port: int, pending: Iterator[bytes], latencies: list[float], pause: float = 0.0) -> int:
    """Sends requests one after the other over one connection; appends the response time of each, in seconds.

    `pause` is how many seconds it waits between a response and the next request. Returns the bytes of the last body.
    """
    size = 0
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in pending:
        began = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode())
        size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(size)
        latencies.append(time.perf_counter() - began)
        if pause:
            await asyncio.sleep(pause)
    writer.close()
    return size


def requests(tokens: list[str], count: int, epoch: int = EPOCH) -> Iterator[bytes]:
    """`count` uploads of one press each, as raw HTTP requests, for the terminals in turn.

    Those of consecutive epochs are an hour apart, so that none is judged beside presses of an epoch before.
    """
    start = now() - (1 + epoch % HOURS) * HOUR_MS
    for n in range(count):
        sequence, terminal = n // len(tokens) + 1, n % len(tokens)
        presses = [{"sequence": sequence, "at": start + sequence * 10_000, "button": n % 4}]
        yield upload(tokens[terminal], epoch, presses)


def upload(token: str, epoch: int, presses: list[dict[str, int]]) -> bytes:
    """An upload as a raw HTTP request."""
    body = json.dumps({"epoch": epoch, "presses": presses}).encode()
    head = (
        "POST /terminal/v1/uploads HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def send_all(port: int, pending: Iterator[bytes], clients: int, pause: float = 0.0) -> dict[str, float]:
    """Sends requests of one press each over `clients` connections, each with a pause in seconds before its next one.

    Returns acknowledged presses per second (`rate`), the median and 99th percentile of response times in ms, and the
    bytes of the longest last body (`size`).
    """
    latencies = list[float]()
    began = time.perf_counter()
    sizes = await asyncio.gather(*(press(port, pending, latencies, pause) for _ in range(clients)))
    rate = len(latencies) / (time.perf_counter() - began)
    latencies.sort()
    p50, p99 = latencies[len(latencies) // 2], latencies[len(latencies) * 99 // 100]
    return {"rate": rate, "p50": p50 * 1000, "p99": p99 * 1000, "size": max(sizes)}


if __name__ == "__main__":
    port, tokens, clients, count, epoch, *pause = sys.argv[1:]
    pending = requests(json.loads(Path(tokens).read_text()), int(count), int(epoch))
    figures = asyncio.run(send_all(int(port), pending, int(clients), *map(float, pause)))
    sys.stdout.write(json.dumps(figures))
