"""Clients that upload thousands of presses at a time, and others beside them that send single ones.

`python -m hymio.bench.senders PORT TOKENS.json EPOCH SENDERS UPLOADS PRESSES OTHERS`
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from hymio.bench.client import press, upload
from hymio.clock import now

GAP_MS = 10_000
"""Between two presses of a terminal."""

PAUSE_SECONDS = 0.1
"""Between a response to one of the others and its next request."""


def large(token: str, epoch: int, uploads: int, presses: int) -> Iterator[bytes]:
    """`uploads` requests of one terminal, each with so many presses, all in the past; epochs do not overlap in time."""
    start = now() - epoch * uploads * presses * GAP_MS
    for first in range(1, uploads * presses, presses):
        numbers = range(first, first + presses)
        yield upload(token, epoch, [{"sequence": n, "at": start + (n - 1) * GAP_MS, "button": n % 4} for n in numbers])


def single(token: str, epoch: int) -> Iterator[bytes]:
    """Requests of one terminal with one press each, without end."""
    sequence, start = 0, now() - 3_600_000
    while True:
        sequence += 1
        yield upload(token, epoch, [{"sequence": sequence, "at": start + sequence * 6_000, "button": sequence % 4}])


async def main(
    port: int, tokens: list[str], epoch: int, senders: int, uploads: int, presses: int, others: int
) -> dict[str, float]:
    """Has `senders` terminals upload, and `others` beside them until the last of these uploads is acknowledged.

    Returns acknowledged presses of the senders per second (`rate`) and, unless there are no others, the median and 99th
    percentile of the others' response times in ms.
    """
    requests = [list(large(token, epoch, uploads, presses)) for token in tokens[:senders]]
    latencies = list[float]()
    beside = [
        asyncio.create_task(press(port, single(token, epoch), latencies, PAUSE_SECONDS))
        for token in tokens[senders : senders + others]
    ]
    began = time.perf_counter()
    await asyncio.gather(*(press(port, iter(pending), []) for pending in requests))
    rate = senders * uploads * presses / (time.perf_counter() - began)
    for terminal in beside:
        if terminal.done():  # it failed
            terminal.result()
        terminal.cancel()
    if not latencies:
        return {"rate": rate}
    latencies.sort()
    p50, p99 = latencies[len(latencies) // 2], latencies[len(latencies) * 99 // 100]
    return {"rate": rate, "p50": p50 * 1000, "p99": p99 * 1000}


if __name__ == "__main__":
    figures = asyncio.run(main(int(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()), *map(int, sys.argv[3:])))
    sys.stdout.write(json.dumps(figures))
