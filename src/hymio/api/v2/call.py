"""One authenticated request of API v2: its parameters, and what is in the scope of its token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from msgspec import Struct

from hymio.access import DataKind, Principal
from hymio.api.formats import BOM, Format
from hymio.api.query import Query
from hymio.api.v2 import params
from hymio.errors import Forbidden, Phrase
from hymio.period import Instant
from hymio.setup import Content, Layout
from hymio.store import Store


@dataclass(frozen=True)
class Call:
    """Everything that an answer is made from; `base_url`, `path` and `query_string` are parts of its URL."""

    store: Store
    principal: Principal
    layout: Layout
    query: Query
    output_format: Format
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
    def parameters(self) -> list[tuple[str, str]]:
        """The parameters of the request without the token."""
        pairs = parse_qsl(self.query_string.decode("latin-1"), keep_blank_values=True)
        return [(name, value) for name, value in pairs if name != "auth"]

    @property
    def mark(self) -> bytes:
        """What stands before the body: a byte order mark where the request or else the token wants it for CSV."""
        is_wanted = params.bom(self.query, otherwise=self.principal.csv_bom)
        return BOM if is_wanted and self.output_format is Format.CSV else b""

    def zone(self, node: int | None) -> ZoneInfo:
        """The time zone of a node today; UTC where there is none."""
        return ZoneInfo("UTC") if node is None else self.layout.zone_of(node, self.now)

    def zones_below(self, node: int, at: Instant) -> set[ZoneInfo]:
        """The time zones of the experience points at and below a node at an instant."""
        return {self.layout.zone_of(point.id, at) for point in self.layout.hierarchy.points(node)}

    @cached_property
    def root(self) -> int | None:
        """The top node of the token's scope; None while there is no tree."""
        return self.principal.root(self.layout.hierarchy)

    @cached_property
    def nodes(self) -> frozenset[int]:
        """The ids of the groups and experience points in the token's scope."""
        return frozenset(() if self.root is None else (node.id for node in self.layout.hierarchy.subtree(self.root)))

    @cached_property
    def sees_whole_tree(self) -> bool:
        """Whether the token's scope is the whole tree."""
        root = self.layout.hierarchy.root
        return root is None or root.id == self.root

    @cached_property
    def surveys(self) -> frozenset[int]:
        """The ids of the surveys in the token's scope: those assigned to its points or, with the whole tree, all."""
        if self.sees_whole_tree:
            return frozenset(self.layout.surveys)
        return frozenset(row.survey for row in self.layout.assignments.values() if row.node in self.nodes)

    def node(self, name: str = "experiencePointId") -> int | None:
        """The node whose id a parameter gives. Forbidden outside the scope."""
        return self.id_in_scope(name, self.nodes, Phrase("this experience point or group"))

    def survey(self) -> int | None:
        """The survey whose id the parameter `surveyId` gives. Forbidden outside the scope."""
        return self.id_in_scope("surveyId", self.surveys, Phrase("this survey"))

    def id_in_scope(self, name: str, ids: frozenset[int], what: Phrase) -> int | None:
        """The id that a parameter gives, None if it is missing. Forbidden if it is not among `ids`, those in scope."""
        identity = params.identity(self.query, name)
        if identity is not None and identity not in ids:
            raise Forbidden(
                "out-of-scope",
                "This token does not reach {what}: it lies outside of its scope, or there is none of this id.",
                what=what,
            )
        return identity


class Listing(NamedTuple):
    """A listing without pages: its name in the path, its kind of data, the class of its rows, and what makes them."""

    name: str
    kind: DataKind
    row_class: type[Struct]
    rows: Callable[[Call], Sequence[Struct]]
    parameters: tuple[str, ...] = ()
