"""What v1 publishes, piece by piece, without a server."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from hymio.api.v1 import rows
from hymio.feedback import Text
from hymio.period import zone
from hymio.results import FeedbackRow
from hymio.serving.answers import is_known
from hymio.serving.streams import ROWS_PER_CHUNK, enveloped
from tests.example import at

TEXTS = st.builds(
    Text,
    st.none() | st.text(),
    st.none() | st.floats(0, 1) | st.sampled_from([0.0, 1.0]),
    st.none() | st.booleans(),
)
INSTANTS = st.integers(at("1970-01-02T00:00:00+00:00"), at("2199-12-31T00:00:00+00:00"))
RAW_ROWS = st.builds(
    FeedbackRow,
    INSTANTS,
    st.integers(-12 * 60, 14 * 60),
    st.integers(0, 10),
    *(st.just(0) for _ in range(5)),
    ui=st.none(),
    assignment=st.just(1),
    answer=st.none() | TEXTS,
)


def published(row: FeedbackRow, utc: bool) -> rows.RawResult:
    """A row as the library would encode it."""
    ts = rows.timestamp(row.at, row.offset, utc)
    text = row.answer if isinstance(row.answer, Text) else Text()
    relevance, spam, written = (UNSET if value is None else value for value in (text.relevance, text.spam, text.text))
    return rows.RawResult(ts, row.button, relevance, spam, written)  # type: ignore[arg-type]  # told apart by their order


@given(RAW_ROWS, st.booleans())
def test_a_line_made_by_hand_is_what_the_library_would_write(row: FeedbackRow, utc: bool):
    line = rows.raw_line(row, utc)
    assert msgspec.json.decode(line) == msgspec.json.decode(msgspec.json.encode(published(row, utc)))
    assert msgspec.json.decode(line, type=rows.RawResult) == published(row, utc)


@pytest.mark.parametrize(
    "count", [0, 1, ROWS_PER_CHUNK - 1, ROWS_PER_CHUNK, ROWS_PER_CHUNK + 1, 2 * ROWS_PER_CHUNK, 5000]
)
def test_chunks_put_together_are_the_whole(count: int):
    chunks = list(enveloped(rows.Envelope(0, count, count), (f'{{"ts":"","r":{row}}}' for row in range(count))))
    assert msgspec.json.decode(b"".join(chunks)) == {
        "meta": {"offset": 0, "limit": count, "total": count},
        "data": [{"ts": "", "r": row} for row in range(count)],
    }
    assert max(map(len, chunks)) <= 64 << 10
    assert len(chunks) == count // ROWS_PER_CHUNK + 1


@given(INSTANTS, st.sampled_from(["Europe/Helsinki", "UTC", "Pacific/Chatham"]))
def test_an_end_that_is_not_decided_is_always_years_ahead(now: int, name: str):
    ahead = rows.far_end(zone(name), now) - now
    assert 2 * 365 * 86_400_000 < ahead <= (12 * 366 + 2) * 86_400_000


def test_an_end_that_is_not_decided_is_the_known_one():
    for now in ("2022-06-01T00:00:00+00:00", "2026-12-31T00:00:00+00:00"):
        assert rows.far_end(zone("Europe/Helsinki"), at(now)) == at("2030-01-02T00:00:00+02:00")
    assert rows.far_end(zone("UTC"), at("2028-01-01T00:00:00+00:00")) == at("2040-01-02T00:00:00+00:00")


@pytest.mark.parametrize(
    ("header", "known"),
    [
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ('"b","a"', True),
        ("*", True),
        ('"b"', False),
        ("", False),
        ("a", False),
    ],
)
def test_which_tags_are_known(header: str, known: bool):
    assert is_known('"a"', header) is known
