"""Withholding: answers in blocks of at least a minimum number, of which every number of a report is a sum.

A survey with a minimum m above 1 has its answers divided into blocks, each with at least m answers. The division
depends on the answers and the tree alone and not on what is asked, so that any sums and differences of shown numbers
(of siblings, periods or filters) are sums and differences of whole blocks: none of them is about 1 to m - 1 answers.
What is asked gets the blocks that lie wholly inside; answers of a block that is cut are left out.

The unit of time is the calendar month by local hours, and a month is divided once it has ended everywhere:

1. A place (an assignment) with fewer than m answers in the month is pooled with others below the same group. If the
   pool has fewer than m, the smallest other part below that group joins it. If there is none, it goes one level up.
2. A place with at least m is divided into days: those with at least m, and the rest together, which the smallest such
   day joins if the rest has fewer than m. Days are divided into hours in the same way.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import add
from typing import Final, NamedTuple, TypeVar

from hymio.feedback import Verdict
from hymio.period import HOUR_MS, Grain, Instant, bucket_of

K = TypeVar("K")
_WEST_MS: Final = 12 * HOUR_MS
"""No zone is further behind UTC: a local month has ended everywhere so long after its end in UTC."""

_EAST_MS: Final = 14 * HOUR_MS
"""No zone is further ahead of UTC."""

Counts = Mapping[int, tuple[int, ...]]
"""Presses by button, for each verdict."""


class Atom(NamedTuple):
    """What is never divided: the answers of an assignment in a local hour."""

    assignment: int
    hour: int


class Block(NamedTuple):
    """Atoms that are shown together, and their counts by verdict. A hidden one has too few answers and is never shown.

    `number` counts the answers without misuse.
    """

    atoms: frozenset[Atom]
    number: int
    counts: Counts
    hidden: bool = False


class Place(NamedTuple):
    """An assignment, and the nodes above its answers: its point, then each group up to the root."""

    assignment: int
    lineage: tuple[int, ...]


def blocks(
    hours: Iterable[tuple[Atom, int, tuple[int, ...]]],
    totals: Mapping[int, Mapping[int, int]],
    places: Sequence[Place],
    minimum: int,
    now: Instant,
) -> Iterator[Block]:
    """The blocks of the answers of some places in whole months, given as atoms with a verdict and counts.

    `totals` has the number of answers of every place of the survey, by month (its first local hour) and assignment,
    which decide what is pooled. Atoms without counted answers are left out. Hidden are the atoms of months that have
    not ended everywhere, and of pools with a place that is not among those given.
    """
    by_month: dict[int, dict[int, dict[Atom, dict[int, tuple[int, ...]]]]] = {}
    months = sorted(totals)
    for atom, verdict, counts in hours:
        month = months[bisect_right(months, atom.hour) - 1] if months else 0
        of_atom = by_month.setdefault(month, {}).setdefault(atom.assignment, {}).setdefault(atom, {})
        before = of_atom.get(verdict)
        of_atom[verdict] = counts if before is None else tuple(map(add, before, counts))
    for month, by_place in sorted(by_month.items()):
        leaves = {
            key: [leaf for atom, counts in of_place.items() if (leaf := _leaf(atom, counts)).number]
            for key, of_place in sorted(by_place.items())
        }
        if not has_ended(month, now):
            yield from (_block(of_place, hidden=True) for of_place in leaves.values() if of_place)
        else:
            yield from _of_month(leaves, totals[month], places, minimum)


def grouped(
    blocks: Iterable[Block], key: Callable[[Atom], K | None]
) -> tuple[dict[K, dict[int, tuple[int, ...]]], set[K]]:
    """Counts by verdict of the blocks whose atoms all have the same key, and the keys that cut or hidden blocks touch.

    A key of None stands for what is not asked for.
    """
    sums: dict[K, dict[int, tuple[int, ...]]] = {}
    cut: set[K] = set()
    for block in blocks:
        keys = {key(atom) for atom in block.atoms}
        asked = {one for one in keys if one is not None}
        if block.hidden or len(keys) > 1:
            cut |= asked
            continue
        for one in asked:
            _add(sums.setdefault(one, {}), block.counts)
    return sums, cut


def has_ended(month: int, now: Instant) -> bool:
    """Whether a month, given by its first local hour, has ended in every zone."""
    return bucket_of(month + 32 * 24, Grain.MONTH) * HOUR_MS + _WEST_MS <= now


def has_begun(hour: int, now: Instant) -> bool:
    """Whether a local hour has begun in any zone."""
    return hour * HOUR_MS - _EAST_MS <= now


class _Leaf(NamedTuple):
    """An atom with its counts; `number` counts the answers without misuse."""

    atom: Atom
    number: int
    counts: Counts


def _leaf(atom: Atom, counts: Counts) -> _Leaf:
    return _Leaf(atom, sum(counts.get(Verdict.COUNTED, ())), counts)


def _block(leaves: Sequence[_Leaf], *, hidden: bool = False) -> Block:
    """One block of some leaves."""
    if len(leaves) == 1:
        [(atom, number, counts)] = leaves
        return Block(frozenset((atom,)), number, counts, hidden)
    total = dict[int, tuple[int, ...]]()
    for leaf in leaves:
        _add(total, leaf.counts)
    return Block(frozenset(leaf.atom for leaf in leaves), sum(leaf.number for leaf in leaves), total, hidden)


def _add(total: dict[int, tuple[int, ...]], counts: Counts) -> None:
    for verdict, presses in counts.items():
        before = total.get(verdict)
        total[verdict] = presses if before is None else tuple(map(add, before, presses))


# --- places ----------------------------------------------------------------------------------------------------------


def _of_month(
    leaves: Mapping[int, list[_Leaf]], totals: Mapping[int, int], places: Sequence[Place], minimum: int
) -> Iterator[Block]:
    """The blocks of some places in one month: their pools, and the days and hours of the places that stand alone."""
    for part in parts_of(totals, places, minimum):
        inside = [leaf for key in sorted(part.assignments) for leaf in leaves.get(key, ())]
        if not inside:
            continue
        if part.is_alone:
            yield from _divided(inside, minimum, (24, 1))
        else:
            yield _block(inside, hidden=part.hidden or not part.assignments <= leaves.keys())


class Part(NamedTuple):
    """Places whose answers of a month are shown together: a pool, or one place that stands alone and is divided."""

    assignments: frozenset[int]
    number: int
    is_alone: bool = False
    hidden: bool = False


def parts_of(totals: Mapping[int, int], places: Sequence[Place], minimum: int) -> list[Part]:
    """The parts of a month by the number of answers of each place, in which each place with answers is once."""
    lineages = {place.assignment: place.lineage for place in places}
    alone: dict[int, Part] = {}
    waiting: dict[int, list[Part]] = {}  # what is too small, by the node at which it is pooled next
    pooled: list[tuple[tuple[int, ...], Part]] = []  # with the lineage in common
    hidden: list[Part] = []
    for key, number in sorted(totals.items()):
        if number >= minimum:
            alone[key] = Part(frozenset({key}), number, is_alone=True)
        elif number:
            waiting.setdefault(lineages[key][0], []).append(Part(frozenset({key}), number))
    for node in _upwards(lineages):
        pool = waiting.pop(node, [])
        if not pool:
            continue
        lineage, part = _from(node, lineages), _pool(pool)
        if part.number < minimum:
            joined = _smallest_below(node, alone, pooled, lineages)
            if joined is not None:
                part = _pool([part, joined])
            elif len(lineage) > 1:
                waiting.setdefault(lineage[1], []).append(part)
                continue
            else:
                hidden.append(part._replace(hidden=True))
                continue
        pooled.append((lineage, part))
    return [*(part for _, part in pooled), *alone.values(), *hidden]


def _pool(parts: Sequence[Part]) -> Part:
    """One part of the places of several."""
    return Part(frozenset().union(*(part.assignments for part in parts)), sum(part.number for part in parts))


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


def _divided(leaves: list[_Leaf], minimum: int, lengths: tuple[int, ...]) -> Iterator[Block]:
    """Blocks of parts of so many local hours with at least `minimum` answers, divided further, and one of the rest."""
    if not lengths or len(leaves) == 1:
        yield _block(leaves)
        return
    parts: dict[int, list[_Leaf]] = {}
    for leaf in leaves:
        parts.setdefault(leaf.atom.hour // lengths[0], []).append(leaf)
    numbers = {part: sum(leaf.number for leaf in parts[part]) for part in sorted(parts)}
    large = [part for part, number in numbers.items() if number >= minimum]
    rest = [part for part, number in numbers.items() if number < minimum]
    if 0 < sum(numbers[part] for part in rest) < minimum and large:
        smallest = min(large, key=lambda part: (numbers[part], part))
        large.remove(smallest)
        rest.append(smallest)
    for part in large:
        yield from _divided(parts[part], minimum, lengths[1:])
    if rest:
        yield _block([leaf for part in rest for leaf in parts[part]])
