"""The hosted page of a published smiley: it works without scripts, a form for each step."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from hymio.errors import BadRequest, Forbidden, HymioError, NotFound, Phrase, TooManyRequests, Unavailable
from hymio.gateway.digital import looks
from hymio.gateway.digital.checks import MAX_TEXT, check_text
from hymio.gateway.digital.message import (
    MAX_BYTES,
    Message,
    TypedContact,
    TypedFollowup,
    TypedText,
)
from hymio.gateway.digital.messages import Intake, answer_of, headers_of
from hymio.gateway.digital.press import WebPress
from hymio.gateway.digital.robots import is_robots
from hymio.gateway.digital.shown import Shown, shown
from hymio.gateway.digital.stamp import is_genuine, new_stamp, parsed
from hymio.gateway.digital.wish import Wish
from hymio.gateway.press_parts import MAX_CONTACT
from hymio.period import Instant

if TYPE_CHECKING:
    from jinja2 import Environment

PAGE: Final = "/w/{code:str}"
STYLES: Final = "/w/page.css"

SECURITY: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'"
    ),
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
}
"""Headers of the page. Other sites may frame it, as it knows nobody and shows nothing secret."""

_UIS: Final = ("qr", "link", "email")
_STEPS: Final = ("followup", "text", "contact", "thanks", "closed")
_METADATUM: Final = "d-"
"""The prefix of the fields of metadata in a form."""

_MAX_MAIL: Final = 200
_YEAR_SECONDS: Final = 365 * 24 * 3600
_MAX_FIELDS: Final = 100

AnyRequest = Request[Any, Any, Any]
Answer = Response[bytes] | Redirect


class Link(NamedTuple):
    """What the address of a page says: language, how it was opened, a button and token of an e-mail, metadata."""

    lang: str = ""
    ui: str = "link"
    button: int | None = None
    mail: str = ""
    metadata: Mapping[str, str] = {}

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Link:
        """What a query or the fields of a form say; names of metadata are those without a meaning of their own."""
        ui = query.get("u", "link")
        known = {"lang", "u", "b", "m", "id", "step"}
        metadata = {name: value for name, value in query.items() if name not in known and len(name) < 100}
        button = _number(query.get("b", ""))
        return cls(query.get("lang", ""), ui if ui in _UIS else "link", button, _mail(query.get("m", "")), metadata)


def _mail(token: str) -> str:
    """The token of an e-mail, in place of a long one its hash: two of them may begin alike."""
    return token if len(token) <= _MAX_MAIL else hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True, slots=True)
class _View:
    """A page that is about to be shown: of one step, with what was typed and what is wrong with it."""

    shown: Shown
    link: Link
    step: str = "press"
    press: str = ""
    button: int = 0
    typed: Mapping[str, str] | None = None
    problem: str = ""


def routes(intake: Intake) -> list[HTTPRouteHandler]:
    """The handlers of the page, its steps and its style sheet."""

    @get(PAGE)
    async def page(request: AnyRequest) -> Answer:
        """The first page, or the page of a step; it changes nothing."""
        return await _page(intake, request)

    @post(PAGE)
    async def step(request: AnyRequest) -> Answer:
        """A form of the page: records what it says, then sends the browser to the next step."""
        return await _step(intake, request)

    @get(STYLES, sync_to_thread=False)
    def styles() -> Response[bytes]:
        """The style sheet."""
        headers = {"Cache-Control": f"public, max-age={_YEAR_SECONDS}, immutable"}
        return Response(_styles(), media_type="text/css", headers=headers)

    return [page, step, styles]


# --- showing ---------------------------------------------------------------------------------------------------------


async def _page(intake: Intake, request: AnyRequest) -> Answer:
    """A page by its address; a quiet 404 for a wrong code."""
    query, now = dict(request.query_params), intake.services.clock()
    link = Link.of(query)
    try:
        here = await _shown(intake, request, link, now)
    except NotFound:
        return _nothing()
    step = query.get("step", "")
    if here.survey is None or step not in _STEPS:
        return await _html(intake, _View(here, link, "press" if here.survey else "closed"), now)
    return await _html(intake, _View(here, link, step, query.get("id", ""), link.button or 0), now)


async def _shown(intake: Intake, request: AnyRequest, link: Link, now: Instant) -> Shown:
    wish = Wish(link.lang, request.headers.get("Accept-Language", ""))
    return await sync_to_thread(shown, intake.services.store, request.path_params["code"], wish, now)


async def _html(intake: Intake, view: _View, now: Instant, status: int = 200) -> Response[bytes]:
    """Renders a view."""
    key = await intake.keys.of(now)
    here = view.shown
    stamp = new_stamp(now).text(key, here.publication.code)
    metadata = {
        f"{_METADATUM}{name}": view.link.metadata[name] for name in here.flow.metadata if name in view.link.metadata
    }
    body = (
        _environment()
        .get_template("page.html")
        .render(
            _=here.look.text, view=view, shown=here, link=view.link, stamp=stamp, metadata=metadata,
            followup=here.followup(view.button), typed=view.typed or {}, max_text=MAX_TEXT, max_contact=MAX_CONTACT,
            styles=f"{STYLES}?{_version()}", address=f"/w/{here.publication.code}",
            brand=here.brand, look=looks.version(here.brand),
        )
    )  # fmt: skip
    headers = {**SECURITY, "Content-Language": here.locale, "Vary": "Accept-Language"}
    return Response(body.encode("utf-8", "replace"), status_code=status, media_type="text/html", headers=headers)


def _nothing() -> Response[bytes]:
    """A quiet 404."""
    return Response(b"", status_code=404, media_type="text/plain", headers={"Cache-Control": "no-store"})


# --- forms -----------------------------------------------------------------------------------------------------------


async def _step(intake: Intake, request: AnyRequest) -> Answer:
    """Records a form. Forbidden for one that another site sends."""
    if request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
        raise Forbidden("origin-refused", "Pages of this origin may not send presses of this smiley.")
    fields = await _fields(request)
    now = intake.services.clock()
    link = Link.of({**fields, **_metadata(fields)})
    try:
        here = await _shown(intake, request, link, now)
    except NotFound:
        return _nothing()
    if fields.get("step") == "press":
        return await _press(intake, request, here, link, fields, now)
    return await _after(intake, request, here, link, fields, now)


async def _press(
    intake: Intake, request: AnyRequest, here: Shown, link: Link, fields: Mapping[str, str], now: Instant
) -> Answer:
    """Records a press. A form whose stamp cannot be verified any more gets a new page, on which to press again."""
    text = fields.get("stamp", "")
    stamp, button = parsed(text), _number(fields.get("button", ""))
    key = None if stamp is None else await intake.keys.known(stamp.day)
    if stamp is None or button is None or not is_genuine(stamp, text, key, here.publication.code):
        problem = here.look.text("Please choose once more.") if here.survey else ""
        return await _html(intake, _View(here, link, "press" if here.survey else "closed", problem=problem), now)
    message = Message(
        smiley=here.publication.code, id=stamp.press_id(button), button=button,
        survey=_number(fields.get("survey", "")) or 0, ui=link.ui,  # type: ignore[arg-type]  # one of _UIS
        metadata=dict(link.metadata), mail=link.mail or None, website=fields.get("website") or None,
    )  # fmt: skip
    is_robot = is_robots(stamp, headers_of(request.scope), now)
    try:
        is_closed = await _record(intake, request, message, is_robot=is_robot)
    except HymioError as error:
        return await _refused(intake, _View(here, link, "press" if here.survey else "closed"), error, now)
    return _next(here, link, message.id, button, "closed" if is_closed else next(here.steps(button)))


async def _after(
    intake: Intake, request: AnyRequest, here: Shown, link: Link, fields: Mapping[str, str], now: Instant
) -> Answer:
    """Records what a form says that comes after the button, or shows it again with what is wrong."""
    step, button = fields.get("step", ""), _number(fields.get("b", "")) or 0
    try:
        press = UUID(fields.get("id", ""))
        message = _message_after(here, link, press, step, button, fields)
        if message is not None:
            await _record(intake, request, message)
    except (HymioError, ValueError) as error:
        shown_step = step if step in _STEPS else "press" if here.survey else "closed"
        view = _View(here, link, shown_step, fields.get("id", ""), button, fields)
        return await _refused(intake, view, error, now)
    steps = list(here.steps(button))
    following = steps[steps.index(step) + 1] if step in steps[:-1] else "thanks"
    return _next(here, link, press, button, following)


async def _refused(intake: Intake, view: _View, error: HymioError | ValueError, now: Instant) -> Response[bytes]:
    """Shows a view again with what is wrong, to be sent again."""
    detail = error.public_detail if isinstance(error, HymioError) else Phrase("This cannot be read.")
    status = 400 if isinstance(error, ValueError | NotFound) else error.status
    answer = await _html(intake, replace(view, problem=view.shown.look.text(detail)), now, status)
    if isinstance(error, TooManyRequests | Unavailable):
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer


def _message_after(
    here: Shown, link: Link, press: UUID, step: str, button: int, fields: Mapping[str, str]
) -> Message | None:
    """The message of a form; None if it says nothing. BadRequest."""
    code, is_skipped = here.publication.code, "skip" in fields
    if step == "followup":
        asked, option = here.followup(button), None if is_skipped else _number(fields.get("option", ""))
        if asked is None:
            return None
        ui: Any = link.ui if option is not None else "skip"
        return Message(smiley=code, id=press, followup=TypedFollowup(asked.id, option, ui))
    if step == "text":
        text = "" if is_skipped else fields.get("text", "").strip().replace("\r\n", "\n")
        check_text(text)
        typed = TypedText(text, _ui(link)) if text else TypedText(None, "skip")
        return Message(smiley=code, id=press, text=typed, lang=here.locale)
    if step == "contact" and not is_skipped:
        return Message(smiley=code, id=press, contact=_contact(fields))
    return None


def _ui(link: Link) -> Any:
    return link.ui


def _contact(fields: Mapping[str, str]) -> TypedContact | None:
    """The contact details of a form, None if all fields are empty. BadRequest."""
    name, email, phone = (fields.get(field, "").strip() for field in ("name", "email", "phone"))
    if not (name or email or phone):
        return None
    for field, value in (("name", name), ("email", email), ("phone", phone)):
        if len(value) > MAX_CONTACT:
            raise BadRequest(
                "contact-field-too-long", "{parameter}: at most {most} characters", parameter=field, most=MAX_CONTACT
            )
    if not name or not (email or phone):
        raise BadRequest("contact-incomplete", "Please give your name, and an e-mail address or a telephone number.")
    local, at, domain = email.partition("@")
    if email and not (local and at and domain and "@" not in domain and not any(map(str.isspace, email))):
        raise BadRequest("contact-email-unreadable", "Please check the e-mail address.")
    return TypedContact(name, email or None, phone or None)


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
    """The fields of a form; none if it is larger than a message."""
    body = await request.body()
    if len(body) > MAX_BYTES:
        raise BadRequest("form-too-large-for-page", "The form is larger than {bytes} bytes.", bytes=MAX_BYTES)
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except (UnicodeDecodeError, ValueError):
        return {}


def _metadata(fields: Mapping[str, str]) -> dict[str, str]:
    """The metadata in the fields of a form."""
    return {name.removeprefix(_METADATUM): value for name, value in fields.items() if name.startswith(_METADATUM)}


def _number(text: str) -> int | None:
    """A whole number that is not negative, None for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


# --- files -----------------------------------------------------------------------------------------------------------


@cache
def _environment() -> Environment:
    """The templates of the page, which escape every value."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415  only a request for a page needs it

    return Environment(
        loader=PackageLoader("hymio.gateway.digital"), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=StrictUndefined,
    )  # fmt: skip


@cache
def _styles() -> bytes:
    return (files("hymio.gateway.digital") / "static" / "page.css").read_bytes()


@cache
def _version() -> str:
    """A word that changes with the style sheet."""
    return hashlib.blake2b(_styles(), digest_size=6).hexdigest()
