"""The only reader of feedback: hourly results without misuse, raw results with it, and how the two reconcile."""

from hymio.results.hours import Bucket, Hourly, Reconciled, hourly, reconcile
from hymio.results.listing import Listed, Wanted, listed, place_of
from hymio.results.raw import Raw, RawCsv, RawRow, followups, raw, raw_csv, texts
from hymio.results.subject import EVERYTHING, OfAssignment, OfNode, Subject, revision
from hymio.store.listing import Phase, Place

__all__ = [
    "EVERYTHING", "Bucket", "Hourly", "Listed", "OfAssignment", "OfNode", "Phase", "Place", "Raw", "RawCsv", "RawRow",
    "Reconciled", "Subject", "Wanted", "followups", "hourly", "listed", "place_of", "raw", "raw_csv",
    "reconcile", "revision", "texts",
]  # fmt: skip
