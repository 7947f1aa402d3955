"""The list of web smileys, and the forms that publish one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from litestar import Response

from hymio import manage
from hymio.access import Principal
from hymio.errors import HymioError, SetupError
from hymio.hierarchy import Hierarchy
from hymio.manage import Batch, SignedIn
from hymio.period import Instant
from hymio.setup import Layout
from hymio.smiley import Smiley, SmileyType
from hymio.web.people import Visit
from hymio.web.sign_in import Answer
from hymio.web.smiley_asked import admin, number_from, place_of

LIST: Final = "/smileys"


@dataclass(frozen=True, slots=True)
class Line:
    """A digital smiley of the list with the path of its place, empty if it has none."""

    smiley: Smiley
    place: str

    @property
    def is_open(self) -> bool:
        """Whether it is published and not withdrawn."""
        return self.smiley.publication is not None and not self.smiley.publication.is_withdrawn


def list_page(here: Visit, person: SignedIn, error: HymioError | None = None) -> Response[bytes]:
    """The digital smileys of the scope. Forbidden without the permission to change smileys."""
    principal, now = admin(person), here.services.clock()
    layout = here.services.store.layout(principal.organization)
    lines = _lines(layout, principal, now)
    return here.page(
        "smileys.html", 200 if error is None else error.status, headers=None,
        published=[line for line in lines if line.is_open], unpublished=[line for line in lines if not line.is_open],
        points=_points(layout, principal), has_whole_tree=principal.reaches_all(layout.hierarchy),
        detail=None if error is None else error.public_detail,
    )  # fmt: skip


def _lines(layout: Layout, principal: Principal, now: Instant) -> Sequence[Line]:
    """The digital smileys that are placed in the scope; for the whole tree those without a place too."""
    hierarchy, lines = layout.hierarchy, []
    for smiley in sorted(layout.smileys.values(), key=lambda each: each.name.casefold()):
        placement = layout.placement(smiley.id, now)
        is_reached = (
            principal.reaches_all(hierarchy) if placement is None else principal.reaches(hierarchy, placement.node)
        )
        if smiley.type is SmileyType.DIGITAL and is_reached:
            lines.append(Line(smiley, place_of(hierarchy, principal, placement)))
    return lines


def _points(layout: Layout, principal: Principal) -> list[tuple[int, str]]:
    """The experience points of the scope by name, each followed by the groups above it, as names need not be unique."""
    hierarchy = layout.hierarchy
    points = [node for node in hierarchy.nodes.values() if node.is_point and principal.reaches(hierarchy, node.id)]
    named = [
        (point.id, f"{point.name} · {_groups_above(hierarchy, principal, point.id)}".rstrip(" ·")) for point in points
    ]
    return sorted(named, key=lambda point: point[1].casefold())


def _groups_above(hierarchy: Hierarchy, principal: Principal, point: int) -> str:
    """The names of the groups of the scope above a point, nearest first, without the root."""
    above = [*hierarchy.ancestors(point)][:-1]
    return ", ".join(hierarchy.nodes[node].name for node in above if principal.reaches(hierarchy, node))


def publish(here: Visit, person: SignedIn, fields: dict[str, str]) -> Answer:
    """Publishes a smiley. The presses of one that was never published are tests at first."""
    principal, store, now = admin(person), here.services.store, here.services.clock()
    try:
        with manage.batch(store, principal.organization, now) as batch:
            known = fields.get("smiley", "")
            number = number_from(known) if known else _new_smiley(batch, principal, fields, now)
            is_new = getattr(batch.layout.smileys.get(number), "publication", None) is None
            made = manage.publish_smiley(batch, principal, number, now=now)
            if is_new:
                manage.edit_publication(batch, principal, number, replace(made, is_installing=True), now=now)
    except SetupError as error:
        return list_page(here, person, error)
    return here.to(f"{LIST}/{number}?done={'published' if is_new else 'again'}")


def _new_smiley(batch: Batch, principal: Principal, fields: dict[str, str], now: Instant) -> int:
    """Adds a digital smiley at the point of a form, with the next free serial WEB-1, WEB-2 and so on."""
    serials = {smiley.serial for smiley in batch.layout.smileys.values()}
    serial = next(f"WEB-{number}" for number in range(1, len(serials) + 2) if f"WEB-{number}" not in serials)
    name = fields.get("name", "").strip() or serial
    point = number_from(fields.get("point", ""))
    return manage.add_smiley(batch, principal, serial, name, SmileyType.DIGITAL, point=point, now=now).id
