"""One request of API v2 whose token is good: what it asks, and what it may see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from msgspec import Struct

from hymio.access import DataKind, Principal
from hymio.api.formats import Format
from hymio.api.query import Query
from hymio.api.v2 import params
from hymio.errors import Forbidden, Phrase
from hymio.period import Instant
from hymio.setup import Content, Layout
from hymio.store import Store


@dataclass(frozen=True)
class Call:
    """Everything that an answer is made from; `path` and `query_string` are the request's, which went to `base_url`."""

    store: Store
    principal: Principal
    layout: Layout
    query: Query
    written: Format
    now: Instant
    if_none_match: str
    path: str
    query_string: bytes
    base_url: str

    @property
    def organization(self) -> int:
        return self.principal.organization

    @cached_property
    def content(self) -> Content:
        """The texts of questions and follow-ups; read after the layout, so that it has those of all its surveys."""
        return self.store.content(self.organization)

    @property
    def asked(self) -> list[tuple[str, str]]:
        """The parameters of the request without the token."""
        pairs = parse_qsl(self.query_string.decode("latin-1"), keep_blank_values=True)
        return [(name, value) for name, value in pairs if name != "auth"]

    def zone(self, node: int | None) -> ZoneInfo:
        """The time zone of a node today; UTC where there is none."""
        return ZoneInfo("UTC") if node is None else self.layout.zone_of(node, self.now)

    def zones_below(self, node: int, at: Instant) -> set[ZoneInfo]:
        """The time zones of the experience points at and below a node at an instant."""
        return {self.layout.zone_of(point.id, at) for point in self.layout.hierarchy.points(node)}

    @cached_property
    def root(self) -> int | None:
        """The node that the token reaches, with all below it; None while there is no tree."""
        return self.principal.root(self.layout.hierarchy)

    @cached_property
    def nodes(self) -> frozenset[int]:
        """The groups and experience points that the token sees."""
        return frozenset(() if self.root is None else (each.id for each in self.layout.hierarchy.subtree(self.root)))

    @cached_property
    def whole(self) -> bool:
        """Whether the token sees the whole tree."""
        root = self.layout.hierarchy.root
        return root is None or root.id == self.root

    @cached_property
    def surveys(self) -> frozenset[int]:
        """The surveys that the token sees: those asked at its points or, with the whole tree, all."""
        if self.whole:
            return frozenset(self.layout.surveys)
        return frozenset(each.survey for each in self.layout.assignments.values() if each.node in self.nodes)

    def node(self, name: str = "experiencePointId") -> int | None:
        """The node that a parameter names. Forbidden outside of the scope."""
        return self.seen(name, self.nodes, Phrase("this experience point or group"))

    def survey(self) -> int | None:
        """The survey that the parameter `surveyId` names. Forbidden outside of the scope."""
        return self.seen("surveyId", self.surveys, Phrase("this survey"))

    def seen(self, name: str, known: frozenset[int], what: Phrase) -> int | None:
        """The id that a parameter names among those that the token sees. Forbidden outside of them."""
        got = params.identity(self.query, name)
        if got is not None and got not in known:
            raise Forbidden(
                "out-of-scope",
                "This token does not reach {what}: it lies outside of its scope, or there is none of this id.",
                what=what,
            )
        return got


class Listing(NamedTuple):
    """A listing without pages: its name in the path, the kind of data it is, what a row is, and how they are made."""

    name: str
    kind: DataKind
    content: type[Struct]
    rows: Callable[[Call], Sequence[Struct]]
    parameters: tuple[str, ...] = ()
