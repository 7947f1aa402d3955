"""Persistent mappings: changed copies that share all unchanged values with the original, which stays as it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import TypeVar

G = TypeVar("G")
V = TypeVar("V")
_NO_KEY = -(1 << 63)


def replaced(before: Mapping[int, V], changes: Mapping[int, V | None]) -> Mapping[int, V]:
    """A copy of `before` with some values replaced or added, or removed if None; sorted by key if `before` is."""
    if not changes:
        return before
    after = dict(before)
    last = next(reversed(after), _NO_KEY)
    for key, value in changes.items():
        if value is None:
            after.pop(key, None)
        else:
            after[key] = value
    added = [key for key in changes if key not in before]
    in_order = all(one < other for one, other in pairwise([last, *added]))
    return after if in_order else dict(sorted(after.items()))


def regrouped(
    before: Mapping[G, tuple[V, ...]],
    left: Iterable[V],
    joined: Iterable[V],
    group: Callable[[V], G],
    key: Callable[[V], int | tuple[int, ...]],
) -> Mapping[G, tuple[V, ...]]:
    """A copy of an index (values by group) without the values `left` and with the values `joined`.

    `group` and `key` give the group of a value and its key within the group, by which a group is sorted and values are
    compared. Empty groups are left out.
    """
    gone: defaultdict[G, set[int | tuple[int, ...]]] = defaultdict(set)
    come: defaultdict[G, list[V]] = defaultdict(list)
    for value in left:
        gone[group(value)].add(key(value))
    for value in joined:
        come[group(value)].append(value)
    if not gone and not come:
        return before
    after = dict(before)
    for changed in gone.keys() | come.keys():
        stayed = [value for value in before.get(changed, ()) if key(value) not in gone[changed]]
        values = sorted([*stayed, *come[changed]], key=key)
        if values:
            after[changed] = tuple(values)
        else:
            after.pop(changed, None)
    return after


def versions(of: Mapping[int, V], keys: Iterable[int]) -> list[V]:
    """The values of those keys that the mapping has."""
    return [of[key] for key in keys if key in of]
