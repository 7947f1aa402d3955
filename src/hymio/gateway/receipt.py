"""The response to an upload: the receipt, and the settings that the smiley should use now; as JSON or CBOR."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

import cbor2
import msgspec

from hymio.feedback import QuarantineNotice, Receipt, Verdict, feedback_id, is_device_key
from hymio.gateway.envelope import Format, Unreadable
from hymio.period import Instant, offset_at, offset_range
from hymio.setup import Layout

UPLOAD_EVERY_SECONDS = 900
"""How often a smiley should upload, with or without presses, so that hours are complete soon after their end."""

_DETAILS = {
    Verdict.NO_PLACEMENT: "the smiley was placed at no experience point at that instant",
    Verdict.NO_SURVEY: "no survey was active on the smiley at that instant",
    Verdict.OFF_SCALE: "the survey's scale has no such button",
    Verdict.IMPOSSIBLE_TIME: "the instant is before 2000 or in the future",
    Verdict.WRONG_SURVEY: "the survey that the press names was not active on the smiley at that instant",
    Verdict.CONFLICT: "another press was stored under the same sequence or id",
    Verdict.UNREADABLE: "the press cannot be read",
}
"""What is wrong with a press, by the reason for which intake quarantined it."""

_PART_CONFLICT = "something else was stored of the same press"
"""What is wrong with a part of a press: CONFLICT is the only reason for which intake quarantines one."""

_to_json = msgspec.json.Encoder()


def receipt_body(
    receipt: Receipt, unreadable: Sequence[Unreadable], layout: Layout, now: Instant, form: Format
) -> bytes:
    """The body of the response to a committed upload; `now` is the instant of the commit."""
    through = next(((epoch, sequence) for epoch, sequence in receipt.acknowledged if is_device_key(epoch)), None)
    content: dict[str, object] = {
        "revision": receipt.revision,
        "stored": receipt.stored,
        "duplicates": receipt.duplicates,
        "quarantined": _quarantined(receipt, unreadable),
        "acknowledgedThrough": None if through is None else {"epoch": through[0], "sequence": through[1]},
        "correction": receipt.correction,
        "time": now,
    }
    settings = remembered_settings(layout, receipt.smiley, now)
    if form is Format.CBOR:
        return cbor2.dumps({**content, "settings": settings.members})
    content["settings"] = settings.as_json
    return _to_json.encode(content) + b"\n"


class Settings(NamedTuple):
    """The settings of a smiley in the instants [start, end), also as JSON."""

    start: Instant
    end: Instant
    members: dict[str, object]
    as_json: msgspec.Raw


def remembered_settings(layout: Layout, smiley: int, now: Instant) -> Settings:
    """The settings now. They are the same for weeks and take longer to make than the rest of a receipt, so the layout
    keeps those of each smiley."""
    last: Settings | None = layout.shown.get(smiley)
    if last is None or not last.start <= now < last.end:
        members = settings_of(layout, smiley, now)
        last = Settings(*_unchanged(layout, smiley, now), members, msgspec.Raw(_to_json.encode(members)))
        layout.shown[smiley] = last
    return last


def _unchanged(layout: Layout, smiley: int, now: Instant) -> tuple[Instant, Instant]:
    """A range of instants [start, end) around `now` in which the settings of a smiley are the same."""
    start, end, resolved = layout.resolved_range(smiley, now)
    if isinstance(resolved, Verdict):
        return now, now + 1  # its zone may change meanwhile
    since, until, _ = offset_range(now, resolved.zone)
    policies = layout.policies_of(resolved.assignment.id, smiley)
    judged_from, judged_to = next((first, last) for first, last, _ in policies.ranges() if first <= now < last)
    return max(start, since, judged_from), min(end, until, judged_to)


def settings_of(layout: Layout, smiley: int, now: Instant) -> dict[str, object]:
    """The survey that a smiley shows now, its scale and answer interval (seconds), the zone and its offset.

    Members of the survey are None where none is active, those of the zone where the smiley has no placement.
    """
    resolved = layout.resolve(smiley, now)
    if isinstance(resolved, Verdict):
        zone = _zone(layout, smiley, now)
        survey_settings: dict[str, object] = dict.fromkeys(("survey", "buttons", "scale", "interval"))
    else:
        zone, survey = resolved.zone, layout.surveys[resolved.assignment.survey]
        policy = layout.policies_of(resolved.assignment.id, smiley).at(now)
        survey_settings = {
            "survey": survey.id,
            "buttons": survey.scale.buttons,
            "scale": survey.scale.code,
            "interval": policy.interval,
        }
    return {
        **survey_settings,
        "timeZone": None if zone is None else zone.key,
        "offset": None if zone is None else offset_at(now, zone),
        "uploadEverySeconds": UPLOAD_EVERY_SECONDS,
    }


def _zone(layout: Layout, smiley: int, now: Instant) -> ZoneInfo | None:
    """The time zone of the point where a smiley is placed now."""
    placement = layout.placement(smiley, now)
    return None if placement is None else layout.zone_of(placement.node, now)


def _quarantined(receipt: Receipt, unreadable: Sequence[Unreadable]) -> list[Mapping[str, object]]:
    """The entries of `quarantined`: first those that intake quarantined, then those that the parser could not read."""
    if not receipt.quarantined and not unreadable:
        return []
    by_intake = [_notice_entry(notice) for notice in receipt.quarantined if notice.reason is not Verdict.UNREADABLE]
    return [*by_intake, *(_unreadable_entry(press) for press in unreadable)]


def _notice_entry(notice: QuarantineNotice) -> dict[str, object]:
    """An entry of `quarantined` for what intake quarantined: a whole press, or the part of it that `phase` names."""
    identity, reason = _identity(notice), notice.reason.label
    if notice.phase is None:
        return {**identity, "reason": reason, "detail": _DETAILS[notice.reason]}
    return {**identity, "phase": notice.phase, "reason": reason, "detail": _PART_CONFLICT}


def _unreadable_entry(press: Unreadable) -> dict[str, object]:
    """An entry of `quarantined` for what the parser could not read: a whole press, or the part that `phase` names."""
    identity = {"id": str(press.id)} if press.id else {"sequence": press.sequence} if press.sequence else {}
    part = {} if press.phase is None else {"phase": press.phase}
    return {**identity, "index": press.item, **part, "reason": Verdict.UNREADABLE.label, "detail": press.detail}


def _identity(notice: QuarantineNotice) -> dict[str, object]:
    """What identifies the press to its sender: the sequence that a device counted, or the UUID that a client made."""
    if is_device_key(notice.epoch):
        return {"sequence": notice.sequence}
    return {"id": str(feedback_id(0, notice.epoch, notice.sequence))}
