"""What comes after the button: stored with its press, and filled in when the press is told again with more."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hymio.feedback import Feedback, Misfit, Phases, Press, Verdict
from hymio.store.ledger import Ledger, PhaseKey

_SINGLE = ("text", "contact", "demographics")
"""Phases that a press has at most once."""


def store_phases(
    ledger: Ledger, fresh: Mapping[tuple[int, int], Feedback], told: Iterable[tuple[Press, Feedback | None]]
) -> list[Misfit]:
    """Stores the phases of presses; each comes with its feedback of before this upload, if it has one.

    `fresh` are the feedbacks that are new, by epoch and sequence. Of a press that is told again, what is not stored yet
    is added, and what is stored stands: a phase that contradicts it becomes a misfit.
    """
    with_phases = [(press, stored, press.phases) for press, stored in told if press.phases is not None]
    known = _stored(ledger, [stored for _, stored, _ in with_phases if stored is not None])
    changed: dict[PhaseKey, Phases] = {}
    misfits: list[Misfit] = []
    for press, stored, phases in with_phases:
        feedback = stored or fresh[press.epoch, press.sequence]
        key = (feedback.at, feedback.smiley, press.epoch, press.sequence)
        before = known.get(key, Phases())
        known[key], refused = merged(before, phases)
        if known[key] != before:
            changed[key] = known[key]
        misfits += [Misfit(press.epoch, press.sequence, Verdict.CONFLICT, body, name) for name, body in refused]
    ledger.phases.put(changed.items())
    return misfits


def _stored(ledger: Ledger, feedbacks: Sequence[Feedback]) -> dict[PhaseKey, Phases]:
    """What is stored of the phases of one smiley's feedbacks."""
    if not feedbacks:
        return {}
    return ledger.phases.at(feedbacks[0].smiley, {feedback.at for feedback in feedbacks})


def merged(known: Phases, told: Phases) -> tuple[Phases, list[tuple[str, str]]]:
    """What is known, filled in with what is told; and what of the told contradicts the known, by name and as JSON.

    Follow-ups are known by their position and metadata by their keys; of the others a press has at most one.
    """
    refused: list[tuple[str, str]] = []
    single = {name: _merge_one(name, getattr(known, name), getattr(told, name), refused) for name in _SINGLE}
    followups = {followup.position: followup for followup in known.followups}
    for followup in told.followups:
        position = followup.position
        followups[position] = _merge_one("followup", followups.get(position), followup, refused)
    metadata = dict(known.metadata)
    for key, value in told.metadata:
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


def _merge_one(name: str, known: Any, told: Any, refused: list[tuple[str, str]]) -> Any:
    """One phase: fields that were not known are filled in; where it contradicts, the known one, and it is refused."""
    if known is None or told is None:
        return told if known is None else known
    together = known._make(_filled(stored, new) for stored, new in zip(known, told, strict=True))
    if all(new in (stored, None, ()) for stored, new in zip(together, told, strict=True)):
        return together
    refused.append((name, _body(name, _plain(told))))
    return known


def _filled(known: object, told: object) -> object:
    return told if known in (None, ()) else known


def _plain(phase: Any) -> dict[str, object]:
    return {name: value for name, value in phase._asdict().items() if value not in (None, ())}


def _body(name: str, content: object) -> str:
    return json.dumps({name: content}, ensure_ascii=False, separators=(",", ":"))
