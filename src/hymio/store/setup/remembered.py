"""The process's cache of layouts and contents, updated by reading only the rows that changed since."""

from __future__ import annotations

import threading
from typing import Generic, Protocol, TypeVar

from hymio.setup import Content, Layout
from hymio.store.dialect import Transaction
from hymio.store.setup.changes import content_changes, layout_changes
from hymio.store.setup.content_rows import content_rows, load_content
from hymio.store.setup.layout_rows import layout_rows, load_layout

CACHED_REVISIONS = 3
"""Values cached for each organization: a transaction that began before the last commits needs an older one."""


class _Revised(Protocol):
    """A value of an organization as of a revision."""

    @property
    def organization(self) -> int: ...
    @property
    def revision(self) -> int: ...


V = TypeVar("V", bound=_Revised)


class Remembered(Generic[V]):
    """The last CACHED_REVISIONS values of each organization; safe to share between threads."""

    def __init__(self) -> None:
        self._values: dict[int, tuple[V, ...]] = {}
        self._lock = threading.Lock()

    def has(self, organization: int) -> bool:
        """Whether there is any value of an organization."""
        return organization in self._values

    def newest(self, organization: int, revision: int) -> V | None:
        """The newest value that is not newer than a revision; None if there is none."""
        values = reversed(self._values.get(organization, ()))
        return next((value for value in values if value.revision <= revision), None)

    def remember(self, value: V) -> None:
        """Caches a value, if it is newer than all cached ones of its organization, and drops the oldest."""
        with self._lock:
            values = self._values.get(value.organization, ())
            if not values or values[-1].revision < value.revision:
                self._values[value.organization] = (*values, value)[-CACHED_REVISIONS:]


class RememberedSetup:
    """The layouts and contents of a database as of their last revisions; safe to share between threads."""

    def __init__(self) -> None:
        self.layouts = Remembered[Layout]()
        self.contents = Remembered[Content]()

    def layout(self, transaction: Transaction, organization: int, revision: int) -> Layout:
        """The layout as of `revision`, which must be the last that changed it in the view of the transaction.

        If it is not cached, reads the rows that changed since the newest cached one, or all rows, and caches it. The
        transaction must not have changed any.
        """
        cached = self.layouts.newest(organization, revision)
        if cached is not None and cached.revision == revision:
            return cached
        layout = _layout(transaction, organization, revision, cached)
        self.layouts.remember(layout)
        return layout

    def content(self, transaction: Transaction, organization: int, revision: int) -> Content:
        """The content as of `revision`; as `layout`."""
        content = self.content_in_commit(transaction, organization, revision)
        self.contents.remember(content)
        return content

    def content_in_commit(self, transaction: Transaction, organization: int, revision: int) -> Content:
        """The content as a write transaction sees it, cached or read.

        It is not added to the cache, because it may contain changes that the transaction has not committed.
        """
        cached = self.contents.newest(organization, revision)
        if cached is not None and cached.revision == revision:
            return cached
        return _content(transaction, organization, revision, cached)


def _layout(transaction: Transaction, organization: int, revision: int, cached: Layout | None) -> Layout:
    """The layout of a revision, made from an older cached one and the rows changed since, or loaded completely."""
    changed_ids = None if cached is None else layout_changes(transaction, organization, cached.revision, revision)
    if cached is None or changed_ids is None:
        return load_layout(transaction, organization, revision)
    return cached.changed(layout_rows(transaction, organization, changed_ids), revision)


def _content(transaction: Transaction, organization: int, revision: int, cached: Content | None) -> Content:
    """The content of a revision, made from an older cached one and the rows changed since, or loaded completely."""
    changed_ids = None if cached is None else content_changes(transaction, organization, cached.revision, revision)
    if cached is None or changed_ids is None:
        return load_content(transaction, organization, revision)
    return cached.changed(content_rows(transaction, organization, changed_ids), revision)
