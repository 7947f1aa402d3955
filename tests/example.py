"""The organization that the examples in the documents are about, made through the doors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hymio import intake, manage
from hymio.access import Principal, operator
from hymio.feedback import Followup, HourReport, Phases, Press, Text, Upload
from hymio.manage import ApiCredentials, Batch
from hymio.misuse import MisusePolicy
from hymio.scale import IndexType, Scale
from hymio.smiley import SmileyType
from hymio.store import Store
from hymio.survey import ActivePeriod, Localized

TAMPERE, HELSINKI, NEW_YORK, WEBSITE = 3, 4, 5, 6
"""Keys of folders that hold surveys."""

VISIT, RECOMMEND, FOUND = 1, 2, 3
"""Keys of questions."""

TAMPERE_VISIT, HELSINKI_RECOMMEND, NEW_YORK_VISIT, WEBSITE_FOUND, HELSINKI_VISIT = 1, 2, 3, 4, 5
"""Keys of surveys."""

TERMINAL, TABLET, TEXTING_TERMINAL, WEB = 1, 2, 3, 4
"""Ids of smileys."""


def at(text: str) -> int:
    """An instant in ms UTC."""
    moment = datetime.fromisoformat(text)
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000


NOW = at("2024-03-05T12:00:00+00:00")
PLACED = at("2024-01-01T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class Example:
    """The organization's id and its clients' credentials."""

    organization: int
    credentials: ApiCredentials


def make_example(store: Store, name: str = "Acme") -> Example:
    """Sets the organization up, has its smileys press, and activates its API."""
    organization = manage.create_organization(store, operator(), name, now=PLACED)
    boss = operator(organization)
    with manage.batch(store, organization, PLACED) as batch:
        _tree(batch, boss)
        _surveys(batch, boss)
        _smileys(batch, boss)
    with manage.batch(store, organization, PLACED) as batch:
        credentials = manage.activate_api(batch, operator(organization), now=PLACED)
    intake.record(store, organization, list(_uploads(_options(store, organization))), NOW)
    return Example(organization, credentials)


def _tree(batch: Batch, boss: Principal) -> None:
    manage.rename_node(batch, boss, manage.ROOT, "Acme", now=PLACED)
    manage.add_group(batch, boss, "Finland", 1, id=2, now=PLACED)
    manage.add_point(batch, boss, "Tampere", 2, id=TAMPERE, now=PLACED)
    manage.add_point(batch, boss, "Helsinki", 2, id=HELSINKI, now=PLACED)
    manage.add_point(batch, boss, "New York", 1, id=NEW_YORK, now=PLACED)
    manage.add_point(batch, boss, "Website", 1, id=WEBSITE, now=PLACED)
    manage.set_zone(batch, boss, 2, "Europe/Helsinki", now=PLACED)
    manage.set_zone(batch, boss, NEW_YORK, "America/New_York", now=PLACED)
    manage.set_policy(batch, boss, 1, MisusePolicy(interval=5), now=PLACED)


def _surveys(batch: Batch, boss: Principal) -> None:
    for number, (text, scale, index) in enumerate(
        [
            ("How was your visit?", Scale.FOUR, IndexType.HAPPY),
            ("How likely are you to recommend us?", Scale.NPS, IndexType.NPS),
            ("Did you find what you were looking for?", Scale.FIVE, IndexType.AVERAGE),
        ],
        1,
    ):
        manage.add_question(batch, boss, _english(text), id=number, now=PLACED)
        manage.add_survey(batch, boss, number, scale, index, id=number, now=PLACED)
    options = [_english(text) for text in ("The product", "The price", "Somebody to ask")]
    manage.add_followup(
        batch, boss, FOUND, positive=False, wording=_english("What was missing?"), options=options, now=PLACED
    )
    for key, node, survey, *period in (
        (TAMPERE_VISIT, TAMPERE, VISIT, "2024-01-01"),
        (HELSINKI_RECOMMEND, HELSINKI, RECOMMEND, "2024-01-01", "2024-04-01"),
        (NEW_YORK_VISIT, NEW_YORK, VISIT, "2024-01-01", "2024-03-05"),
        (WEBSITE_FOUND, WEBSITE, FOUND, "2024-01-01"),
        (HELSINKI_VISIT, HELSINKI, VISIT, "2024-04-01", "2024-10-01"),
    ):
        manage.assign(
            batch, boss, node, survey, [ActivePeriod(*map(datetime.fromisoformat, period))], id=key, now=PLACED
        )


def _english(text: str) -> Localized:
    return Localized("en-US", {"en-US": text})


def _smileys(batch: Batch, boss: Principal) -> None:
    for number, serial, name, kind, node in (
        (TERMINAL, "2415VE0A110042", "Tampere, by the door", SmileyType.TERMINAL, TAMPERE),
        (TABLET, "2403TD0B120007", "Helsinki, at the till", SmileyType.TOUCH, HELSINKI),
        (TEXTING_TERMINAL, "1934VA0C110311", "New York, exit", SmileyType.TERMINAL, NEW_YORK),
        (WEB, "WEB-1", "acme.example", SmileyType.DIGITAL, WEBSITE),
    ):
        manage.add_smiley(batch, boss, serial, name, kind, id=number, now=PLACED)
        manage.place(batch, boss, number, node, PLACED, now=PLACED)


def _options(store: Store, organization: int) -> tuple[int, ...]:
    [followup] = store.content(organization).followups(store.layout(organization).surveys[FOUND])
    return tuple(option.id for option in followup.options)


def _uploads(options: tuple[int, ...]) -> list[Upload]:
    return [
        Upload(TERMINAL, _numbered(
            ("2024-03-04T08:15:07+02:00", 3),
            ("2024-03-04T08:15:09+02:00", 3),  # two seconds later: misuse
            ("2024-03-04T08:16:30+02:00", 2),
            ("2024-03-04T09:02:11+02:00", 0),
            ("2024-03-04T09:40:00+02:00", 3),
            ("2024-03-05T08:05:00+02:00", 1),
        )),
        Upload(TABLET, _numbered(
            ("2024-03-04T10:00:01+02:00", 10),
            ("2024-03-04T10:20:45+02:00", 6),
            ("2024-03-04T10:21:30+02:00", 9),
        )),
        Upload(TEXTING_TERMINAL, hours=(
            HourReport(1, 1, at("2024-03-04T09:00:00-05:00"), (1, 0, 0, 2)),
            HourReport(1, 4, at("2024-03-04T10:00:00-05:00"), (0, 1, 0, 0)),
        )),
        Upload(WEB, (
            _on_the_web(1, "2024-03-04T13:30:12.250+00:00", 4),
            _on_the_web(2, "2024-03-04T14:02:59.004+00:00", 1, options[0], 'Nothing on "opening hours"!', 0.83, False),
            _on_the_web(3, "2024-03-04T14:11:20.900+00:00", 0, options[2]),
            _on_the_web(4, "2024-03-04T15:45:31.077+00:00", 2, None, "asdf", 0.11, True),
        )),
    ]  # fmt: skip


def _numbered(*presses: tuple[str, int]) -> tuple[Press, ...]:
    return tuple(Press(1, sequence, at(moment), button) for sequence, (moment, button) in enumerate(presses, 1))


def _on_the_web(
    number: int, moment: str, button: int, option: int | None = None, text: str | None = None,
    relevance: float | None = None, spam: bool | None = None,
) -> Press:  # fmt: skip
    followups = () if option is None else (Followup(option),)
    written = None if text is None else Text(text, relevance, spam)
    return Press(-1, number, at(moment), button, FOUND, None, None, Phases(followups, written))
