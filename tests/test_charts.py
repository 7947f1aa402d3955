"""Charts: every report has charts that are well-formed, escaped, and whose numbers are in their tables."""

from __future__ import annotations

import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hymio import demo
from hymio.access import operator
from hymio.report import Compare, Report, ReportQuery, build, charts
from hymio.report.charts import LIGHT, NARROW, WIDE, Chart, style_sheet, svg
from hymio.report.charts.chart import Group, Label, Mark, Rect
from hymio.report.charts.paints import Paint
from hymio.store import open_store
from hymio.texts.localization import Localization
from tests.report_values import report_values
from tests.test_laws import law

ENGLISH = Localization("en", "en")
ARABIC = Localization("ar", "ar")
SVG = "{http://www.w3.org/2000/svg}"

Make = Callable[[Report, Localization, float], Chart | None]
MAKERS: tuple[Make, ...] = (
    charts.distribution,
    charts.trend,
    charts.index_heat_map,
    charts.count_heat_map,
    charts.profile,
    charts.ranking,
    charts.misuse,
)
widths = st.sampled_from([NARROW, charts.HALF, WIDE])


def test_the_style_sheet_of_pages_has_the_paints_of_charts() -> None:
    assert style_sheet() in (files("hymio.web") / "static" / "pages.css").read_text(encoding="utf-8")


# --- laws ------------------------------------------------------------------------------------------------------------


@settings(law, max_examples=20)
@given(report_values(), st.sampled_from([ENGLISH, ARABIC, Localization("fi", "fi-FI")]), widths)
def test_a_chart_is_well_formed_and_has_no_text_but_its_own(
    report: Report, localization: Localization, width: float
) -> None:
    for make in MAKERS:
        chart = make(report, localization, width)
        if chart is None:
            continue
        assert (chart.width, bool(chart.title), bool(chart.description)) == (width, True, True)
        for drawn in (svg(chart, css_class="only-wide"), svg(chart, LIGHT)):
            root = ET.fromstring(drawn)
            assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
                "svg", "g", "title", "rect", "path", "circle", "text",
            }  # fmt: skip
            assert not {name for element in root.iter() for name in element.attrib} & {"style", "onload", "href", "id"}
            assert len([*root.iter(f"{SVG}text")]) == len(labels(chart))
        assert "class=" not in svg(chart, LIGHT)
        assert 'fill="' not in svg(chart)


@settings(law, max_examples=20)
@given(report_values(), widths)
def test_the_numbers_of_a_chart_are_in_its_table(report: Report, width: float) -> None:
    for make in MAKERS:
        chart = make(report, ENGLISH, width)
        if chart is None:
            continue
        assert all(len(row) == len(chart.table.columns) for row in chart.table.rows)
        cells = {cell for row in chart.table.rows for cell in row}
        for group in groups(chart):
            shown = [mark.text for mark in group.marks if isinstance(mark, Label)]
            assert [text for text in shown if text not in cells and text[-1:] not in ("K", "M", "…")] == []
            assert set(re.findall(r"answers: ([\d,]+)", group.tip)) - {"0"} <= cells


@settings(law, max_examples=20)
@given(report_values(), widths)
def test_a_chart_is_mirrored_for_languages_from_right_to_left(report: Report, width: float) -> None:
    for make in MAKERS:
        chart = make(report, ENGLISH, width)
        if chart is not None:
            assert places(chart.mirrored().mirrored()) == places(chart)


@settings(law, max_examples=20)
@given(report_values(), st.sampled_from([ENGLISH, ARABIC]), widths)
def test_marks_lie_in_the_picture(report: Report, localization: Localization, width: float) -> None:
    for make in MAKERS:
        chart = make(report, localization, width)
        for mark in () if chart is None else flat(chart):
            if isinstance(mark, Rect):
                assert -1 <= mark.x <= mark.x + mark.width <= width + 1
                assert -1 <= mark.y <= mark.y + mark.height <= chart.height + 1  # type: ignore[union-attr]


def groups(chart: Chart) -> list[Group]:
    return [mark for mark in chart.marks if isinstance(mark, Group)]


def flat(chart: Chart) -> list[Mark]:
    return [one for mark in chart.marks for one in (mark.marks if isinstance(mark, Group) else (mark,))]


def labels(chart: Chart) -> list[Label]:
    return [mark for mark in flat(chart) if isinstance(mark, Label)]


def places(chart: Chart) -> list[tuple[float, float]]:
    return [(round(mark.x, 6), mark.y) for mark in flat(chart) if isinstance(mark, (Rect, Label))]


# --- examples --------------------------------------------------------------------------------------------------------

GOLDEN = Path(__file__).parent / "golden" / "charts"
NOW = 1_767_268_800_000
"""2026-01-01T12:00Z, at the end of the example's year."""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A month of the example, compared with the month before."""
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('example') / 'demo.db'}", make=True)
    demo.build(store, NOW, presses=4_000)
    value = build(store, operator(1), ReportQuery(1, "2025-12", Compare.PREVIOUS), NOW)
    store.close()
    return value


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_a_chart_is_as_it_was(report: Report, make: Make) -> None:
    """Compared with its golden file; HYMIO_GOLDEN=1 writes it anew."""
    chart = make(report, ENGLISH, WIDE)
    assert chart is not None
    drawn, file = svg(chart, LIGHT).replace("><", ">\n<") + "\n", GOLDEN / f"{chart.name}.svg"
    if os.environ.get("HYMIO_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(drawn, encoding="utf-8")
    assert drawn == file.read_text(encoding="utf-8")


def test_cells_with_few_answers_are_hatched_and_say_so(report: Report) -> None:
    chart = charts.index_heat_map(report, ENGLISH, WIDE)
    assert chart is not None
    few = [cell for cell in report.heat_map if cell.few]
    assert few
    assert svg(chart).count('class="hatch"') == len(few) + 1  # one in the legend
    assert any(label.text == "fewer than 10 answers" for label in labels(chart))


def test_weeks_begin_as_in_the_country(report: Report) -> None:
    first = {}
    for locale in ("en-US", "en-GB"):
        chart = charts.index_heat_map(report, Localization("en", locale), WIDE)
        assert chart is not None
        first[locale] = chart.table.rows[0][0]
    assert first == {"en-US": "Sun", "en-GB": "Mon"}


def test_on_a_phone_the_hours_go_down(report: Report) -> None:
    wide, narrow = (charts.index_heat_map(report, ENGLISH, width) for width in (WIDE, NARROW))
    assert wide is not None
    assert narrow is not None
    assert narrow.height > narrow.width
    assert wide.height < wide.width
    assert min(label.size for label in labels(narrow)) >= 8
    assert wide.table == narrow.table


def test_what_one_points_at_has_a_tip_with_all_numbers(report: Report) -> None:
    chart = charts.trend(report, ENGLISH, WIDE)
    assert chart is not None
    hits = [group for group in groups(chart) if any(getattr(mark, "paint", None) is Paint.HIT for mark in group.marks)]
    assert len(hits) == len(report.trend)
    assert all("answers: " in group.tip for group in hits)
    assert svg(chart).count("<title>") == len(hits)
