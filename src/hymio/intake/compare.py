"""Comparing an upload's presses with what is stored under their keys: fresh ones, duplicates and conflicts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from hymio.feedback import Feedback, Misfit, Press, Quarantined, Upload, Verdict, is_device_key, is_quarantined
from hymio.intake.phase_merge import plain
from hymio.intake.resolving import ShownSurvey, shown_survey
from hymio.period import Instant
from hymio.store.ledger import Ledger

Key = tuple[int, int]
"""Epoch and sequence."""

Content = tuple[Instant, int, ShownSurvey | None]
"""What makes two presses of one key the same: instant by the smiley's clock, button, and the survey it names."""


@dataclass(slots=True)
class Compared:
    """The presses of an upload, told apart."""

    fresh: list[Press] = field(default_factory=list)
    repeated: list[tuple[Press, Feedback | None]] = field(default_factory=list)
    """Presses that were told before, each with its stored feedback; None if it was told before in this upload."""

    duplicates: int = 0
    misfits: list[Misfit] = field(default_factory=list)
    """Conflicts: presses of a known key with other content, which never replace what is stored."""

    quarantined: list[Quarantined] = field(default_factory=list)
    """Duplicates whose stored feedback is in quarantine."""


def compare(ledger: Ledger, upload: Upload, sequences: Mapping[int, list[int]]) -> Compared:
    """Tells fresh presses, duplicates and conflicts apart; `sequences` are those of the presses, by epoch."""
    stored = _stored(ledger, upload.smiley, sequences)
    if not stored and all(len(set(told)) == len(told) for told in sequences.values()):
        return Compared(fresh=list(upload.presses))
    compared = Compared()
    contents = {key: _stored_content(ledger, feedback) for key, feedback in stored.items()}
    for press in upload.presses:
        _compare_one(press, contents, stored, compared)
    return compared


def _stored(ledger: Ledger, smiley: int, sequences: Mapping[int, list[int]]) -> dict[Key, Feedback]:
    """The stored feedbacks among these keys; a device's are not looked for beyond the highest one it has told."""
    keys = [
        (epoch, sequence) for epoch, told in sequences.items() if not is_device_key(epoch) for sequence in set(told)
    ]
    stored = ledger.rows.with_keys(smiley, keys) if keys else {}
    for epoch, told in sequences.items():
        if is_device_key(epoch) and min(told) <= ledger.progress.of_epoch(smiley, epoch).highest:
            known = ledger.rows.with_sequences(smiley, epoch, set(told))
            stored |= {(epoch, sequence): feedback for sequence, feedback in known.items()}
    return stored


def _stored_content(ledger: Ledger, feedback: Feedback) -> Content:
    return feedback.at - feedback.correction, feedback.button, shown_survey(ledger.layout, feedback)


def _content(press: Press) -> Content:
    return press.at, press.button, None if is_device_key(press.epoch) else ShownSurvey(press.survey or None)


def _compare_one(press: Press, contents: dict[Key, Content], stored: dict[Key, Feedback], compared: Compared) -> None:
    key, content = (press.epoch, press.sequence), _content(press)
    known = contents.get(key)
    if known is None:
        contents[key] = content
        compared.fresh.append(press)
    elif known == content:
        feedback = stored.get(key)
        compared.duplicates += 1
        compared.repeated.append((press, feedback))
        if feedback is not None and is_quarantined(feedback.verdict):
            compared.quarantined.append(Quarantined(press.epoch, press.sequence, Verdict(feedback.verdict)))
    else:
        compared.misfits.append(Misfit(press.epoch, press.sequence, Verdict.CONFLICT, _body(press)))


def _body(press: Press) -> str:
    """A press as JSON, as quarantine shows it."""
    body: dict[str, object] = {"at": press.at, "button": press.button, "survey": press.survey}
    if press.phases is not None:
        body["after"] = plain(press.phases)
    return json.dumps(body, separators=(",", ":"))
