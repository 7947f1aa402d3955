"""The cache of set-ups of a process: the last layouts and contents, refreshed by the rows that changed since."""

from __future__ import annotations

import threading
from typing import Generic, Protocol, TypeVar

from hymio.setup import Content, Layout
from hymio.store.dialect import Transaction
from hymio.store.setup.changes import content_changes, layout_changes
from hymio.store.setup.content_rows import content_rows, load_content
from hymio.store.setup.layout_rows import layout_rows, load_layout

KEPT_REVISIONS = 3
"""Values that are kept for each organization: a transaction that began before the last commits needs an older one."""


class _Revised(Protocol):
    """A value of an organization as of a revision."""

    @property
    def organization(self) -> int: ...
    @property
    def revision(self) -> int: ...


V = TypeVar("V", bound=_Revised)


class Remembered(Generic[V]):
    """The last KEPT_REVISIONS values of each organization; safe to share between threads."""

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
        """Keeps a value if it is newer than all that are kept of its organization, in place of the oldest."""
        with self._lock:
            values = self._values.get(value.organization, ())
            if not values or values[-1].revision < value.revision:
                self._values[value.organization] = (*values, value)[-KEPT_REVISIONS:]


class RememberedSetup:
    """The layouts and contents of a database as of their last revisions; safe to share between threads."""

    def __init__(self) -> None:
        self.layouts = Remembered[Layout]()
        self.contents = Remembered[Content]()

    def layout(self, transaction: Transaction, organization: int, revision: int) -> Layout:
        """The layout as of `revision`, which must be the last that changed it in the view of the transaction.

        Reads the rows that changed since the remembered layout, or all. The transaction must not have changed any.
        """
        known = self.layouts.newest(organization, revision)
        if known is not None and known.revision == revision:
            return known
        layout = _layout(transaction, organization, revision, known)
        self.layouts.remember(layout)
        return layout

    def content(self, transaction: Transaction, organization: int, revision: int) -> Content:
        """The content as of `revision`; as `layout`."""
        content = self.content_in_commit(transaction, organization, revision)
        self.contents.remember(content)
        return content

    def content_in_commit(self, transaction: Transaction, organization: int, revision: int) -> Content:
        """The content for a transaction that may have changed it itself; therefore what is read is not remembered."""
        known = self.contents.newest(organization, revision)
        if known is not None and known.revision == revision:
            return known
        return _content(transaction, organization, revision, known)


def _layout(transaction: Transaction, organization: int, revision: int, known: Layout | None) -> Layout:
    """The layout of a revision, made from the known one and the changed rows, or loaded completely."""
    touched = None if known is None else layout_changes(transaction, organization, known.revision, revision)
    if known is None or touched is None:
        return load_layout(transaction, organization, revision)
    return known.changed(layout_rows(transaction, organization, touched), revision)


def _content(transaction: Transaction, organization: int, revision: int, known: Content | None) -> Content:
    """The content of a revision, made from the known one and the changed rows, or loaded completely."""
    touched = None if known is None else content_changes(transaction, organization, known.revision, revision)
    if known is None or touched is None:
        return load_content(transaction, organization, revision)
    return known.changed(content_rows(transaction, organization, touched), revision)
