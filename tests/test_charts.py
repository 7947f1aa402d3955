"""Charts: every report has charts that are well-formed, escaped, and whose numbers are in their tables."""

from __future__ import annotations

from importlib.resources import files

from hymio.report.charts import style_sheet


def test_the_style_sheet_of_pages_has_the_paints_of_charts() -> None:
    assert style_sheet() in (files("hymio.web") / "static" / "pages.css").read_text(encoding="utf-8")
