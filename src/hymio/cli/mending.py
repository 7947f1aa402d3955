"""The commands that mend what `hymio verify` found, in the order in which they are to be run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from hymio.cli.command import quoted
from hymio.cli.taking_effect import release_line, resettle_line, stamp

if TYPE_CHECKING:
    from hymio.intake import Difference
    from hymio.period import Instant
    from hymio.setup import Layout

MAX_POINTS: Final = 5
"""Points that are resettled one by one; more of them are resettled together, by the root."""


class Mending:
    """Gathers what mends differences: points to resettle, each with the oldest instant, and other commands."""

    def __init__(self) -> None:
        self._points: dict[int, Instant] = {}
        self._others: set[str] = set()

    def note(self, difference: Difference) -> Difference:
        """Notes what mends a difference, and returns it."""
        if difference.node is None:
            self._others.add(difference.mend.value)
        else:
            self._points[difference.node] = min(difference.at, self._points.get(difference.node, difference.at))
        return difference

    def lines(self, organization: str, layout: Layout) -> Iterator[str]:
        """The commands as they are typed in a shell."""
        for node, since in self._nodes(layout).items():
            zone = layout.zone_of(node, since)
            yield resettle_line(organization, layout.hierarchy.path(node), stamp(since, zone))
        if "release" in self._others:
            yield release_line(organization)
        if "rebuild" in self._others:
            yield f"hymio rebuild {quoted(organization)}"

    def _nodes(self, layout: Layout) -> dict[int, Instant]:
        """The nodes to resettle, each with the instant from which on."""
        root = layout.hierarchy.root
        if len(self._points) <= MAX_POINTS or root is None:
            return self._points
        return {root.id: min(self._points.values())}
