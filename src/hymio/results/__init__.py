"""The only reader of feedback: hourly results without misuse, rows with it, and hours with both and completeness."""

from hymio.results.hours import Bucket, Hourly, Reconciled, counted_text, hourly, reconcile, reported_through
from hymio.results.last_change import LastChange, last_change
from hymio.results.latest import latest
from hymio.results.listing import Raw, RawCsv, Rows, answers, raw, raw_csv, rows
from hymio.results.node_reader import NodeReader, PeriodHour, Selection, Totals, open_node
from hymio.results.reader import Query, Within
from hymio.results.subject import EVERYTHING, OfNode, RowSubject, committed_at, revision
from hymio.results.sums import Progress, SumReader
from hymio.rollup import OfAssignment, OfScale, OfSurvey, Subject
from hymio.store.dialect import HourText
from hymio.store.hours import HourFilter, weekday_of
from hymio.store.rows import FeedbackRow, Phase, Revisions, SortKey

__all__ = [
    "EVERYTHING", "Bucket", "FeedbackRow", "HourFilter", "HourText", "Hourly", "LastChange", "NodeReader",
    "OfAssignment", "OfNode", "OfScale", "OfSurvey", "PeriodHour", "Phase", "Progress", "Query", "Raw", "RawCsv",
    "Reconciled", "Revisions", "RowSubject", "Rows", "Selection", "SortKey", "Subject", "SumReader", "Totals", "Within",
    "answers", "committed_at", "counted_text", "hourly", "last_change", "latest", "open_node", "raw", "raw_csv",
    "reconcile", "reported_through", "revision", "rows", "weekday_of",
]  # fmt: skip
