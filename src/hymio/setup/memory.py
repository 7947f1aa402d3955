"""The cache of a layout: results computed from its rows."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TypeVar
from zoneinfo import ZoneInfo

from hymio.hierarchy import Timeline
from hymio.misuse import MisusePolicy
from hymio.rollup import GroupSubject
from hymio.setup.affected import Affected
from hymio.setup.resolution import Resolution

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Memory:
    """Cached results by id, computed on first use; two threads may compute the same result, never different ones.

    `policies` are by assignment and whether the smiley is judged by its interval.
    """

    zones: dict[int, Timeline[ZoneInfo]] = field(default_factory=dict)
    ranges: dict[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    policies: dict[tuple[int, bool], Timeline[MisusePolicy]] = field(default_factory=dict)
    groups: dict[int, tuple[GroupSubject, ...]] = field(default_factory=dict)
    resolutions: dict[int, Resolution] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is cached yet."""
        return not (self.zones or self.ranges or self.policies or self.groups or self.resolutions)

    def without(self, affected: Affected) -> Memory:
        """The cached results that a change does not affect."""
        judged = {(assignment, by_interval) for assignment in affected.policies for by_interval in (True, False)}
        return Memory(
            _without(self.zones, affected.zones),
            _without(self.ranges, affected.ranges),
            _without(self.policies, judged),
            _without(self.groups, affected.assignments),
            _without(self.resolutions, affected.resolutions),
        )


def _without(results: dict[K, V], keys: AbstractSet[K]) -> dict[K, V]:
    """A copy without the results of these keys; the same dictionary if there are none."""
    if not keys:
        return results  # both layouts may fill it, because for these keys they compute equal results
    remaining = results.copy()
    for key in keys:
        remaining.pop(key, None)
    return remaining


def once(results: dict[K, V], key: K, make: Callable[[], V]) -> V:
    """The cached result of a key; computed with `make` on first use."""
    result = results.get(key)
    if result is None:
        result = results[key] = make()
    return result
