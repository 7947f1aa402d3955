"""Descriptions of the differences that `verify` finds, as text for people."""

from __future__ import annotations

from dataclasses import dataclass

from hymio.feedback import Feedback, Verdict, feedback_id, is_device_key
from hymio.period import Instant
from hymio.rollup import AssignmentHour, Counts, GroupHour, OfScale, no_counts
from hymio.setup import Content, Layout
from hymio.store.hours import group_subject
from hymio.store.ledger import Change


@dataclass(frozen=True, slots=True)
class Difference:
    """A stored verdict or hour that differs from the one computed from raw, described as text.

    `at` is the instant of the feedback, or the nominal start of the hour whose number is `hour`.
    """

    where: str
    what: str
    stored: str
    recomputed: str
    at: Instant
    hour: int | None = None


def of_verdict(layout: Layout, stored: Feedback, right: Feedback) -> Difference:
    """The difference of a press whose stored verdict is not the one of its chain."""
    press = f"press {stored.epoch}/{stored.sequence} of {layout.smileys[stored.smiley].serial}"
    if not is_device_key(stored.epoch):
        press = f"press {feedback_id(stored.smiley, stored.epoch, stored.sequence)}"
    where = _assignment(layout, stored.assignment)
    return Difference(where, press, _verdict(stored.verdict), _verdict(right.verdict), stored.at)


def of_placeholder(layout: Layout, smiley: int, change: Change) -> Difference:
    """The difference of a placeholder that is missing or has a wrong verdict."""
    where = f"Hours told by SMS, {layout.smileys[smiley].serial}"
    stored = "nothing" if change.old is None else _verdict(change.old.verdict)
    new = change.new
    return Difference(where, f"hour, button {new.button}", stored, _verdict(new.verdict), new.at)


def of_assignment_hour(layout: Layout, key: AssignmentHour, stored: Counts | None, right: Counts | None) -> Difference:
    """The difference of an assignment's hour whose counts are not those of its raw rows."""
    survey = layout.assignments[key.assignment].survey
    return _of_counts(_assignment(layout, key.assignment), _buttons(layout, survey), key, stored, right)


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


def _assignment(layout: Layout, assignment: int) -> str:
    """The path of an assignment's point, and its number."""
    return f"{layout.hierarchy.path(layout.assignments[assignment].node)}, survey {assignment}"


def _verdict(verdict: int) -> str:
    """The name of a verdict, with spaces."""
    labels = {int(member): member.label.replace("_", " ") for member in Verdict}
    return labels.get(verdict, f"verdict {verdict}")
