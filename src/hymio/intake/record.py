"""Recording what smileys say: resolve, append, judge misuse, settle hours; one commit, a receipt each."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from hymio.errors import HymioError, NotFound, Unavailable
from hymio.feedback import (
    Feedback,
    HourReport,
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
from hymio.intake.hours import settle_placeholders, take_hour_report
from hymio.intake.judging import settle
from hymio.intake.phases import plain, store_phases
from hymio.intake.resolving import Resolver, clock_correction, named_survey
from hymio.period import Instant
from hymio.store import Store
from hymio.store.ledger import Ledger, additions

Key = tuple[int, int]
"""Epoch and sequence."""

Content = tuple[int, int, int | None]
"""Instant by the smiley's clock, button, and the survey that a press with a client-made id names."""

_EPOCH, _PHASES = (itemgetter(Press._fields.index(name)) for name in ("epoch", "phases"))

LONGEST_BODY = 4_096
"""Characters that are kept of a press that cannot be read."""

_WALKED = 1_000
"""How many stored sequences are read at a time when a gap closes."""


def record(store: Store, organization: int, uploads: Sequence[Upload], now: Instant) -> list[Receipt | HymioError]:
    """Commits uploads of one organization, each in its own savepoint, and answers each after the commit.

    An answer is a receipt, or the error for which that upload alone was undone (an unknown smiley). Raises Unavailable,
    with nothing stored, when the database is locked or full.
    """
    with store.begin(organization, now) as ledger:
        epochs = {(upload.smiley, epoch) for upload in uploads for epoch in set(map(_EPOCH, upload.presses))}
        ledger.expect({upload.smiley for upload in uploads}, (each for each in epochs if is_device_key(each[1])))
        return [_answer(ledger, upload) for upload in uploads]


def _answer(ledger: Ledger, upload: Upload) -> Receipt | HymioError:
    try:
        with ledger.savepoint(upload.smiley):
            return _record(ledger, upload)
    except Unavailable:
        raise
    except HymioError as error:
        return error


@dataclass(slots=True)
class _Sorted:
    """The presses of an upload, told apart against what is stored."""

    fresh: list[Press] = field(default_factory=list)
    known: list[tuple[Press, Feedback | None]] = field(default_factory=list)
    """Presses told again, each with its stored feedback, if it was stored before this upload."""

    duplicates: int = 0
    misfits: list[Misfit] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)


def _record(ledger: Ledger, upload: Upload) -> Receipt:
    if upload.smiley not in ledger.layout.smileys:
        raise NotFound(f"there is no smiley {upload.smiley}")
    correction = clock_correction(upload.clock, ledger.now)
    sequences = sequences_told(upload.presses)
    sorted_ = _sort(ledger, upload, sequences)
    feedbacks = _store_presses(ledger, upload, sorted_, correction)
    hours = [(report, take_hour_report(ledger, upload.smiley, report)) for report in upload.hours]
    taken = tuple(report for report, waiting in hours if waiting is not None)
    refused = [_refused(report) for report, waiting in hours if waiting is None]
    told = [*upload.misfits, *sorted_.misfits, *refused]
    misfits = [each for each in told if each.phase is None]
    kept = _quarantine(ledger, upload.smiley, misfits)
    ledger.put_aside(upload.smiley, _hashed(each for each in told if each.phase is not None))
    acknowledged = _acknowledge(ledger, upload._replace(hours=taken), sequences, misfits)
    # Nobody can have told of what has not happened yet.
    reported = None if upload.reported_through is None else min(upload.reported_through + correction, ledger.now)
    ledger.seen(upload, reported, None if upload.clock is None else upload.clock - ledger.now)
    quarantined = [
        Quarantined(each.epoch, each.sequence, Verdict(each.verdict))
        for each in feedbacks
        if each.verdict and is_quarantined(each.verdict)
    ]
    return Receipt(
        smiley=upload.smiley,
        revision=ledger.revision,
        stored=len(feedbacks) + kept,
        duplicates=sorted_.duplicates + len(misfits) - kept,
        quarantined=(
            *sorted_.quarantined,
            *quarantined,
            *(each for _, waiting in hours for each in waiting or ()),
            *(Quarantined(misfit.epoch, misfit.sequence, misfit.reason, misfit.phase) for misfit in told),
        ),
        acknowledged=acknowledged,
        correction=correction,
    )


def _sort(ledger: Ledger, upload: Upload, sequences: Mapping[int, list[int]]) -> _Sorted:
    """Fresh presses, duplicates, and conflicts: a known key with other content, which never replaces what is stored."""
    stored = _stored(ledger, upload.smiley, sequences)
    if not stored and all(len(set(told)) == len(told) for told in sequences.values()):
        return _Sorted(fresh=list(upload.presses))
    found = _Sorted()
    told = {key: _content(ledger, each) for key, each in stored.items()}
    for press in upload.presses:
        _sort_one(press, told, stored, found)
    return found


def _stored(ledger: Ledger, smiley: int, sequences: Mapping[int, list[int]]) -> dict[Key, Feedback]:
    """The stored feedbacks among these keys; a device's are not looked for beyond the highest one it has told."""
    clients = [(epoch, each) for epoch, told in sequences.items() if not is_device_key(epoch) for each in set(told)]
    found = ledger.known_keys(smiley, clients) if clients else {}
    for epoch, told in sequences.items():
        if is_device_key(epoch) and min(told) <= ledger.progress(smiley, epoch)[1]:
            found |= {(epoch, sequence): each for sequence, each in ledger.known(smiley, epoch, set(told)).items()}
    return found


def _content(ledger: Ledger, feedback: Feedback) -> Content:
    """What the press of a stored feedback said, by its own clock."""
    return feedback.at - feedback.correction, feedback.button, named_survey(ledger.layout, feedback)


def _sort_one(press: Press, told: dict[Key, Content], stored: dict[Key, Feedback], found: _Sorted) -> None:
    key = press.epoch, press.sequence
    before = told.get(key)
    said = (press.at, press.button, None if is_device_key(press.epoch) else press.survey or 0)
    if before is None:
        told[key] = said
        found.fresh.append(press)
    elif before == said:
        found.duplicates += 1
        known = stored.get(key)
        found.known.append((press, known))
        if known is not None and is_quarantined(known.verdict):
            found.quarantined.append(Quarantined(press.epoch, press.sequence, Verdict(known.verdict)))
    else:
        found.misfits.append(Misfit(press.epoch, press.sequence, Verdict.CONFLICT, _body(press)))


def _body(press: Press) -> str:
    said: dict[str, object] = {"at": press.at, "button": press.button, "survey": press.survey}
    if press.phases is not None:
        said["after"] = plain(press.phases)
    return json.dumps(said, separators=(",", ":"))


def _store_presses(ledger: Ledger, upload: Upload, sorted_: _Sorted, correction: int) -> list[Feedback]:
    smiley, presses = upload.smiley, upload.presses
    resolver = Resolver(ledger, smiley, sorted_.fresh)
    feedbacks = resolver.resolve(sorted_.fresh, correction)
    resolver.note_visits()
    settle(ledger, additions(feedbacks))
    if any(map(_PHASES, presses)):
        told = [*((press, None) for press in sorted_.fresh), *sorted_.known]
        fresh = {(each.epoch, each.sequence): each for each in feedbacks}
        sorted_.misfits += store_phases(ledger, fresh, told)
    _supersede(ledger, smiley, sorted_.fresh)
    return feedbacks


def _supersede(ledger: Ledger, smiley: int, fresh: Iterable[Press]) -> None:
    """Lets the detail of hours that an SMS told of take the place of its placeholders."""
    if not ledger.tells_hours(smiley):
        return
    for epoch, told in sequences_told(fresh).items():
        if is_device_key(epoch):
            for report in ledger.hour_reports(smiley, epoch, min(told), max(told) + 1):
                settle_placeholders(ledger, smiley, report)


def _refused(report: HourReport) -> Misfit:
    body = json.dumps({"at": report.at, "counts": report.counts}, separators=(",", ":"))
    return Misfit(report.epoch, report.first, Verdict.CONFLICT, body)


def _quarantine(ledger: Ledger, smiley: int, misfits: Sequence[Misfit]) -> int:
    return ledger.quarantine(smiley, _hashed(misfits))


def _hashed(misfits: Iterable[Misfit]) -> list[tuple[Misfit, bytes]]:
    return [
        (_cut(misfit), hashlib.sha256(f"{misfit.reason} {misfit.body}".encode()).digest()[:16]) for misfit in misfits
    ]


def _cut(misfit: Misfit) -> Misfit:
    """A misfit of which no more is kept than somebody may want to read."""
    if len(misfit.body) <= LONGEST_BODY:
        return misfit
    mark = f" ... cut, {len(misfit.body)} characters in all"
    return misfit._replace(body=misfit.body[: LONGEST_BODY - len(mark)] + mark)


def _acknowledge(
    ledger: Ledger, upload: Upload, sequences: Mapping[int, list[int]], misfits: Sequence[Misfit]
) -> tuple[tuple[int, int], ...]:
    """Through which sequence nothing is missing, for each device epoch in the upload."""
    told = {epoch: set(numbers) for epoch, numbers in sequences.items() if is_device_key(epoch)}
    ranges = list(upload.lost) + [
        (each.epoch, each.first, each.end - 1) for each in upload.hours if each.end > each.first
    ]
    unread = [each for each in misfits if each.sequence > 0 and each.reason is Verdict.UNREADABLE]
    ranges += [(each.epoch, each.sequence, each.sequence) for each in unread]
    epochs = sorted(set(told) | {epoch for epoch, _, _ in ranges})
    spans = {
        epoch: _disjoint(sorted((first, last) for each, first, last in ranges if each == epoch)) for epoch in epochs
    }
    ledger.account(upload.smiley, [(epoch, *span) for epoch in epochs for span in spans[epoch]])
    return tuple((epoch, _advance(ledger, upload.smiley, epoch, told.get(epoch, set()), ranges)) for epoch in epochs)


def _advance(ledger: Ledger, smiley: int, epoch: int, told: set[int], ranges: list[tuple[int, int, int]]) -> int:
    through, highest = ledger.progress(smiley, epoch)
    lasts = [last for each, _, last in ranges if each == epoch]
    reached = max([highest, *told, *lasts])
    new_through = _walk(ledger, smiley, epoch, through, told, stored_beyond=highest > through, accounted=bool(lasts))
    if (new_through, reached) != (through, highest):
        ledger.advance(smiley, epoch, new_through, reached)
    return new_through


def _walk(
    ledger: Ledger, smiley: int, epoch: int, through: int, told: set[int], *, stored_beyond: bool, accounted: bool
) -> int:
    """Goes on from sequence to sequence while each is told now, stored before, or accounted for."""
    ranges = _disjoint(ledger.accounted(smiley, epoch, through + 1)) if accounted or stored_beyond else []
    firsts = [first for first, _ in ranges]
    known: set[int] = set()
    while True:
        while through + 1 in told:
            through += 1
        following = through + 1
        covering = bisect_right(firsts, following) - 1
        if covering >= 0 and ranges[covering][1] >= following:
            through = ranges[covering][1]
        elif following in known:
            through = following
        elif stored_beyond and ledger.known(smiley, epoch, (following,)):
            known = {each.sequence for each in ledger.numbered(smiley, epoch, following, following + _WALKED)}
        else:
            return through


def _disjoint(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges (first, last), given by their firsts in order, with those that touch made one."""
    merged: list[tuple[int, int]] = []
    for first, last in ranges:
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(merged[-1][1], last)
        else:
            merged.append((first, last))
    return merged
