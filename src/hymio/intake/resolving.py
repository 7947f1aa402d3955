"""Resolution of presses: clock correction, assignment and UTC offset, or the reason for quarantine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hymio.feedback import (
    DEVICE_EPOCHS,
    Accuracy,
    Feedback,
    Finding,
    HourReport,
    Press,
    Verdict,
    feedback_from_fields,
    is_device_key,
    quarantine_key,
    survey_named_in,
)
from hymio.intake.visiting import Visiting
from hymio.period import HOUR_MS, Instant, first_instant, hour_end, hour_of, offset_at, offset_range
from hymio.setup import Layout
from hymio.smiley import CLOCK_TOLERANCE
from hymio.store.ledger import Change, Ledger

EARLIEST = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp()) * 1000
"""The earliest possible instant of a press; an earlier one comes from a clock that was never set."""

# Plain numbers, because the SQLite driver searches for an adapter for each enum member that it binds.
_COUNTED, _TEST, _SECOND = int(Verdict.COUNTED), int(Verdict.TEST), int(Accuracy.SECOND)
_INSTALLING = int(Finding.TEST)


class ShownSurvey(NamedTuple):
    """The survey of a press with a client's UUID; None if it has none, although it should."""

    survey: int | None


class Resolved(NamedTuple):
    """The assignment of a press, and the UTC offset of its point at that instant, in minutes."""

    assignment: int
    offset: int


class Unresolved(NamedTuple):
    """The reason for quarantine of a press, and its survey, if it has one."""

    reason: Verdict
    survey: int | None = None


class _Columns(NamedTuple):
    """The columns of a feedback that resolution sets."""

    assignment: int
    offset: int
    verdict: int


def clock_correction(clock: Instant | None, now: Instant) -> int:
    """Milliseconds to add to a device's instants: the difference of the clocks, 0 if it is at most CLOCK_TOLERANCE."""
    if clock is None or abs(now - clock) <= CLOCK_TOLERANCE:
        return 0
    return now - clock


class Resolver:
    """Resolves one smiley's presses.

    Consecutive presses usually have the same result, so the last result is cached with the range of instants [start,
    end) for which it is valid.
    """

    def __init__(self, ledger: Ledger, smiley: int, presses: Sequence[Press] = ()) -> None:
        self._ledger, self._smiley, self._revision = ledger, smiley, ledger.revision
        self._visiting = Visiting(ledger, smiley, presses)
        publication = ledger.layout.smileys[smiley].publication
        self._is_installing = publication is not None and publication.is_installing
        self._start = self._end = self._assignment = self._offset = self._buttons = 0

    def resolve(self, presses: Iterable[Press], correction: int) -> list[Feedback]:
        """The feedbacks of presses, quarantined or with the verdict COUNTED, which `judging` may change."""
        smiley, revision, new_feedback = self._smiley, self._revision, feedback_from_fields
        feedbacks = []
        for epoch, sequence, device_at, button, survey, visitor, ui, _, sent, mailed in presses:
            at = device_at + correction
            if self._start <= at < self._end and 0 <= button < self._buttons and 0 <= epoch < DEVICE_EPOCHS:
                assignment, offset, verdict = self._assignment, self._offset, _COUNTED
            else:
                assignment, offset, verdict = self._locate(epoch, at, button, survey)
            finding = sent
            if self._is_installing:
                finding, verdict = _INSTALLING, _TEST if verdict == _COUNTED else verdict
            elif verdict == _COUNTED and mailed:
                finding = self._visiting.mailed(assignment, at, button, mailed, sent)
            elif verdict == _COUNTED and not sent and visitor is not None:
                finding = int(self._visiting.repeats(assignment, at, visitor))
            facts = at, offset, correction, button, _SECOND, finding, assignment, verdict, revision, ui
            feedbacks.append(new_feedback((smiley, epoch, sequence, *facts)))
        return feedbacks

    def store_visits(self, feedbacks: Sequence[Feedback]) -> tuple[list[Feedback], list[Change]]:
        """Stores the visits of visitors, after all presses are resolved.

        Returns the feedbacks and changes of stored ones, of which other presses have shown that a mail scanner made
        them.
        """
        self._visiting.store()
        return self._visiting.restated(feedbacks)

    def _locate(self, epoch: int, at: Instant, button: int, survey: int | None) -> _Columns:
        """The columns of a press; of a device's press that is not quarantined they are cached."""
        if is_device_key(epoch):
            self._cache(at)
            if self._start <= at < self._end and 0 <= button < self._buttons:
                return _Columns(self._assignment, self._offset, _COUNTED)
        shown = None if is_device_key(epoch) else ShownSurvey(survey)
        return _columns(locate(self._ledger.layout, self._smiley, at, button, shown, self._ledger.now))

    def _cache(self, at: Instant) -> None:
        """Caches the result at an instant, with the range around it in which a device's presses have the same."""
        uniform = remembered_range(self._ledger.layout, self._smiley, at)
        if uniform is not None:
            self._start, end, self._assignment, self._offset, self._buttons = uniform
            self._end = min(end, self._ledger.now + CLOCK_TOLERANCE + 1)


class UniformRange(NamedTuple):
    """The instants [start, end) in which a device's presses have one assignment and one offset (minutes), if their
    button is below `buttons`."""

    start: Instant
    end: Instant
    assignment: int
    offset: int
    buttons: int


def remembered_range(layout: Layout, smiley: int, at: Instant) -> UniformRange | None:
    """`uniform_range`; the layout keeps each smiley's last one, as the next upload's presses are nearly all in it."""
    last: UniformRange | None = layout.uniform.get(smiley)
    if last is not None and last.start <= at < last.end:
        return last
    uniform = uniform_range(layout, smiley, at)
    if uniform is not None:
        layout.uniform[smiley] = uniform
    return uniform


def uniform_range(layout: Layout, smiley: int, at: Instant) -> UniformRange | None:
    """The range around an instant in which presses of a smiley are resolved alike; None where they are quarantined."""
    resolved = layout.resolved_range(smiley, at)
    if isinstance(resolved.result, Verdict) or at < EARLIEST:
        return None
    since, until, offset = offset_range(at, resolved.result.zone)
    start, end = max(resolved.start, since, EARLIEST), min(resolved.end, until)
    return UniformRange(start, end, resolved.result.assignment.id, offset, resolved.result.buttons)


def placed(layout: Layout, feedback: Feedback, now: Instant) -> Feedback:
    """A stored feedback, resolved again by the present set-up."""
    shown = shown_survey(layout, feedback)
    where = locate(layout, feedback.smiley, feedback.at, feedback.button, shown, now)
    columns = _columns(where)
    if feedback.finding == _INSTALLING and columns.verdict == _COUNTED:
        columns = columns._replace(verdict=_TEST)
    return feedback._replace(**columns._asdict())


def placed_hour(layout: Layout, placeholder: Feedback, report: HourReport, now: Instant) -> Feedback:
    """A placeholder, resolved again by the present set-up.

    It gets the first assignment that the smiley has within the hour, even if a placement or active period begins only
    after the start of the hour.
    """
    at, where = _locate_hour(layout, placeholder, report, now)
    return placeholder._replace(at=at, **_columns(where)._asdict())


def _locate_hour(
    layout: Layout, placeholder: Feedback, report: HourReport, now: Instant
) -> tuple[Instant, Resolved | Unresolved]:
    """Resolves a placeholder at the first instant of its hour that has an assignment; that instant and the result."""
    if not EARLIEST <= report.at <= now + CLOCK_TOLERANCE:
        return report.at, Unresolved(Verdict.IMPOSSIBLE_TIME)
    reason = Verdict.NO_PLACEMENT
    for since, until, result in layout.resolved_ranges(placeholder.smiley, report.at, report.at + HOUR_MS):
        if isinstance(result, Verdict):
            reason = max(reason, result)
            continue
        start, end, offset = _hour_at(report, result.zone)
        if max(since, start) < min(until, end):
            if placeholder.button < result.buttons:
                return start, Resolved(result.assignment.id, offset)
            return report.at, Unresolved(Verdict.OFF_SCALE)
    return report.at, Unresolved(reason)


def _hour_at(report: HourReport, zone: ZoneInfo) -> tuple[Instant, Instant, int]:
    """The range [start, end) of a report's hour in a zone, and the offset then, in minutes.

    It is the report's own offset if the zone has this hour with it, otherwise the zone's.
    """
    if report.offset is not None:
        hour = hour_of(report.at, report.offset)
        first = first_instant(hour, report.offset, zone)
        if offset_at(first, zone) == report.offset:
            return first, hour_end(hour, report.offset, zone), report.offset
    return report.at, report.at + HOUR_MS, offset_at(report.at, zone)


def locate(
    layout: Layout, smiley: int, at: Instant, button: int, shown: ShownSurvey | None, now: Instant
) -> Resolved | Unresolved:
    """The assignment and offset of a press, or the reason for quarantine; `shown` is None for a device's press."""
    survey = shown and shown.survey
    if not EARLIEST <= at <= now + CLOCK_TOLERANCE:
        return Unresolved(Verdict.IMPOSSIBLE_TIME, survey)
    where = layout.resolve(smiley, at)
    if isinstance(where, Verdict):
        return Unresolved(where, survey)
    assignment, zone, buttons = where
    if shown is not None and survey != assignment.survey:
        return Unresolved(Verdict.WRONG_SURVEY, survey)
    if not 0 <= button < buttons:
        return Unresolved(Verdict.OFF_SCALE, survey)
    return Resolved(assignment.id, offset_at(at, zone))


def shown_survey(layout: Layout, feedback: Feedback) -> ShownSurvey | None:
    """The survey of a stored feedback's press; None for a device's press, which has none."""
    if is_device_key(feedback.epoch):
        return None
    if feedback.is_assigned:
        return ShownSurvey(layout.assignments[feedback.assignment].survey)
    return ShownSurvey(survey_named_in(feedback.assignment))


def _columns(where: Resolved | Unresolved) -> _Columns:
    """The columns of a feedback for a result of resolution."""
    if isinstance(where, Resolved):
        return _Columns(where.assignment, where.offset, _COUNTED)
    return _Columns(quarantine_key(where.survey), 0, int(where.reason))
