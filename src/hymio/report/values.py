"""The value of a report and of its parts; every rendering shows these numbers and computes none.

`report.schema()` describes the same in JSON Schema. Numbers of answers are whole. An index has the unit of its type
(`IndexType`) and is not rounded; `shown` beside it is what people read, rounded as docs/compatibility.md says. Weekdays
are 0 for Monday to 6, hours of the day 0 to 23 in local time, button indexes ascend from the most negative. Lists have
a fixed order that each of them states.
"""

from __future__ import annotations

from datetime import date, datetime

import msgspec


class Value(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A part of a report: frozen, with names in camel case in JSON."""


class Figure(Value, frozen=True):
    """The answers of something: their number, the number of each button, and the index with its 95 % interval.

    All are None if they are withheld. The index and its interval are None without answers. `left_out` says that answers
    may belong here that are not counted, because too few of them would be told apart.
    """

    number: int | None
    counts: tuple[int, ...] | None
    index: float | None = None
    shown: float | None = None
    low: float | None = None
    high: float | None = None
    left_out: bool = False

    @property
    def is_withheld(self) -> bool:
        """Whether nothing is shown of the answers that there may be."""
        return self.number is None


class NodeLine(Value, frozen=True):
    """A group or an experience point; `path` has the names from the root, as far as the reader may see them."""

    id: int
    name: str
    path: str
    is_point: bool


class ButtonLine(Value, frozen=True):
    """A button of the scale in the order in which smileys show them: `index` 0 is the most negative one."""

    index: int
    answers: int | None
    share: float | None


class SurveyLine(Value, frozen=True):
    """A survey that is asked at or below the node: its question, scale and index, and its answers in the period."""

    id: int
    question: str
    locale: str
    scale: str
    index_type: str
    buttons: int
    type: str
    figure: Figure


class PeriodLine(Value, frozen=True):
    """The first and the last date of a period, both included, and its name or dates as they were asked for."""

    first: date
    last: date
    days: int
    name: str


class Filters(Value, frozen=True):
    """What restricts the answers; None where nothing does."""

    smiley_type: str | None
    weekdays: tuple[int, ...] | None
    hours: tuple[int, ...] | None
    text: str
    text_buttons: tuple[int, ...] | None
    spam: bool
    text_language: str | None = None


class TrendLine(Value, frozen=True):
    """The answers of one hour, day, week, month or year; `partial` if the period holds only a part of it."""

    start: datetime
    figure: Figure
    partial: bool


class Cell(Value, frozen=True):
    """An hour of the day on a weekday, or on all days if `weekday` is None.

    `band` is the band of the index (`Bands.index`), 0 the most negative; `count_band` is that of the number of answers,
    0 the fewest; both are None without answers. `few` marks fewer than `Bands.few` answers, to be hatched.
    """

    weekday: int | None
    hour: int
    figure: Figure
    band: int | None
    count_band: int | None
    few: bool


class Bands(Value, frozen=True):
    """The limits between colours: fixed ones of the index, and quintiles of the numbers of answers of the cells.

    A value equal to a limit belongs to the band above it. One outlier moves no limit but the last.
    """

    index: tuple[float, ...]
    answers: tuple[int, ...]
    few: int


class ChildLine(Value, frozen=True):
    """A direct child of the node: its answers and those of the compared period, the change, and its place.

    `score` is the published ranking score; `rank` counts from 1 for the highest score. Both are None without an index.
    """

    node: NodeLine
    figure: Figure
    compared: Figure | None
    change: float | None
    score: float | None
    rank: int | None


class HourTest(Value, frozen=True):
    """An hour of the day against all other hours: the difference in units of its standard error, and p values.

    `corrected_p` is p after Holm's correction for the number of hours; `differs` if it is below 0.05.
    """

    hour: int
    figure: Figure
    score: float
    z: float | None
    p: float | None
    corrected_p: float | None
    differs: bool


class Times(Value, frozen=True):
    """Whether the hours of the day differ beyond chance: the chi-square test over hours and buttons, and each hour.

    `differ` is None if no test is possible, otherwise whether p is below 0.05. `best` and `worst` are up to three hours
    by ranking score that differ from the rest beyond chance; they are empty if the hours do not differ. `reliable` is
    False if an expected count of the test is below 5.
    """

    statistic: float | None
    degrees: int | None
    p: float | None
    differ: bool | None
    reliable: bool
    hours: tuple[HourTest, ...]
    best: tuple[int, ...]
    worst: tuple[int, ...]


class OptionLine(Value, frozen=True):
    """An option of a follow-up: how often it was chosen, and its share of the choices."""

    id: int
    text: str
    answers: int
    share: float | None


class FollowupLine(Value, frozen=True):
    """A follow-up question after positive or after negative buttons; `left` counts those who left it unanswered."""

    id: int
    text: str
    positive: bool
    answers: int
    left: int
    options: tuple[OptionLine, ...]


class TextLine(Value, frozen=True):
    """An open text: when it was given (None if withheld), after which button, and what the source says of it.

    `language` is `en` if the source's English translation is the text itself, `other` if it is another text, and
    `unknown` without a translation: sources name no language. `english` is the translation of another language.
    """

    feedback: str | None
    at: datetime | None
    node: int | None
    button: int
    text: str
    spam: bool
    relevance: float | None
    categories: tuple[str, ...]
    themes: tuple[str, ...]
    language: str = "unknown"
    english: str | None = None


class Texts(Value, frozen=True):
    """Open texts, the newest first: the filters select `matching`, of which `shown` lists a part from `offset` on.

    `total` are all of the period, `spam` those of them that are spam, whether or not they are listed.
    """

    total: int
    spam: int
    matching: int
    offset: int
    shown: tuple[TextLine, ...]


class MisuseLine(Value, frozen=True):
    """A local date: raw = counted + closed + repeat + burst + interval + robot + scanner."""

    day: date
    raw: int
    counted: int
    closed: int
    repeat: int
    burst: int
    interval: int
    robot: int = 0
    scanner: int = 0


class Misuse(Value, frozen=True):
    """Misuse by reason over the period, and on each date that has any answers, in order."""

    raw: int
    counted: int
    closed: int
    repeat: int
    burst: int
    interval: int
    days: tuple[MisuseLine, ...]
    robot: int = 0
    scanner: int = 0


class SilentLine(Value, frozen=True):
    """A terminal or touch device placed here that has not reported for a day; `reported` None if it never has."""

    id: int
    serial: str
    name: str
    node: int
    reported: datetime | None


class Completeness(Value, frozen=True):
    """How complete the numbers are.

    `open_hours` are hours with answers for which some smiley may still report presses. `restated_hours` are hours that
    changed last more than a day after they ended, as by a late SMS. `hour_only` are the counted answers whose time is
    known only to the hour.
    """

    open_hours: int
    restated_hours: int
    hours: int
    hour_only: int
    silent: tuple[SilentLine, ...]


class Withholding(Value, frozen=True):
    """The least number of answers that is shown (1 if all are), and whether this report may leave answers out.

    `hidden_from` is the first date of the period whose month has not ended everywhere, so that nothing is shown from it
    on; None without a minimum or such a date.
    """

    minimum: int
    left_out: bool
    hidden_from: date | None = None


class Report(Value, frozen=True):
    """A report of a node in a period, as of a revision. Without a survey at the node, all from `summary` on is empty.

    `zones` are those of the points. If there are several, equal local hours are added (`adds_local_hours`), and starts
    of the trend are in the node's own zone. `asked` holds the parameters of its address, `link` shows it again as of
    its revision. `compared_trend` is the trend of the compared period at the same grain. `places` are the points that
    texts and silent smileys name. `followups` and `texts` are None if the reader may not see such answers.
    `interval_method` names how all intervals are computed: `wilson-with-variance` (`chance.interval`). `hours` is the
    trend by hour whatever the grain, None unless it is asked for (`ReportQuery.lists_hours`).
    """

    node: NodeLine
    period: PeriodLine
    compared_period: PeriodLine | None
    zones: tuple[str, ...]
    adds_local_hours: bool
    filters: Filters
    asked: dict[str, str]
    link: str
    revision: int
    revised_at: datetime | None
    made_at: datetime
    surveys: tuple[SurveyLine, ...]
    survey: SurveyLine | None
    summary: Figure | None
    compared: Figure | None
    change: float | None
    distribution: tuple[ButtonLine, ...]
    grain: str
    trend: tuple[TrendLine, ...]
    compared_trend: tuple[TrendLine, ...]
    hours: tuple[TrendLine, ...] | None
    bands: Bands | None
    heat_map: tuple[Cell, ...]
    profile: tuple[Cell, ...]
    children: tuple[ChildLine, ...]
    times: Times | None
    followups: tuple[FollowupLine, ...] | None
    texts: Texts | None
    misuse: Misuse | None
    completeness: Completeness | None
    places: tuple[NodeLine, ...]
    withholding: Withholding
    interval_method: str = "wilson-with-variance"


def schema() -> dict[str, object]:
    """The JSON Schema of a report."""
    return msgspec.json.schema(Report)
