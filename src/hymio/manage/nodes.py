"""The tree of groups and experience points, and settings of its nodes that have a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from operator import itemgetter
from typing import TypeVar

from hymio.access import Permission, Principal
from hymio.errors import SetupError
from hymio.hierarchy import BEGINNING, NodeKind, value_at
from hymio.manage.change import Batch, Change, TakesEffect, changing, instant_text
from hymio.manage.checks import check_instant, check_name
from hymio.misuse import MisusePolicy
from hymio.period import Instant, zone
from hymio.store import Store
from hymio.store.catalog import nodes, rows
from hymio.store.catalog.nodes import Step
from hymio.store.ledger.regroup import regroup_hours
from hymio.store.setup.layout_rows import POLICY, ZONE

T = TypeVar("T")
Settings = Mapping[int, Iterable[tuple[Instant, T | None]]]


def add_group(
    store: Store | Batch, principal: Principal, name: str, parent: int | None = None, id: int | None = None,  # noqa: A002
    *, now: Instant,
) -> int:  # fmt: skip
    """Adds a group; one without parent is the organization's root, of which there is one. Its id."""
    with changing(store, principal, Permission.CHANGE_TREE, now) as change:
        return _add_node(change, NodeKind.GROUP, name, parent, id, None)


def add_point(
    store: Store | Batch, principal: Principal, name: str, parent: int, id: int | None = None,  # noqa: A002
    public_name: str | None = None, *, now: Instant,
) -> int:  # fmt: skip
    """Adds an experience point below a group. Its id."""
    with changing(store, principal, Permission.CHANGE_TREE, now) as change:
        return _add_node(change, NodeKind.EXPERIENCE_POINT, name, parent, id, public_name)


def rename_node(store: Store | Batch, principal: Principal, node: int, name: str, *, now: Instant) -> None:
    """Renames a group or point."""
    with changing(store, principal, Permission.CHANGE_TREE, now) as change:
        old = change.require_node(node).name
        check_name(name)
        if name == old:
            return
        _require_own_name(change, name, change.ledger.layout.hierarchy.nodes[node].parent, node)
        nodes.update_name(change.ledger, node, name)
        change.audit("rename-node", f"node {node}", node=node, old=old, new=name)


def move_node(
    store: Store | Batch, principal: Principal, node: int, parent: int, *, now: Instant
) -> TakesEffect | None:
    """Moves a node below another group; the hours of its points leave the groups above and join those of the new ones.

    Zones and policies of the groups above are inherited from the beginning where no feedback lies below, otherwise from
    now on (`from_now_on`), and those that acted until now become the node's own past. From when they act; None where
    the node lies there already. SetupError where the parent is the node itself or below it, or the node is the root.
    """
    with changing(store, principal, Permission.CHANGE_TREE, now, node=node) as change:
        change.require_node(parent)
        ledger, before = change.ledger, change.ledger.layout
        old = before.hierarchy.nodes[node].parent
        if old is None or parent == node or node in before.hierarchy.ancestors(parent):
            raise SetupError(
                "impossible-move",
                "node {node} cannot move below node {parent}, which is itself or below it, or it is the root",
                node=node,
                parent=parent,
            )
        if parent == old:
            return None
        _require_own_name(change, before.hierarchy.nodes[node].name, parent, node)
        replaced: dict[str, object] = {}
        effect = _by_default(change, node)
        if effect.oldest is not None:
            replaced["zones"] = _keep_past(change, node, ZONE, before.zones, "UTC", str)
            replaced["policies"] = _keep_past(change, node, POLICY, before.policies, MisusePolicy(), _policy_text)
        nodes.update_parent(ledger, node, parent)
        points = {point.id for point in before.hierarchy.points(node)}
        regroup_hours(ledger, before, [each.id for each in before.assignments.values() if each.node in points])
        values = {"old": {"parent": old, **replaced}, "new": {"parent": parent}}
        change.audit("move-node", f"node {node}", node=node, from_node=old, **values)
        return effect


def set_zone(
    store: Store | Batch, principal: Principal, node: int, name: str, at: Instant | None = None, *, now: Instant
) -> TakesEffect | None:
    """Sets a node's time zone, which acts on all below that have none of their own, from an instant.

    By default it acts from the beginning where no feedback lies below the node, and replaces what the node had until
    now. Otherwise it acts from now on, which is a minute later: a press of a device whose clock is ahead may be stored
    already. Acting on stored feedback takes an explicit instant. From when it acts; None where nothing changes.
    """
    with changing(store, principal, Permission.CHANGE_TREE, now, node=node) as change:
        zone(name)
        return _set(change, "set-zone", node, ZONE, name, at)


def set_policy(
    store: Store | Batch, principal: Principal, node: int, policy: MisusePolicy, at: Instant | None = None,
    *, now: Instant,
) -> TakesEffect | None:  # fmt: skip
    """Sets what is misuse at a node and below, from an instant; by default as `set_zone`, and returns the same."""
    with changing(store, principal, Permission.CHANGE_TREE, now, node=node) as change:
        return _set(change, "set-policy", node, POLICY, _policy_text(policy), at)


def _add_node(
    change: Change, kind: NodeKind, name: str, parent: int | None, wanted: int | None, public_name: str | None
) -> int:
    """Adds a node below a group, or the root; its id. SetupError for a second root."""
    check_name(name)
    if public_name is not None:
        check_name(public_name)
    if parent is None:
        change.require_whole_tree()
        if root := nodes.select_root(change.ledger):
            raise SetupError("second-root", "got a second node without parent; the root is node {root}", root=root)
    else:
        change.require_node(parent)
        _require_own_name(change, name, parent)
    identity = change.new_id("node", wanted)
    nodes.insert_node(change.ledger, identity, parent, kind, name, public_name)
    verb = "add-group" if kind is NodeKind.GROUP else "add-point"
    change.audit(verb, f"node {identity}", node=identity, new={"name": name, "parent": parent})
    return identity


def _require_own_name(change: Change, name: str, parent: int | None, node: int | None = None) -> None:
    """SetupError if another node below the same group has the name, which could not be told from it by its path."""
    siblings = () if parent is None else change.ledger.layout.hierarchy.children(parent)
    same = next(
        (sibling for sibling in siblings if sibling.id != node and _folded(sibling.name) == _folded(name)), None
    )
    if same is not None:
        raise SetupError(
            "sibling-has-name",
            "node {node} below the same group is called {name!r} already",
            node=same.id,
            name=same.name,
        )


def _folded(name: str) -> str:
    """A name without regard to case and white space, as the command line compares names."""
    return " ".join(name.casefold().split())


def _set(change: Change, verb: str, node: int, name: str, value: str, at: Instant | None) -> TakesEffect | None:
    """Stores a step of a node's zone or policy, from `at` on or by the default of `set_zone`; None without change."""
    check_instant(at)
    effect = _by_default(change, node) if at is None else TakesEffect(at, _oldest_below(change, node, at))
    is_always = at is None and effect.since == BEGINNING
    replaced = nodes.select_settings(change.ledger, node, name, change.from_now_on if is_always else effect.since)
    if is_always:
        if replaced == [Step(BEGINNING, value)]:
            return None
        nodes.delete_settings(change.ledger, node, name, change.from_now_on)
    else:
        replaced = replaced[-1:]
        if [step.value for step in replaced] == [value]:
            return None
    nodes.upsert_settings(change.ledger, node, name, [Step(effect.since, value)])
    new = {"value": _value(name, value), "from": instant_text(effect.since)}
    change.audit(verb, f"node {node}", node=node, old=_shown(name, replaced), new=new)
    return effect


def _shown(name: str, steps: list[Step]) -> object:
    """Replaced steps of a setting as the audit log shows them: one as its value, several with their instants."""
    own = [(step.start, _value(name, step.value)) for step in steps if step.value]
    if len(own) > 1:
        return [{"from": instant_text(start), "value": value} for start, value in own]
    return own[0][1] if own else None


def _by_default(change: Change, node: int) -> TakesEffect:
    """From when a change of a node acts if no instant is given."""
    oldest = _oldest_below(change, node, BEGINNING)
    return TakesEffect(BEGINNING if oldest is None else change.from_now_on, oldest)


def _oldest_below(change: Change, node: int, since: Instant) -> Instant | None:
    """The instant of the oldest feedback at the points of a node's subtree from an instant on."""
    layout = change.ledger.layout
    points = layout.hierarchy.points(node)
    assignments = [assignment.id for point in points for assignment in layout.assignments_at(point.id)]
    return rows.oldest_feedback(change.ledger, assignments, since)


def _value(name: str, text: str) -> object:
    """A setting as the audit log shows it."""
    return json.loads(text) if name == POLICY else text


def _keep_past(
    change: Change, node: int, name: str, settings: Settings[T], default: T, text: Callable[[T], str]
) -> list[dict[str, object]]:
    """Makes what a node inherited until now its own past, after which it has what it had of its own, or inherits.

    The node's own steps until now, which it replaces, as the audit log shows them.
    """
    inherited = change.ledger.layout.hierarchy.inherited(node, settings, default)
    moment = change.from_now_on
    steps = sorted(settings.get(node, ()), key=itemgetter(0))
    own = value_at(steps, moment)
    past = [(at, text(value)) for at, value in inherited.steps if at < moment]
    nodes.delete_settings(change.ledger, node, name, moment)
    nodes.upsert_settings(change.ledger, node, name, [*past, (moment, "" if own is None else text(own))])
    return [
        {"from": instant_text(at), "value": None if value is None else _value(name, text(value))}
        for at, value in steps
        if at <= moment
    ]


def _policy_text(policy: MisusePolicy) -> str:
    """A policy as the JSON of its column."""
    return json.dumps(asdict(policy), separators=(",", ":"))
