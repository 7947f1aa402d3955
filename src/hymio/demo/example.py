"""The data of the example organization: tree, surveys, policies, smileys, users; `set_up` stores them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum

from hymio import manage
from hymio.access import Principal, Role
from hymio.custom import CustomField
from hymio.manage import Batch
from hymio.misuse import MisusePolicy
from hymio.opening_hours import parse_opening_hours
from hymio.period import Instant, instant_of, parse_timestamp, zone
from hymio.scale import IndexType, Scale
from hymio.smiley import SmileyType
from hymio.survey import ActivePeriod, Localized

NAME = "Birch & Harbour"
FOUNDED: Instant = parse_timestamp("2021-12-01T00:00:00Z")

VISIT, SERVICE, RECOMMEND, SITE, PAGE = 1, 2, 3, 4, 5
"""Ids of surveys, which are also the keys of questions in API v1."""

GROUPS = (
    (1, NAME, None, "Europe/Helsinki"),
    (2, "Finland", 1, None),
    (3, "Nepal", 1, "Asia/Kathmandu"),
    (4, "United States", 1, "America/New_York"),
    (5, "Helsinki", 2, None),
    (6, "Tampere", 2, None),
    (7, "Kathmandu", 3, None),
    (8, "New York", 4, None),
    (9, "Chicago", 4, "America/Chicago"),
)
"""(id, name, parent, time zone or None to inherit the parent's)"""

STATION, HARBOUR, MARKET, DESK, THAMEL, AIRPORT, AVENUE, BROOKLYN, MICHIGAN, SHOP = range(10, 20)
"""Ids of experience points, which are also keys of folders in API v1."""

POINTS = (
    (STATION, "Central Station", 5),
    (HARBOUR, "Harbour", 5),
    (MARKET, "Market Hall", 6),
    (DESK, "Service desk", 6),
    (THAMEL, "Thamel", 7),
    (AIRPORT, "Airport", 7),
    (AVENUE, "Fifth Avenue", 8),
    (BROOKLYN, "Brooklyn", 8),
    (MICHIGAN, "Michigan Avenue", 9),
    (SHOP, "birch.example", 9),
)

SURVEYS = (
    (VISIT, "How was your visit today?", Scale.FOUR, IndexType.HAPPY),
    (SERVICE, "How was our service?", Scale.FIVE, IndexType.AVERAGE),
    (RECOMMEND, "How likely are you to recommend us to a friend?", Scale.NPS, IndexType.NPS),
    (SITE, "How do you like our site?", Scale.FOUR, IndexType.HAPPY),
    (PAGE, "Did you find what you were looking for?", Scale.FIVE, IndexType.HAPPY),
)

ASSIGNMENTS = (
    (1, STATION, VISIT, None, None),
    (2, HARBOUR, SERVICE, None, None),
    (3, MARKET, VISIT, None, None),
    (4, DESK, SERVICE, None, None),
    (5, THAMEL, VISIT, None, None),
    (6, AIRPORT, SERVICE, None, None),
    (7, AVENUE, VISIT, None, None),
    (8, BROOKLYN, VISIT, None, None),
    (9, MICHIGAN, RECOMMEND, None, None),
    (10, SHOP, SITE, "2022-01-01", "2023-01-01"),
    (11, SHOP, PAGE, None, None),
)
"""(id, also the key of a survey in API v1; point; survey; first day; the day after the last one)

The first day None is that of the history, the other None is no end.
"""

MISSING = "What was missing?"
MISSING_OPTIONS = ("The product itself", "My size", "Photographs", "Prices in my currency", "Somebody to ask")
LIKED = "What did you like?"
LIKED_OPTIONS = ("The range", "The search", "The pictures", "The prices")

IN_FINNISH = {
    VISIT: "Millainen käyntisi oli tänään?",
    SERVICE: "Millaista palvelumme oli?",
    RECOMMEND: "Kuinka todennäköisesti suosittelisit meitä ystävälle?",
}

FIELDS = (
    CustomField("format", "Store format", "select", ("Flagship", "City", "Kiosk")),
    CustomField("manager", "Regional manager"),
)
VALUES = (
    (AVENUE, "format", "Flagship"),
    (STATION, "format", "Kiosk"),
    (MARKET, "format", "City"),
    (2, "manager", "A. Virtanen"),
    (4, "manager", "J. Marsh"),
)

USERS = (
    ("aino.virtanen@example.com", "Aino", "Virtanen", 1, Role.ADMIN, "fi-FI"),
    ("jo.marsh@example.com", "Jo", "Marsh", 4, Role.ADMIN, "en-US"),
    ("bina.rai@example.com", "Bina", "Rai", 3, Role.USER, "en-GB"),
)
"""(email, first name, last name, node, role, locale)"""

_STATION_HOURS = parse_opening_hours("mon-fri 5:30-23:00, sat 7-23, sun 8-22")

POLICIES = (
    (1, MisusePolicy(interval=5), None),
    (STATION, MisusePolicy(interval=5, judge_closed=True, opening_hours=_STATION_HOURS), None),
    (MARKET, MisusePolicy(interval=8, burst_presses=6, burst_seconds=20), None),
    (AIRPORT, MisusePolicy(interval=3, burst_presses=5, burst_seconds=10), None),
    (AVENUE, MisusePolicy(interval=5), None),
    (AVENUE, MisusePolicy(interval=10), 181),
    (SHOP, MisusePolicy(answer_interval=24 * 3600), None),
)
"""(node, policy; the day of the history from which it acts, counted from 0, or None for always)"""


class Way(Enum):
    """How a smiley sends its presses: over HTTP, by SMS, or as a web page over HTTP."""

    DATA = "data"
    TEXT = "text"
    WEB = "web"


@dataclass(frozen=True, slots=True)
class Spot:
    """A smiley with its place and the parameters of its random presses.

    `share` is its fraction of all presses, `mood` the satisfaction of its people (1 is average), `play` the fraction of
    its presses that are bursts, `rhythm` the name of its daily distribution (`history.RHYTHMS`).
    """

    smiley: int
    serial: str
    name: str
    node: int
    survey: int
    share: float
    rhythm: str
    mood: float = 1.0
    play: float = 0.0
    way: Way = Way.DATA
    kind: SmileyType = SmileyType.TERMINAL

    @property
    def scale(self) -> Scale:
        """The scale of its survey."""
        return next(scale for survey, _, scale, _ in SURVEYS if survey == self.survey)

    @property
    def zone(self) -> str:
        """The time zone of its point: that of the nearest group above that has one."""
        groups = {group: (parent, zone) for group, _, parent, zone in GROUPS}
        group: int | None = next(parent for point, _, parent in POINTS if point == self.node)
        zone: str | None = None
        while zone is None and group is not None:
            group, zone = groups[group]
        return zone or "UTC"


SPOTS = (
    Spot(1, "2415VE0A110042", "Station, entrance", STATION, VISIT, 0.15, "station", 0.95),
    Spot(2, "2415VE0A110043", "Station, exit", STATION, VISIT, 0.12, "station", 1.02),
    Spot(3, "2402VE0A110007", "Harbour, pier 1", HARBOUR, SERVICE, 0.08, "shop", 1.15),
    Spot(4, "1934VA0C110311", "Harbour, pier 2", HARBOUR, SERVICE, 0.05, "shop", 1.1, way=Way.TEXT),
    Spot(5, "2415VE0A110051", "Market Hall, stairs", MARKET, VISIT, 0.11, "shop", 1.1, play=0.08),
    Spot(6, "2403TD0B120007", "Service desk", DESK, SERVICE, 0.04, "office", 0.9, kind=SmileyType.TOUCH),
    Spot(7, "1934VA0C110298", "Thamel", THAMEL, VISIT, 0.04, "shop", 1.2, way=Way.TEXT),
    Spot(8, "2347VD0A110118", "Departures, after security", AIRPORT, SERVICE, 0.13, "airport", 0.8, play=0.05),
    Spot(9, "2501VE0B110003", "Fifth Avenue, ground floor", AVENUE, VISIT, 0.12, "shop", 1.0, play=0.02),
    Spot(10, "2501VE0B110004", "Fifth Avenue, upstairs", AVENUE, VISIT, 0.06, "shop", 1.05),
    Spot(11, "2011VB0C110077", "Brooklyn", BROOKLYN, VISIT, 0.03, "shop", 1.0, way=Way.TEXT),
    Spot(12, "2403TD0B120031", "Michigan Avenue", MICHIGAN, RECOMMEND, 0.03, "office", 1.0, kind=SmileyType.TOUCH),
    Spot(13, "WEB-1", "birch.example", SHOP, PAGE, 0.04, "web", 0.9, way=Way.WEB, kind=SmileyType.DIGITAL),
)

WEB = SPOTS[-1]


def set_up(batch: Batch, founder: Principal, first: date) -> dict[int, str]:
    """Creates the whole set-up below the root of a new organization; returns upload tokens by smiley.

    The surveys of the history are active from the date `first` on.
    """
    for node, name, parent, zone_name in GROUPS[1:]:
        manage.add_group(batch, founder, name, parent, id=node, now=FOUNDED)
        if zone_name is not None:
            manage.set_zone(batch, founder, node, zone_name, now=FOUNDED)
    for node, name, parent in POINTS:
        manage.add_point(batch, founder, name, parent, id=node, now=FOUNDED)
    for node, policy, day in POLICIES:
        at = None if day is None else _midnight(first + timedelta(days=day))
        manage.set_policy(batch, founder, node, policy, at, now=FOUNDED)
    _add_surveys(batch, founder, first)
    _add_custom_data_and_users(batch, founder)
    tokens = {}
    for spot in SPOTS:
        tokens[spot.smiley] = manage.add_smiley(
            batch, founder, spot.serial, spot.name, spot.kind, id=spot.smiley, now=FOUNDED
        ).token
        manage.place(batch, founder, spot.smiley, spot.node, FOUNDED, now=FOUNDED)
    return tokens


def _add_surveys(batch: Batch, founder: Principal, first: date) -> None:
    """Creates questions, surveys, follow-ups, Finnish texts and assignments."""
    for survey, text, scale, index in SURVEYS:
        manage.add_question(batch, founder, _english(text), id=survey, now=FOUNDED)
        manage.add_survey(batch, founder, survey, scale, index, id=survey, now=FOUNDED)
    options = [_english(text) for text in MISSING_OPTIONS]
    manage.add_followup(batch, founder, PAGE, positive=False, wording=_english(MISSING), options=options, now=FOUNDED)
    liked = [_english(text) for text in LIKED_OPTIONS]
    manage.add_followup(batch, founder, PAGE, positive=True, wording=_english(LIKED), options=liked, now=FOUNDED)
    for question, text in IN_FINNISH.items():
        manage.localize_question(batch, founder, question, "fi-FI", text, now=FOUNDED)
    for key, node, survey, begin, after in ASSIGNMENTS:
        start = datetime.fromisoformat(begin or first.isoformat())
        end = None if after is None else datetime.fromisoformat(after)
        manage.assign(batch, founder, node, survey, [ActivePeriod(start, end)], id=key, now=FOUNDED)


def _add_custom_data_and_users(batch: Batch, founder: Principal) -> None:
    """Creates custom fields with values, and users."""
    for field in FIELDS:
        manage.add_custom_field(batch, founder, field, now=FOUNDED)
    for node, field_id, value in VALUES:
        manage.set_custom_value(batch, founder, node, field_id, value, now=FOUNDED)
    for email, first, last, node, role, locale in USERS:
        manage.add_user(batch, founder, email, first, last, node, role, locale, now=FOUNDED)


def _midnight(day: date) -> Instant:
    """The beginning of a date at the avenue."""
    return instant_of(datetime.combine(day, time()), zone("America/New_York"))


def _english(text: str) -> Localized:
    return Localized("en-US", {"en-US": text})
