"""Records the plain uploads of a commit as one set: new presses and nothing else, as nearly all are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter, lt
from typing import TypeVar

from hymio.feedback import Feedback, Press, QuarantineNotice, Receipt, Upload, Verdict, is_device_key, is_quarantined
from hymio.intake.acknowledge import advance
from hymio.intake.judging import settle
from hymio.intake.resolving import Resolver, clock_correction
from hymio.intake.uniform import (
    UniformPresses,
    acknowledge_uniform,
    store_uniform,
    uniform_presses,
    without_neighbours,
)
from hymio.intake.web_together import is_web, plain_web_uploads
from hymio.period import Instant
from hymio.store.ledger import Ledger, SmileyState, additions

_SEQUENCE = itemgetter(Press._fields.index("sequence"))

T = TypeVar("T")

MOST_PRESSES = 1_000
"""Presses of a set, about. With 5,000, so many rows live at once that uploads of 100 take a tenth longer."""


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
    epochs, sequences, _, _, _, visitors, _, phases, _, mailed = zip(*presses, strict=True)
    if any(visitors) or any(phases) or any(mailed):
        return False
    epoch = epochs[0]
    if not is_device_key(epoch) or epochs.count(epoch) != len(epochs):
        return False
    is_ascending = all(map(lt, sequences, sequences[1:]))
    is_new = sequences[0] > ledger.progress.of_epoch(smiley, epoch).highest
    return is_ascending and is_new and not ledger.hour_reports.any_of(smiley)


def record_together(ledger: Ledger, uploads: Sequence[Upload]) -> list[Receipt]:
    """Resolves, judges, stores and acknowledges the uploads of `plain_uploads`; their receipts.

    Nothing of them can be refused by itself, so they need no savepoints.
    """
    corrections = [
        clock_correction(upload.clock, ledger.now) if upload.correction is None else upload.correction
        for upload in uploads
    ]
    uniform = dict[int, UniformPresses]()
    for index, upload in enumerate(uploads):
        presses = None if is_web(upload) else uniform_presses(ledger, upload, corrections[index])
        if presses is not None:
            uniform[index] = presses
    uniform = without_neighbours(ledger, uniform)
    # Sorted as the rows lie in the database: each page of a table or index is then written once.
    for some in _sets([(presses, len(presses.sequences)) for presses in sorted(uniform.values())]):
        store_uniform(ledger, some)
    others = [index for index in range(len(uploads)) if index not in uniform]
    feedbacks = dict[int, list[Feedback]]()
    for indexes in _sets([(index, len(uploads[index].presses)) for index in others]):
        feedbacks |= _settled(ledger, {index: uploads[index] for index in indexes}, corrections)
    return [
        _receipt(ledger, upload, corrections[index], uniform.get(index), feedbacks.get(index, ()))
        for index, upload in enumerate(uploads)
    ]


def _sets(sized: Iterable[tuple[T, int]]) -> Iterator[list[T]]:
    """Things in sets that have about MOST_PRESSES presses each; each thing comes with how many it has."""
    members, presses = list[T](), 0
    for member, size in sized:
        members.append(member)
        presses += size
        if presses >= MOST_PRESSES:
            yield members
            members, presses = [], 0
    if members:
        yield members


def _settled(ledger: Ledger, uploads: Mapping[int, Upload], corrections: Sequence[int]) -> dict[int, list[Feedback]]:
    """Resolves, judges and stores the presses of few uploads; the feedbacks of each, as they were resolved."""
    resolved = {index: _resolve(ledger, upload, corrections[index]) for index, upload in uploads.items()}
    settle(ledger, additions(feedback for feedbacks in resolved.values() for feedback in feedbacks))
    return resolved


def _resolve(ledger: Ledger, upload: Upload, correction: int) -> list[Feedback]:
    """The feedbacks of an upload; visits are noted before the next one is resolved, which may be the same visitor's."""
    if not is_web(upload):
        return Resolver(ledger, upload.smiley).resolve(upload.presses, correction)
    resolver = Resolver(ledger, upload.smiley, upload.presses)
    feedbacks, _ = resolver.store_visits(resolver.resolve(upload.presses, correction))
    return feedbacks


def _receipt(
    ledger: Ledger, upload: Upload, correction: int, uniform: UniformPresses | None, feedbacks: Sequence[Feedback]
) -> Receipt:
    """Notes what an upload says of its smiley; the receipt. Nothing of uniform presses is in quarantine."""
    smiley, epoch = upload.smiley, upload.presses[0].epoch
    if uniform is not None:
        through: int | None = acknowledge_uniform(ledger, uniform)
    else:
        through = None if is_web(upload) else advance(ledger, smiley, epoch, set(map(_SEQUENCE, upload.presses)))
    ledger.progress.seen(smiley, state_of(upload, correction, ledger.now))
    held = tuple(in_quarantine(feedbacks))
    return Receipt(
        smiley=smiley,
        revision=ledger.revision,
        new=len(upload.presses),
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
