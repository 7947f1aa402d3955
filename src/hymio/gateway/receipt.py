"""What a smiley is answered: the receipt of its upload and what it should ask, as JSON or CBOR."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from zoneinfo import ZoneInfo

import cbor2
import msgspec

from hymio.feedback import Quarantined, Receipt, Verdict, feedback_id, is_device_key
from hymio.gateway.envelope import Format, Unreadable
from hymio.period import offset_at
from hymio.setup import Layout

UPLOAD_EVERY_SECONDS = 900
"""How often a smiley should speak, with or without presses: an hour is known complete soon after its end."""

_DETAILS = {
    Verdict.NO_PLACEMENT: "the smiley was placed at no experience point at that instant",
    Verdict.NO_SURVEY: "no survey was active on the smiley at that instant",
    Verdict.OFF_SCALE: "the survey's scale has no such button",
    Verdict.IMPOSSIBLE_TIME: "the instant is before 2000 or in the future",
    Verdict.WRONG_SURVEY: "the survey that the press names was not active on the smiley at that instant",
    Verdict.CONFLICT: "another press was stored under the same sequence or id",
    Verdict.UNREADABLE: "the press cannot be read",
}

_to_json = msgspec.json.Encoder()


def answer(receipt: Receipt, unreadable: Iterable[Unreadable], layout: Layout, now: int, written: Format) -> bytes:
    """The body of the answer to an upload that was committed."""
    through = next((each for each in receipt.acknowledged if is_device_key(each[0])), None)
    content = {
        "revision": receipt.revision,
        "stored": receipt.stored,
        "duplicates": receipt.duplicates,
        "quarantined": _quarantined(receipt, unreadable),
        "acknowledgedThrough": None if through is None else {"epoch": through[0], "sequence": through[1]},
        "correction": receipt.correction,
        "time": now,
        "settings": settings_of(layout, receipt.smiley, now),
    }
    return _to_json.encode(content) if written is Format.JSON else cbor2.dumps(content)


def settings_of(layout: Layout, smiley: int, now: int) -> dict[str, object]:
    """What a smiley asks now, and how; None where no survey is active, and for the zone where it stands nowhere."""
    where = layout.resolve(smiley, now)
    if isinstance(where, Verdict):
        zone = _zone(layout, smiley, now)
        asked: dict[str, object] = dict.fromkeys(("survey", "buttons", "scale", "interval"))
    else:
        zone, survey = where.zone, layout.surveys[where.assignment.survey]
        policy = layout.policies_of(where.assignment.id, smiley).at(now)
        asked = {
            "survey": survey.id,
            "buttons": survey.scale.buttons,
            "scale": survey.scale.code,
            "interval": policy.interval,
        }
    return {
        **asked,
        "timeZone": None if zone is None else zone.key,
        "offset": None if zone is None else offset_at(now, zone),
        "uploadEverySeconds": UPLOAD_EVERY_SECONDS,
    }


def _zone(layout: Layout, smiley: int, now: int) -> ZoneInfo | None:
    for each in layout.placements:
        if each.smiley == smiley and each.start <= now and (each.end is None or now < each.end):
            return layout.zone_of(each.node, now)
    return None


def _quarantined(receipt: Receipt, unreadable: Iterable[Unreadable]) -> list[Mapping[str, object]]:
    """Presses, or what came with them, kept but not counted; the unreadable say their places and what is wrong."""
    known = [_kept(each) for each in receipt.quarantined if each.reason is not Verdict.UNREADABLE]
    return [*known, *(_unread(each) for each in unreadable)]


def _kept(press: Quarantined) -> dict[str, object]:
    if press.phase is None:
        return {**_name(press), "reason": press.reason.label, "detail": _DETAILS[press.reason]}
    detail = "something else was stored of the same press"
    return {**_name(press), "phase": press.phase, "reason": press.reason.label, "detail": detail}


def _unread(press: Unreadable) -> dict[str, object]:
    named = {"id": str(press.id)} if press.id else {"sequence": press.sequence} if press.sequence else {}
    part = {} if press.phase is None else {"phase": press.phase}
    return {**named, "index": press.place, **part, "reason": Verdict.UNREADABLE.label, "detail": press.detail}


def _name(press: Quarantined) -> dict[str, object]:
    if is_device_key(press.epoch):
        return {"sequence": press.sequence}
    return {"id": str(feedback_id(0, press.epoch, press.sequence))}
