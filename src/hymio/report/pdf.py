"""A report as tagged PDF: always in the light, set from the same value, sentences and charts as the page."""

from __future__ import annotations

from hymio.report.paper import document
from hymio.report.values import Report
from hymio.texts.localization import Localization
from hymio.typesetting import typeset


def as_pdf(report: Report, localization: Localization) -> bytes:
    """The report as PDF/UA-1, A4; equal reports in the same language give the same bytes. Blocks: call it in a thread.

    Its metadata have the instant of the revision, not that of its making; what the pages print as made is the report's
    `made_at`. Unavailable if too many documents are made at the moment, or if it takes too long or too much memory.
    """
    return typeset(document(report, localization))
