"""Phases of presses: stored with the press, and completed if the press is sent again with further phases."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hymio.feedback import LEFT, Feedback, Followup, Phases, Press, Text, UnusablePress, Verdict
from hymio.store.ledger import Ledger, PhaseKey

_SINGLE = ("text", "contact", "demographics")
"""Phases that a press has at most once."""


def store_phases(
    ledger: Ledger, added: Mapping[tuple[int, int], Feedback], presses: Iterable[tuple[Press, Feedback | None]]
) -> list[UnusablePress]:
    """Stores the phases of presses; returns those that contradict stored ones.

    `presses` come with their feedback from before this upload, if there is one; `added` is the new feedback by epoch
    and sequence. Phases that are not stored yet are added; stored ones never change. A phase that was erased is left
    out, whatever it says now.
    """
    with_phases = _without_erased(ledger, added, presses)
    by_key = _stored(ledger, [stored for _, stored, _ in with_phases if stored is not None])
    changed: dict[PhaseKey, Phases] = {}
    unusable: list[UnusablePress] = []
    for press, stored, phases in with_phases:
        feedback = stored or added[press.epoch, press.sequence]
        key = (feedback.at, feedback.smiley, press.epoch, press.sequence)
        before = by_key.get(key, Phases())
        by_key[key], refused = merged(before, phases)
        if by_key[key] != before:
            changed[key] = by_key[key]
            if stored is not None:
                ledger.changed_days.note(stored.assignment, stored.at)
        unusable += [UnusablePress(press.epoch, press.sequence, Verdict.CONFLICT, body, name) for name, body in refused]
    ledger.phases.put(changed.items())
    return unusable


def _without_erased(
    ledger: Ledger, added: Mapping[tuple[int, int], Feedback], presses: Iterable[tuple[Press, Feedback | None]]
) -> list[tuple[Press, Feedback | None, Phases]]:
    """The presses that have phases, each with those of its phases that were not erased."""
    with_phases = [(press, stored, press.phases) for press, stored in presses if press.phases is not None]
    if not with_phases:
        return []
    press, stored, _ = with_phases[0]
    smiley = (stored or added[press.epoch, press.sequence]).smiley
    erased = ledger.erased.phases(smiley, [(press.epoch, press.sequence) for press, _, _ in with_phases])
    return [
        (press, stored, without(phases, erased.get((press.epoch, press.sequence), ())))
        for press, stored, phases in with_phases
    ]


def without(phases: Phases, names: Iterable[str]) -> Phases:
    """The phases without those of these names."""
    return phases._replace(**{name: Phases._field_defaults[name] for name in names})


def _stored(ledger: Ledger, feedbacks: Sequence[Feedback]) -> dict[PhaseKey, Phases]:
    """The stored phases of one smiley's feedbacks."""
    if not feedbacks:
        return {}
    return ledger.phases.at(feedbacks[0].smiley, {feedback.at for feedback in feedbacks})


def merged(stored: Phases, sent: Phases) -> tuple[Phases, list[tuple[str, str]]]:
    """The stored phases completed by the sent ones, and the sent ones that contradict stored ones, by name and as JSON.

    Follow-ups are compared by their position and metadata by their keys; of the others a press has at most one.
    """
    refused: list[tuple[str, str]] = []
    single = {name: _merge_one(name, getattr(stored, name), getattr(sent, name), refused) for name in _SINGLE}
    followups = {followup.position: followup for followup in stored.followups}
    for followup in sent.followups:
        position = followup.position
        followups[position] = _merge_one("followup", followups.get(position), followup, refused)
    metadata = dict(stored.metadata)
    for key, value in sent.metadata:
        if metadata.setdefault(key, value) != value:
            refused.append(("metadata", _body("metadata", {key: value})))
    in_order = tuple(followups[position] for position in sorted(followups))
    return Phases(in_order, metadata=tuple(sorted(metadata.items())), **single), refused


def plain(phases: Phases) -> dict[str, object]:
    """The phases as a JSON object, without members that are None or empty."""
    members: dict[str, object] = {name: _plain(getattr(phases, name)) for name in _SINGLE if getattr(phases, name)}
    if phases.followups:
        members["followups"] = [_plain(followup) for followup in phases.followups]
    if phases.metadata:
        members["metadata"] = dict(phases.metadata)
    return members


def _merge_one(name: str, stored: Any, sent: Any, refused: list[tuple[str, str]]) -> Any:
    """The stored phase with its empty fields filled from the sent one.

    If the two contradict, it is the stored phase unchanged, and the sent one is added to `refused`. How a question was
    left (EXIT, SKIP, TIMEOUT) gives way to an answer, whichever comes first.
    """
    if stored is None or sent is None:
        return sent if stored is None else stored
    old_phase, new_phase = _without_mark(stored, sent), _without_mark(sent, stored)
    merged_phase = stored._make(_filled(old, new) for old, new in zip(old_phase, new_phase, strict=True))
    if all(new in (old, None, ()) for old, new in zip(merged_phase, new_phase, strict=True)):
        return merged_phase
    refused.append((name, _body(name, _plain(sent))))
    return stored


def _without_mark(phase: Any, other: Any) -> Any:
    """A phase without its mark that its question was left, if the other one has an answer."""
    is_left = isinstance(phase, Followup | Text) and phase[0] is None and phase.ui in LEFT
    return phase._replace(ui=None) if is_left and other[0] is not None else phase


def _filled(stored: object, sent: object) -> object:
    """The stored value of a field, or the sent one if it is empty."""
    return sent if stored in (None, ()) else stored


def _plain(phase: Any) -> dict[str, object]:
    """The fields of a phase that are not empty."""
    return {name: value for name, value in phase._asdict().items() if value not in (None, ())}


def _body(name: str, content: object) -> str:
    """A JSON object with one member."""
    return json.dumps({name: content}, ensure_ascii=False, separators=(",", ":"))
