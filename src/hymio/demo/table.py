"""The last hours as people read them: hourly result beside raw, misuse by reason, and whether the hour is complete."""

from __future__ import annotations

from textwrap import wrap

from rich import box
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from hymio.access import operator
from hymio.period import HOUR_MS, Instant, InstantRange, format_offset, wall_of
from hymio.results import OfAssignment, Reconciled, reconcile
from hymio.setup import Layout
from hymio.store import Store

_COMFORTABLE = 95
"""Columns of the screen from which there is room between those of the table; below, shorter words fit it into 80."""

_AROUND = 4
"""Lines of the table that are no rows."""

_LEGEND = (
    "there: the hour on the clocks of the point, and below it how far these are from UTC",
    "hourly result: presses of each button without misuse, from the most negative to the most positive",
    "misuse: presses that a rule leaves out (interval, burst, closed); raw: all presses",
    "complete: every smiley of the point has reported the whole hour",
)

_COLOURS = ("red", "dark_orange", "yellow", "green_yellow", "green")


def last_hours(
    store: Store, organization: int, now: Instant, hours: int, width: int = 100, height: int | None = None
) -> Table:
    """A table of the hours from `hours` before the present one on, for every survey that has some.

    Where it would be higher than `height`, it shows the points that changed last.
    """
    layout = store.layout(organization)
    within = InstantRange((now // HOUR_MS - hours) * HOUR_MS, now + HOUR_MS)
    found = {
        each.id: rows
        for each in layout.assignments.values()
        if (rows := reconcile(store, operator(organization), OfAssignment(each.id), within, now))
    }
    narrow = width < _COMFORTABLE
    shown = _empty(narrow=narrow)
    for assignment in found if height is None else _changed_last(found, height - _AROUND):
        node = layout.assignments[assignment].node
        for number, each in enumerate(found[assignment]):
            shown.add_row(_beside(layout, node, number, each), *_row(layout, node, each, narrow=narrow))
    return shown


def legend(width: int) -> Text:
    """What the columns of the table say, in lines that fit the screen."""
    shown = Text("\n".join(line for text in _LEGEND for line in wrap(text, width)), style="dim")
    shown.highlight_regex("^(there|hourly result|counted|misuse|raw|complete):", "bold")
    return shown


def _empty(*, narrow: bool) -> Table:
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, int(not narrow), 0, 0), header_style="bold")
    shown.add_column("point", no_wrap=True)
    shown.add_column("there", no_wrap=True)
    shown.add_column("hourly result", no_wrap=True)
    shown.add_column("sum" if narrow else "counted", justify="right", no_wrap=True)
    shown.add_column("misuse", style="dim", min_width=11)
    shown.add_column("raw", justify="right", no_wrap=True)
    shown.add_column("full" if narrow else "complete", no_wrap=True)
    return shown


def _changed_last(found: dict[int, tuple[Reconciled, ...]], rows: int) -> list[int]:
    """The assignments that changed last, as many as have room in so many rows, in the order in which all stand."""
    chosen: set[int] = set()
    for assignment in sorted(found, key=lambda each: -max(hour.bucket.revision for hour in found[each])):
        rows -= len(found[assignment])
        if rows < 0:
            break
        chosen.add(assignment)
    return [each for each in found if each in chosen]


def _beside(layout: Layout, node: int, row: int, hour: Reconciled) -> str:
    """The point's name beside its first hour, how far its clock is from UTC beside the second."""
    if row == 0:
        return escape(layout.hierarchy.nodes[node].name)
    return f"[dim]{format_offset(hour.bucket.offset)}[/]" if row == 1 else ""


def _row(layout: Layout, node: int, hour: Reconciled, *, narrow: bool) -> list[str]:
    bucket = hour.bucket
    there = wall_of(bucket.starts_at, layout.zone_of(node, bucket.starts_at))
    return [
        f"{there:%H:%M}",
        _coloured(bucket.counted),
        str(sum(bucket.counted)),
        ", ".join(f"{sum(counts)} {verdict.label}" for verdict, counts in bucket.misuse.items()),
        str(sum(bucket.raw)),
        "[green]yes[/]" if hour.complete else f"[dim]{'no' if narrow else 'not yet'}[/]",
    ]


def _coloured(counts: tuple[int, ...]) -> str:
    last, width = len(counts) - 1, 2 if len(counts) <= 5 else 1
    return " ".join(f"[{_COLOURS[button * 4 // last]}]{count:{width}}[/]" for button, count in enumerate(counts))
