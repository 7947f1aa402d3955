"""Reports on paper: the value of a report as a document for the typesetter."""

from hymio.report.paper.frame import document

__all__ = ["document"]
