"""Raw results as CSV, written in the engine: no row becomes a Python object."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import Final

from hymio.feedback import Accuracy, Verdict, is_raw
from hymio.period import Instant
from hymio.store.dialect import CSV_ROWS, CsvLines, RowRange, Transaction
from hymio.store.hours import raw_verdicts
from hymio.store.rows import bound, presses, stored_under

__all__ = ["CSV_ROWS", "HEADER", "RowRange", "csv_chunks", "csv_lines"]

HEADER: Final = b"time,button,accuracy,verdict,smiley,epoch,sequence\n"


def csv_chunks(
    transaction: Transaction,
    organization: int,
    assignments: Sequence[int],
    start: Instant,
    end: Instant,
    parts: Iterable[RowRange],
) -> Generator[bytes]:
    """Raw results in [start, end) as lines of CSV, in order of instant, then key, in chunks of whole lines.

    The columns are HEADER's: local time with milliseconds and offset, button index, accuracy and verdict by their
    labels, and the key. `parts` are the range, in order, in parts whose rows fit in memory. In bounded memory, as
    `Transaction.csv_chunks` says.
    """
    source = f"FROM {presses(transaction)} WHERE {stored_under(transaction, assignments)}"
    values = bound(transaction, organization, assignments)
    return transaction.csv_chunks(csv_lines(source), start, end, parts, **values)


def csv_lines(source: str) -> CsvLines:
    """The lines of presses from a source, a statement from FROM on."""
    columns = ("button", _label("accuracy", Accuracy), _label("verdict", Verdict), "smiley_id", "epoch", "sequence")
    condition = raw_verdicts("verdict", misuse=True)
    return CsvLines("at", "utc_offset", columns, source, condition, "at, smiley_id, epoch, sequence")


def _label(column: str, kind: type[Accuracy] | type[Verdict]) -> str:
    names = " ".join(f"WHEN {int(value)} THEN '{value.label}'" for value in kind if is_raw(value))
    return f"CASE {column} {names} END"
