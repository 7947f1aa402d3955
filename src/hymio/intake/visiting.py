"""Visitors of web smileys: whether one answers again, and whether a mail scanner follows the links of an e-mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hymio.feedback import Feedback, Finding, Press, Verdict, is_device_key
from hymio.misuse import is_scanned
from hymio.period import SECOND_MS, Instant
from hymio.rollup import MAX_BUTTONS
from hymio.store.ledger import Change, Ledger

_NONE, _REPEAT, _SCANNER = int(Finding.NONE), int(Finding.REPEAT), int(Finding.SCANNER)


class _Scanned(NamedTuple):
    """A press that was counted before another value of its mail's token showed that a scanner made both."""

    assignment: int
    at: Instant
    button: int


class Visiting:
    """The visits of one smiley's presses in one upload; what it finds is stored with each press."""

    def __init__(self, ledger: Ledger, smiley: int, presses: Sequence[Press]) -> None:
        self._ledger, self._smiley = ledger, smiley
        self._visitors = {press.visitor for press in presses if press.visitor is not None}
        self._visitors.update(visitor for press in presses for visitor in press.mailed)
        self._visits: dict[int, dict[bytes, Instant]] = {}  # by assignment, of all visitors of the upload
        self._fresh: dict[tuple[int, bytes], Instant] = {}  # of this upload, by assignment and visitor
        self._scanned: list[_Scanned] = []

    def repeats(self, assignment: int, at: Instant, visitor: bytes) -> bool:
        """Whether a visitor's press is within the answer interval of its last counted one."""
        interval = self._answer_interval(assignment, at)
        if not interval:
            return False
        before = self._of(assignment).get(visitor)
        if before is not None and abs(at - before) < interval:
            return True
        self._note(assignment, visitor, at if before is None else max(at, before))
        return False

    def mailed(self, assignment: int, at: Instant, button: int, mailed: Sequence[bytes], sent: int) -> int:
        """The finding of a press of an e-mail, whose token has two visitor hashes for each button in `mailed`.

        SCANNER if another button came less than SCAN_MS before or after, which is then found of those presses too;
        REPEAT if an answer with this token was counted before. A press that its way in found to be a robot's (`sent`)
        stays one; it is noted by the second hash of its button, so that it shows a scanner and is no answer.
        """
        visits = self._of(assignment)
        known = {place: visits[visitor] for place, visitor in enumerate(mailed) if visitor in visits}
        values = [(place % MAX_BUTTONS, before) for place, before in known.items()]
        near = [place for place, before in known.items() if is_scanned([(button, at)], place % MAX_BUTTONS, before)]
        answers = [(place, before) for place, before in known.items() if place < MAX_BUTTONS]
        self._scanned += [_Scanned(assignment, known[place], place) for place in near if place < MAX_BUTTONS]
        finding = sent or (_SCANNER if near else _NONE)
        if not finding and any(not is_scanned(values, *answer) for answer in answers):
            return _REPEAT
        self._note(assignment, mailed[button + MAX_BUTTONS * bool(sent)], at)
        return finding

    def store(self) -> None:
        """Stores the last counted instants of visitors, after all presses are resolved."""
        self._ledger.visits.put(self._fresh)

    def restated(self, feedbacks: Sequence[Feedback]) -> tuple[list[Feedback], list[Change]]:
        """The feedbacks of this upload with the findings of later ones, and the changes of stored feedback."""
        if not self._scanned:
            return list(feedbacks), []
        scanned = set(self._scanned)
        right = [_by_scanner(feedback) if _identity(feedback) in scanned else feedback for feedback in feedbacks]
        here = {_identity(feedback) for feedback in feedbacks}
        stored = [row for visit in scanned - here for row in self._rows(visit)]
        return right, [Change(row, _by_scanner(row)) for row in stored]

    def _rows(self, visit: _Scanned) -> list[Feedback]:
        """The stored raw results of a visit that are not a scanner's yet."""
        rows = self._ledger.rows.chain(visit.assignment, self._smiley, visit.at, visit.at + 1)
        return [
            row
            for row in rows
            if row.button == visit.button and row.finding in (_NONE, _REPEAT) and not is_device_key(row.epoch)
        ]

    def _answer_interval(self, assignment: int, at: Instant) -> int:
        """The least time between two answers of a visitor, in ms: the smiley's own, else the policy's."""
        layout = self._ledger.layout
        publication = layout.smileys[self._smiley].publication
        if publication is not None and publication.answer_interval is not None:
            return publication.answer_interval * SECOND_MS
        return layout.policies_of(assignment, self._smiley).at(at).answer_interval * SECOND_MS

    def _of(self, assignment: int) -> Mapping[bytes, Instant]:
        """When the visitors of the upload were last counted under an assignment."""
        if assignment not in self._visits:
            self._visits[assignment] = self._ledger.visits.last(assignment, self._visitors)
        return self._visits[assignment]

    def _note(self, assignment: int, visitor: bytes, at: Instant) -> None:
        self._visits[assignment][visitor] = self._fresh[assignment, visitor] = at


def _identity(feedback: Feedback) -> _Scanned:
    return _Scanned(feedback.assignment, feedback.at, feedback.button)


def _by_scanner(feedback: Feedback) -> Feedback:
    """A feedback that a scanner made, to be judged."""
    return feedback._replace(finding=_SCANNER, verdict=int(Verdict.COUNTED))
