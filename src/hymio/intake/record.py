"""Recording uploads: resolve, append, judge misuse, settle hours; one commit, a receipt each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from operator import itemgetter

from hymio.errors import HymioError, NotFound, Unavailable
from hymio.feedback import (
    Feedback,
    Misfit,
    Press,
    Quarantined,
    Receipt,
    Upload,
    Verdict,
    is_device_key,
    is_quarantined,
    sequences_told,
)
from hymio.intake.acknowledge import acknowledge
from hymio.intake.compare import Compared, compare
from hymio.intake.hour_reports import settle_placeholders, take_hour_report
from hymio.intake.judging import settle
from hymio.intake.phase_merge import store_phases
from hymio.intake.resolving import Resolver, clock_correction
from hymio.period import Instant
from hymio.store import Store
from hymio.store.ledger import Ledger, SmileyState, additions

_EPOCH, _PHASES = (itemgetter(Press._fields.index(name)) for name in ("epoch", "phases"))

MAX_BODY_CHARACTERS = 4_096
"""Characters that are stored of a press that cannot be read."""


def record(store: Store, organization: int, uploads: Sequence[Upload], now: Instant) -> list[Receipt | HymioError]:
    """Commits uploads of one organization, each in its own savepoint, and answers each after the commit.

    An answer is a receipt, or the error for which that upload alone was undone (an unknown smiley). Raises Unavailable,
    with nothing stored, when the database is locked or full.
    """
    with store.begin(organization, now) as ledger:
        _prefetch(ledger, uploads)
        return [_answer(ledger, upload) for upload in uploads]


def _prefetch(ledger: Ledger, uploads: Sequence[Upload]) -> None:
    """Reads in two queries what would be asked for once an upload."""
    epochs = {(upload.smiley, epoch) for upload in uploads for epoch in set(map(_EPOCH, upload.presses))}
    ledger.progress.prefetch([key for key in epochs if is_device_key(key[1])])
    ledger.hour_reports.prefetch({upload.smiley for upload in uploads})


def _answer(ledger: Ledger, upload: Upload) -> Receipt | HymioError:
    try:
        with ledger.savepoint():
            return _record(ledger, upload)
    except Unavailable:
        raise
    except HymioError as error:
        return error


def _record(ledger: Ledger, upload: Upload) -> Receipt:
    smiley = upload.smiley
    if smiley not in ledger.layout.smileys:
        raise NotFound("unknown-smiley", "there is no smiley {smiley}", smiley=smiley)
    correction = clock_correction(upload.clock, ledger.now)
    sequences = sequences_told(upload.presses)
    compared = compare(ledger, upload, sequences)
    feedbacks = _store_presses(ledger, upload, compared, correction)
    hours = [(report, take_hour_report(ledger, smiley, report)) for report in upload.hours]
    taken = tuple(report for report, outcome in hours if not isinstance(outcome, Misfit))
    refused = [outcome for _, outcome in hours if isinstance(outcome, Misfit)]
    misfits = [*upload.misfits, *compared.misfits, *refused]
    presses = [misfit for misfit in misfits if misfit.phase is None]
    kept = ledger.rows.quarantine(smiley, _hashed(presses))
    ledger.rows.quarantine_parts(smiley, _hashed(misfit for misfit in misfits if misfit.phase is not None))
    acknowledged = acknowledge(ledger, upload._replace(hours=taken), sequences, presses)
    ledger.progress.seen(smiley, _state(upload, correction, ledger.now))
    waiting = [press for _, outcome in hours if not isinstance(outcome, Misfit) for press in outcome]
    return Receipt(
        smiley=smiley,
        revision=ledger.revision,
        stored=len(feedbacks) + kept,
        duplicates=compared.duplicates + len(presses) - kept,
        quarantined=(*compared.quarantined, *_in_quarantine(feedbacks), *waiting, *map(_named, misfits)),
        acknowledged=acknowledged,
        correction=correction,
    )


def _store_presses(ledger: Ledger, upload: Upload, compared: Compared, correction: int) -> list[Feedback]:
    """Stores fresh presses, judged, and the phases of all; adds to the misfits what contradicts stored phases."""
    resolver = Resolver(ledger, upload.smiley, compared.fresh)
    feedbacks = resolver.resolve(compared.fresh, correction)
    resolver.store_visits()
    settle(ledger, additions(feedbacks))
    if any(map(_PHASES, upload.presses)):
        fresh = {(feedback.epoch, feedback.sequence): feedback for feedback in feedbacks}
        told = [*((press, None) for press in compared.fresh), *compared.repeated]
        compared.misfits += store_phases(ledger, fresh, told)
    _supersede(ledger, upload.smiley, compared.fresh)
    return feedbacks


def _supersede(ledger: Ledger, smiley: int, fresh: Iterable[Press]) -> None:
    """Lets the detail of hours that an SMS told of take the place of its placeholders."""
    if not ledger.hour_reports.any_of(smiley):
        return
    for epoch, told in sequences_told(fresh).items():
        if is_device_key(epoch):
            for report in ledger.hour_reports.overlapping(smiley, epoch, min(told), max(told) + 1):
                settle_placeholders(ledger, smiley, report)


def _state(upload: Upload, correction: int, now: Instant) -> SmileyState:
    # Nobody can have told of what has not happened yet.
    through = None if upload.reported_through is None else min(upload.reported_through + correction, now)
    return SmileyState(through, None if upload.clock is None else upload.clock - now, *upload.health)


def _in_quarantine(feedbacks: Iterable[Feedback]) -> list[Quarantined]:
    return [
        Quarantined(feedback.epoch, feedback.sequence, Verdict(feedback.verdict))
        for feedback in feedbacks
        if feedback.verdict and is_quarantined(feedback.verdict)
    ]


def _named(misfit: Misfit) -> Quarantined:
    return Quarantined(misfit.epoch, misfit.sequence, misfit.reason, misfit.phase)


def _hashed(misfits: Iterable[Misfit]) -> list[tuple[Misfit, bytes]]:
    """Misfits with the hash of their reason and whole body, by which one that is told again is known."""
    return [
        (_cut(misfit), hashlib.sha256(f"{misfit.reason} {misfit.body}".encode()).digest()[:16]) for misfit in misfits
    ]


def _cut(misfit: Misfit) -> Misfit:
    """A misfit whose body is at most MAX_BODY_CHARACTERS long and says how long it was."""
    if len(misfit.body) <= MAX_BODY_CHARACTERS:
        return misfit
    mark = f" ... cut, {len(misfit.body)} characters in all"
    return misfit._replace(body=misfit.body[: MAX_BODY_CHARACTERS - len(mark)] + mark)
