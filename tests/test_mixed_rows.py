"""Rows whose values have several types in one column are stored alike by every engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum, StrEnum
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Column, Float, LargeBinary, MetaData, SmallInteger, Table, Text

from hymio import intake
from hymio.access import operator
from hymio.errors import Phrase
from hymio.feedback import Phases, Press, Receipt, Upload, client_key
from hymio.feedback import Text as OpenText
from hymio.results import OfAssignment, raw
from hymio.store import Store
from hymio.store.dialect import Transaction
from tests.test_laws import law, opened
from tests.world import NOW, build

mixed = Table(
    "mixed",
    MetaData(),
    Column("id", BigInteger, primary_key=True),
    Column("number", BigInteger),
    Column("small", SmallInteger),
    Column("real", Float),
    Column("words", Text),
    Column("bytes", LargeBinary),
    prefixes=["TEMPORARY"],
)


class Color(IntEnum):
    """Integers with names."""

    RED = 3


class Word(StrEnum):
    """Texts with names."""

    HELLO = "hello"


def whole(bits: int) -> st.SearchStrategy[int | None]:
    return st.none() | st.booleans() | st.just(Color.RED) | st.integers(-(1 << bits - 1), (1 << bits - 1) - 1)


storable = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=5)
words = st.none() | storable | st.just(Word.HELLO) | storable.map(lambda text: Phrase("{text}", text=text))
reals = st.none() | st.integers(-1000, 1000) | st.booleans() | st.floats(allow_nan=False)
blobs: st.SearchStrategy[object] = st.none() | st.binary(max_size=3) | st.binary(max_size=3).map(bytearray)
lines = st.lists(st.tuples(whole(64), whole(16), reals, words, blobs), max_size=8)


@contextmanager
def table(store: Store) -> Iterator[Transaction]:
    """A transaction with an empty table."""
    with store.write() as transaction:
        mixed.create(transaction.core)
        yield transaction
        mixed.drop(transaction.core)


def plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    kinds = (int, int, int, float, str, bytes)
    return tuple(None if value is None else kind(value) for kind, value in zip(kinds, row, strict=True))


@given(lines)
def test_what_is_inserted_is_read(shared_database_url: str, values: list[tuple[Any, ...]]) -> None:
    rows = [(number, *line) for number, line in enumerate(values)]
    with table(opened(shared_database_url)) as transaction:
        transaction.insert(mixed, rows)
        assert transaction.rows("SELECT * FROM mixed ORDER BY id") == [plain(row) for row in rows]


@given(
    st.lists(whole(64).filter(lambda number: number is not None), max_size=5), st.lists(st.tuples(whole(8), whole(8)))
)
def test_lists_may_be_bound_whatever_integers_they_hold(
    shared_database_url: str, numbers: list[int], pairs: list[tuple[int | None, int | None]]
) -> None:
    both = [(one, other) for one, other in pairs if one is not None and other is not None]
    with opened(shared_database_url).read() as transaction:
        listed = transaction.list_table("numbers", "number")
        found = transaction.rows(f"SELECT number FROM {listed} AS n", numbers=transaction.among(numbers))
        assert sorted(found) == sorted((int(number),) for number in numbers)
        paired = transaction.pair_table("pairs", ("one", "other"))
        found = transaction.rows(f"SELECT one, other FROM {paired} AS p", **transaction.pairs("pairs", both))
        assert sorted(found) == sorted((int(one), int(other)) for one, other in both)


@law
@given(st.lists(st.sampled_from([None, 0, 1, 0.5, 1.0]), min_size=1, max_size=8))
def test_texts_may_be_relevant_by_whole_numbers_and_by_others(
    shared_database_url: str, relevances: list[float | None]
) -> None:
    """As the presses of a web smiley are in a published file: 1 beside 0.83."""
    store = opened(shared_database_url)
    world = build(store)
    presses = tuple(
        Press(*client_key(uuid_of(number)), 1_750_000_000_000 + number * 60_000, 0, survey=world.surveys[1],
              phases=Phases(text=OpenText("Cold soup", relevance)))
        for number, relevance in enumerate(relevances)
    )  # fmt: skip
    (receipt,) = intake.record(store, world.organization, [Upload(world.smileys[3], presses)], NOW)
    assert isinstance(receipt, Receipt)
    subject = OfAssignment(world.assignments[2])
    with raw(store, operator(world.organization), subject) as found:
        assert [row.answer.relevance for row in found.rows if isinstance(row.answer, OpenText)] == relevances


def uuid_of(number: int) -> Any:
    from uuid import UUID

    return UUID(int=(number + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 128), version=4)
