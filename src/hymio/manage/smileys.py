"""Smileys, their upload tokens, and their placements."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from hymio.access import Permission, Principal
from hymio.errors import NotFound, SetupError
from hymio.feedback import Verdict, quarantine_key
from hymio.manage.change import Batch, Change, changing, instant_text
from hymio.manage.checks import check_instant, check_name
from hymio.manage.secrets import hash_secret, new_secret, sms_key
from hymio.period import Instant
from hymio.smiley import SmileyType
from hymio.store import Store
from hymio.store.catalog import rows, smileys
from hymio.store.catalog.directory import Kind, delete_hashes, insert_hash, look_up
from hymio.store.catalog.smileys import PlacementRow

_SERIAL: Final = re.compile(r"[A-Z0-9][A-Z0-9-]{0,31}")
_TOKEN_BYTES: Final = 24


@dataclass(frozen=True, slots=True)
class NewSmiley:
    """A smiley's id and its upload token, which is shown once."""

    id: int
    token: str


def add_smiley(
    store: Store | Batch, principal: Principal, serial: str, name: str, type: SmileyType, id: int | None = None,  # noqa: A002
    *, point: int | None = None, now: Instant,
) -> NewSmiley:  # fmt: skip
    """Adds a smiley; its serial is unique in the organization. Its token is shown once.

    It is placed at `point` from now on, which takes a scope with that node; without one it belongs to no node, which
    takes the whole tree.
    """
    with changing(store, principal, Permission.CHANGE_SMILEYS, now) as change:
        if point is None:
            change.require_whole_tree()
        else:
            change.require_node(point)
        check_name(name)
        _check_serial(serial)
        digest = hash_secret(f"{change.ledger.organization}:{serial}")
        if look_up(change.ledger.transaction, Kind.SMILEY_SERIAL, digest):
            raise SetupError("serial-taken", "there is a smiley with serial {serial} already", serial=serial)
        identity = change.new_id("smiley", id)
        smileys.insert_smiley(change.ledger, identity, serial, name, type)
        insert_hash(change.ledger, Kind.SMILEY_SERIAL, digest, identity)
        token = give_token(change, identity)
        new: dict[str, object] = {"serial": serial, "name": name, "type": type.value}
        if point is not None:
            placed = PlacementRow(change.received_at, point, None)
            smileys.upsert_placement(change.ledger, identity, placed)
            new["placed"] = _shown(placed)
        change.audit("add-smiley", f"smiley {identity}", node=point, new=new)
        return NewSmiley(identity, token)


def new_token(store: Store | Batch, principal: Principal, smiley: int, *, now: Instant) -> str:
    """Gives a smiley a new upload token in place of the old one; it is shown once."""
    with changing(store, principal, Permission.CHANGE_SMILEYS, now) as change:
        current = placement_at(require_smiley(change, smiley), now)
        delete_hashes(change.ledger, Kind.SMILEY_TOKEN, smiley)
        token = give_token(change, smiley)
        change.audit("new-token", f"smiley {smiley}", node=None if current is None else current.node)
        return token


def place(
    store: Store | Batch, principal: Principal, smiley: int, node: int, start: Instant | None = None,
    end: Instant | None = None, *, now: Instant,
) -> Instant:  # fmt: skip
    """Places a smiley at a point in [start, end) or until its next placement; the one before it ends at `start`.

    Without `start` it stands there from now on or, where presses of it are stored whose instants lie ahead, after the
    last of them. Returns the start.
    """
    with changing(store, principal, Permission.CHANGE_SMILEYS, now) as change:
        old = require_smiley(change, smiley)
        change.require_node(node)
        start = _after_stored(change, smiley) if start is None else start
        check_instant(start)
        check_instant(end)
        following = smileys.select_next_start(change.ledger, smiley, start)
        last = min((instant for instant in (end, following) if instant is not None), default=None)
        placed = PlacementRow(start, node, last)
        if placed in old:
            return start
        smileys.end_placements(change.ledger, smiley, start)
        smileys.upsert_placement(change.ledger, smiley, placed)
        before = placement_at(old, start)
        from_node = None if before is None else before.node
        change.audit(
            "place", f"smiley {smiley}", node=node, from_node=from_node, old=_shown(before), new=_shown(placed)
        )
        return start


def unplace(
    store: Store | Batch, principal: Principal, smiley: int, end: Instant | None = None, *, now: Instant
) -> Instant:
    """Ends the placement of a smiley at an instant and deletes those that begin then or later; returns the instant.

    Without `end` it is now, as for `place`. SetupError if it has no placement from that instant on. Stored feedback
    keeps its assignment until it is resettled.
    """
    with changing(store, principal, Permission.CHANGE_SMILEYS, now) as change:
        old = require_smiley(change, smiley)
        end = _after_stored(change, smiley) if end is None else end
        check_instant(end)
        deleted = smileys.delete_placements(change.ledger, smiley, end)
        if not smileys.end_placements(change.ledger, smiley, end) + deleted:
            raise SetupError("placed-nowhere", "smiley {smiley} has no placement at or after that time", smiley=smiley)
        ended = [row for row in old if row.start >= end or row.end is None or row.end > end]
        shown = [_shown(row) for row in ended]
        change.audit("unplace", f"smiley {smiley}", node=ended[0].node, old=shown, new={"until": instant_text(end)})
        return end


def _after_stored(change: Change, smiley: int) -> Instant:
    """Now or, if stored presses of a smiley have later instants by its clock, the first instant after them.

    So a placement that begins or ends by default contradicts no stored press. A clock that is ahead by more than
    CLOCK_TOLERANCE is corrected.
    """
    layout, now = change.ledger.layout, change.received_at
    assignments = {
        resolved.result.assignment.id
        for resolved in layout.resolved_ranges(smiley, now, change.from_now_on)
        if not isinstance(resolved.result, Verdict)
    }
    quarantined = map(quarantine_key, (None, *layout.surveys))
    newest = rows.newest_feedback_of(change.ledger, smiley, [*assignments, *quarantined], now, change.from_now_on)
    return now if newest is None else newest + 1


def _check_serial(serial: str) -> None:
    """SetupError unless a serial is 1 to 32 of A-Z, 0-9 and -."""
    if not _SERIAL.fullmatch(serial):
        raise SetupError("bad-serial", "got serial {serial!r}; accepted are 1 to 32 of A-Z, 0-9 and -", serial=serial)


def require_smiley(change: Change, smiley: int) -> list[PlacementRow]:
    """A smiley's placements. NotFound if it does not exist, or any of its placements is outside the scope.

    Past placements count too, because its token sends presses of any time. Without any, the scope must be the tree.
    """
    placements = smileys.select_placements(change.ledger, smiley) if rows.is_id(smiley) else []
    in_scope = all(change.reaches(row.node) for row in placements) if placements else change.reaches(None)
    if not in_scope or not rows.exists(change.ledger, "smiley", smiley):
        raise NotFound("unknown-smiley", "there is no smiley {smiley}", smiley=smiley)
    return placements


def give_token(change: Change, smiley: int) -> str:
    """Stores the hash of a new upload token and the SMS key derived from it; returns the token."""
    token = new_secret(_TOKEN_BYTES)
    insert_hash(change.ledger, Kind.SMILEY_TOKEN, hash_secret(token), smiley)
    smileys.update_sms_key(change.ledger, smiley, sms_key(token))
    return token


def placement_at(placements: list[PlacementRow], at: Instant) -> PlacementRow | None:
    """The placement at an instant, None if there is none."""
    return next((row for row in placements if row.start <= at and (row.end is None or at < row.end)), None)


def _shown(placement: PlacementRow | None) -> dict[str, object] | None:
    """A placement as the audit log shows it."""
    if placement is None:
        return None
    start, node, end = placement
    return {"node": node, "from": instant_text(start), "until": instant_text(end)}
