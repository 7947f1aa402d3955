"""The set-up as one commit sees it and changes it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from hymio.setup import ChangedIds, Content, Layout, Part
from hymio.store.dialect import Transaction
from hymio.store.setup.changes import note_changes
from hymio.store.setup.content_rows import content_rows, load_content
from hymio.store.setup.layout_rows import layout_rows, load_layout
from hymio.store.setup.remembered import RememberedSetup


class SetupRevisions(NamedTuple):
    """The revisions that changed an organization's layout and content last."""

    layout: int
    content: int


class SetupInCommit:
    """The layout and content within a write transaction, its own changes included.

    `changed` notes a changed row in a log; the next use of `layout` or `content` reads the rows noted since the last.
    """

    def __init__(
        self,
        transaction: Transaction,
        remembered: RememberedSetup,
        organization: int,
        revision: int,
        before: SetupRevisions,
    ) -> None:
        """For the commit of a revision; `before` are the revisions of the set-up before it."""
        self._transaction = transaction
        self._remembered = remembered
        self._organization = organization
        self._revision = revision
        self._content_revision = before.content
        self._before = self._layout = remembered.layout(transaction, organization, before.layout)
        self._content: Content | None = None
        self._log: list[tuple[Part, int]] = []
        self._layout_entries = self._content_entries = 0  # how many entries of the log the two values already include

    @property
    def layout(self) -> Layout:
        """The layout, updated by the rows noted since its last use."""
        if self._layout_entries < len(self._log):
            new_entries = self._log[self._layout_entries :]
            self._layout = self._updated_layout(_by_part((part, key) for part, key in new_entries if part.is_layout))
            self._layout_entries = len(self._log)
        return self._layout

    @property
    def content(self) -> Content:
        """The content, updated by the rows noted since its last use."""
        if self._content is None:
            revision = self._content_revision
            self._content = self._remembered.content_in_commit(self._transaction, self._organization, revision)
        if self._content_entries < len(self._log):
            new_entries = self._log[self._content_entries :]
            changed_ids = _by_part((part, key) for part, key in new_entries if part.is_content)
            self._content = self._updated_content(self._content, changed_ids)
            self._content_entries = len(self._log)
        return self._content

    def changed(self, part: Part, identity: int) -> None:
        """Notes that this commit changed, added or removed a row."""
        self._log.append((part, identity))

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Drops what the `with` block noted and read if it raises; the transaction's own savepoint undoes its rows."""
        before = self._layout, self._layout_entries, self._content, self._content_entries
        length = len(self._log)
        try:
            yield
        except BaseException:
            self._layout, self._layout_entries, self._content, self._content_entries = before
            del self._log[length:]
            raise

    def flush(self) -> None:
        """Checks what was changed and lists it in `setup_change`. SetupError, which must undo the transaction."""
        if self._log:
            changed_ids = _by_part(self._log)
            self.layout.check_changes(self._before, changed_ids)
            note_changes(self._transaction, self._organization, self._revision, changed_ids)
            is_cached = self._content is not None or self._remembered.contents.has(self._organization)
            if is_cached and self._has_new_content:
                self._content = self.content  # updated now with all changes, so that `remember` can cache it

    def remember(self) -> None:
        """Caches the changed layout and content for the process. To be called after the commit."""
        if any(part.is_layout for part, _ in self._log):
            self._remembered.layouts.remember(self._layout)
        if self._content is not None and self._has_new_content:
            self._remembered.contents.remember(self._content)

    @property
    def _has_new_content(self) -> bool:
        return any(part.is_content for part, _ in self._log)

    def _updated_layout(self, changed_ids: ChangedIds) -> Layout:
        """The layout with the changes of this commit."""
        if Part.WHOLE in changed_ids:
            return load_layout(self._transaction, self._organization, self._revision)
        if not changed_ids:
            return self._layout
        return self._layout.changed(layout_rows(self._transaction, self._organization, changed_ids), self._revision)

    def _updated_content(self, content: Content, changed_ids: ChangedIds) -> Content:
        """The content with the changes of this commit."""
        if Part.WHOLE in changed_ids:
            return load_content(self._transaction, self._organization, self._revision)
        if not changed_ids:
            return content
        return content.changed(content_rows(self._transaction, self._organization, changed_ids), self._revision)


def _by_part(log: Iterable[tuple[Part, int]]) -> ChangedIds:
    """Changed ids by part."""
    changed_ids: defaultdict[Part, set[int]] = defaultdict(set)
    for part, key in log:
        changed_ids[part].add(key)
    return {part: frozenset(keys) for part, keys in changed_ids.items()}
