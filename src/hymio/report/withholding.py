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

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

from hymio.feedback import Verdict
from hymio.period import HOUR_MS, Grain, Instant, bucket_of

K = TypeVar("K")
_WEST_MS: Final = 12 * HOUR_MS
"""No zone is further behind UTC: a local month has ended everywhere so long after its end in UTC."""

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
    hours: Iterable[tuple[Atom, int, tuple[int, ...]]], places: Sequence[Place], minimum: int, now: Instant
) -> list[Block]:
    """The blocks of all answers of a survey, given as atoms with a verdict and counts, in whole months.

    Atoms without counted answers are left out. Those of months that have not ended everywhere are in hidden blocks.
    """
    by_month: dict[int, dict[Atom, dict[int, tuple[int, ...]]]] = {}
    for atom, verdict, counts in hours:
        of_atom = by_month.setdefault(bucket_of(atom.hour, Grain.MONTH), {}).setdefault(atom, {})
        before = of_atom.get(verdict)
        of_atom[verdict] = counts if before is None else tuple(map(sum, zip(before, counts, strict=True)))
    made: list[Block] = []
    for month in sorted(by_month):
        atoms = [_block([(atom, counts)]) for atom, counts in sorted(by_month[month].items())]
        counted = [block for block in atoms if block.number]
        if _end_of_month(month) + _WEST_MS > now:
            made += [block._replace(hidden=True) for block in counted]
        else:
            made += _of_month(counted, places, minimum)
    return made


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


def _end_of_month(month: int) -> Instant:
    """The end of a month, given by its first local hour, if it were UTC."""
    return bucket_of(month + 32 * 24, Grain.MONTH) * HOUR_MS


def _block(parts: Iterable[tuple[Atom, Counts]]) -> Block:
    atoms, total = set(), dict[int, tuple[int, ...]]()
    for atom, counts in parts:
        atoms.add(atom)
        _add(total, counts)
    return Block(frozenset(atoms), sum(total.get(Verdict.COUNTED, ())), total)


def _merged(parts: Iterable[Block]) -> Block:
    """One block of the atoms of several."""
    atoms, total = set[Atom](), dict[int, tuple[int, ...]]()
    for part in parts:
        atoms |= part.atoms
        _add(total, part.counts)
    return Block(frozenset(atoms), sum(total.get(Verdict.COUNTED, ())), total)


def _add(total: dict[int, tuple[int, ...]], counts: Counts) -> None:
    for verdict, presses in counts.items():
        before = total.get(verdict)
        total[verdict] = presses if before is None else tuple(map(sum, zip(before, presses, strict=True)))


# --- places ----------------------------------------------------------------------------------------------------------


def _of_month(atoms: list[Block], places: Sequence[Place], minimum: int) -> Iterator[Block]:
    """The blocks of one month: pools of places, and the days and hours of the other places."""
    by_place: dict[int, list[Block]] = {}
    for block in atoms:
        for atom in block.atoms:
            by_place.setdefault(atom.assignment, []).append(block)
    lineages = {place.assignment: place.lineage for place in places}
    alone: dict[int, Block] = {}
    waiting: dict[int, list[Block]] = {}  # what is too small, by the node at which it is pooled next
    pooled: list[tuple[tuple[int, ...], Block]] = []  # with the lineage in common
    for key in sorted(by_place):
        whole = _merged(by_place[key])
        if whole.number >= minimum:
            alone[key] = whole
        else:
            waiting.setdefault(lineages[key][0], []).append(whole)
    for node in _upwards(lineages):
        pool = waiting.pop(node, [])
        if not pool:
            continue
        lineage = _from(node, lineages)
        block = _merged(pool)
        if block.number < minimum:
            joined = _smallest_below(node, alone, pooled, lineages)
            if joined is None:
                above = lineage[1] if len(lineage) > 1 else None
                if above is None:
                    yield block._replace(hidden=True)
                else:
                    waiting.setdefault(above, []).append(block)
                continue
            block = _merged([block, joined])
        pooled.append((lineage, block))
    yield from (block for _, block in pooled)
    for key in alone:
        yield from _divided(by_place[key], minimum, (24, 1))


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
    alone: dict[int, Block],
    pooled: list[tuple[tuple[int, ...], Block]],
    lineages: Mapping[int, tuple[int, ...]],
) -> Block | None:
    """Takes the smallest place or pool below a node out of its collection; None if there is none."""
    keys = [key for key in alone if node in lineages[key]]
    pools = [place for place, (lineage, _) in enumerate(pooled) if node in lineage]
    key = min(keys, key=lambda one: (alone[one].number, one), default=None)
    place = min(pools, key=lambda one: pooled[one][1].number, default=None)
    if place is not None and (key is None or pooled[place][1].number < alone[key].number):
        return pooled.pop(place)[1]
    return None if key is None else alone.pop(key)


# --- times -----------------------------------------------------------------------------------------------------------


def _divided(atoms: list[Block], minimum: int, lengths: tuple[int, ...]) -> Iterator[Block]:
    """Blocks of parts of so many local hours with at least `minimum` answers, divided further, and one of the rest."""
    if not lengths:
        yield _merged(atoms)
        return
    parts: dict[int, list[Block]] = {}
    for block in atoms:
        for atom in block.atoms:
            parts.setdefault(atom.hour // lengths[0], []).append(block)
    numbers = {part: sum(block.number for block in parts[part]) for part in sorted(parts)}
    large = [part for part, number in numbers.items() if number >= minimum]
    rest = [part for part, number in numbers.items() if number < minimum]
    if 0 < sum(numbers[part] for part in rest) < minimum and large:
        smallest = min(large, key=lambda part: (numbers[part], part))
        large.remove(smallest)
        rest.append(smallest)
    for part in large:
        yield from _divided(parts[part], minimum, lengths[1:])
    if rest:
        yield _merged(block for part in rest for block in parts[part])
