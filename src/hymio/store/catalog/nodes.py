"""Rows of the tree: groups and experience points, and their settings over time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from hymio.hierarchy import NodeKind
from hymio.period import Instant
from hymio.setup import Part
from hymio.store import schema
from hymio.store.catalog.rows import first_row, run
from hymio.store.ledger import Ledger


class NodeRow(NamedTuple):
    """A node's parent and name."""

    parent: int | None
    name: str


class Step(NamedTuple):
    """A node's own setting from an instant on; an empty value means that it has none of its own from then on."""

    start: Instant
    value: str


def select_node(ledger: Ledger, node: int) -> NodeRow | None:
    """A node's parent and name."""
    row = first_row(ledger, "SELECT parent_id, name FROM node WHERE organization_id = :o AND id = :node", node=node)
    return NodeRow(*row) if row else None


def select_root(ledger: Ledger) -> int | None:
    """The node without a parent."""
    row = first_row(ledger, "SELECT id FROM node WHERE organization_id = :o AND parent_id IS NULL")
    return row[0] if row else None


def insert_node(
    ledger: Ledger, identity: int, parent: int | None, kind: NodeKind, name: str, public_name: str | None
) -> None:
    """Inserts a node."""
    ledger.transaction.insert(schema.node, [(ledger.organization, identity, parent, kind.value, name, public_name)])
    ledger.changed(Part.NODE, identity)


def update_name(ledger: Ledger, node: int, name: str) -> None:
    """Sets a node's name."""
    run(ledger, "UPDATE node SET name = :name WHERE organization_id = :o AND id = :node", name=name, node=node)
    ledger.changed(Part.NODE, node)


def update_parent(ledger: Ledger, node: int, parent: int) -> None:
    """Sets a node's parent."""
    text = "UPDATE node SET parent_id = :parent WHERE organization_id = :o AND id = :node"
    run(ledger, text, parent=parent, node=node)
    ledger.changed(Part.NODE, node)


def select_settings(ledger: Ledger, node: int, name: str, through: Instant) -> list[Step]:
    """A node's own settings of a name that begin at or before an instant, in order of time."""
    rows = ledger.transaction.rows(
        """SELECT starts_at, value FROM node_setting WHERE organization_id = :o AND node_id = :node AND name = :name
        AND starts_at <= :through ORDER BY starts_at""",
        o=ledger.organization,
        node=node,
        name=name,
        through=through,
    )
    return [Step(*row) for row in rows]


def upsert_settings(ledger: Ledger, node: int, name: str, steps: Iterable[tuple[Instant, str]]) -> None:
    """Sets a node's own values of a setting, each from an instant on."""
    ledger.transaction.insert(
        schema.node_setting,
        [(ledger.organization, node, name, at, value) for at, value in steps],
        "ON CONFLICT (organization_id, node_id, name, starts_at) DO UPDATE SET value = excluded.value",
    )
    ledger.changed(Part.NODE_SETTING, node)


def delete_settings(ledger: Ledger, node: int, name: str, through: Instant) -> None:
    """Deletes a node's own values of a setting that begin at or before an instant."""
    run(
        ledger,
        """DELETE FROM node_setting
        WHERE organization_id = :o AND node_id = :node AND name = :name AND starts_at <= :through""",
        node=node,
        name=name,
        through=through,
    )
    ledger.changed(Part.NODE_SETTING, node)
