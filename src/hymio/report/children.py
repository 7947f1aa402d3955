"""The direct children of a node: compared with each other and with an earlier period, and ranked."""

from __future__ import annotations

from collections.abc import Mapping

from hymio.chance import ranking_scores
from hymio.report.figures import change, figure
from hymio.report.frame import node_line
from hymio.report.source import Source
from hymio.report.values import ChildLine, Figure


def child_lines(source: Source, before: Source | None) -> tuple[ChildLine, ...]:
    """The children where the survey is asked, by rank; those without an index after them, by name."""
    reader = source.reader
    figures, earlier = source.child_figures(), {} if before is None else before.child_figures()
    ranks = _ranks(figures)
    empty = figure((0,) * source.buttons, source.index_type)
    asked = {row.node for row in reader.assignments() if row.survey == source.selection.survey}
    lines = []
    for child in reader.layout.hierarchy.children(reader.node.id):
        if not any(point.id in asked for point in reader.layout.hierarchy.points(child.id)):
            continue
        shown = figures.get(child.id) or empty
        compared = None if before is None else earlier.get(child.id) or empty
        rank, score = ranks.get(child.id, (None, None))
        lines.append(
            ChildLine(
                node=node_line(reader, child),
                figure=shown,
                compared=compared,
                change=change(shown, compared, source.index_type),
                score=score,
                rank=rank,
            )
        )
    return tuple(sorted(lines, key=lambda line: (line.rank is None, line.rank, line.node.name, line.node.id)))


def _ranks(figures: Mapping[int, Figure]) -> dict[int, tuple[int, float]]:
    """The rank and the ranking score of each child that has an index; equal scores have equal ranks."""
    ranked = {child: one for child, one in sorted(figures.items()) if one.index is not None}
    if not ranked:
        return {}
    scores = ranking_scores([one.index or 0.0 for one in ranked.values()], [one.number or 0 for one in ranked.values()])
    of_child = dict(zip(ranked, scores, strict=True))
    return {child: (1 + sum(other > score for other in scores), score) for child, score in of_child.items()}
