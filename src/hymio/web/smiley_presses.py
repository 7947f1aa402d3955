"""The latest presses of a web smiley, on its page and as the part of the page that a script fetches again."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

from litestar import Response

from hymio.access import Principal
from hymio.errors import Forbidden, NotFound, Phrase
from hymio.feedback import Ui, Verdict
from hymio.period import Instant
from hymio.report.faces import NAMES, face_of
from hymio.report.wording import REASON_NAMES
from hymio.results import latest
from hymio.scale import Scale
from hymio.setup import Layout
from hymio.store.latest import LatestPress
from hymio.web.people import Visit

SHOWN: Final = 6
"""Presses that are shown."""

_WAYS: Final = {
    Ui.DIGITAL: Phrase("on a web page"), Ui.LINK: Phrase("on its own page"), Ui.QR: Phrase("by the QR code"),
    Ui.EMAIL: Phrase("from an e-mail"),
}  # fmt: skip
_COUNTED, _TEST, _LEFT_OUT = Phrase("counted"), Phrase("test"), Phrase("left out")


class ShownPress(NamedTuple):
    """A press: its local day if that is another than now, its local time to the second, its face and the name of it or
    its number, its way, and its verdict."""

    day: date | None
    time: str
    face: int
    name: str
    way: Phrase | None
    verdict: Phrase


def presses_of(here: Visit, principal: Principal, smiley: int) -> list[ShownPress] | None:
    """The latest presses of the last day, None for whom they are not shown."""
    store, now = here.services.store, here.services.clock()
    try:
        presses = latest(store, principal, smiley, now, SHOWN)
    except (Forbidden, NotFound):
        return None
    scale = _scale(store.layout(principal.organization), smiley, now)
    return [] if scale is None else [_shown(press, scale, now) for press in presses]


def presses_part(here: Visit, principal: Principal, smiley: int) -> Response[bytes]:
    """The part of the page with the latest presses."""
    return here.page("smiley_presses.html", headers=None, presses=presses_of(here, principal, smiley))


def _scale(layout: Layout, smiley: int, now: Instant) -> Scale | None:
    """The scale of what a smiley asks now."""
    assignment = getattr(layout.resolve(smiley, now), "assignment", None)
    return None if assignment is None else layout.surveys[assignment.survey].scale


def _wall(at: Instant, offset: int) -> datetime:
    """The local time of an instant at an offset in minutes."""
    return datetime.fromtimestamp(at / 1000, UTC) + timedelta(minutes=offset)


def _shown(press: LatestPress, scale: Scale, now: Instant) -> ShownPress:
    """A press in words."""
    wall, today = _wall(press.at, press.offset), _wall(now, press.offset).date()
    number = face_of(scale, press.button).number
    name = str(press.button) if scale is Scale.NPS else NAMES[number]
    verdict = Verdict(press.verdict)
    words = {Verdict.COUNTED: _COUNTED, Verdict.TEST: _TEST}
    reason = words.get(verdict) or REASON_NAMES.get(verdict.label, _LEFT_OUT)
    way = None if press.ui is None else _WAYS.get(Ui(press.ui))
    day = None if wall.date() == today else wall.date()
    return ShownPress(day, f"{wall:%H:%M:%S}", number, name, way, reason)
