"""Yardsticks of `hymio bench`: bare SQL statements and the engines' own tools."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from hymio.feedback import Upload
from hymio.period import HOUR_MS, Instant
from hymio.store import Store, schema
from hymio.store.dialect.engine_tools import (
    HOURS_OF_POINT,
    bulk_writer,
    csv_by_engine,
    database_bytes,
    database_file,
    scratch_database,
)
from hymio.store.export import csv_lines

__all__ = [
    "HOURS_OF_POINT", "Commit", "bare_loop", "count_from_rows", "database_bytes", "database_file", "raw_csv_by_engine",
    "scratch_database", "sum_group_hours_by_engine", "sum_point_hours_by_engine",
]  # fmt: skip

Commit = Callable[[Sequence[Upload]], None]

_FIRST_ORGANIZATION: Final = "FROM feedback WHERE organization_id = 1"


@contextmanager
def bare_loop(url: str) -> Iterator[Commit]:
    """Stores the rows of uploads, a commit a call, and nothing else: same table, indexes and durability."""
    with bulk_writer(url, schema.feedback) as write:

        def commit(batch: Sequence[Upload]) -> None:
            write(
                [
                    (1, upload.smiley, *press[:3], 120, 0, press.button, 0, 0, upload.smiley, 0, 1, None)
                    for upload in batch
                    for press in upload.presses
                ]
            )

        yield commit


def raw_csv_by_engine(url: str) -> tuple[str, float]:
    """All raw results as CSV by the engine's own tool: its name, and how many seconds it took."""
    return csv_by_engine(url, csv_lines(_FIRST_ORGANIZATION))


def count_from_rows(store: Store, organization: int, assignment: int, hour: Instant) -> None:
    """Counts an hour of an assignment from its rows, as would be needed without stored differences."""
    with store.read() as transaction:
        transaction.rows(
            """SELECT verdict, button, count(*) FROM feedback WHERE organization_id = :o
            AND assignment_id = :assignment AND at >= :start AND at < :stop GROUP BY verdict, button""",
            o=organization,
            assignment=assignment,
            start=hour,
            stop=hour + HOUR_MS,
        )


def sum_group_hours_by_engine(store: Store, organization: int, node: int, survey: int) -> None:
    """Reads the counted presses of a group by local hour in one statement, and makes nothing of them."""
    _sum_hours(store, "group_hour", "node_id = :node AND survey_id = :survey", o=organization, node=node, survey=survey)


def sum_point_hours_by_engine(store: Store, organization: int, assignment: int) -> None:
    """Reads the counted presses of a survey at a point by local hour in one statement, and makes nothing of them."""
    _sum_hours(store, "assignment_hour", "assignment_id = :assignment", o=organization, assignment=assignment)


def _sum_hours(store: Store, table: str, subject: str, **values: int) -> None:
    sums = ", ".join(f"sum(c{button})" for button in range(4))
    with store.read() as transaction:
        transaction.rows(
            f"""SELECT local_hour, max(revision), {sums} FROM {table}
            WHERE organization_id = :o AND {subject} AND verdict = 0 GROUP BY 1""",
            **values,
        )
