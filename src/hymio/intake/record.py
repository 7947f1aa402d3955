"""Recording uploads: resolve, append, judge misuse, settle hours; one commit, a receipt each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import NamedTuple

from hymio.errors import HymioError, NotFound, Unavailable
from hymio.feedback import (
    Feedback,
    Press,
    QuarantineNotice,
    Receipt,
    UnusablePress,
    Upload,
    Verdict,
    is_device_key,
    sequences_by_epoch,
)
from hymio.intake.acknowledge import acknowledge
from hymio.intake.compare import Compared, body_without_phases, compare
from hymio.intake.hour_reports import settle_placeholders, take_hour_report
from hymio.intake.judging import settle
from hymio.intake.phase_merge import store_phases
from hymio.intake.resolving import Resolver, clock_correction
from hymio.intake.together import in_quarantine, plain_uploads, record_together, state_of
from hymio.period import Instant
from hymio.setup import Layout
from hymio.store import Store
from hymio.store.ledger import Ledger, additions
from hymio.store.personal_rows import PHASES

_EPOCH, _PHASES = (itemgetter(Press._fields.index(name)) for name in ("epoch", "phases"))

_ERASABLE = frozenset(phase.name for phase in PHASES.values())

MAX_BODY_CHARACTERS = 4_096
"""Characters that are stored of a press that cannot be read."""


class Recorded(NamedTuple):
    """The answers to the uploads of one commit, and the layout by which their presses were resolved."""

    answers: list[Receipt | HymioError]
    layout: Layout


def record(
    store: Store, organization: int, uploads: Sequence[Upload], now: Instant, *, replayed: bool = False
) -> list[Receipt | HymioError]:
    """Commits uploads of one organization; the answers of `record_with_layout`."""
    return record_with_layout(store, organization, uploads, now, replayed=replayed).answers


def record_with_layout(
    store: Store, organization: int, uploads: Sequence[Upload], now: Instant, *, replayed: bool = False
) -> Recorded:
    """Commits uploads of one organization, and answers each after the commit.

    Plain ones are one set (`together`), each other one has a savepoint. An answer is a receipt, or the error for which
    that upload alone was undone (an unknown smiley). Raises Unavailable, with nothing stored, when the database is
    locked or full, or `now` before the newest receive time (ClockBehind). Uploads of the past may be `replayed`: `now`
    is then when they were received.
    """
    with store.begin(organization, now, present=not replayed) as ledger:
        _prefetch(ledger, uploads)
        plain = plain_uploads(ledger, uploads)
        receipts = dict(zip(plain, record_together(ledger, [uploads[index] for index in plain]), strict=True))
        answers = [receipts.get(index) or _answer(ledger, upload) for index, upload in enumerate(uploads)]
        return Recorded(answers, ledger.layout)


def _prefetch(ledger: Ledger, uploads: Sequence[Upload]) -> None:
    """Reads the progress and hour reports of all uploads in two queries, instead of two for each upload."""
    epochs = {(upload.smiley, epoch) for upload in uploads for epoch in set(map(_EPOCH, upload.presses))}
    ledger.progress.prefetch([key for key in epochs if is_device_key(key[1])])
    ledger.hour_reports.prefetch({upload.smiley for upload in uploads})


def _answer(ledger: Ledger, upload: Upload) -> Receipt | HymioError:
    """Records one upload in its savepoint; its receipt, or the error that rolled it back."""
    # Outside the savepoint, which is set at the first write within it: many uploads of one press then need none.
    ledger.rows.insert_waiting(upload.smiley)
    try:
        with ledger.savepoint():
            return _record(ledger, upload)
    except Unavailable:
        raise
    except HymioError as error:
        return error


def _record(ledger: Ledger, upload: Upload) -> Receipt:
    """Records one upload: compare, resolve, judge, store, acknowledge. NotFound for an unknown smiley."""
    smiley = upload.smiley
    if smiley not in ledger.layout.smileys:
        raise NotFound("unknown-smiley", "there is no smiley {smiley}", smiley=smiley)
    correction = clock_correction(upload.clock, ledger.now) if upload.correction is None else upload.correction
    sequences = sequences_by_epoch(upload.presses)
    compared = compare(ledger, upload, sequences)
    feedbacks = _store_presses(ledger, upload, compared, correction)
    hours = [(report, take_hour_report(ledger, smiley, report)) for report in upload.hours]
    taken = tuple(report for report, outcome in hours if not isinstance(outcome, UnusablePress))
    refused = [outcome for _, outcome in hours if isinstance(outcome, UnusablePress)]
    unusable = [*upload.unusable, *compared.unusable, *refused]
    presses = [entry for entry in unusable if entry.phase is None]
    fresh = _not_erased(ledger, smiley, unusable)
    held = in_quarantine(feedbacks)
    kept = ledger.rows.quarantine(smiley, _hashed(entry for entry in fresh if entry.phase is None))
    ledger.rows.quarantine_parts(smiley, _hashed(entry for entry in fresh if entry.phase is not None))
    acknowledged = acknowledge(ledger, upload._replace(hours=taken), sequences, presses)
    ledger.progress.seen(smiley, state_of(upload, correction, ledger.now))
    waiting = [press for _, outcome in hours if not isinstance(outcome, UnusablePress) for press in outcome]
    return Receipt(
        smiley=smiley,
        revision=ledger.revision,
        new=len(feedbacks) + kept,
        held=len(held) + kept,
        duplicates=compared.duplicates + len(presses) - kept,
        quarantined=(*compared.quarantined, *held, *waiting, *map(_named, unusable)),
        acknowledged=acknowledged,
        correction=correction,
    )


def _store_presses(ledger: Ledger, upload: Upload, compared: Compared, correction: int) -> list[Feedback]:
    """Stores fresh presses, judged, and the phases of all; adds phases that contradict stored ones to `unusable`."""
    resolver = Resolver(ledger, upload.smiley, compared.fresh)
    feedbacks = resolver.resolve(compared.fresh, correction)
    feedbacks, by_scanner = resolver.store_visits(feedbacks)
    settle(ledger, [*additions(feedbacks), *by_scanner])
    if any(map(_PHASES, upload.presses)):
        fresh = {(feedback.epoch, feedback.sequence): feedback for feedback in feedbacks}
        sent = [*((press, None) for press in compared.fresh), *compared.repeated]
        compared.unusable += store_phases(ledger, fresh, sent)
    _supersede(ledger, upload.smiley, compared.fresh)
    return feedbacks


def _supersede(ledger: Ledger, smiley: int, fresh: Iterable[Press]) -> None:
    """Updates the placeholders of hours reported by SMS to which new detailed presses belong."""
    if not ledger.hour_reports.any_of(smiley):
        return
    for epoch, sequences in sequences_by_epoch(fresh).items():
        if is_device_key(epoch):
            for report in ledger.hour_reports.overlapping(smiley, epoch, min(sequences), max(sequences) + 1):
                settle_placeholders(ledger, smiley, report)


def _named(entry: UnusablePress) -> QuarantineNotice:
    """The entry of a receipt for an unusable press."""
    return QuarantineNotice(entry.epoch, entry.sequence, entry.reason, entry.phase)


def _not_erased(ledger: Ledger, smiley: int, unusable: Sequence[UnusablePress]) -> list[UnusablePress]:
    """Unusable presses without those of which quarantine has an erased body, and without phases that were erased of
    them: what is sent again stays erased."""
    identified = [(entry.epoch, entry.sequence) for entry in unusable if entry.sequence]
    if not identified:
        return list(unusable)
    emptied, tombstones = ledger.erased.bodies(smiley, identified), ledger.erased.phases(smiley, identified)
    kept = []
    for entry in unusable:
        press = (entry.epoch, entry.sequence)
        left = None if press in emptied else _without_phases(entry, tombstones.get(press, frozenset()))
        kept += [] if left is None else [left]
    return kept


def _without_phases(entry: UnusablePress, names: frozenset[str]) -> UnusablePress | None:
    """An unusable press, or part of one, without the phases of these names; None if nothing is left.

    What cannot be read may be any phase: it goes where every one was erased, and of a press its reason stays.
    """
    is_any_phase = entry.reason is Verdict.UNREADABLE and names >= _ERASABLE
    if entry.phase is not None:
        return None if entry.phase in names or is_any_phase else entry
    if is_any_phase:
        return entry._replace(body="")
    if not names or entry.reason is not Verdict.CONFLICT:
        return entry
    return entry._replace(body=body_without_phases(entry.body, names))


def _hashed(unusable: Iterable[UnusablePress]) -> list[tuple[UnusablePress, bytes]]:
    """Unusable presses with the hash of their reason and full body, by which a repeat is recognized."""
    return [(_cut(entry), hashlib.sha256(f"{entry.reason} {entry.body}".encode()).digest()[:16]) for entry in unusable]


def _cut(entry: UnusablePress) -> UnusablePress:
    """An unusable press whose body is at most MAX_BODY_CHARACTERS long and says how long it was."""
    if len(entry.body) <= MAX_BODY_CHARACTERS:
        return entry
    mark = f" ... cut, {len(entry.body)} characters in all"
    return entry._replace(body=entry.body[: MAX_BODY_CHARACTERS - len(mark)] + mark)
