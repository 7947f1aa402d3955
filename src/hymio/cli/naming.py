"""From what people type to what they mean: things by their number or name, moments by the local clock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from hymio.access import EVERY_KIND, DataKind
from hymio.custom import CustomField
from hymio.errors import SetupError
from hymio.hierarchy import Node
from hymio.period import Instant, instant_of, wall_of, zone
from hymio.setup import Content, Layout
from hymio.smiley import Smiley
from hymio.survey import ActivePeriod, Assignment, FollowupOption, FollowupQuestion, Localized, Survey
from hymio.user import User

if TYPE_CHECKING:
    from hymio.manage import ApiToken


def node_of(layout: Layout, text: str) -> Node:
    """A node by number, name or the end of its path ("Tampere / Entrance"); SetupError says which there are."""
    names = {node: layout.hierarchy.path(node) for node in layout.hierarchy.nodes}
    return layout.hierarchy.nodes[_chosen("node", text, names)]


def point_of(layout: Layout, text: str) -> Node:
    """A node that must be an experience point."""
    node = node_of(layout, text)
    if not node.is_point:
        raise SetupError(
            "group-not-point",
            "{node} {name!r} is a group; smileys and surveys belong at experience points",
            node=node.id,
            name=node.name,
        )
    return node


def survey_of(layout: Layout, content: Content, text: str) -> Survey:
    """A survey by number or by its question."""
    names = {each.id: content.question(each).wording.text for each in layout.surveys.values()}
    return layout.surveys[_chosen("survey", text, names)]


def smiley_of(layout: Layout, text: str) -> Smiley:
    """A smiley by serial, name or number; serials may be all digits, so they go first."""
    for each in layout.smileys.values():
        if each.serial == text:
            return each
    return layout.smileys[_chosen("smiley", text, {each.id: each.name for each in layout.smileys.values()})]


def followup_of(content: Content, survey: Survey, text: str) -> FollowupQuestion:
    """A follow-up question of a survey by number or by what it asks."""
    known = {each.id: each for each in content.followups(survey)}
    return known[_chosen("follow-up question", text, {each.id: _said(each.wording) for each in known.values()})]


def option_of(content: Content, survey: Survey, text: str) -> FollowupOption:
    """An option of a survey's follow-up questions by number or by what it says."""
    known = {each.id: each for followup in content.followups(survey) for each in followup.options}
    return known[_chosen("option", text, {each.id: _said(each.wording) for each in known.values()})]


def _said(wording: Localized) -> str:
    return wording.texts.get(wording.default_locale, "")


def user_of(users: Iterable[User], text: str) -> User:
    """A user by number or email."""
    known = {each.id: each for each in users}
    return known[_chosen("user", text, {each.id: each.email for each in known.values()})]


def token_of(tokens: Iterable[ApiToken], text: str) -> ApiToken:
    """A token of API v2 by number or name; of those that were revoked only by number."""
    known = {each.id: each for each in tokens}
    if text.isdecimal() and int(text) in known:
        return known[int(text)]
    return known[_chosen("token", text, {each.id: each.name for each in known.values() if each.revoked_at is None})]


def field_of(fields: Iterable[CustomField], text: str) -> CustomField:
    """A custom data field by its id or label."""
    known = list(fields)
    found = [each for each in known if each.id == text] or [
        each for each in known if _plain(each.label) == _plain(text)
    ]
    if len(found) != 1:
        listed = ", ".join(f"{each.id} {each.label!r}" for each in known) or "none yet"
        raise SetupError(
            "ambiguous-custom-field",
            "there is no custom field {got!r}, or several have this label; there are: {known}",
            got=text,
            known=listed,
        )
    return found[0]


def kinds_of(text: str) -> frozenset[DataKind]:
    """Kinds of data, with commas between them, or `all`."""
    if text.strip().lower() == "all":
        return EVERY_KIND
    known = {each.value: each for each in DataKind}
    words = [word.strip().lower() for word in text.split(",")]
    for word in words:
        if word not in known:
            raise SetupError(
                "unknown-kind-of-data",
                "got kind {got!r}; accepted are all, or with commas between them: {known}",
                got=word,
                known=", ".join(known),
            )
    return frozenset(known[word] for word in words)


def assignment_of(layout: Layout, key: int) -> Assignment:
    """A survey at a point by its key in API v1."""
    names = {each.id: layout.hierarchy.path(each.node) for each in layout.assignments.values()}
    return layout.assignments[_chosen("survey at a point with key", str(key), names)]


def zone_of(layout: Layout, smiley: int, now: Instant) -> ZoneInfo:
    """The zone where a smiley stood last; UTC where it never did."""
    placements = layout.placements.get(smiley, ())
    return layout.zone_of(placements[-1].node, now) if placements else zone("UTC")


def clock_of(layout: Layout, node: int | None, at: Instant) -> ZoneInfo:
    """The zone of a node at an instant, None being the root; UTC where there is no node yet."""
    root = layout.hierarchy.root
    chosen = root.id if node is None and root is not None else node
    return zone("UTC") if chosen is None else layout.zone_of(chosen, at)


def active_period(text: str) -> ActivePeriod:
    """An active period from `2025-06-01/2025-09-01`, or without an end from `2025-06-01/`."""
    start, slash, end = text.partition("/")
    if not slash:
        raise SetupError(
            "bad-active-period", "got {got!r}; accepted is START/END, or START/ for one without an end", got=text
        )
    return ActivePeriod(wall(start), wall(end) if end else None)


def _chosen(kind: str, text: str, names: dict[int, str]) -> int:
    if text.isdecimal() and int(text) in names:
        return int(text)
    wanted = _plain(text)
    found = [number for number, name in names.items() if _plain(name) == wanted] or [
        number for number, name in names.items() if _plain(name).endswith(f"/{wanted}")
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise SetupError(
            "ambiguous-name",
            "{name!r} is the name of several; say its number: {known}",
            name=text,
            known=_listed(names, found),
        )
    raise SetupError(
        "unknown-name",
        "there is no {kind} {name!r}; there are: {known}",
        kind=kind,
        name=text,
        known=_listed(names, names) or "none yet",
    )


def _plain(name: str) -> str:
    return "/".join(" ".join(part.split()) for part in name.casefold().split("/"))


def _listed(names: dict[int, str], which: Iterable[int]) -> str:
    chosen = sorted(which)
    shown = ", ".join(f"{each} {names[each]!r}" for each in chosen[:20])
    return shown if len(chosen) <= 20 else f"{shown} and {len(chosen) - 20} more"


def wall(text: str) -> datetime:
    """A date or wall time as people type it, without offset: 2025-03-01, 2025-03-01T08:00 or with a space."""
    found = _typed(text)
    if found.tzinfo is not None:
        raise SetupError(
            "time-with-offset", "got {got!r}; accepted is a time on the clocks there, without offset", got=text
        )
    return found


def moment(text: str, zone: ZoneInfo) -> Instant:
    """An instant: a wall time on the clocks of a zone, or one with its own offset."""
    found = _typed(text)
    return instant_of(found, zone) if found.tzinfo is None else int(found.timestamp() * 1000)


def _typed(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise SetupError(
            "bad-time",
            "got {got!r}; accepted are a date such as 2025-03-01 and a time such as 2025-03-01T08:00",
            got=text,
        ) from None


def midnight(at: Instant, zone: ZoneInfo) -> datetime:
    """The beginning of a day on the clocks of a zone, as a wall time."""
    return wall_of(at, zone).replace(hour=0, minute=0, second=0, microsecond=0)
