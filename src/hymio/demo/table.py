"""The last hours as people read them: hourly result beside raw, misuse by reason, and whether the hour is complete."""

from __future__ import annotations

from rich import box
from rich.markup import escape
from rich.table import Table

from hymio.period import HOUR_MS, Instant, InstantRange, format_offset, wall_of
from hymio.results import OfAssignment, Reconciled, reconcile
from hymio.setup import Setup
from hymio.store import Store

_COMFORTABLE = 95
"""Columns of the screen from which there is room between those of the table; it fits into 80."""

_COLOURS = ("red", "dark_orange", "yellow", "green_yellow", "green")


def last_hours(store: Store, organization: int, now: Instant, hours: int, width: int = 100) -> Table:
    """A table of the hours from `hours` before the present one on, for every survey that has some."""
    setup = store.setup(organization)
    within = InstantRange((now // HOUR_MS - hours) * HOUR_MS, now + HOUR_MS)
    shown = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, int(width >= _COMFORTABLE), 0, 0), header_style="bold"
    )
    shown.add_column("point", no_wrap=True)
    shown.add_column("there", no_wrap=True)
    shown.add_column("hourly result", no_wrap=True)
    shown.add_column("counted", justify="right", no_wrap=True)
    shown.add_column("misuse left out", style="dim", min_width=11)
    shown.add_column("raw", justify="right", no_wrap=True)
    shown.add_column("complete", no_wrap=True)
    for assignment in setup.assignments.values():
        found = reconcile(store, organization, OfAssignment(assignment.id), within, now)
        for number, each in enumerate(found):
            shown.add_row(_beside(setup, assignment.node, number, each), *_row(setup, assignment.node, each))
    return shown


def _beside(setup: Setup, node: int, row: int, hour: Reconciled) -> str:
    """The point's name beside its first hour, how far its clock is from UTC beside the second."""
    if row == 0:
        return escape(setup.hierarchy.nodes[node].name)
    return f"[dim]{format_offset(hour.bucket.offset)}[/]" if row == 1 else ""


def _row(setup: Setup, node: int, hour: Reconciled) -> list[str]:
    bucket = hour.bucket
    there = wall_of(bucket.starts_at, setup.zone_of(node, bucket.starts_at))
    return [
        f"{there:%H:%M}",
        _coloured(bucket.counted),
        str(sum(bucket.counted)),
        ", ".join(f"{sum(counts)} {verdict.label}" for verdict, counts in bucket.misuse.items()),
        str(sum(bucket.raw)),
        "[green]yes[/]" if hour.complete else "[dim]not yet[/]",
    ]


def _coloured(counts: tuple[int, ...]) -> str:
    last, width = len(counts) - 1, 2 if len(counts) <= 5 else 1
    return " ".join(f"[{_COLOURS[button * 4 // last]}]{count:{width}}[/]" for button, count in enumerate(counts))
