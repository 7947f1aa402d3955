"""Compares an upload's presses with the stored ones of the same keys: new ones, duplicates and conflicts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hymio.feedback import (
    Feedback,
    Press,
    QuarantineNotice,
    UnusablePress,
    Upload,
    Verdict,
    is_device_key,
    is_quarantined,
)
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
    """The presses of an upload: new ones, duplicates and conflicts."""

    fresh: list[Press] = field(default_factory=list)
    repeated: list[tuple[Press, Feedback | None]] = field(default_factory=list)
    """Duplicates, each with its stored feedback; None if the first one is in the same upload."""

    duplicates: int = 0
    unusable: list[UnusablePress] = field(default_factory=list)
    """Conflicts: presses with the key of a stored one and other content, which never replace it."""

    quarantined: list[QuarantineNotice] = field(default_factory=list)
    """Duplicates whose stored feedback is in quarantine."""


def compare(ledger: Ledger, upload: Upload, sequences: Mapping[int, list[int]]) -> Compared:
    """Divides presses into new ones, duplicates and conflicts; `sequences` are those of the presses by epoch."""
    stored = _stored(ledger, upload.smiley, sequences)
    if not stored and all(len(set(of_epoch)) == len(of_epoch) for of_epoch in sequences.values()):
        return Compared(fresh=list(upload.presses))
    compared = Compared()
    contents = {key: _stored_content(ledger, feedback) for key, feedback in stored.items()}
    for press in upload.presses:
        _compare_one(press, contents, stored, compared)
    return compared


def _stored(ledger: Ledger, smiley: int, sequences: Mapping[int, list[int]]) -> dict[Key, Feedback]:
    """The stored feedbacks with these keys; not searched above the highest stored sequence of a device's epoch."""
    keys = [
        (epoch, sequence)
        for epoch, of_epoch in sequences.items()
        if not is_device_key(epoch)
        for sequence in set(of_epoch)
    ]
    stored = ledger.rows.with_keys(smiley, keys) if keys else {}
    for epoch, of_epoch in sequences.items():
        if is_device_key(epoch) and min(of_epoch) <= ledger.progress.of_epoch(smiley, epoch).highest:
            rows = ledger.rows.with_sequences(smiley, epoch, set(of_epoch))
            stored |= {(epoch, sequence): feedback for sequence, feedback in rows.items()}
    return stored


def _stored_content(ledger: Ledger, feedback: Feedback) -> Content:
    """The content that a press with the key of a stored feedback has if it is a duplicate."""
    return feedback.at - feedback.correction, feedback.button, shown_survey(ledger.layout, feedback)


def _content(press: Press) -> Content:
    """The content by which a press is compared with others of its key."""
    return press.at, press.button, None if is_device_key(press.epoch) else ShownSurvey(press.survey or None)


def _compare_one(press: Press, contents: dict[Key, Content], stored: dict[Key, Feedback], compared: Compared) -> None:
    """Adds one press to its list; `contents` are those of stored presses and of earlier ones of the upload."""
    key, content = (press.epoch, press.sequence), _content(press)
    earlier = contents.get(key)
    if earlier is None:
        contents[key] = content
        compared.fresh.append(press)
    elif earlier == content:
        feedback = stored.get(key)
        compared.duplicates += 1
        compared.repeated.append((press, feedback))
        if feedback is not None and is_quarantined(feedback.verdict):
            compared.quarantined.append(QuarantineNotice(press.epoch, press.sequence, Verdict(feedback.verdict)))
    else:
        compared.unusable.append(UnusablePress(press.epoch, press.sequence, Verdict.CONFLICT, _body(press)))


def _body(press: Press) -> str:
    """A press as the JSON that quarantine stores."""
    body: dict[str, object] = {"at": press.at, "button": press.button, "survey": press.survey}
    if press.phases is not None:
        body["after"] = plain(press.phases)
    return json.dumps(body, separators=(",", ":"))


def body_without_phases(body: str, names: Iterable[str]) -> str:
    """The body of a conflict as quarantine stores it, without the phases of these names."""
    members = json.loads(body)
    for name in names:
        members.get("after", {}).pop(name, None)
    return json.dumps(members, separators=(",", ":"))
