"""The outbox: work that must follow from a commit, written in that commit, claimed under a lease and done afterwards.

A row waits (outcome NULL, no holder), is claimed (holder and lease), and ends as done, failed, undecided or discarded.
A claim is known by (revision, number, attempts), which is never given twice. What ends a claim is conditional on it, so
that the outcome of a process that lost its lease cannot overwrite that of its successor.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from hymio.errors import BadRequest, Conflict, LeaseLost, NotFound, Phrase
from hymio.period import Instant
from hymio.store import schema
from hymio.store.dialect import Row, Transaction
from hymio.store.lease import ENDED, FREE, TERMS, Outcome, Terms, shortened

if TYPE_CHECKING:
    from hymio.store import Store

MAX_ATTEMPTS: Final = 20
"""How often a row is attempted: with `retry_delay`, for between 28 and 57 hours."""

MAX_PAYLOAD: Final = 64 << 10
"""Characters of a payload."""

_FIRST_DELAY, _LONGEST_DELAY = 15_000, 6 * 3_600_000
_CANDIDATES = 8
"""Rows that a claim tries in turn, as other processes claim the oldest ones at the same time."""

_KEY = "organization_id = :o AND revision = :revision AND number = :number"
_CLAIMED = f"{_KEY} AND attempts = :attempts AND holder = :holder"
_ORDER = "ORDER BY not_before, revision, number"


class OutboxId(NamedTuple):
    """Which row of an organization's outbox: the revision of its commit, and its number within the commit."""

    revision: int
    number: int

    def __str__(self) -> str:
        """As it is shown and typed: `7.1`."""
        return f"{self.revision}.{self.number}"

    @classmethod
    def parsed(cls, text: str) -> OutboxId:
        """The id of a text such as `7.1`; raises BadRequest."""
        revision, _, number = text.partition(".")
        if not all(part.isascii() and part.isdigit() and len(part) <= 18 for part in (revision, number)):
            accepted = Phrase("REVISION.NUMBER, such as 7.1")
            raise BadRequest("bad-outbox-id", parameter="id", got=text, accepted=accepted)
        return cls(int(revision), int(number))


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to do a row of the outbox until an instant (ms UTC); `attempts` counts this one too."""

    organization: int
    id: OutboxId
    kind: str
    payload: dict[str, Any]
    created_at: Instant
    attempts: int
    holder: str
    until: Instant

    def key(self) -> dict[str, object]:
        """The values by which the row is still claimed so."""
        return _key(self.organization, self.id) | {"attempts": self.attempts, "holder": self.holder}


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A row as people see it; `holder` and `lease_until` of one that has ended are those of its last claim."""

    organization: int
    id: OutboxId
    kind: str
    created_at: Instant
    not_before: Instant
    attempts: int
    holder: str | None
    lease_until: Instant | None
    outcome: Outcome | None
    detail: str | None
    ended_at: Instant | None


def retry_delay(organization: int, id_: OutboxId, attempts: int) -> int:
    """How long to wait after a number of attempts, in ms: 15 s doubled for each, at most 6 h, minus up to half.

    The part taken off is drawn from a hash of row and attempt: rows that failed together do not return together.
    """
    longest = min(_LONGEST_DELAY, _FIRST_DELAY << min(attempts - 1, 32))
    drawn = int.from_bytes(blake2b(f"{organization}/{id_}/{attempts}".encode(), digest_size=4).digest())
    return longest - (longest // 2 * drawn >> 32)


# --- written in a ledger commit ---------------------------------------------------------------------------------------


class Outbox:
    """What a ledger commit does with its organization's outbox."""

    def __init__(self, transaction: Transaction, organization: int, revision: int, now: Instant) -> None:
        self._transaction = transaction
        self._organization = organization
        self._revision = revision
        self._now = now
        self._added = 0

    def add(self, kind: str, payload: Mapping[str, object], not_before: Instant | None = None) -> OutboxId:
        """Has something done after this commit, or after `not_before` (ms UTC), and not at all if the commit is undone.

        The payload is stored as JSON: ids rather than texts, and no secrets. ValueError above MAX_PAYLOAD characters.
        """
        text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
        if len(text) > MAX_PAYLOAD:
            raise ValueError(f"a payload of {len(text)} characters; {MAX_PAYLOAD} are accepted")
        self._added += 1
        start = self._now if not_before is None else not_before
        row = (kind, text, self._now, start, 0, None, None, None, None, None)
        self._transaction.insert(schema.outbox, [(self._organization, self._revision, self._added, *row)])
        return OutboxId(self._revision, self._added)

    def retry(self, id_: OutboxId) -> Outcome:
        """Has a failed or undecided row attempted again at once; how it had ended. NotFound, Conflict.

        If it has used up its attempts, it gets one more.
        """
        before = self._lock(id_)
        self._transaction.run(
            f"""UPDATE outbox SET outcome = NULL, detail = NULL, ended_at = NULL, holder = NULL, lease_until = NULL,
              not_before = :now WHERE {_KEY}""",
            now=self._now,
            **_key(self._organization, id_),
        )
        return before

    def discard(self, id_: OutboxId) -> Outcome:
        """Ends a failed or undecided row for good; how it had ended before. NotFound, Conflict."""
        before = self._lock(id_)
        self._transaction.run(
            f"UPDATE outbox SET outcome = :discarded, ended_at = :now WHERE {_KEY}",
            discarded=Outcome.DISCARDED.value,
            now=self._now,
            **_key(self._organization, id_),
        )
        return before

    def _lock(self, id_: OutboxId) -> Outcome:
        """Locks a failed or undecided row until the commit; its outcome."""
        text = f"UPDATE outbox SET kind = kind WHERE {_KEY} RETURNING outcome"
        can_be = 0 <= id_.revision < 1 << 63 and 0 <= id_.number < 1 << 63  # others fit no column
        row = self._transaction.row(text, **_key(self._organization, id_)) if can_be else None
        if row is None:
            raise NotFound("unknown-outbox-row", "there is no row {id} in the outbox", id=str(id_))
        if row[0] not in (Outcome.FAILED.value, Outcome.UNDECIDED.value):
            raise Conflict(
                "outbox-row-not-open",
                "row {id} of the outbox is {outcome}; only failed and undecided rows are retried or discarded",
                id=str(id_),
                outcome=row[0] or "waiting",
            )
        return Outcome(row[0])


# --- claimed, done and marked -----------------------------------------------------------------------------------------


def waiting_organizations(store: Store, kinds: Collection[str], now: Instant, terms: Terms = TERMS) -> list[int]:
    """The organizations whose outbox has a row of these kinds that is due and not under a lease, by id."""
    if not kinds:
        return []
    among, names = _among(kinds)
    with store.read() as transaction:
        rows = transaction.rows(
            f"""SELECT DISTINCT organization_id FROM outbox
            WHERE outcome IS NULL AND not_before <= :now AND {among} AND {FREE} ORDER BY organization_id""",
            now=now,
            **names,
            **terms.bounds(now),
        )
    return [row[0] for row in rows]


def mark_undecided(
    store: Store, organization: int, kinds: Mapping[str, bool], now: Instant, terms: Terms = TERMS
) -> list[OutboxId]:
    """Ends as undecided each row whose lease has ended without an outcome and which must not be attempted again.

    `kinds` says of each kind whether it is idempotent: such a row is attempted again, up to MAX_ATTEMPTS.
    """
    if not kinds:
        return []
    among, names = _among(kinds)
    once, once_names = _among([kind for kind, idempotent in kinds.items() if not idempotent], "once")
    with store.write() as transaction:
        rows = transaction.rows(
            f"""UPDATE outbox SET outcome = :undecided, detail = :detail, ended_at = :now
            WHERE organization_id = :o AND outcome IS NULL AND {among} AND {ENDED} AND ({once} OR attempts >= :most)
            RETURNING revision, number""",
            o=organization, undecided=Outcome.UNDECIDED.value, now=now, most=MAX_ATTEMPTS,
            detail="the process that had claimed it ended, or lost its lease, before it wrote an outcome",
            **names, **once_names, **terms.bounds(now),
        )  # fmt: skip
    return sorted(OutboxId(*row) for row in rows)


def claim(
    store: Store, organization: int, kinds: Mapping[str, bool], holder: str, now: Instant, terms: Terms = TERMS
) -> Claim | None:
    """Claims the oldest row of an organization that is due; None where there is none. `kinds` as in `mark_undecided`.

    One row at a time: a process that is killed leaves no row undecided that it had not begun.
    """
    if not kinds:
        return None
    among, names = _among(kinds)
    with store.write() as transaction:
        candidates = transaction.rows(
            f"""SELECT revision, number, kind, attempts FROM outbox
            WHERE organization_id = :o AND outcome IS NULL AND not_before <= :now AND {among} AND {FREE}
            {_ORDER} LIMIT {_CANDIDATES}""",
            o=organization,
            now=now,
            **names,
            **terms.bounds(now),
        )
        for revision, number, kind, attempts in candidates:
            row = transaction.row(
                f"""UPDATE outbox SET holder = :holder, lease_until = :until, attempts = attempts + 1
                WHERE {_KEY} AND attempts = :attempts AND outcome IS NULL
                  AND (holder IS NULL OR (:idempotent = 1 AND {FREE} AND attempts < :most))
                RETURNING payload, created_at""",
                **_key(organization, OutboxId(revision, number)), attempts=attempts, holder=holder,
                until=now + terms.length, idempotent=int(kinds[kind]), most=MAX_ATTEMPTS, **terms.bounds(now),
            )  # fmt: skip
            if row is not None:
                id_, payload = OutboxId(revision, number), json.loads(row[0])
                return Claim(organization, id_, kind, payload, row[1], attempts + 1, holder, now + terms.length)
    return None


def renew(store: Store, claimed: Claim, now: Instant, terms: Terms = TERMS) -> Instant:
    """Lets a lease last until `now` + its length, which is returned; raises LeaseLost."""
    until = now + terms.length
    text = f"UPDATE outbox SET lease_until = :until WHERE {_CLAIMED} AND outcome IS NULL"
    with store.write() as transaction:
        _require_held(claimed, transaction.run(text, until=until, **claimed.key()))
    return until


def finish(store: Store, claimed: Claim, outcome: Outcome, detail: str, now: Instant) -> None:
    """Ends a claimed row; raises LeaseLost.

    A row that was marked undecided because its holder was late is decided by that holder after all, unless somebody has
    retried or discarded it.
    """
    text = f"""UPDATE outbox SET outcome = :outcome, detail = :detail, ended_at = :now
        WHERE {_CLAIMED} AND (outcome IS NULL OR outcome = :undecided)"""
    with store.write() as transaction:
        changed = transaction.run(
            text,
            outcome=outcome.value,
            detail=shortened(detail),
            now=now,
            undecided=Outcome.UNDECIDED.value,
            **claimed.key(),
        )
        _require_held(claimed, changed)


def put_back(store: Store, claimed: Claim, detail: str, now: Instant) -> Instant | None:
    """Has a row that was certainly not done attempted again later, and says when; raises LeaseLost.

    After MAX_ATTEMPTS the row is failed instead, and the answer None.
    """
    if claimed.attempts >= MAX_ATTEMPTS:
        finish(store, claimed, Outcome.FAILED, detail, now)
        return None
    again = now + retry_delay(claimed.organization, claimed.id, claimed.attempts)
    text = f"""UPDATE outbox SET outcome = NULL, ended_at = NULL, holder = NULL, lease_until = NULL,
        detail = :detail, not_before = :again WHERE {_CLAIMED} AND (outcome IS NULL OR outcome = :undecided)"""
    with store.write() as transaction:
        undecided = Outcome.UNDECIDED.value
        changed = transaction.run(text, detail=shortened(detail), again=again, undecided=undecided, **claimed.key())
        _require_held(claimed, changed)
    return again


# --- looked at and cleared --------------------------------------------------------------------------------------------


class OutboxCount(NamedTuple):
    """How many rows of a kind have an outcome; `outcome` is None for those that wait or are being done.

    `oldest` is the earliest instant at which one of them was due.
    """

    organization: int
    kind: str
    outcome: Outcome | None
    rows: int
    oldest: Instant


def counts(transaction: Transaction) -> list[OutboxCount]:
    """How many rows there are by organization, kind and outcome."""
    rows = transaction.rows(
        """SELECT organization_id, kind, coalesce(outcome, ''), count(*), min(not_before) FROM outbox
        GROUP BY organization_id, kind, coalesce(outcome, '') ORDER BY 1, 2, 3"""
    )
    return [OutboxCount(row[0], row[1], Outcome(row[2]) if row[2] else None, *row[3:]) for row in rows]


def open_rows(transaction: Transaction, limit: int) -> list[OutboxRow]:
    """The failed and undecided rows that ended last, the newest first: those that somebody has to decide."""
    rows = transaction.rows(
        """SELECT organization_id, revision, number, kind, created_at, not_before, attempts, holder, lease_until,
          outcome, detail, ended_at FROM outbox WHERE outcome IN (:failed, :undecided)
        ORDER BY ended_at DESC, organization_id, revision, number LIMIT :limit""",
        failed=Outcome.FAILED.value,
        undecided=Outcome.UNDECIDED.value,
        limit=limit,
    )
    return [_row(row) for row in rows]


def clearable_organizations(store: Store, before: Instant) -> list[int]:
    """The organizations that have done or discarded rows that ended before an instant, by id; reads all rows."""
    with store.read() as transaction:
        rows = transaction.rows(
            """SELECT DISTINCT organization_id FROM outbox WHERE outcome IN (:done, :discarded) AND ended_at < :before
            ORDER BY organization_id""",
            done=Outcome.DONE.value,
            discarded=Outcome.DISCARDED.value,
            before=before,
        )
    return [row[0] for row in rows]


def clear(store: Store, organization: int, before: Instant, limit: int) -> int:
    """Deletes up to `limit` done or discarded rows that ended before an instant; how many. Open rows stay."""
    with store.write() as transaction:
        return transaction.run(
            """DELETE FROM outbox WHERE organization_id = :o AND (revision, number) IN (
              SELECT revision, number FROM outbox
              WHERE organization_id = :o AND outcome IN (:done, :discarded) AND ended_at < :before LIMIT :limit)""",
            o=organization,
            done=Outcome.DONE.value,
            discarded=Outcome.DISCARDED.value,
            before=before,
            limit=limit,
        )


def _key(organization: int, id_: OutboxId) -> dict[str, object]:
    return {"o": organization, "revision": id_.revision, "number": id_.number}


def _among(kinds: Collection[str], prefix: str = "kind") -> tuple[str, dict[str, str]]:
    """SQL: the row is of one of these kinds; and the values to bind."""
    names = {f"{prefix}_{letter}": kind for letter, kind in zip(map(_letters, range(len(kinds))), kinds, strict=True)}
    return (f"kind IN ({', '.join(f':{name}' for name in names)})" if names else "1 = 0"), names


def _letters(number: int) -> str:
    """A number as letters: names of bound values have no digits."""
    return chr(ord("a") + number // 26) + chr(ord("a") + number % 26)


def _row(row: Row) -> OutboxRow:
    organization, revision, number, kind, created, start, attempts, holder, until, outcome, detail, ended = row
    id_, how = OutboxId(revision, number), Outcome(outcome) if outcome else None
    return OutboxRow(organization, id_, kind, created, start, attempts, holder, until, how, detail, ended)


def _require_held(claimed: Claim, changed: int) -> None:
    if not changed:
        raise LeaseLost("outbox-lease-lost", "the lease of row {id} of the outbox has ended", id=str(claimed.id))
