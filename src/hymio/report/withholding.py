"""Withholding: answers in blocks of at least a minimum number, of which every number of a report is a sum.

A survey with a minimum m above 1 has its answers divided into blocks, each with at least m answers. The division
depends on the answers and the tree alone and not on what is asked, so that any sums and differences of shown numbers
(of siblings, periods or filters) are sums and differences of whole blocks: none of them is about 1 to m - 1 answers.

A block has an extent: places and hours, with and without answers, that hold no other block. It is shown where its
whole extent is asked for; else all that is asked of the extent is said to be incomplete. So nothing tells where in its
extent the answers of a block were given.

The unit of time is the calendar month by local hours, and a month is divided once it has ended everywhere:

1. The places (assignments) with fewer than m answers in the month are pooled below the same group. If the pool has
   fewer than m, the smallest other part below that group joins it. If there is none, it goes one level up. The extent
   of a pool is all places below the group that are in no other part, those without answers too.
2. A place with at least m is divided into days: those with at least m, and the rest together, which the smallest such
   day joins if the rest has fewer than m. The extent of the rest is all days that are not divided further. Days are
   divided into hours in the same way.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from operator import add
from typing import Final, NamedTuple, TypeVar

from hymio.feedback import Verdict
from hymio.period import HOUR_MS, Grain, Instant, bucket_of

K = TypeVar("K")
_WEST_MS: Final = 12 * HOUR_MS
"""No zone is further behind UTC: a local month has ended everywhere so long after its end in UTC."""

_EAST_MS: Final = 14 * HOUR_MS
"""No zone is further ahead of UTC."""

_DAY: Final = 24
_HOUR_BITS: Final = tuple(1 << hour for hour in range(31 * _DAY))
"""A bit for each hour of the longest month: blocks of one hour share them."""

_DAY_BITS: Final = tuple(((1 << _DAY) - 1) << _DAY * day for day in range(31))

Counts = Mapping[int, tuple[int, ...]]
"""Presses by button, for each verdict."""


class Extent(NamedTuple):
    """All of some hours of a month at all of some places (assignments).

    `month` is its first local hour; bit n of `hours` is the n-th hour after it.
    """

    month: int
    places: frozenset[int]
    hours: int


class Block(NamedTuple):
    """Answers that are shown together: their counts by verdict. A hidden one is never shown and has no counts.

    `number` counts the answers without misuse.
    """

    extent: Extent
    number: int
    counts: Counts
    hidden: bool = False


class Place(NamedTuple):
    """An assignment, and the nodes above its answers: its point, then each group up to the root."""

    assignment: int
    lineage: tuple[int, ...]


class PlacedHour(NamedTuple):
    """The presses of an assignment in a local hour under one verdict, by button."""

    assignment: int
    hour: int
    verdict: int
    counts: tuple[int, ...]


def blocks(
    hours: Iterable[PlacedHour],
    given: AbstractSet[int],
    totals: Mapping[int, Mapping[int, int]],
    places: Sequence[Place],
    minimum: int,
    now: Instant,
) -> Iterator[Block]:
    """The blocks that touch the given places (assignments), of which `hours` has all hours of whole months.

    `totals` has the number of answers of every place of the survey, by month (its first local hour) and assignment,
    which decide what is pooled. Hidden are months that have not ended everywhere, as far as they have begun, and pools
    with a place that is not given. Misuse in the extent of no block is left out.
    """
    leaves = _leaves(hours, sorted(totals))
    for month, numbers in sorted(totals.items()):
        if has_ended(month, now):
            yield from _of_month(month, leaves.get(month, {}), given, parts_of(numbers, places, minimum), minimum)
        elif begun := _begun(month, now):
            yield Block(Extent(month, frozenset(given), begun), 0, {}, hidden=True)


def has_ended(month: int, now: Instant) -> bool:
    """Whether a month, given by its first local hour, has ended in every zone."""
    return _end_of(month) * HOUR_MS + _WEST_MS <= now


def hours_by_key(month: int, key: Callable[[int], K | None]) -> dict[K, int]:
    """The hours of a month, as in `Extent.hours`, that have each key; those with None are left out."""
    keys: dict[K, int] = {}
    for bit, hour in zip(_HOUR_BITS, range(month, _end_of(month)), strict=False):
        one = key(hour)
        if one is not None:
            keys[one] = keys.get(one, 0) | bit
    return keys


def first_of(hours: int) -> int:
    """The number of the first hour among those of an `Extent`."""
    return (hours & -hours).bit_length() - 1


def add_counts(total: dict[int, tuple[int, ...]], counts: Counts) -> None:
    """Adds counts by verdict to a total."""
    for verdict, presses in counts.items():
        before = total.get(verdict)
        total[verdict] = presses if before is None else tuple(map(add, before, presses))


def _end_of(month: int) -> int:
    """The end hour of a month, given by its first local hour."""
    return bucket_of(month + 32 * _DAY, Grain.MONTH)


def _begun(month: int, now: Instant) -> int:
    """The hours of a month that have begun in any zone."""
    begun = (now + _EAST_MS) // HOUR_MS + 1 - month
    return (1 << max(0, min(begun, _end_of(month) - month))) - 1


class _Leaf(NamedTuple):
    """An hour of a place, counted from the start of its month; `number` counts the answers without misuse."""

    hour: int
    number: int
    counts: Counts


def _leaves(hours: Iterable[PlacedHour], months: Sequence[int]) -> dict[int, dict[int, list[_Leaf]]]:
    """The hours by month and place."""
    by_month: dict[int, dict[int, dict[int, dict[int, tuple[int, ...]]]]] = {}
    for assignment, hour, verdict, counts in hours:
        month = months[bisect_right(months, hour) - 1]
        of_hour = by_month.setdefault(month, {}).setdefault(assignment, {}).setdefault(hour - month, {})
        add_counts(of_hour, {verdict: counts})
    return {
        month: {
            assignment: [_Leaf(hour, sum(counts.get(Verdict.COUNTED, ())), counts) for hour, counts in of_place.items()]
            for assignment, of_place in by_place.items()
        }
        for month, by_place in by_month.items()
    }


def _block(extent: Extent, leaves: Sequence[_Leaf]) -> Block:
    """A block of all leaves of an extent."""
    if len(leaves) == 1:
        return Block(extent, leaves[0].number, leaves[0].counts)
    total = dict[int, tuple[int, ...]]()
    for leaf in leaves:
        add_counts(total, leaf.counts)
    return Block(extent, sum(leaf.number for leaf in leaves), total)


# --- places ----------------------------------------------------------------------------------------------------------


def _of_month(
    month: int, leaves: Mapping[int, list[_Leaf]], given: AbstractSet[int], parts: Sequence[Part], minimum: int
) -> Iterator[Block]:
    """The blocks of one month that touch the given places: pools, and days and hours of places that stand alone."""
    whole = (1 << _end_of(month) - month) - 1
    for part in parts:
        if part.assignments.isdisjoint(given):
            continue
        extent = Extent(month, part.assignments, whole)
        if part.hidden or not part.assignments <= given:
            yield Block(extent, 0, {}, hidden=True)
            continue
        inside = [leaf for key in sorted(part.assignments) for leaf in leaves.get(key, ())]
        yield from _divided(extent, inside, minimum, (_DAY, 1)) if part.is_alone else (_block(extent, inside),)


class Part(NamedTuple):
    """Places whose answers of a month are shown together: a pool, or one place that stands alone and is divided."""

    assignments: frozenset[int]
    number: int
    is_alone: bool = False
    hidden: bool = False


def parts_of(totals: Mapping[int, int], places: Sequence[Place], minimum: int) -> list[Part]:
    """The parts of a month by the number of answers of each place, in which each place with answers is once."""
    lineages = {place.assignment: place.lineage for place in places}
    alone = {
        key: Part(frozenset({key}), number, is_alone=True)
        for key, number in sorted(totals.items())
        if number >= minimum
    }
    waiting: dict[int, int] = {}  # the number of answers that are pooled next, by node
    for key, number in totals.items():
        if 0 < number < minimum:
            waiting[lineages[key][0]] = waiting.get(lineages[key][0], 0) + number
    pooled: list[tuple[tuple[int, ...], Part]] = []  # with the lineage in common
    hidden: list[Part] = []
    for node in _upwards(lineages) if waiting else ():
        number = waiting.pop(node, 0)
        if not number:
            continue
        lineage = _from(node, lineages)
        joined = _smallest_below(node, alone, pooled, lineages) if number < minimum else None
        if number < minimum and joined is None and len(lineage) > 1:
            waiting[lineage[1]] = waiting.get(lineage[1], 0) + number
            continue
        part = Part(_free(node, alone, pooled, lineages), number)
        if joined is not None:
            # What was joined is in no other part any more, so that it is free.
            part = part._replace(number=number + joined.number)
        elif number < minimum:
            hidden.append(part._replace(hidden=True))
            continue
        pooled.append((lineage, part))
    return [*(part for _, part in pooled), *alone.values(), *hidden]


def _free(
    node: int,
    alone: Mapping[int, Part],
    pooled: Sequence[tuple[tuple[int, ...], Part]],
    lineages: Mapping[int, tuple[int, ...]],
) -> frozenset[int]:
    """The places below a node, with answers or without, that neither stand alone nor are in a pool."""
    below = frozenset(key for key, lineage in lineages.items() if node in lineage)
    return below.difference(alone, *(part.assignments for _, part in pooled))


def _upwards(lineages: Mapping[int, tuple[int, ...]]) -> list[int]:
    """All nodes, each before the one above it."""
    depth = {node: len(lineage) - place for lineage in lineages.values() for place, node in enumerate(lineage)}
    return sorted(depth, key=lambda node: (-depth[node], node))


def _from(node: int, lineages: Mapping[int, tuple[int, ...]]) -> tuple[int, ...]:
    """A node and the nodes above it."""
    lineage = next(lineage for lineage in lineages.values() if node in lineage)
    return lineage[lineage.index(node) :]


def _smallest_below(
    node: int,
    alone: dict[int, Part],
    pooled: list[tuple[tuple[int, ...], Part]],
    lineages: Mapping[int, tuple[int, ...]],
) -> Part | None:
    """Takes the smallest place or pool below a node out of its collection; None if there is none."""
    keys = [key for key in alone if node in lineages[key]]
    pools = [place for place, (lineage, _) in enumerate(pooled) if node in lineage]
    key = min(keys, key=lambda one: (alone[one].number, one), default=None)
    place = min(pools, key=lambda one: pooled[one][1].number, default=None)
    if place is not None and (key is None or pooled[place][1].number < alone[key].number):
        return pooled.pop(place)[1]
    return None if key is None else alone.pop(key)


# --- times -----------------------------------------------------------------------------------------------------------


def _divided(extent: Extent, leaves: list[_Leaf], minimum: int, lengths: tuple[int, ...]) -> Iterator[Block]:
    """Blocks of parts of so many local hours with at least `minimum` answers, divided further, and one of the rest."""
    if not lengths:
        yield _block(extent, leaves)
        return
    parts: dict[int, list[_Leaf]] = {}
    for leaf in leaves:
        parts.setdefault(leaf.hour // lengths[0], []).append(leaf)
    numbers = {part: sum(leaf.number for leaf in parts[part]) for part in sorted(parts)}
    large = [part for part, number in numbers.items() if number >= minimum]
    remaining = sum(number for number in numbers.values() if number < minimum)
    if 0 < remaining < minimum and large:
        large.remove(min(large, key=lambda part: (numbers[part], part)))
    bits = _DAY_BITS if lengths[0] == _DAY else _HOUR_BITS
    rest = extent.hours
    for part in large:
        rest &= ~bits[part]
        yield from _divided(extent._replace(hours=bits[part]), parts[part], minimum, lengths[1:])
    if remaining:
        alone = frozenset(large)
        yield _block(extent._replace(hours=rest), [leaf for part in parts if part not in alone for leaf in parts[part]])
