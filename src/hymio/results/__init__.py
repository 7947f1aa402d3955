"""The only reader of feedback: hourly results without misuse, rows with it, and how the two reconcile."""

from hymio.results.hours import Bucket, Hourly, Reconciled, hourly, reconcile, reported_through
from hymio.results.listing import Raw, RawCsv, Rows, followups, raw, raw_csv, rows, texts
from hymio.results.reader import Query, Within
from hymio.results.subject import EVERYTHING, OfNode, RowSubject, revision
from hymio.rollup import OfAssignment, OfScale, OfSurvey, Subject
from hymio.store.rows import FeedbackRow, Phase, Revisions, SortKey

__all__ = [
    "EVERYTHING", "Bucket", "FeedbackRow", "Hourly", "OfAssignment", "OfNode", "OfScale", "OfSurvey", "Phase", "Query",
    "Raw", "RawCsv", "Reconciled", "Revisions", "RowSubject", "Rows", "SortKey", "Subject", "Within", "followups",
    "hourly", "raw", "raw_csv", "reconcile", "reported_through", "revision", "rows", "texts",
]  # fmt: skip
