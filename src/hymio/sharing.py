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
    in_order = all(key < following for key, following in pairwise([last, *added]))
    return after if in_order else dict(sorted(after.items()))


def regrouped(
    before: Mapping[G, tuple[V, ...]],
    removed: Iterable[V],
    added: Iterable[V],
    group: Callable[[V], G],
    key: Callable[[V], int | tuple[int, ...]],
) -> Mapping[G, tuple[V, ...]]:
    """A copy of an index (values by group) without the values `removed` and with the values `added`.

    `group` and `key` give the group of a value and its key within the group, by which a group is sorted and values are
    compared. Empty groups are left out.
    """
    removed_keys: defaultdict[G, set[int | tuple[int, ...]]] = defaultdict(set)
    added_values: defaultdict[G, list[V]] = defaultdict(list)
    for value in removed:
        removed_keys[group(value)].add(key(value))
    for value in added:
        added_values[group(value)].append(value)
    if not removed_keys and not added_values:
        return before
    after = dict(before)
    for changed in removed_keys.keys() | added_values.keys():
        unchanged = [value for value in before.get(changed, ()) if key(value) not in removed_keys[changed]]
        values = sorted([*unchanged, *added_values[changed]], key=key)
        if values:
            after[changed] = tuple(values)
        else:
            after.pop(changed, None)
    return after


def versions(of: Mapping[int, V], keys: Iterable[int]) -> list[V]:
    """The values of those keys that the mapping has."""
    return [of[key] for key in keys if key in of]
