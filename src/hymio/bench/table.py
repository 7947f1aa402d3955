"""The table that `hymio bench` prints: rows under headings, numbers aligned."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich.table import Table

from hymio.bench.figure import Figure


def as_table(figures: Sequence[Figure], headings: Sequence[str]) -> Table:
    """The figures under `headings`, in their order, with the target and whether it is met."""
    table = Table("", box=None, header_style="bold", pad_edge=False)
    table.columns[0].no_wrap = True
    table.add_column("measured", justify="right", no_wrap=True)
    table.add_column("compared with")
    for title in ("ratio", "target", ""):
        table.add_column(title, justify="right", no_wrap=True)
    order = {heading: number for number, heading in enumerate(headings)}
    in_order = sorted(figures, key=lambda figure: order.get(figure.group, -1))
    for number, (heading, rows) in enumerate(groupby(in_order, key=lambda figure: figure.group)):
        if number:
            table.add_row()
        if heading:
            table.add_row(f"[bold]{heading}[/]")
        for figure in rows:
            table.add_row(*_cells(figure))
    return table


def _cells(figure: Figure) -> tuple[str, ...]:
    met = "" if figure.met is None else "[green]met[/]" if figure.met else "[red]missed[/]"
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
    return figure.what, figure.measured, figure.compared, ratio, figure.reach, met
