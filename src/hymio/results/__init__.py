"""The only reader of feedback: hourly results without misuse, raw results with it, and how the two reconcile."""

from hymio.results.hours import Bucket, Hourly, Reconciled, hourly, is_complete, reconcile
from hymio.results.raw import Raw, RawCsv, RawRow, followups, raw, raw_csv, texts
from hymio.results.subject import EVERYTHING, OfAssignment, OfNode, Subject, revision

__all__ = [
    "EVERYTHING", "Bucket", "Hourly", "OfAssignment", "OfNode", "Raw", "RawCsv", "RawRow", "Reconciled", "Subject",
    "followups", "hourly", "is_complete", "raw", "raw_csv", "reconcile", "revision", "texts",
]  # fmt: skip
