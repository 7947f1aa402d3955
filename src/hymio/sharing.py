"""New mappings made from older ones, which stay as they are: what did not change is shared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import TypeVar

G = TypeVar("G")
V = TypeVar("V")
_NO_KEY = -(1 << 63)


def replaced(before: Mapping[int, V], changes: Mapping[int, V | None]) -> Mapping[int, V]:
    """`before` with some values replaced or added; None removes one. In order of keys if `before` is."""
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
) -> dict[G, tuple[V, ...]]:
    """An index of values by group without those that `left` and with those that `joined`; each group in order of key.

    A value is the same as another of its group if their keys are equal; a group without values is left out.
    """
    gone: defaultdict[G, set[int | tuple[int, ...]]] = defaultdict(set)
    come: defaultdict[G, list[V]] = defaultdict(list)
    for value in left:
        gone[group(value)].add(key(value))
    for value in joined:
        come[group(value)].append(value)
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
    """The values of those keys that there are."""
    return [of[key] for key in keys if key in of]
