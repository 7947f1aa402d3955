"""Charts of a report: each one a frozen value with its words and its table, and one renderer to SVG.

A chart is made for a width in pixels, so that its letters keep their size: make one for a phone and one for a large
screen where both are needed (`NARROW`, `HALF`, `WIDE`). It is None where there are no answers to draw.
"""

from typing import Final

from hymio.report.charts.chart import Chart, ChartTable
from hymio.report.charts.distribution import distribution
from hymio.report.charts.heat_map import count_heat_map, index_heat_map
from hymio.report.charts.misuse import misuse
from hymio.report.charts.paints import LIGHT, style_sheet
from hymio.report.charts.ranking import ranking
from hymio.report.charts.svg import svg
from hymio.report.charts.trend import profile, trend

NARROW: Final = 340.0
"""The width of a card on a phone, in pixels."""

HALF: Final = 560.0
"""The width of a card that shares its line with another one, in pixels."""

WIDE: Final = 1000.0
"""The width of a card alone on its line, in pixels."""

__all__ = [
    "HALF",
    "LIGHT",
    "NARROW",
    "WIDE",
    "Chart",
    "ChartTable",
    "count_heat_map",
    "distribution",
    "index_heat_map",
    "misuse",
    "profile",
    "ranking",
    "style_sheet",
    "svg",
    "trend",
]
