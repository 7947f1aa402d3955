"""Searching for what an erasure concerns, in pieces that are small enough for a commit each."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final, NamedTuple, TypeVar
from uuid import UUID

from hymio.errors import NotFound
from hymio.feedback import visitor_hash
from hymio.hierarchy import BEGINNING
from hymio.period import Instant
from hymio.personal_data import Contact, Erasure, OfContact, OfFeedback, OfOrganization, OfPeriod, PersonalData
from hymio.setup import END, Layout
from hymio.store import Store, personal_rows
from hymio.store.dialect import Row, Transaction
from hymio.store.personal_rows import PHASES, Body, BodyKey, Found, PressKey, StoredMessage, Visit
from hymio.store.quarantine import instant_in

PIECE_ROWS: Final = 250
"""Presses or rows that are erased in one commit, so that uploads wait shortly."""

PAGE_ROWS: Final = 2_000
"""Rows that are read at a time."""

_ESCAPED: Final = re.compile(r"\\u([0-9a-fA-F]{4})")

T = TypeVar("T")


class Piece(NamedTuple):
    """What is erased in one commit: of presses all phases with people's data, and rows that belong to none."""

    presses: tuple[Found, ...] = ()
    bodies: tuple[BodyKey, ...] = ()
    messages: tuple[StoredMessage, ...] = ()
    visits: tuple[Visit, ...] = ()
    comments: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """The number of its presses and rows."""
        return sum(map(len, self))


def pieces(store: Store, organization: int, erasure: Erasure) -> Iterator[Piece]:
    """What an erasure concerns; each piece may be erased before the next is asked for.

    NotFound for an unknown organization, feedback or node.
    """
    layout = store.layout(organization)
    match erasure:
        case OfFeedback(ids):
            with store.read() as transaction:
                presses = [_press(transaction, layout, identity) for identity in ids]
                found = _of_presses(transaction, organization, presses)
            yield from found
        case OfContact(contact):
            yield from _of_person(store, layout, contact)
        case OfPeriod(node, start, end):
            if node not in layout.hierarchy.nodes:
                raise NotFound("unknown-node", "there is no node {node}", node=node)
            yield from _of_range(store, organization, Range(start, end, layout, node))
        case OfOrganization():
            yield from _of_range(store, organization, Range(BEGINNING, END, layout, None))
            yield from (Piece(comments=some) for some in _cut(_comments(store, organization)))


# --- some feedback, or a person's ------------------------------------------------------------------------------------


def _press(transaction: Transaction, layout: Layout, identity: UUID) -> Found:
    """The press with a published id. NotFound."""
    found = personal_rows.press_with_id(transaction, layout.organization, layout.smileys, identity)
    if found is None:
        raise NotFound("unknown-feedback", "there is no feedback {feedback}", feedback=str(identity))
    return found


def _of_presses(transaction: Transaction, organization: int, presses: Iterable[Found]) -> list[Piece]:
    """Pieces of presses, each with their bodies in quarantine and the visits that were last counted with them."""
    found = []
    for some in _cut(dict.fromkeys(presses)):
        bodies = personal_rows.bodies_of(transaction, organization, [each.press for each in some])
        visits = personal_rows.visits_at(transaction, organization, some)
        found.append(Piece(some, bodies=tuple(bodies), visits=tuple(visits)))
    return found


def _of_person(store: Store, layout: Layout, contact: Contact) -> Iterator[Piece]:
    """The presses with a phase or body that names a contact, and other rows that name it or belong to the person."""
    organization = layout.organization
    keys = {PressKey(*key[:4]) for kind in PHASES for key in _searched(store, organization, kind, contact)}
    bodies = [body for body in _bodies(store, organization) if any(map(contact.is_in, texts_of(body.text)))]
    identities = {key.identity for key in keys}
    identities |= {body.key.press for body in bodies if body.key.press is not None}
    hashes = [visitor_hash(spelling, organization) for spelling in sorted(contact.spellings)]
    with store.read() as transaction:
        presses = [
            found
            for smiley, epoch, sequence in sorted(identities)
            for found in personal_rows.presses_with_key(transaction, organization, [smiley], epoch, sequence)
        ]
        of_presses = _of_presses(transaction, organization, presses)
        visits = personal_rows.visits_of(transaction, organization, hashes)
    with_press = {key for piece in of_presses for key in piece.bodies}
    yield from of_presses
    yield from _apart(
        (body.key for body in bodies if body.key not in with_press),
        (row for row in _messages(store, organization) if contact.equals(row.sender) or contact.is_within(row.text)),
        visits,
    )


def _searched(store: Store, organization: int, kind: PersonalData, contact: Contact) -> Iterator[Row]:
    """The keys of the rows of a phase that name a contact: as one of their fields or, in what people wrote, within."""
    is_named = contact.is_within if kind is PersonalData.TEXTS else contact.is_in
    if not PHASES[kind].searched:
        return

    def page(transaction: Transaction, last: tuple[Row, Row] | None) -> list[tuple[Row, Row]]:
        after = None if last is None else last[0]
        return personal_rows.searched_phases(transaction, organization, kind, after, PAGE_ROWS)

    yield from (key for key, texts in _all(store, page) if any(map(is_named, texts)))


def texts_of(body: str) -> Iterator[str]:
    """The texts in a body of quarantine: those of its JSON, or where it was cut, all of it."""
    try:
        waiting = [json.loads(body)]
    except (ValueError, RecursionError):
        yield _ESCAPED.sub(lambda found: chr(int(found[1], 16)), body)
        return
    while waiting:
        match waiting.pop():
            case str(text):
                yield text
            case list(items):
                waiting += items
            case dict(members):
                waiting += [*members, *members.values()]


# --- a node and period, or everything --------------------------------------------------------------------------------


class Range(NamedTuple):
    """Instants [start, end), and the node that what happened there lies below; None for everything."""

    start: Instant
    end: Instant
    layout: Layout
    node: int | None

    @property
    def is_whole_tree(self) -> bool:
        """Whether it holds what belongs to no node, too."""
        root = self.layout.hierarchy.root
        return self.node is None or (root is not None and self.node == root.id)

    def has_node(self, node: int) -> bool:
        """Whether a node lies in it."""
        return self.is_whole_tree or self.node in (node, *self.layout.hierarchy.ancestors(node))

    def has(self, at: Instant, smiley: int | None = None, assignment: int = 0) -> bool:
        """Whether something lies in it: by its assignment or, without one, by where its smiley was placed."""
        if not self.start <= at < self.end:
            return False
        if self.is_whole_tree:
            return True
        if assignment > 0:
            return self.has_node(self.layout.assignments[assignment].node)
        placement = None if smiley is None else self.layout.placement(smiley, at)
        return placement is not None and self.has_node(placement.node)


def _of_range(store: Store, organization: int, within: Range) -> Iterator[Piece]:
    """Everything in a range. A body in quarantine lies in it by its `_instant`."""
    presses = (
        found
        for found in _presses(store, organization, within)
        if within.has(found.press.at, found.press.smiley, found.assignment)
    )
    yield from map(Piece, _cut(presses))
    yield from _apart(
        (body.key for body in _bodies(store, organization) if within.has(_instant(body), body.key.smiley)),
        (row for row in _messages(store, organization) if within.has(row.received_at, row.smiley)),
        (row for row in _visits(store, organization) if within.has(row.at, assignment=row.assignment)),
    )


def _instant(body: Body) -> Instant:
    """When a press in quarantine was made: as its body says, or the press whose part it is; else when it came."""
    at = instant_in(body.text)
    if at is None:
        at = body.pressed_at
    return body.received_at if at is None else at


def _apart(bodies: Iterable[BodyKey], messages: Iterable[StoredMessage], visits: Iterable[Visit]) -> Iterator[Piece]:
    """Pieces of rows that belong to no press."""
    yield from (Piece(bodies=some) for some in _cut(bodies))
    yield from (Piece(messages=some) for some in _cut(messages))
    yield from (Piece(visits=some) for some in _cut(visits))


# --- rows, page by page ----------------------------------------------------------------------------------------------


def _presses(store: Store, organization: int, within: Range) -> Iterator[Found]:
    """The presses with people's data in a range's instants."""

    def page(transaction: Transaction, last: Found | None) -> list[Found]:
        after = None if last is None else last.press
        return personal_rows.presses_with_phases(transaction, organization, within.start, within.end, after, PAGE_ROWS)

    return _all(store, page)


def _bodies(store: Store, organization: int) -> Iterator[Body]:
    """All bodies in quarantine."""
    return _all(store, lambda transaction, last: personal_rows.bodies(transaction, organization, last, PAGE_ROWS))


def _messages(store: Store, organization: int) -> Iterator[StoredMessage]:
    """All text messages."""
    return _all(store, lambda transaction, last: personal_rows.messages(transaction, organization, last, PAGE_ROWS))


def _visits(store: Store, organization: int) -> Iterator[Visit]:
    """All visits."""
    return _all(store, lambda transaction, last: personal_rows.visits(transaction, organization, last, PAGE_ROWS))


def _comments(store: Store, organization: int) -> Iterator[int]:
    """The ids of all comments on alerts."""
    return _all(store, lambda transaction, last: personal_rows.comments(transaction, organization, last, PAGE_ROWS))


def _all(store: Store, page: Callable[[Transaction, T | None], list[T]]) -> Iterator[T]:
    """The rows of all pages, each read in a view of its own after the last row of the one before."""
    last: T | None = None
    while True:
        with store.read() as transaction:
            rows = page(transaction, last)
        yield from rows
        if len(rows) < PAGE_ROWS:
            return
        last = rows[-1]


def _cut(rows: Iterable[T]) -> Iterator[tuple[T, ...]]:
    """The rows in tuples of up to PIECE_ROWS."""
    left = iter(rows)
    while some := tuple(islice(left, PIECE_ROWS)):
        yield some
