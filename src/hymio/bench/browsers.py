"""Browsers that press a web smiley, each press a message of its own.

`python -m hymio.bench.browsers PORT CODE SURVEY CLIENTS PRESSES`, and seconds between an answer and the next message.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from uuid import uuid4

from hymio.bench.client import press
from hymio.clock import now


def messages(code: str, survey: int, count: int) -> Iterator[bytes]:
    """`count` presses as raw HTTP requests, as the script of a page sends them."""
    for number in range(count):
        at = now()
        message = {
            "smiley": code, "id": str(uuid4()), "button": number % 4, "survey": survey, "at": at, "clock": at,
            "dwell": 900, "ui": "digital",
        }  # fmt: skip
        body = json.dumps(message).encode()
        head = (
            "POST /w/press HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\nOrigin: https://shop.example\r\n"
            f"User-Agent: Browser {number}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        yield head.encode() + body


async def main(port: int, code: str, survey: int, clients: int, count: int, pause: float = 0.0) -> dict[str, float]:
    """Sends `count` presses over `clients` connections, each with a pause in seconds before its next message.

    Returns committed presses per second (`rate`) and the median and 99th percentile of response times in ms.
    """
    pending, latencies = messages(code, survey, count), list[float]()
    began = time.perf_counter()
    await asyncio.gather(*(press(port, pending, latencies, pause) for _ in range(clients)))
    rate = len(latencies) / (time.perf_counter() - began)
    latencies.sort()
    p50, p99 = latencies[len(latencies) // 2], latencies[len(latencies) * 99 // 100]
    return {"rate": rate, "p50": p50 * 1000, "p99": p99 * 1000}


if __name__ == "__main__":
    port, code, survey, clients, count, *pause = sys.argv[1:]
    figures = asyncio.run(main(int(port), code, int(survey), int(clients), int(count), *map(float, pause)))
    sys.stdout.write(json.dumps(figures))
