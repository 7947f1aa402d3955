"""Which uploads of web presses a commit records as one set, and what is looked up for all of them at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from hymio.feedback import Press, Upload, Verdict, is_device_key
from hymio.intake.resolving import clock_correction
from hymio.misuse import longest_window
from hymio.store.ledger import Ledger

Key = tuple[int, int, int]
"""Smiley, epoch and sequence."""


def is_web(upload: Upload) -> bool:
    """Whether an upload has presses, the first of which has a client's UUID."""
    return bool(upload.presses) and not is_device_key(upload.presses[0].epoch)


def plain_web_uploads(ledger: Ledger, uploads: Sequence[Upload]) -> list[int]:
    """The indexes of the uploads of new web presses that are recorded alike as one set and one after the other.

    Presses of one smiley depend on one another by key, by visitor and by the misuse rules that look back. So an upload
    is left out that repeats a key, follows one of the same visitor that is left out, or follows any of its smiley where
    such a rule acts. What an e-mail or a device sent is left out with all that follows of its smiley.
    """
    if not any(map(is_web, uploads)):
        return []
    keys = Counter(key for upload in uploads for key in _keys(upload))
    web = [upload for upload in uploads if is_web(upload) and upload.smiley in ledger.layout.smileys]
    stored = ledger.rows.stored_among([key for upload in web for key in _keys(upload)])
    ledger.visits.prefetch(_visits(ledger, web))
    plain, smileys = list[int](), set[int]()
    closed, visitors = set[int](), set[bytes | None]()  # smileys and visitors of uploads that were left out
    for index, upload in enumerate(uploads):
        if (
            _is_plain(ledger, upload)
            and upload.smiley not in closed
            and not any(keys[key] > 1 or key in stored for key in _keys(upload))
            and visitors.isdisjoint(_visitors(upload))
            and (upload.smiley not in smileys or not _looks_back(ledger, upload))
        ):
            plain.append(index)
        else:
            visitors.update(_visitors(upload))
            if not is_web(upload) or any(press.mailed for press in upload.presses):
                closed.add(upload.smiley)
        smileys.add(upload.smiley)
    return plain


def _is_plain(ledger: Ledger, upload: Upload) -> bool:
    """Whether an upload of a known smiley has only web presses without phases."""
    smiley = upload.smiley
    if not is_web(upload) or smiley not in ledger.layout.smileys or ledger.hour_reports.any_of(smiley):
        return False
    bare = Upload(smiley, upload.presses, correction=upload.correction)
    return upload == bare and not any(
        is_device_key(press.epoch) or press.phases is not None or press.mailed for press in upload.presses
    )


def _keys(upload: Upload) -> Iterator[Key]:
    return ((upload.smiley, press.epoch, press.sequence) for press in upload.presses)


def _visitors(upload: Upload) -> set[bytes]:
    """The visitors of an upload."""
    return {press.visitor for press in upload.presses if press.visitor is not None}


def _assignments(ledger: Ledger, upload: Upload) -> Iterator[tuple[Press, int]]:
    """The presses of an upload that have an assignment, and its id."""
    correction = clock_correction(upload.clock, ledger.now) if upload.correction is None else upload.correction
    for press in upload.presses:
        where = ledger.layout.resolve(upload.smiley, press.at + correction)
        if not isinstance(where, Verdict):
            yield press, where.assignment.id


def _visits(ledger: Ledger, uploads: Sequence[Upload]) -> Iterator[tuple[int, bytes]]:
    """The visits that resolving these uploads looks up."""
    for upload in uploads:
        for press, assignment in _assignments(ledger, upload):
            if press.visitor is not None and not press.mailed and not press.finding:
                yield assignment, press.visitor


def _looks_back(ledger: Ledger, upload: Upload) -> bool:
    """Whether the verdict of a press depends on other presses of its smiley."""
    policies = (ledger.layout.policies_of(assignment, upload.smiley) for _, assignment in _assignments(ledger, upload))
    return any(map(longest_window, policies))
