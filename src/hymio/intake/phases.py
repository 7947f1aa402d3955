"""What came after the button: stored with its press, and filled in when the press is told again with more."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hymio.feedback import Feedback, Misfit, Phases, Press, Verdict
from hymio.store.ledger import Ledger
from hymio.store.phases import Key, phases_at, put_phases

_SINGLE = ("text", "contact", "demographics")


def store_phases(
    ledger: Ledger, fresh: Mapping[tuple[int, int], Feedback], told: Iterable[tuple[Press, Feedback | None]]
) -> list[Misfit]:
    """Stores the phases of presses; each comes with its feedback of before this upload, if it has one.

    `fresh` are the feedbacks that are new, by epoch and sequence. Of a press that is told again, what is not known yet
    is added, and what is known stands: a phase that contradicts it becomes a misfit.
    """
    waiting = [(press, stored, press.phases) for press, stored in told if press.phases is not None]
    known = _stored(ledger, [stored for _, stored, _ in waiting if stored is not None])
    changed: dict[Key, Phases] = {}
    misfits: list[Misfit] = []
    for press, stored, phases in waiting:
        feedback = stored or fresh[press.epoch, press.sequence]
        key = (feedback.at, feedback.smiley, press.epoch, press.sequence)
        before = known.get(key, Phases())
        known[key], refused = merged(before, phases)
        if known[key] != before:
            changed[key] = known[key]
        misfits += [Misfit(press.epoch, press.sequence, Verdict.CONFLICT, body, name) for name, body in refused]
    put_phases(ledger.transaction, ledger.organization, changed.items(), ledger.revision)
    return misfits


def _stored(ledger: Ledger, feedbacks: Sequence[Feedback]) -> dict[Key, Phases]:
    """What is stored of the phases of one smiley's feedbacks."""
    if not feedbacks:
        return {}
    instants = {each.at for each in feedbacks}
    return phases_at(ledger.transaction, ledger.organization, feedbacks[0].smiley, instants)


def merged(known: Phases, told: Phases) -> tuple[Phases, list[tuple[str, str]]]:
    """What is known and what is told made one; and what of the told contradicts the known, by name and as JSON.

    Follow-ups are known by their position and metadata by their keys; of the others a press has at most one.
    """
    refused: list[tuple[str, str]] = []
    single = {name: _one(name, getattr(known, name), getattr(told, name), refused) for name in _SINGLE}
    followups = _several("followup", {each.position: each for each in known.followups}, told.followups, refused)
    metadata = dict(known.metadata)
    for key, value in told.metadata:
        if metadata.setdefault(key, value) != value:
            refused.append(("metadata", _body("metadata", {key: value})))
    return Phases(tuple(followups), metadata=tuple(sorted(metadata.items())), **single), refused


def plain(phases: Phases) -> dict[str, object]:
    """The phases as a JSON object, without members that are None or empty."""
    members: dict[str, object] = {name: _plain(getattr(phases, name)) for name in _SINGLE if getattr(phases, name)}
    if phases.followups:
        members["followups"] = [_plain(followup) for followup in phases.followups]
    if phases.metadata:
        members["metadata"] = dict(phases.metadata)
    return members


def _one(name: str, known: Any, told: Any, refused: list[tuple[str, str]]) -> Any:
    """A phase that there is at most once: fields that were not told before are filled in."""
    if known is None or told is None:
        return told if known is None else known
    together = known._make(_filled(mine, other) for mine, other in zip(known, told, strict=True))
    if all(other in (mine, None, ()) for mine, other in zip(together, told, strict=True)):
        return together
    refused.append((name, _body(name, _plain(told))))
    return known


def _filled(known: object, told: object) -> object:
    return told if known in (None, ()) else known


def _several(name: str, known: dict[int, Any], told: Sequence[Any], refused: list[tuple[str, str]]) -> list[Any]:
    for each in told:
        known[each.position] = _one(name, known.get(each.position), each, refused)
    return [known[position] for position in sorted(known)]


def _plain(phase: Any) -> dict[str, object]:
    return {name: value for name, value in phase._asdict().items() if value not in (None, ())}


def _body(name: str, content: object) -> str:
    return json.dumps({name: content}, ensure_ascii=False, separators=(",", ":"))
