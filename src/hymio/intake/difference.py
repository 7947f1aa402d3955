"""Descriptions of the differences that `verify` finds, as text for people."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from hymio.feedback import Feedback, Verdict, feedback_id, is_device_key
from hymio.period import Instant
from hymio.rollup import AssignmentHour, Counts, GroupHour, OfScale, no_counts
from hymio.setup import Content, Layout
from hymio.store.hours import group_subject
from hymio.store.ledger import Change


class Mend(Enum):
    """The command that mends a difference.

    RESETTLE where feedback was settled by a set-up that is another now, RELEASE where it waits in quarantine although
    the set-up fits it, REBUILD where verdicts, placeholders and hours contradict each other.
    """

    RESETTLE = "resettle"
    RELEASE = "release"
    REBUILD = "rebuild"


@dataclass(frozen=True, slots=True)
class Difference:
    """Something stored that differs from what raw and the set-up give, described as text.

    `at` is the instant of the feedback, of the oldest where there are several, or the nominal start of the hour whose
    number is `hour`. `node` is the point to resettle, None where another command mends the difference.
    """

    where: str
    what: str
    stored: str
    recomputed: str
    at: Instant
    hour: int | None = None
    mend: Mend = Mend.REBUILD
    node: int | None = None


def of_verdict(layout: Layout, stored: Feedback, right: Feedback, mend: Mend) -> Difference:
    """The difference of a press whose stored verdict is not the one of its chain."""
    press = f"press {stored.epoch}/{stored.sequence} of {layout.smileys[stored.smiley].serial}"
    if not is_device_key(stored.epoch):
        press = f"press {feedback_id(stored.smiley, stored.epoch, stored.sequence)}"
    where, node = _assignment(layout, stored.assignment), _node(layout, stored.assignment)
    verdicts = _verdict(stored.verdict), _verdict(right.verdict)
    return Difference(where, press, *verdicts, stored.at, mend=mend, node=node if mend is Mend.RESETTLE else None)


def of_resolution(layout: Layout, stored: Feedback, right: Feedback, number: int) -> Difference:
    """The difference of so many presses whose assignment or offset is not the one of the set-up; `stored` and `right`
    are the oldest of them."""
    what = f"{number:,} {'press' if number == 1 else 'presses'}"
    if not stored.is_assigned:
        where = "Quarantine, which the set-up fits now"
        return Difference(where, what, *_resolutions(layout, stored, right), stored.at, mend=Mend.RELEASE)
    where, node = _assignment(layout, stored.assignment), _node(layout, stored.assignment)
    return Difference(where, what, *_resolutions(layout, stored, right), stored.at, mend=Mend.RESETTLE, node=node)


def of_placeholder(layout: Layout, smiley: int, change: Change, mend: Mend) -> Difference:
    """The difference of a placeholder that is missing, or has a wrong verdict or is resolved otherwise now."""
    where, what = f"Hours told by SMS, {layout.smileys[smiley].serial}", f"hour, button {change.new.button}"
    old, new = change.old, change.new
    if old is None:
        return Difference(where, what, "nothing", _verdict(new.verdict), new.at, mend=mend)
    is_alike = (old.assignment, old.offset) == (new.assignment, new.offset)
    both = (_verdict(old.verdict), _verdict(new.verdict)) if is_alike else _resolutions(layout, old, new)
    node = _node(layout, old.assignment) if mend is Mend.RESETTLE else None
    return Difference(where, what, *both, min(old.at, new.at), mend=mend, node=node)


def of_assignment_hour(
    layout: Layout, key: AssignmentHour, stored: Counts | None, right: Counts | None, mend: Mend
) -> Difference:
    """The difference of an assignment's hour whose counts are not those of its raw rows."""
    survey = layout.assignments[key.assignment].survey
    difference = _of_counts(_assignment(layout, key.assignment), _buttons(layout, survey), key, stored, right)
    return replace(difference, mend=mend, node=_node(layout, key.assignment) if mend is Mend.RESETTLE else None)


def of_group_hour(
    layout: Layout, content: Content, key: GroupHour, stored: Counts | None, right: Counts | None
) -> Difference:
    """The difference of a group's hour whose counts are not the sum of the assignments below it."""
    path = layout.hierarchy.path(key.node) if key.node in layout.hierarchy.nodes else f"node {key.node}"
    subject = group_subject(key.node, key.survey)
    if isinstance(subject, OfScale):
        where, buttons = f"{path}, all surveys of {subject.buttons} buttons", subject.buttons
    else:
        survey = layout.surveys.get(subject.survey)
        name = f"survey {subject.survey}" if survey is None else content.question(survey).wording.text
        where, buttons = f"{path}, {name}", _buttons(layout, subject.survey)
    return _of_counts(where, buttons, key, stored, right)


def _of_counts(
    where: str, buttons: int, key: AssignmentHour | GroupHour, stored: Counts | None, right: Counts | None
) -> Difference:
    """The difference of an hour; with counts for the buttons of the scale and further ones that are not 0."""
    both = [counts or no_counts() for counts in (stored, right)]
    width = max([buttons, *(button + 1 for counts in both for button, count in enumerate(counts) if count)])
    stored_text, right_text = (", ".join(map(str, counts[:width])) for counts in both)
    return Difference(where, _verdict(key.verdict), stored_text, right_text, key.starts_at, key.hour)


def _buttons(layout: Layout, survey: int) -> int:
    """The number of buttons of a survey's scale, 0 for an unknown survey."""
    return layout.surveys[survey].scale.buttons if survey in layout.surveys else 0


def _resolutions(layout: Layout, stored: Feedback, right: Feedback) -> tuple[str, str]:
    """What a feedback is resolved to as it is stored and as it is right; the assignment only where it differs."""
    named = stored.assignment != right.assignment
    return _resolution(layout, stored, named=named), _resolution(layout, right, named=named)


def _resolution(layout: Layout, feedback: Feedback, *, named: bool) -> str:
    """The assignment and UTC offset of a feedback, or why it is in quarantine."""
    if not feedback.is_assigned:
        return f"quarantine: {_verdict(feedback.verdict)}"
    assignment = f"{_assignment(layout, feedback.assignment)}, " if named else ""
    return f"{assignment}{_offset(feedback.offset)}"


def _offset(minutes: int) -> str:
    """An offset as `UTC+05:45`."""
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours:02}:{rest:02}"


def _node(layout: Layout, assignment: int) -> int:
    """The point of an assignment."""
    return layout.assignments[assignment].node


def _assignment(layout: Layout, assignment: int) -> str:
    """The path of an assignment's point, and its number."""
    return f"{layout.hierarchy.path(layout.assignments[assignment].node)}, survey {assignment}"


def _verdict(verdict: int) -> str:
    """The name of a verdict, with spaces."""
    labels = {int(member): member.label.replace("_", " ") for member in Verdict}
    return labels.get(verdict, f"verdict {verdict}")
