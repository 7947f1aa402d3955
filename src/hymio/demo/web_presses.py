"""Web presses of the example organization: random ones with follow-ups and texts, and ones loaded from a file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from hymio.demo.example import PAGE, SITE, WEB
from hymio.demo.mood import Moment
from hymio.demo.random_phases import web_phases
from hymio.errors import SetupError
from hymio.feedback import Followup, Phases, Press, Text, Upload, client_key
from hymio.period import Instant, parse_timestamp

REPLAYED_THROUGH = parse_timestamp("2023-01-01T06:00:00Z")
"""The end of 2022 in Chicago: the web smiley's reported-through instant after loading a file."""

_REPEATS = 0.06
_FOLLOWED, _WROTE, _SPAMMED = 0.7, 0.35, 0.2

_COMPLAINTS = (
    "I looked for the blue jacket in large for a week now.",
    "The search shows shoes when I ask for socks.",
    "No idea what shipping to Alaska costs before I pay.",
    "Photographs are too small to see the pattern.",
    "The size table is in centimetres only.",
    "Nobody answers the chat after five.",
    "It forgot my basket when I signed in.",
)
_PRAISE = (
    "Found it in a minute, thank you!",
    "Lovely pictures of the wool.",
    "The filter for width is just what I needed.",
    "Order arrived two days early.",
    "Wish every shop told the weight of a bag.",
)
_SPAM = ("asdf", "hello", "!!!!", "test", "👍👍👍👍")


def answers(moments: Iterable[Moment], random: Random, options: Sequence[int]) -> Iterator[Press]:
    """A web press for each moment; some visitors answer twice, some presses have a follow-up or a text."""
    visitor = b""
    for at, button in moments:
        if not visitor or random.random() >= _REPEATS:
            visitor = random.getrandbits(128).to_bytes(16, "big")
        option = options[int(random.random() * len(options))]
        followups = (Followup(option),) if _happens(button < 2, _FOLLOWED, random) else ()
        text = _text(button, random) if _happens(button != 2, _WROTE, random) else None
        key = client_key(_uuid7(at, random.getrandbits(74)))
        yield Press(*key, at, button, PAGE, visitor, *web_phases(at, button, followups, text))


def _happens(possible: bool, probability: float, random: Random) -> bool:
    """A random decision; draws a number even if it is not possible, so that later draws do not depend on it."""
    return random.random() < probability and possible


def _text(button: int, random: Random) -> Text:
    """A random text that fits the button, with relevance and spam mark."""
    spam = random.random() < _SPAMMED
    texts = _SPAM if spam else _COMPLAINTS if button < 2 else _PRAISE
    relevance = 0.03 + 0.3 * random.random() if spam else 0.5 + 0.49 * random.random()
    return Text(texts[int(random.random() * len(texts))], round(relevance, 8), spam)


def _uuid7(at: Instant, noise: int) -> UUID:
    """The UUID of version 7 with an instant (ms UTC) and 74 random bits."""
    return UUID(int=at << 80 | 7 << 76 | (noise >> 62) << 64 | 0b10 << 62 | noise & (1 << 62) - 1)


# --- presses from a file ----------------------------------------------------------------------------------------------


def beside_checkout() -> Path | None:
    """The path of a file with recorded presses next to the checkout, None if it does not exist."""
    file = Path(__file__).parents[4] / "shared" / "data" / "real-web-presses.json"
    return file if file.exists() else None


def replayed(file: Path | None = None) -> Upload:
    """The upload with the presses of a file: a JSON list of {ts, r, relevance?, spam?, text?}, the rows of API v1.

    The default is the sample in the package. UUIDs are hashes of the rows, so loading a file again makes duplicates
    only. SetupError if the file cannot be read.
    """
    source = file or files("hymio") / "samples" / "web-presses.json"
    try:
        rows = json.loads(source.read_text(encoding="utf-8"))
        if not isinstance(rows, list):
            raise TypeError("a list is needed")
        presses = tuple(_press(row) for row in rows)
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise SetupError(
            "no-web-presses", "{file} is not a file of web presses: {cause}", file=source, cause=error
        ) from error
    return Upload(WEB.smiley, presses, reported_through=REPLAYED_THROUGH)


def _press(row: dict[str, Any]) -> Press:
    """The press of a row, with a UUID made from its hash."""
    at = parse_timestamp(row["ts"])
    digest = hashlib.sha256(f"{row['ts']} {row['r']}".encode()).digest()
    key = client_key(_uuid7(at, int.from_bytes(digest, "big") >> 256 - 74))
    text = {name: row[name] for name in ("text", "relevance", "spam") if name in row}
    return Press(*key, at, int(row["r"]), SITE, phases=Phases(text=Text(**text)) if text else None)
