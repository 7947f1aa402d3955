"""Browsers that press a web smiley, each press a message of its own.

`python -m hymio.bench.browsers PORT CODE SURVEY CLIENTS PRESSES`, and seconds between an answer and the next message.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from uuid import uuid4

from hymio.bench.client import send_all
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


if __name__ == "__main__":
    port, code, survey, clients, count, *pause = sys.argv[1:]
    pending = messages(code, int(survey), int(count))
    figures = asyncio.run(send_all(int(port), pending, int(clients), *map(float, pause)))
    sys.stdout.write(json.dumps(figures))
