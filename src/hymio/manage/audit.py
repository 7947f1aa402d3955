"""Reading the audit log: who changed what of the set-up and of credentials, and when."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from hymio.access import Permission, Principal
from hymio.errors import BadRequest, Phrase
from hymio.hierarchy import Hierarchy
from hymio.manage.change import Batch, hierarchy_in, reading
from hymio.period import Instant
from hymio.store import Store
from hymio.store.catalog.audit import AuditFilter, AuditRow, select_audit_rows

MAX_ENTRIES: Final = 10_000


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What one verb changed; `old` and `new` are values of JSON, None where there was or is no value.

    `from_node` is the node that a moved node, smiley, user or token was at before; None if nothing was moved.
    """

    revision: int
    number: int
    at: Instant
    actor: str
    via: str
    verb: str
    node: int | None
    from_node: int | None
    subject: str
    old: Any
    new: Any


def audit_log(
    store: Store | Batch, principal: Principal, *, node: int | None = None, actor: str | None = None,
    verb: str | None = None, since: Instant | None = None, until: Instant | None = None, limit: int = 100,
) -> list[AuditEntry]:  # fmt: skip
    """The newest entries, newest first: at, to or from a node or any below it, of an actor, of a verb, in
    [since, until).

    A principal whose scope is not the whole tree sees the entries at the nodes in its scope. NotFound for a node
    outside the scope, BadRequest for a limit outside 1 to MAX_ENTRIES, Forbidden.
    """
    principal.require(Permission.READ_AUDIT_LOG)
    if not 1 <= limit <= MAX_ENTRIES:
        raise BadRequest(
            parameter="limit", got=str(limit), accepted=Phrase("{least} to {most}", least=1, most=MAX_ENTRIES)
        )
    with reading(store) as transaction:
        hierarchy = hierarchy_in(store, transaction, principal)
        selection = AuditFilter(_nodes(hierarchy, principal, node), actor, verb, since, until)
        return [_entry(row) for row in select_audit_rows(transaction, principal.organization, selection, limit)]


def _nodes(hierarchy: Hierarchy, principal: Principal, node: int | None) -> list[int] | None:
    """The nodes whose entries are read; None for all entries, including those that concern no node."""
    if node is not None:
        principal.require_node(hierarchy, node)
    elif principal.reaches_all(hierarchy):
        return None
    top = principal.root(hierarchy) if node is None else node
    return [] if top is None else [below.id for below in hierarchy.subtree(top)]


def _entry(row: AuditRow) -> AuditEntry:
    """An entry of the audit log from its row."""
    return AuditEntry(*row[:-2], json.loads(row.old), json.loads(row.new))
