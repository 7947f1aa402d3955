"""From what a press says to the facts it is stored with: its true instant, its assignment, or why it has none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hymio.feedback import DEVICE_EPOCHS, Feedback, HourReport, Press, Verdict, is_device_key, made_feedback
from hymio.period import HOUR_MS, Instant, first_instant, hour_end, hour_of, offset_at, offset_range
from hymio.setup import Layout
from hymio.smiley import CLOCK_TOLERANCE
from hymio.store.ledger import Ledger

EARLIEST = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp()) * 1000
"""No smiley is older; an earlier press comes from a clock that was never set."""


# A plain number: what SQLite binds is asked for its kind where it is not, which costs more than binding it.
_COUNTED = int(Verdict.COUNTED)


def clock_correction(clock: Instant | None, now: Instant) -> int:
    """What to add to a device's instants, in ms: the difference to its clock when it sent, if that is not small."""
    if clock is None or abs(now - clock) <= CLOCK_TOLERANCE:
        return 0
    return now - clock


class Facts(NamedTuple):
    """What the set-up says of a press: assignment and offset with verdict COUNTED, or a reason of quarantine."""

    assignment: int
    offset: int
    verdict: int


class Resolver:
    """Resolves one smiley's presses. They come in runs under the same facts, so the last ones are remembered."""

    def __init__(self, ledger: Ledger, smiley: int, presses: Sequence[Press] = ()) -> None:
        self._ledger, self._smiley, self._revision = ledger, smiley, ledger.revision
        self._visitors = {press.visitor for press in presses if press.visitor is not None}
        self._visits: dict[int, dict[bytes, Instant]] = {}  # by assignment, of all visitors of the upload
        self._answered: dict[tuple[int, bytes], Instant] = {}
        self._start = self._end = self._assignment = self._offset = self._buttons = 0

    def resolve(self, presses: Iterable[Press], correction: int) -> list[Feedback]:
        """The feedbacks of presses, with verdict COUNTED until they are judged, or quarantined."""
        smiley, revision, made = self._smiley, self._revision, made_feedback
        found = []
        for epoch, sequence, told_at, button, survey, visitor, ui, _ in presses:
            at = told_at + correction
            if self._start <= at < self._end and 0 <= button < self._buttons and 0 <= epoch < DEVICE_EPOCHS:
                assignment, offset, verdict = self._assignment, self._offset, _COUNTED
            else:
                assignment, offset, verdict = self._locate(epoch, at, button, survey)
            repeated = 0
            if visitor is not None and verdict == _COUNTED:
                repeated = int(self._repeats(assignment, at, visitor))
            when = at, offset, correction
            found.append(made((smiley, epoch, sequence, *when, button, 0, repeated, assignment, verdict, revision, ui)))
        return found

    def note_visits(self) -> None:
        """Writes down who answered when, once all presses are resolved."""
        self._ledger.visit(self._answered)

    def _repeats(self, assignment: int, at: Instant, visitor: bytes) -> bool:
        """Whether a visitor's answer comes within the answer interval of his last one; a fact from then on."""
        policy = self._ledger.layout.policies_of(assignment, self._smiley).at(at)
        if not policy.answer_interval:
            return False
        if assignment not in self._visits:
            self._visits[assignment] = self._ledger.visited(assignment, self._visitors)
        visits = self._visits[assignment]
        before = visits.get(visitor)
        if before is not None and abs(at - before) < 1000 * policy.answer_interval:
            return True
        visits[visitor] = self._answered[assignment, visitor] = at if before is None else max(at, before)
        return False

    def _locate(self, epoch: int, at: Instant, button: int, survey: int | None) -> Facts:
        named = None if is_device_key(epoch) else survey or 0
        found = locate(self._ledger.layout, self._smiley, at, button, named, self._ledger.now)
        if found.verdict == _COUNTED:
            self._remember(at)
        return found

    def _remember(self, at: Instant) -> None:
        """Notes how long around an instant a device's presses have the facts that were found for it."""
        standing = self._ledger.layout.standing(self._smiley, at)
        if isinstance(standing.answer, Verdict):
            return
        since, until, self._offset = offset_range(at, standing.answer.zone)
        self._assignment, self._buttons = standing.answer.assignment.id, standing.answer.buttons
        self._start = max(standing.start, since, EARLIEST)
        self._end = min(standing.end, until, self._ledger.now + CLOCK_TOLERANCE + 1)


def placed(layout: Layout, feedback: Feedback, named: int | None, now: Instant) -> Feedback:
    """A stored feedback with the facts that the set-up gives it now."""
    facts = locate(layout, feedback.smiley, feedback.at, feedback.button, named, now)
    return feedback._replace(assignment=facts.assignment, offset=facts.offset, verdict=facts.verdict)


def placed_hour(layout: Layout, placeholder: Feedback, report: HourReport, now: Instant) -> Feedback:
    """A placeholder of an hour with the facts that the set-up gives it now.

    They are those of the first instant of the hour at which the set-up has an answer: a smiley that was placed, or a
    survey that began, within the hour counts from its beginning.
    """
    at, facts = _locate_hour(layout, placeholder, report, now)
    return placeholder._replace(at=at, assignment=facts.assignment, offset=facts.offset, verdict=facts.verdict)


def _locate_hour(layout: Layout, placeholder: Feedback, report: HourReport, now: Instant) -> tuple[Instant, Facts]:
    if not EARLIEST <= report.at <= now + CLOCK_TOLERANCE:
        return report.at, Facts(0, 0, int(Verdict.IMPOSSIBLE_TIME))
    reason = Verdict.NO_PLACEMENT
    for since, until, answer in layout.standings(placeholder.smiley, report.at, report.at + HOUR_MS):
        if isinstance(answer, Verdict):
            reason = max(reason, answer)
            continue
        start, end, offset = _hour_at(report, answer.zone)
        if max(since, start) < min(until, end):
            if placeholder.button < answer.buttons:
                return start, Facts(answer.assignment.id, offset, _COUNTED)
            return report.at, Facts(0, 0, int(Verdict.OFF_SCALE))
    return report.at, Facts(0, 0, int(reason))


def _hour_at(report: HourReport, zone: ZoneInfo) -> tuple[Instant, Instant, int]:
    """When the clocks of a zone show the hour that was told, and their offset then.

    That is the offset that was told, where the zone shows this hour with it; otherwise the zone's.
    """
    if report.offset is not None:
        hour = hour_of(report.at, report.offset)
        first = first_instant(hour, report.offset, zone)
        if offset_at(first, zone) == report.offset:
            return first, hour_end(hour, report.offset, zone), report.offset
    return report.at, report.at + HOUR_MS, offset_at(report.at, zone)


def locate(layout: Layout, smiley: int, at: Instant, button: int, named: int | None, now: Instant) -> Facts:
    """The facts of a press at its own instant.

    `named` is the survey that a press with a client-made id says it answers; None for a device's press. A quarantined
    one keeps it as a negative assignment, so that it can be resolved again when the set-up is mended.
    """
    if not EARLIEST <= at <= now + CLOCK_TOLERANCE:
        return Facts(-(named or 0), 0, int(Verdict.IMPOSSIBLE_TIME))
    where = layout.resolve(smiley, at)
    if isinstance(where, Verdict):
        return Facts(-(named or 0), 0, int(where))
    assignment, zone, buttons = where
    if named is not None and named != assignment.survey:
        return Facts(-named, 0, int(Verdict.WRONG_SURVEY))
    if not 0 <= button < buttons:
        return Facts(-(named or 0), 0, int(Verdict.OFF_SCALE))
    return Facts(assignment.id, offset_at(at, zone), _COUNTED)


def named_survey(layout: Layout, feedback: Feedback) -> int | None:
    """The survey that a stored feedback's press named, if its kind names one."""
    if is_device_key(feedback.epoch):
        return None
    return layout.assignments[feedback.assignment].survey if feedback.assignment > 0 else -feedback.assignment
