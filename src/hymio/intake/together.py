"""Records the plain uploads of a commit as one set: new presses and nothing else, as nearly all are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from operator import itemgetter, lt

from hymio.feedback import Feedback, Press, QuarantineNotice, Receipt, Upload, Verdict, is_device_key, is_quarantined
from hymio.intake.acknowledge import advance
from hymio.intake.judging import settle
from hymio.intake.resolving import Resolver, clock_correction
from hymio.intake.web_together import is_web, plain_web_uploads
from hymio.period import Instant
from hymio.store.ledger import Ledger, SmileyState, additions

_EPOCH, _SEQUENCE, _VISITOR, _PHASES, _MAILED = (
    itemgetter(Press._fields.index(name)) for name in ("epoch", "sequence", "visitor", "phases", "mailed")
)

MOST_PRESSES = 200
"""Presses of a set, about. With 1,000, so many objects live at once that Python's garbage collector takes a fourth of
the time of uploads of 100."""


def plain_uploads(ledger: Ledger, uploads: Sequence[Upload]) -> list[int]:
    """The indexes of the uploads that `record_together` can record, in order.

    They are plain ones of devices, each the only one of its smiley, and those of `plain_web_uploads`.
    """
    of_smiley = Counter(upload.smiley for upload in uploads)
    of_devices = [
        index for index, upload in enumerate(uploads) if of_smiley[upload.smiley] == 1 and _is_plain(ledger, upload)
    ]
    return sorted([*of_devices, *plain_web_uploads(ledger, uploads)])


def _is_plain(ledger: Ledger, upload: Upload) -> bool:
    """Whether an upload of a known smiley has only presses of one epoch, whose sequences ascend beyond all before."""
    presses, smiley = upload.presses, upload.smiley
    if not presses or upload.hours or upload.unusable or upload.lost or smiley not in ledger.layout.smileys:
        return False
    if any(map(_VISITOR, presses)) or any(map(_PHASES, presses)) or any(map(_MAILED, presses)):
        return False
    epoch, sequences = presses[0].epoch, [*map(_SEQUENCE, presses)]
    if not is_device_key(epoch) or any(press_epoch != epoch for press_epoch in map(_EPOCH, presses)):
        return False
    is_ascending = all(map(lt, sequences, sequences[1:]))
    is_new = sequences[0] > ledger.progress.of_epoch(smiley, epoch).highest
    return is_ascending and is_new and not ledger.hour_reports.any_of(smiley)


def record_together(ledger: Ledger, uploads: Sequence[Upload]) -> list[Receipt]:
    """Resolves, judges, stores and acknowledges the uploads of `plain_uploads`; their receipts.

    Nothing of them can be refused by itself, so they need no savepoints.
    """
    receipts, start, presses = list[Receipt](), 0, 0
    for end, upload in enumerate(uploads, 1):
        presses += len(upload.presses)
        if presses >= MOST_PRESSES or end == len(uploads):
            receipts += _record_set(ledger, uploads[start:end])
            start, presses = end, 0
    return receipts


def _record_set(ledger: Ledger, uploads: Sequence[Upload]) -> list[Receipt]:
    """`record_together` of few presses."""
    corrections = [
        clock_correction(upload.clock, ledger.now) if upload.correction is None else upload.correction
        for upload in uploads
    ]
    resolved = [_resolve(ledger, upload, correction) for upload, correction in zip(uploads, corrections, strict=True)]
    settle(ledger, additions(feedback for feedbacks in resolved for feedback in feedbacks))
    return [
        _receipt(ledger, upload, feedbacks, correction)
        for upload, feedbacks, correction in zip(uploads, resolved, corrections, strict=True)
    ]


def _resolve(ledger: Ledger, upload: Upload, correction: int) -> list[Feedback]:
    """The feedbacks of an upload; visits are noted before the next one is resolved, which may be the same visitor's."""
    if not is_web(upload):
        return Resolver(ledger, upload.smiley).resolve(upload.presses, correction)
    resolver = Resolver(ledger, upload.smiley, upload.presses)
    feedbacks, _ = resolver.store_visits(resolver.resolve(upload.presses, correction))
    return feedbacks


def _receipt(ledger: Ledger, upload: Upload, feedbacks: Sequence[Feedback], correction: int) -> Receipt:
    """Notes what an upload says of its smiley; the receipt."""
    smiley, epoch = upload.smiley, upload.presses[0].epoch
    through = None if is_web(upload) else advance(ledger, smiley, epoch, set(map(_SEQUENCE, upload.presses)))
    ledger.progress.seen(smiley, state_of(upload, correction, ledger.now))
    held = tuple(in_quarantine(feedbacks))
    return Receipt(
        smiley=smiley,
        revision=ledger.revision,
        new=len(feedbacks),
        held=len(held),
        duplicates=0,
        quarantined=held,
        acknowledged=() if through is None else ((epoch, through),),
        correction=correction,
    )


def state_of(upload: Upload, correction: int, now: Instant) -> SmileyState:
    """What an upload reports about the smiley: reported-through instant, clock error in ms, and health."""
    # A smiley cannot have reported presses of the future.
    through = None if upload.reported_through is None else min(upload.reported_through + correction, now)
    return SmileyState(through, None if upload.clock is None else upload.clock - now, *upload.health)


def in_quarantine(feedbacks: Sequence[Feedback]) -> list[QuarantineNotice]:
    """The entries of a receipt for feedbacks in quarantine."""
    return [
        QuarantineNotice(feedback.epoch, feedback.sequence, Verdict(feedback.verdict))
        for feedback in feedbacks
        if feedback.verdict and is_quarantined(feedback.verdict)
    ]
