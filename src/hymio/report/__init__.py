"""Reports: what a node's answers were in a period, as one value that pages, files and the command line render."""

from hymio.report.basis import Basis, basis_of
from hymio.report.build import build
from hymio.report.minimum import DEFAULT_MINIMUM
from hymio.report.query import Compare, ReportQuery, TextLanguage, TextQuery, compared_dates, dates_of, parse_query
from hymio.report.values import Figure, Report, schema

__all__ = [
    "DEFAULT_MINIMUM",
    "Basis",
    "Compare",
    "Figure",
    "Report",
    "ReportQuery",
    "TextLanguage",
    "TextQuery",
    "basis_of",
    "build",
    "compared_dates",
    "dates_of",
    "parse_query",
    "schema",
]
