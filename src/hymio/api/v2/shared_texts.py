"""Texts that many rows of listings share, such as the columns of a smiley, kept from one page to the next."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Any, Final

from hymio.setup import Layout

MOST_ORGANIZATIONS: Final = 16
"""Organizations whose texts are kept; of more, those that were not listed for longest are forgotten."""

TextsByKey = dict[Any, str]


class SharedTexts:
    """Texts by what they were made for, of the last layout of each organization; threads may make the same text twice.

    Making those of 2,000 points takes 10 ms, a sixth of a page of 10,000 rows.
    """

    def __init__(self) -> None:
        self._of: OrderedDict[int, tuple[Layout, dict[Hashable, TextsByKey]]] = OrderedDict()
        self._lock = Lock()

    def of(self, layout: Layout) -> dict[Hashable, TextsByKey]:
        """The texts made with this layout, to which the caller adds."""
        with self._lock:
            known, texts = self._of.get(layout.organization, (None, {}))
            if known is not layout:
                texts = {}
                self._of[layout.organization] = layout, texts
            self._of.move_to_end(layout.organization)
            while len(self._of) > MOST_ORGANIZATIONS:
                self._of.popitem(last=False)
        return texts
