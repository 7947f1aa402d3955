"""The table that `hymio bench` prints: rows under headings, numbers aligned."""

from __future__ import annotations

from itertools import groupby

from rich.table import Table

from hymio.bench.figure import Figure


def as_table(figures: list[Figure]) -> Table:
    """The figures in order of their headings' first rows, with the target and whether it is met."""
    table = Table("", box=None, header_style="bold", pad_edge=False)
    table.add_column("measured", justify="right")
    table.add_column("compared with")
    for title in ("ratio", "reach", ""):
        table.add_column(title, justify="right", no_wrap=True)
    order = list(dict.fromkeys(figure.group for figure in figures))
    in_groups = sorted(figures, key=lambda figure: order.index(figure.group))
    for number, (heading, rows) in enumerate(groupby(in_groups, key=lambda figure: figure.group)):
        if heading:
            if number:
                table.add_row()
            table.add_row(f"[bold]{heading}[/]")
        for figure in rows:
            table.add_row(*_cells(figure))
    return table


def _cells(figure: Figure) -> tuple[str, ...]:
    met = "" if figure.met is None else "[green]met[/]" if figure.met else "[red]missed[/]"
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
    return figure.what, figure.measured, figure.compared, ratio, figure.reach, met
