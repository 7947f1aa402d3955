"""The tree of groups and experience points, and settings of its nodes that have a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from operator import itemgetter
from typing import TypeVar

from hymio.errors import SetupError
from hymio.hierarchy import BEGINNING, NodeKind, value_at
from hymio.misuse import MisusePolicy
from hymio.period import Instant, zone
from hymio.store import schema
from hymio.store.catalog.changing import changed, check_name, from_now_on, has_feedback, identity_of, must_have, run
from hymio.store.ledger import Ledger
from hymio.store.moving import carry_hours
from hymio.store.reading import POLICY, ZONE

T = TypeVar("T")
Settings = Mapping[int, Iterable[tuple[Instant, T | None]]]


def add_group(ledger: Ledger, name: str, parent: int | None = None, id: int | None = None) -> int:  # noqa: A002
    """Adds a group; the organization's first one, without parent, is its root."""
    return _add_node(ledger, NodeKind.GROUP, name, parent, id, None)


def add_point(
    ledger: Ledger, name: str, parent: int, id: int | None = None, public_name: str | None = None  # noqa: A002
) -> int:  # fmt: skip
    """Adds an experience point below a group."""
    return _add_node(ledger, NodeKind.EXPERIENCE_POINT, name, parent, id, public_name)


def rename_node(ledger: Ledger, node: int, name: str) -> None:
    """Renames a group or point."""
    check_name(name)
    must_have(ledger, "node", node)
    run(ledger, "UPDATE node SET name = :name WHERE organization_id = :o AND id = :node", name=name, node=node)
    changed(ledger)


def move_node(ledger: Ledger, node: int, parent: int) -> None:
    """Moves a node below another group; its points' history leaves the groups above and joins the new ones.

    Zones and policies of the groups above are inherited from now on; what acted until now stays what acted.
    """
    must_have(ledger, "node", node)
    must_have(ledger, "node", parent)
    hierarchy = ledger.layout.hierarchy
    if hierarchy.nodes[node].parent is None or parent == node or node in hierarchy.ancestors(parent):
        raise SetupError(f"node {node} cannot move below node {parent}, which is itself or below it, or it is the root")
    before = ledger.layout
    if has_feedback(ledger):
        _keep_past(ledger, node, ZONE, before.zones, "UTC", str)
        _keep_past(ledger, node, POLICY, before.policies, MisusePolicy(), _policy_text)
    run(
        ledger,
        "UPDATE node SET parent_id = :parent WHERE organization_id = :o AND id = :node",
        parent=parent,
        node=node,
    )
    changed(ledger)
    points = {point.id for point in before.hierarchy.points(node)}
    moved = [each.id for each in before.assignments.values() if each.node in points]
    carry_hours(ledger, before, moved)


def set_zone(ledger: Ledger, node: int, name: str, at: Instant | None = None) -> None:
    """Sets a node's time zone, which acts on all below, from an instant.

    By default that is always while there is no feedback yet, and afterwards from now on, by the clocks of devices that
    are ahead, which is a minute: the past is changed by asking for it.
    """
    zone(name)
    _set(ledger, node, ZONE, name, at)


def set_policy(ledger: Ledger, node: int, policy: MisusePolicy, at: Instant | None = None) -> None:
    """Sets what is misuse at a node and below, from an instant; by default as `set_zone`."""
    _set(ledger, node, POLICY, _policy_text(policy), at)


def _add_node(
    ledger: Ledger, kind: NodeKind, name: str, parent: int | None, wanted: int | None, public_name: str | None
) -> int:
    check_name(name)
    root = "SELECT id FROM node WHERE organization_id = :o AND parent_id IS NULL"
    if parent is None and (taken := ledger.transaction.row(root, o=ledger.organization)):
        raise SetupError(f"got a second node without parent; the root is node {taken[0]}")
    identity = identity_of(ledger, "node", wanted)
    ledger.transaction.insert(schema.node, [(ledger.organization, identity, parent, kind.value, name, public_name)])
    changed(ledger)
    return identity


def _set(ledger: Ledger, node: int, name: str, value: str, at: Instant | None) -> None:
    must_have(ledger, "node", node)
    if at is None:
        at = from_now_on(ledger) if has_feedback(ledger) else BEGINNING
    _put_steps(ledger, node, name, [(at, value)])


def _put_steps(ledger: Ledger, node: int, name: str, steps: Iterable[tuple[Instant, str]]) -> None:
    ledger.transaction.insert(
        schema.node_setting,
        [(ledger.organization, node, name, at, value) for at, value in steps],
        "ON CONFLICT (organization_id, node_id, name, starts_at) DO UPDATE SET value = excluded.value",
    )
    changed(ledger)


def _keep_past(
    ledger: Ledger, node: int, name: str, settings: Settings[T], default: T, text: Callable[[T], str]
) -> None:
    """Makes what a node inherited until now its own past, after which it has what it had of its own, or inherits."""
    inherited = ledger.layout.hierarchy.inherited(node, settings, default)
    moment = from_now_on(ledger)
    own = value_at(sorted(settings.get(node, ()), key=itemgetter(0)), moment)
    past = [(at, text(value)) for at, value in inherited.steps if at < moment]
    run(
        ledger,
        """DELETE FROM node_setting
        WHERE organization_id = :o AND node_id = :node AND name = :name AND starts_at <= :moment""",
        node=node, name=name, moment=moment,
    )  # fmt: skip
    _put_steps(ledger, node, name, [*past, (moment, "" if own is None else text(own))])


def _policy_text(policy: MisusePolicy) -> str:
    return json.dumps(asdict(policy), separators=(",", ":"))
