"""Records the forms of the hosted page, and sends the browser from step to step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from litestar import Request, Response
from litestar.response import Redirect

from hymio.errors import BadRequest, Forbidden, HymioError, NotFound, TooLarge
from hymio.gateway.body import read_body
from hymio.gateway.digital.form_message import message_after
from hymio.gateway.digital.link import Link, metadata_of, whole
from hymio.gateway.digital.message import MAX_BYTES, Message
from hymio.gateway.digital.messages import Intake, answer_of, headers_of
from hymio.gateway.digital.press import WebPress
from hymio.gateway.digital.robots import is_robots
from hymio.gateway.digital.shown import Shown
from hymio.gateway.digital.stamp import is_genuine, parsed
from hymio.gateway.digital.view import View, html, nothing, refused, shown_by
from hymio.period import Instant

STEPS: Final = ("followup", "text", "contact", "thanks", "closed")
_MAX_FIELDS: Final = 100

AnyRequest = Request[Any, Any, Any]
Answer = Response[bytes] | Redirect


async def step(intake: Intake, request: AnyRequest) -> Answer:
    """Records a form. Forbidden for one that another site sends."""
    if request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
        raise Forbidden("origin-refused", "Pages of this origin may not send presses of this smiley.")
    fields = await _fields(request)
    now = intake.services.clock()
    link = Link.of({**fields, **metadata_of(fields)})
    try:
        here = await shown_by(intake, request, link, now)
    except NotFound:
        return nothing()
    if fields.get("step") == "press":
        return await _press(intake, request, here, link, fields, now)
    return await _after(intake, request, here, link, fields, now)


async def _press(
    intake: Intake, request: AnyRequest, here: Shown, link: Link, fields: Mapping[str, str], now: Instant
) -> Answer:
    """Records a press. A form whose stamp cannot be verified any more gets a new page, on which to press again."""
    text = fields.get("stamp", "")
    stamp, button = parsed(text), whole(fields.get("button", ""))
    key = None if stamp is None else await intake.keys.known(stamp.day)
    if stamp is None or button is None or not is_genuine(stamp, text, key, here.publication.code):
        problem = here.look.text("Please choose once more.") if here.survey else ""
        return await html(intake, View(here, link, "press" if here.survey else "closed", problem=problem), now)
    message = Message(
        smiley=here.publication.code, id=stamp.press_id(button), button=button,
        survey=whole(fields.get("survey", "")) or 0, ui=link.ui,  # type: ignore[arg-type]  # one of _UIS
        metadata=dict(link.metadata), mail=link.mail or None, website=fields.get("website") or None,
    )  # fmt: skip
    is_robot = is_robots(stamp, headers_of(request.scope), now)
    try:
        is_closed = await _record(intake, request, message, is_robot=is_robot)
    except HymioError as error:
        return await refused(intake, View(here, link, "press" if here.survey else "closed"), error, now)
    return _next(here, link, message.id, button, "closed" if is_closed else next(here.steps(button)))


async def _after(
    intake: Intake, request: AnyRequest, here: Shown, link: Link, fields: Mapping[str, str], now: Instant
) -> Answer:
    """Records what a form says that comes after the button, or shows it again with what is wrong."""
    step, button = fields.get("step", ""), whole(fields.get("b", "")) or 0
    try:
        press = UUID(fields.get("id", ""))
        message = message_after(here, link, press, step, button, fields)
        if message is not None:
            await _record(intake, request, message)
    except (HymioError, ValueError) as error:
        shown_step = step if step in STEPS else "press" if here.survey else "closed"
        view = View(here, link, shown_step, fields.get("id", ""), button, fields)
        return await refused(intake, view, error, now)
    steps = list(here.steps(button))
    following = steps[steps.index(step) + 1] if step in steps[:-1] else "thanks"
    return _next(here, link, press, button, following)


async def _record(intake: Intake, request: AnyRequest, message: Message, *, is_robot: bool = False) -> bool:
    """Commits a message of this server's own page; whether its survey is closed. A contradiction changes nothing."""
    scope: Any = request.scope
    sender = (await intake.sender(scope, headers_of(scope)))._replace(origin=None)
    press = WebPress(intake.services.store, message, sender, 1_000, is_robot=is_robot)
    committed = await intake.services.uploads.record(press)
    return answer_of(committed.receipt).closed


def _next(here: Shown, link: Link, press: UUID, button: int, step: str) -> Redirect:
    """Sends the browser to a step, so that a reload sends nothing again."""
    query = {"step": step, "id": str(press), "b": str(button), "u": link.ui}
    if link.lang:
        query["lang"] = link.lang
    address = f"/w/{here.publication.code}?{urlencode(query)}"
    return Redirect(address, status_code=303, headers={"Cache-Control": "no-store"})


async def _fields(request: AnyRequest) -> dict[str, str]:
    """The fields of a form. BadRequest as soon as it is larger than a message."""
    try:
        body = await read_body(headers_of(request.scope), request.receive, MAX_BYTES)
    except TooLarge:
        raise BadRequest("form-too-large-for-page", "The form is larger than {bytes} bytes.", bytes=MAX_BYTES) from None
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except (UnicodeDecodeError, ValueError):
        return {}
