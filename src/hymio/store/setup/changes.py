"""The table `setup_change`: which rows of the set-up each revision changed."""

from __future__ import annotations

from collections import defaultdict

from hymio.period import Instant
from hymio.setup import ChangedIds, Part
from hymio.store import schema
from hymio.store.dialect import Transaction

MAX_CHANGES = 500
"""Up to this many changed rows are listed for a commit and read by their ids; for more, the whole set-up is read."""

_LAYOUT = ", ".join(f"'{part.value}'" for part in Part if part.is_layout)
_CONTENT = ", ".join(f"'{part.value}'" for part in Part if part.is_content)


def note_changes(transaction: Transaction, organization: int, revision: int, changed_ids: ChangedIds) -> None:
    """Lists what a revision changed, and sets the revisions that changed the layout and the content last."""
    is_short = sum(map(len, changed_ids.values())) <= MAX_CHANGES
    changes: ChangedIds = changed_ids if is_short else {Part.WHOLE: frozenset({0})}
    rows = [(organization, revision, part.value, key) for part, keys in changes.items() for key in sorted(keys)]
    transaction.insert(schema.setup_change, rows, "ON CONFLICT DO NOTHING")
    changed = {
        "setup_revision": any(part.is_layout for part in changed_ids),
        "content_revision": any(part.is_content for part in changed_ids),
    }
    columns = ", ".join(f"{column} = :revision" for column, is_changed in changed.items() if is_changed)
    transaction.run(f"UPDATE ledger SET {columns} WHERE organization_id = :o", o=organization, revision=revision)


def layout_changes(transaction: Transaction, organization: int, after: int, through: int) -> ChangedIds | None:
    """The rows of the layout that changed in revisions (after, through]; `through` is the last that changed it.

    None if there are more than MAX_CHANGES, or if not all of them are listed: then all rows must be read.
    """
    return _changes(transaction, organization, _LAYOUT, after, through)


def content_changes(transaction: Transaction, organization: int, after: int, through: int) -> ChangedIds | None:
    """The rows of the content that changed; as `layout_changes`."""
    return _changes(transaction, organization, _CONTENT, after, through)


def _changes(transaction: Transaction, organization: int, parts: str, after: int, through: int) -> ChangedIds | None:
    """The rows that changed after a revision up to another; None if they are too many or not all recorded."""
    rows = transaction.rows(
        f"""SELECT part, id, max(revision) FROM setup_change
        WHERE organization_id = :o AND revision > :after AND part IN ({parts}) GROUP BY part, id LIMIT :most""",
        o=organization,
        after=after,
        most=MAX_CHANGES + 1,
    )
    changed_ids: defaultdict[Part, set[int]] = defaultdict(set)
    for part, key, _ in rows:
        changed_ids[Part(part)].add(key)
    # A version of Hymio from before this table changes the set-up without adding rows to it.
    is_complete = max((revision for _, _, revision in rows), default=after) == through
    if not is_complete or len(rows) > MAX_CHANGES or Part.WHOLE in changed_ids:
        return None
    return {part: frozenset(keys) for part, keys in changed_ids.items()}


def outdated_changes(transaction: Transaction, before: Instant) -> list[tuple[int, int]]:
    """(organization, last listed revision from before `before`), where more than one row is listed from before it."""
    rows = transaction.rows(
        """SELECT s.organization_id, max(s.revision) FROM setup_change s
        JOIN revision r ON r.organization_id = s.organization_id AND r.revision = s.revision
        WHERE r.committed_at < :before GROUP BY s.organization_id HAVING count(*) > 1 ORDER BY s.organization_id""",
        before=before,
    )
    return [(row[0], row[1]) for row in rows]


def forget_changes(transaction: Transaction, organization: int, before: int) -> None:
    """Deletes the list of what revisions before `before` changed.

    A row of Part.WHOLE at the last of them makes every process that has an older set-up read all rows.
    """
    old = "FROM setup_change WHERE organization_id = :o AND revision < :before"
    row = transaction.row(f"SELECT max(revision) {old}", o=organization, before=before)
    if row is None or row[0] is None:
        return
    transaction.run(f"DELETE {old}", o=organization, before=before)
    transaction.insert(schema.setup_change, [(organization, row[0], Part.WHOLE.value, 0)])
