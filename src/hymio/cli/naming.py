"""Parsing of command-line arguments: objects by number or name, local times, periods, opening hours."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID
from zoneinfo import ZoneInfo

from hymio.access import EVERY_KIND, DataKind
from hymio.custom import CustomField
from hymio.errors import SetupError
from hymio.feedback import Verdict
from hymio.hierarchy import Node
from hymio.period import Instant, instant_of, wall_of, zone
from hymio.personal_data import PersonalData
from hymio.setup import Content, Layout
from hymio.smiley import Smiley
from hymio.survey import ActivePeriod, Assignment, FollowupOption, FollowupQuestion, Localized, Survey
from hymio.user import User

if TYPE_CHECKING:
    from hymio.manage import ApiToken


def node_of(layout: Layout, text: str) -> Node:
    """The node with a number, a name or the end of a path ("Tampere / Entrance"). SetupError lists the nodes."""
    names = {node: layout.hierarchy.path(node) for node in layout.hierarchy.nodes}
    return layout.hierarchy.nodes[_number_of("node", text, names)]


def point_of(layout: Layout, text: str) -> Node:
    """The experience point with a number, name or end of path. SetupError if it is a group."""
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
    """The survey with a number or a question. SetupError."""
    names = {survey.id: content.question(survey).wording.text for survey in layout.surveys.values()}
    return layout.surveys[_number_of("survey", text, names)]


def smiley_of(layout: Layout, text: str) -> Smiley:
    """The smiley with a serial, name or number; a serial of digits takes precedence over a number. SetupError."""
    for smiley in layout.smileys.values():
        if smiley.serial == text:
            return smiley
    return layout.smileys[_number_of("smiley", text, {smiley.id: smiley.name for smiley in layout.smileys.values()})]


def followup_of(content: Content, survey: Survey, text: str) -> FollowupQuestion:
    """The follow-up question of a survey with a number or text. SetupError."""
    questions = {question.id: question for question in content.followups(survey)}
    texts = {question.id: _default_text(question.wording) for question in questions.values()}
    return questions[_number_of("follow-up question", text, texts)]


def option_of(content: Content, survey: Survey, text: str) -> FollowupOption:
    """The option of a survey's follow-up questions with a number or text. SetupError."""
    options = {option.id: option for followup in content.followups(survey) for option in followup.options}
    return options[
        _number_of("option", text, {option.id: _default_text(option.wording) for option in options.values()})
    ]


def _default_text(wording: Localized) -> str:
    """The text in the default locale, empty if there is none."""
    return wording.texts.get(wording.default_locale, "")


def user_of(users: Iterable[User], text: str) -> User:
    """The user with a number or e-mail address. SetupError."""
    by_id = {user.id: user for user in users}
    return by_id[_number_of("user", text, {user.id: user.email for user in by_id.values()})]


def token_of(tokens: Iterable[ApiToken], text: str) -> ApiToken:
    """The token of API v2 with a number or name; a revoked one only by number. SetupError."""
    by_id = {token.id: token for token in tokens}
    if text.isdecimal() and int(text) in by_id:
        return by_id[int(text)]
    return by_id[
        _number_of("token", text, {token.id: token.name for token in by_id.values() if token.revoked_at is None})
    ]


def feedback_ids(texts: Iterable[str]) -> tuple[UUID, ...]:
    """The published ids of feedback. SetupError."""
    ids = []
    for text in texts:
        try:
            ids.append(UUID(text.strip()))
        except ValueError:
            raise SetupError("bad-feedback-id", "got {got!r}; accepted is a UUID, as in API v2", got=text) from None
    return tuple(ids)


def personal_data_of(text: str) -> PersonalData:
    """The kind of people's data with a name. SetupError lists the kinds."""
    try:
        return PersonalData(text.strip().lower())
    except ValueError:
        known = ", ".join(kind.value for kind in PersonalData)
        raise SetupError(
            "unknown-kind-of-personal-data", "got {got!r}; accepted are {known}", got=text, known=known
        ) from None


def reason_of(text: str) -> Verdict:
    """The reason for quarantine with a name, as the list writes it. SetupError lists the reasons."""
    reasons = {verdict.label.replace("_", " "): verdict for verdict in Verdict if verdict >= Verdict.NO_PLACEMENT}
    try:
        return reasons[" ".join(text.lower().replace("_", " ").split())]
    except KeyError:
        raise SetupError(
            "unknown-reason", "got reason {got!r}; accepted are {known}", got=text, known=", ".join(reasons)
        ) from None


def field_of(fields: Iterable[CustomField], text: str) -> CustomField:
    """The custom field with an id or label. SetupError if there is none or several have the label."""
    existing = list(fields)
    matches = [field for field in existing if field.id == text] or [
        field for field in existing if _normalized(field.label) == _normalized(text)
    ]
    if len(matches) != 1:
        names = ", ".join(f"{field.id} {field.label!r}" for field in existing) or "none yet"
        raise SetupError(
            "ambiguous-custom-field",
            "there is no custom field {got!r}, or several have this label; there are: {known}",
            got=text,
            known=names,
        )
    return matches[0]


def kinds_of(text: str) -> frozenset[DataKind]:
    """Kinds of data from their names separated by commas, or from `all`. SetupError."""
    if text.strip().lower() == "all":
        return EVERY_KIND
    kinds = {kind.value: kind for kind in DataKind}
    words = [word.strip().lower() for word in text.split(",")]
    for word in words:
        if word not in kinds:
            raise SetupError(
                "unknown-kind-of-data",
                "got kind {got!r}; accepted are all, or with commas between them: {known}",
                got=word,
                known=", ".join(kinds),
            )
    return frozenset(kinds[word] for word in words)


def assignment_of(layout: Layout, key: int) -> Assignment:
    """The assignment with a key of API v1. SetupError."""
    names = {assignment.id: layout.hierarchy.path(assignment.node) for assignment in layout.assignments.values()}
    return layout.assignments[_number_of("survey at a point with key", str(key), names)]


def last_place(layout: Layout, smiley: int, now: Instant) -> tuple[ZoneInfo, str]:
    """The zone and the path of the point of a smiley's last placement; UTC and no path if it was never placed."""
    placements = layout.placements.get(smiley, ())
    if not placements:
        return zone("UTC"), ""
    node = placements[-1].node
    return layout.zone_of(node, now), layout.hierarchy.path(node)


def zone_of_node(layout: Layout, node: int | None, at: Instant) -> ZoneInfo:
    """The zone of a node at an instant; None means the root. UTC if the tree is empty."""
    root = layout.hierarchy.root
    if node is None:
        node = None if root is None else root.id
    return zone("UTC") if node is None else layout.zone_of(node, at)


def active_period(text: str) -> ActivePeriod:
    """The active period `2025-06-01/2025-09-01`, or `2025-06-01/` without an end. SetupError."""
    start, slash, end = text.partition("/")
    if not slash:
        raise SetupError(
            "bad-active-period", "got {got!r}; accepted is START/END, or START/ for one without an end", got=text
        )
    return ActivePeriod(wall(start), wall(end) if end else None)


def _number_of(kind: str, text: str, names: dict[int, str]) -> int:
    """The number that `text` means: the number itself, its name, or the end of its name after a slash. SetupError."""
    if text.isdecimal() and int(text) in names:
        return int(text)
    normalized = _normalized(text)
    matches = [number for number, name in names.items() if _normalized(name) == normalized] or [
        number for number, name in names.items() if _normalized(name).endswith(f"/{normalized}")
    ]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise SetupError(
            "ambiguous-name",
            "{name!r} is the name of several; say its number: {known}",
            name=text,
            known=_numbered(names, matches),
        )
    raise SetupError(
        "unknown-name",
        "there is no {kind} {name!r}; there are: {known}",
        kind=kind,
        name=text,
        known=_numbered(names, names) or "none yet",
    )


def _normalized(name: str) -> str:
    """A name without regard to case and white space, also around slashes."""
    return "/".join(" ".join(part.split()) for part in name.casefold().split("/"))


def _numbered(names: dict[int, str], numbers: Iterable[int]) -> str:
    """Numbers with their names for an error message, at most 20."""
    ordered = sorted(numbers)
    first = ", ".join(f"{number} {names[number]!r}" for number in ordered[:20])
    return first if len(ordered) <= 20 else f"{first} and {len(ordered) - 20} more"


def wall(text: str) -> datetime:
    """A local date or time without offset: 2025-03-01, 2025-03-01T08:00 or with a space. SetupError."""
    parsed = _parsed(text)
    if parsed.tzinfo is not None:
        raise SetupError(
            "time-with-offset", "got {got!r}; accepted is a time on the clocks there, without offset", got=text
        )
    return parsed


def moment(text: str, zone: ZoneInfo) -> Instant:
    """The instant of a local time in a zone, or of a time with an offset. SetupError."""
    parsed = _parsed(text)
    return instant_of(parsed, zone) if parsed.tzinfo is None else int(parsed.timestamp() * 1000)


def _parsed(text: str) -> datetime:
    """A date or time in ISO 8601, with or without offset. SetupError."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise SetupError(
            "bad-time",
            "got {got!r}; accepted are a date such as 2025-03-01 and a time such as 2025-03-01T08:00",
            got=text,
        ) from None


def wall_now(layout: Layout, node: int, now: Instant) -> datetime:
    """What the clocks at a node show, as a naive datetime."""
    return wall_of(now, layout.zone_of(node, now))


def midnight(at: Instant, zone: ZoneInfo) -> datetime:
    """Midnight of the local date of an instant, as a naive datetime."""
    return wall_of(at, zone).replace(hour=0, minute=0, second=0, microsecond=0)
