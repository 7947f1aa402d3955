"""How migrations make tables: with their distribution, which acts at once where the database is distributed."""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy.schema import SchemaItem

from hymio.store.dialect.citus import distribute_table, is_distributed


def create_table(name: str, *columns: SchemaItem, distribution: str = "organization_id", **options: Any) -> None:
    """Creates a table in a migration; on a distributed Citus database it is distributed before it has any row.

    `distribution` is what the table's `info` in `schema` says: the column of the organization, which every table that
    grows has first in its keys, or "reference" for a small table that every node has whole.
    """
    op.create_table(name, *columns, **options)
    connection = op.get_bind()
    if is_distributed(connection):
        distribute_table(connection, name, distribution)
