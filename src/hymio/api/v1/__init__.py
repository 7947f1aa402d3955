"""API v1: its endpoints and their handlers."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar
from zoneinfo import ZoneInfo

from litestar import Request, Response, get
from litestar.concurrency import sync_to_thread
from litestar.handlers import HTTPRouteHandler

from hymio import results
from hymio.access import Permission, Principal
from hymio.api.authentication import CHALLENGE, authenticate
from hymio.api.query import Query
from hymio.api.v1 import params, rows
from hymio.api.v1.trees import Trees
from hymio.errors import NotFound, Phrase
from hymio.hierarchy import Node
from hymio.period import Instant, InstantRange
from hymio.results import OfAssignment, Phase
from hymio.serving.answers import (
    JSON,
    answer_to,
    cached,
    is_known,
    json_answer,
    json_line,
    not_modified,
    tag_of,
)
from hymio.serving.door import Door, Services
from hymio.serving.streams import Exports, Streamed, enveloped
from hymio.serving.turns import owner_of
from hymio.setup import Content, Layout
from hymio.store import Store
from hymio.survey import Survey

T = TypeVar("T")

Answer: TypeAlias = Response[Any] | Callable[[], Response[Any]]
"""An answer, or a function that makes it and takes long."""

_LONGEST_KEY: Final = 18


@dataclass(frozen=True, slots=True)
class Call:
    """An authenticated request, with what its handler needs."""

    store: Store
    principal: Principal
    layout: Layout
    query: Query
    key: int | None
    if_none_match: str
    now: Instant
    exports: Exports
    trees: Trees

    @property
    def organization(self) -> int:
        return self.principal.organization

    def content(self) -> Content:
        """The texts of questions and follow-ups; read after the layout, so that it has the texts of all its surveys."""
        return self.store.content(self.organization)

    def node(self) -> Node:
        """The folder of the path. NotFound."""
        node = None if self.key is None else self.layout.hierarchy.nodes.get(self.key)
        if node is None:
            raise NotFound("unknown-v1-folder", "There is no folder {key}.", key=_named(self.key))
        return node

    def question(self) -> Survey:
        """The question of the path, which is a survey in the set-up. NotFound."""
        survey = None if self.key is None else self.layout.surveys.get(self.key)
        if survey is None:
            raise NotFound("unknown-v1-question", "There is no question {key}.", key=_named(self.key))
        return survey

    def survey(self) -> int:
        """The survey of the path: the key of an assignment. NotFound."""
        if self.key is None or self.key not in self.layout.assignments:
            raise NotFound("unknown-v1-survey", "There is no survey {key}.", key=_named(self.key))
        return self.key

    def zone(self) -> ZoneInfo:
        """The current time zone of the survey of the path."""
        return self.layout.zone_of(self.layout.assignments[self.survey()].node, self.now)

    def answer(self, content: object) -> Response[Any]:
        """A JSON response for set-up; its ETag is a hash of the content, because states of surveys change with time."""
        return json_answer(content, self.if_none_match)

    def tag(self, within: InstantRange, *parameters: object) -> str:
        """The ETag of results: a hash of the last change in a range, the request's parameters and the current zone."""
        change = results.last_change(self.store, self.principal, OfAssignment(self.survey()), within)
        return tag_of(self.organization, change, self.zone().key, self.survey(), within, *parameters)


def _named(key: int | None) -> object:
    """A key as error messages show it."""
    return Phrase("of this key") if key is None else key


# --- folders ---------------------------------------------------------------------------------------------------------


def _root(call: Call) -> Response[Any]:
    """`/v1/folders`: the whole tree. NotFound while there is none."""
    parameters = params.tree(call.query)
    root = call.layout.hierarchy.root
    if root is None:
        raise NotFound("no-v1-folder-yet", "There is no folder yet.")
    return _tree(call, root, parameters)


def _folder(call: Call) -> Response[Any]:
    """`/v1/folders/:key`."""
    return _tree(call, call.node(), params.tree(call.query))


def _tree(call: Call, node: Node, parameters: params.Tree) -> Response[Any]:
    """A node and everything below it, as it was made last if nothing of it has changed."""
    layout, content = call.layout, call.content()
    key = call.organization, layout.revision, content.revision, node.id, parameters
    body = call.trees.body(
        key, layout, call.now, lambda: json_line(rows.folder(layout, content, node, parameters, call.now))
    )
    if is_known(body.tag, call.if_none_match):
        return not_modified(body.tag)
    return Response(body.content, media_type=JSON, headers=cached(body.tag))


def _children(call: Call) -> Response[Any]:
    """`/v1/folders/:key/children`."""
    parameters = params.tree(call.query)
    children = call.layout.hierarchy.children(call.node().id)
    part = _part(call.query, len(children))
    content = call.content()
    folders = [rows.folder(call.layout, content, node, parameters, call.now) for node in _slice(children, part)]
    return call.answer({"meta": part, "data": folders})


def _alerts(call: Call) -> Response[Any]:
    """`/v1/folders/:key/alerts`: always an empty list."""
    call.node()
    return call.answer({"meta": _part(call.query, 0), "data": []})


# --- questions and surveys -------------------------------------------------------------------------------------------


def _questions(call: Call) -> Response[Any]:
    """`/v1/questions`."""
    surveys = [call.layout.surveys[key] for key in sorted(call.layout.surveys)]
    part, content = _page(call.query, len(surveys)), call.content()
    return call.answer({"meta": part, "data": [rows.question(content, survey) for survey in _slice(surveys, part)]})


def _question(call: Call) -> Response[Any]:
    """`/v1/questions/:key`."""
    return call.answer(rows.question(call.content(), call.question()))


def _surveys_of_question(call: Call) -> Response[Any]:
    """`/v1/questions/:key/surveys`."""
    question, state = call.question().id, params.state(call.query)
    keys = [
        key
        for key, assignment in sorted(call.layout.assignments.items())
        if assignment.survey == question and state in (None, call.layout.state(key, call.now))
    ]
    part, content = _page(call.query, len(keys)), call.content()
    surveys = [rows.survey_of_question(call.layout, content, key, call.now) for key in _slice(keys, part)]
    return call.answer({"meta": part, "data": surveys})


def _survey(call: Call) -> Response[Any]:
    """`/v1/surveys/:key`."""
    return call.answer(rows.survey(call.layout, call.content(), call.survey(), call.now))


# --- results ---------------------------------------------------------------------------------------------------------


def _results(call: Call) -> Answer:
    """`/v1/surveys/:key/results`: counts by hour, day, week, month or year, without misuse."""
    survey, zone = call.survey(), call.zone()
    within, grain = params.within(call.query, zone), params.grain(call.query)
    tag = call.tag(within, "results", grain)
    if is_known(tag, call.if_none_match):
        return not_modified(tag)
    form = rows.RESULT._replace(utc=rows.is_utc(zone))

    def read() -> Response[Any]:
        """Buckets without counted presses are left out, also if they have misuse."""
        text = results.counted_text(call.store, call.principal, OfAssignment(survey), form, within, grain)
        return Response(f"[{text}]\n".encode(), media_type=JSON, headers=cached(tag))

    return read


def _rawresults(call: Call) -> Response[Any]:
    """`/v1/surveys/:key/rawresults`: every press, streamed. Forbidden if raw results are switched off."""
    call.principal.require_raw_results()
    utc = rows.is_utc(call.zone())
    return _streamed(call, "raw", results.raw, lambda feedback: (rows.raw_line(row, utc) for row in feedback.rows))


def _openfeedback(call: Call) -> Response[Any]:
    """`/v1/surveys/:key/openfeedback`: presses with a text, streamed."""
    utc = rows.is_utc(call.zone())
    read = partial(results.answers, phase=Phase.TEXT)
    return _streamed(call, "texts", read, lambda feedback: (rows.raw_line(row, utc) for row in feedback.rows))


def _followup(call: Call) -> Response[Any]:
    """`/v1/surveys/:key/followup`: answers to follow-ups, streamed; questions without a choice have no answer."""
    utc, options = rows.is_utc(call.zone()), rows.Options(call.content())
    read = partial(results.answers, phase=Phase.FOLLOWUP, chosen=True)
    return _streamed(call, "followups", read, lambda answers: (options.line(row, utc) for row in answers.rows))


def _streamed(
    call: Call, name: str, read: Callable[..., AbstractContextManager[Any]], lines: Callable[[Any], Iterable[str]]
) -> Response[Any]:
    """A streamed page of rows: `read` opens them in one snapshot, `lines` encodes them. 304 if the ETag is known.

    `name` distinguishes the ETag from those of other rows with equal parameters.
    """
    survey, page = call.survey(), params.rows(call.query, call.zone())
    tag = call.tag(page.within, name, page)
    if is_known(tag, call.if_none_match):
        return not_modified(tag)

    def chunks() -> Generator[bytes]:
        """The chunks of the response's body."""
        subject = OfAssignment(survey)
        with read(call.store, call.principal, subject, page.within, page.offset, page.limit) as selected:
            limit = selected.total if page.limit is None else page.limit
            yield from enveloped(rows.Envelope(page.offset, limit, selected.total), lines(selected))

    return Streamed(call.exports, chunks, cached(tag), call.organization)


# --- parts of lists --------------------------------------------------------------------------------------------------


def _page(query: Query, total: int) -> rows.Envelope:
    """The page of a list whose `limit` has a default and a maximum."""
    page = params.page(query)
    return rows.Envelope(page.offset, page.limit, total)


def _part(query: Query, total: int) -> rows.Envelope:
    """The page of a list whose default is the whole list."""
    offset, limit = query.number("offset", 0, None), query.number("limit", 1, None)
    return rows.Envelope(offset or 0, total if limit is None else limit, total)


def _slice(items: Sequence[T], part: rows.Envelope) -> Sequence[T]:
    """The items of a page."""
    return items[part.offset : part.offset + part.limit]


# --- the routes ------------------------------------------------------------------------------------------------------


class Endpoint(NamedTuple):
    """An endpoint: its path, handler and name, the names of its parameters, and the class and shape of its response."""

    path: str
    answer: Callable[[Call], Answer]
    name: str
    parameters: tuple[str, ...]
    content: type
    shape: str


TREE: Final = ("surveys", "state")
PAGE: Final = ("offset", "limit")
PART: Final = ("offset", "limit (all)")
PERIOD: Final = ("date_start", "date_end")
ROWS: Final = (*PERIOD, *PART)

ENDPOINTS: Final = (
    Endpoint("/v1/folders", _root, "The whole tree", TREE, rows.Folder, "one"),
    Endpoint("/v1/folders/{key}", _folder, "One folder", TREE, rows.Folder, "one"),
    Endpoint("/v1/folders/{key}/children", _children, "Folders in a folder", (*TREE, *PART), rows.Folder, "page"),
    Endpoint("/v1/folders/{key}/alerts", _alerts, "Alerts of a folder", PART, rows.Alert, "page"),
    Endpoint("/v1/questions", _questions, "All questions", PAGE, rows.Question, "page"),
    Endpoint("/v1/questions/{key}", _question, "One question", (), rows.Question, "one"),
    Endpoint(
        "/v1/questions/{key}/surveys",
        _surveys_of_question,
        "Surveys of a question",
        ("state", *PAGE),
        rows.Survey,
        "page",
    ),
    Endpoint("/v1/surveys/{key}", _survey, "One survey", (), rows.Survey, "one"),
    Endpoint("/v1/surveys/{key}/results", _results, "Results", (*PERIOD, "truncate"), rows.Result, "array"),
    Endpoint("/v1/surveys/{key}/rawresults", _rawresults, "Raw results", ROWS, rows.RawResult, "page"),
    Endpoint("/v1/surveys/{key}/openfeedback", _openfeedback, "Open feedback", ROWS, rows.OpenFeedback, "page"),
    Endpoint("/v1/surveys/{key}/followup", _followup, "Follow-up answers", ROWS, rows.Followup, "page"),
)


def routes(services: Services) -> list[HTTPRouteHandler]:
    """The handlers, one for each endpoint."""
    trees = Trees()
    return [_handler(endpoint, services, trees) for endpoint in ENDPOINTS]


DOOR: Final = Door("API v1", routes, challenge=CHALLENGE)


def _handler(endpoint: Endpoint, services: Services, trees: Trees) -> HTTPRouteHandler:
    """The Litestar handler of an endpoint."""

    def begin(request: Request[Any, Any, Any]) -> Answer:
        """Authenticates a request and answers it, or says how."""
        return endpoint.answer(_call(request, services, trees))

    @get(endpoint.path.replace("{key}", "{key:str}"), name=endpoint.path)
    async def handle(request: Request[Any, Any, Any]) -> Response[Any]:
        """Answers a request; what takes long is made in a reader's turn. Unavailable if that comes too late."""
        async with services.looking.turn(owner_of(request)):
            answer = await sync_to_thread(begin, request)
        if isinstance(answer, Response):
            return answer
        async with services.reading.turn(owner_of(request)):
            return await sync_to_thread(answer)

    return handle


def _call(request: Request[Any, Any, Any], services: Services, trees: Trees) -> Call:
    """The call of a request. Unauthorized or Forbidden if its credential is not accepted."""
    with services.attempts.of(request.scope):
        principal = authenticate(services.store, request.headers)
    answer_to(request, principal)
    principal.require(Permission.READ_SETUP)  # every answer contains keys or zones of the set-up
    return Call(
        store=services.store,
        principal=principal,
        layout=services.store.layout(principal.organization),
        query=Query(request.scope["query_string"]),
        key=_key(request.path_params.get("key")),
        if_none_match=request.headers.get("If-None-Match", ""),
        now=services.clock(),
        exports=services.exports,
        trees=trees,
    )


def _key(text: str | None) -> int | None:
    """The number of a key; None if it is not a number, because the key of every object is one."""
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > _LONGEST_KEY:
        return None
    return int(text)
