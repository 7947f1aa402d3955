"""A report as plain text of 80 columns: tables, sparklines, and the heat map of weekdays and hours."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from textwrap import wrap
from typing import Final

from hymio.report.faces import face_of
from hymio.report.trend import limits_of
from hymio.report.values import Cell, ChildLine, Figure, Report, SurveyLine, TrendLine
from hymio.report.wording import INDEX_NAMES, index_range
from hymio.scale import IndexType, Scale

WIDTH: Final = 80
_BARS: Final = "▁▂▃▄▅▆▇█"
_SHADES: Final = "█▓▒░·"
"""The bands of an index, the most negative first: dark cells are the ones to look at."""

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MOST_LINES: Final = 20
"""Children, texts and days that are listed; a last line says how many more there are."""


def as_text(report: Report) -> str:
    """The whole report in lines of at most WIDTH columns; the last one is the link, which is never broken."""
    sections = (_head, _summary, _surveys, _distribution, _trend, _heat_map, _profile, _times, _children)
    later = (_followups, _texts, _misuse, _completeness, _foot)
    parts = [list(section(report)) for section in (*sections, *later)]
    text = "\n\n".join("\n".join(_wrapped(lines)) for lines in parts if lines)
    return f"{text}\n{report.link}\n"


# --- sections --------------------------------------------------------------------------------------------------------


def _head(report: Report) -> Iterator[str]:
    period = report.period
    yield _plain(report.node.path)
    yield f"{period.first} to {period.last} ({_many(period.days, 'day')}), {', '.join(report.zones)}"
    if report.adds_local_hours:
        yield "The points have several time zones: equal local hours are added."
    filters = report.filters
    if filters.weekdays is not None:
        yield f"Only {', '.join(_DAYS[day] for day in filters.weekdays)}"
    if filters.hours is not None:
        yield f"Only hours {', '.join(map(str, filters.hours))}"
    if filters.smiley_type is not None:
        yield f"Only {filters.smiley_type}"
    if report.survey is None:
        yield "No survey is asked here."
    else:
        yield _plain(report.survey.question)
        least, most = index_range(IndexType(report.survey.index_type), report.survey.buttons)
        scale = f"{report.survey.buttons} buttons ({report.survey.scale})"
        yield f"{scale}, {_index_name(report.survey)} from {least} to {most} ({report.survey.index_type})"


def _summary(report: Report) -> Iterator[str]:
    if report.summary is None:
        return
    yield f"{_index(report, report.summary)}, {_answers(report.summary)}"
    if report.compared is not None and report.compared_period is not None:
        compared, by = report.compared_period, "" if report.change is None else f", change {report.change:+g}"
        yield f"{compared.first} to {compared.last}: {_index(report, report.compared)}{by}"
    if report.withholding.left_out:
        yield f"Answers may be left out, as fewer than {report.withholding.minimum} of them could be told apart."
    if report.withholding.hidden_from is not None:
        yield f"Nothing is shown from {report.withholding.hidden_from} on until that month has ended everywhere."


def _surveys(report: Report) -> Iterator[str]:
    others = [line for line in report.surveys if report.survey is None or line.id != report.survey.id]
    if others:
        yield "OTHER SURVEYS HERE"
    for line in others:
        shown = "withheld" if line.figure.is_withheld else _number(line.figure.shown)
        index = f"{_index_name(line):<11} {shown:>8} {_count(line.figure):>10}"
        yield f"  {line.id:>4} {_fit(line.question, 39)} {index}"


def _distribution(report: Report) -> Iterator[str]:
    lines = [line for line in report.distribution if line.answers is not None]
    if not report.summary or not report.summary.number:
        return
    yield "DISTRIBUTION"
    most = max(line.answers or 0 for line in lines) or 1
    for line in lines:
        bar = "█" * round(40 * (line.answers or 0) / most)
        yield f"  {_button(report, line.index):<15} {bar:<40} {line.answers:>10,} {100 * (line.share or 0):5.1f} %"


def _trend(report: Report) -> Iterator[str]:
    if not report.summary or not report.summary.number:
        return
    yield f"TREND BY {report.grain.upper()}"
    for first in range(0, len(report.trend), 60):
        part = report.trend[first : first + 60]
        yield f"  index   {_spark([line.figure.index for line in part], [one.figure.index for one in report.trend])}"
        numbers = [line.figure.number for line in report.trend]
        yield f"  answers {_spark([line.figure.number for line in part], numbers)}"
        starts = " to ".join(_start(line.start, report.grain) for line in (part[0], part[-1]))
        yield f"          {report.grain}s beginning {starts}"
    yield f"          {_extremes(report.trend)}"


def _heat_map(report: Report) -> Iterator[str]:
    if report.bands is None or not report.summary or not report.summary.number or report.survey is None:
        return
    yield "INDEX BY WEEKDAY AND HOUR"
    yield from _grid(report.heat_map, _shade, few=True)
    limits = limits_of(IndexType(report.survey.index_type), report.survey.buttons)
    above = (f"{shade} from {limit:g}" for shade, limit in zip(_SHADES[1:], limits, strict=True))
    yield f"  {_SHADES[0]} below {limits[0]:g}  {'  '.join(above)}  ? under {report.bands.few}"
    yield "ANSWERS BY WEEKDAY AND HOUR"
    yield from _grid(report.heat_map, _fifth, few=False)
    yield "  1 is the fifth of the hours with the fewest answers, 5 that with the most"


def _profile(report: Report) -> Iterator[str]:
    if not report.summary or not report.summary.number:
        return
    yield "HOURS OF THE DAY"
    indexes = [cell.figure.index for cell in report.profile]
    numbers = [cell.figure.number for cell in report.profile]
    yield "  index   " + " ".join(_spark([value], indexes) for value in indexes)
    yield "  answers " + " ".join(_spark([value], numbers) for value in numbers)
    yield "          " + "".join(f"{hour:<6}" for hour in range(0, 24, 3))


def _times(report: Report) -> Iterator[str]:
    times = report.times
    if times is None or times.p is None:
        return
    yield "BEST AND WORST TIMES"
    if not times.reliable:
        yield "  Some hours have too few answers for a sure test."
    if not times.differ:
        yield f"  The hours of the day do not differ beyond chance (p {_p(times.p)})."
        return
    test = f"chi-square {times.statistic:.1f}, {times.degrees} df"
    yield f"  The hours of the day differ beyond chance ({test}, p {_p(times.p)})."
    if times.best or times.worst:
        yield "  Each hour against all others, p corrected for the number of hours (Holm):"
    for word, hours in (("Best", times.best), ("Worst", times.worst)):
        tests = {test.hour: test for test in times.hours}
        for hour in hours:
            one = tests[hour]
            shown = f"index {_number(one.figure.shown)}, {_answers(one.figure)}"
            yield f"  {word:<6}{hour:02d}:00 to {hour:02d}:59  {shown}, z {one.z:+.1f}, p {_p(one.corrected_p or 0.0)}"
    if not times.best and not times.worst:
        yield "  No single hour differs from the rest beyond chance."


def _children(report: Report) -> Iterator[str]:
    if not report.children:
        return
    yield f"{'RANKING':<29} {'score':>6} {'index':>8}  {'95 % interval':<14} {'answers':>8} {'change':>6}"
    for line in report.children[:_MOST_LINES]:
        yield _child(line)
    yield from _more(len(report.children))


def _child(line: ChildLine) -> str:
    rank = "" if line.rank is None else f"{line.rank}."
    score = "" if line.score is None else f"{line.score:.1f}"
    low, high = line.figure.low, line.figure.high
    limits = "" if low is None or high is None else f"{low:.1f} to {high:.1f}"
    change = "" if line.change is None else f"{line.change:+g}"
    shown = "withheld" if line.figure.is_withheld else _number(line.figure.shown)
    start = f"{rank:>4} {_fit(line.node.name, 24)} {score:>6} {shown:>8}"
    return f"{start}  {limits:<14} {_count(line.figure):>8} {change:>6}"


def _followups(report: Report) -> Iterator[str]:
    asked = [line for line in report.followups or () if line.answers or line.left]
    if asked:
        yield "FOLLOW-UPS"
    for line in asked:
        side = "positive" if line.positive else "negative"
        yield f"  {_plain(line.text)} (after {side} buttons, {line.answers:,} chosen, {line.left:,} left)"
        for option in line.options:
            yield f"    {_fit(option.text, 50)} {option.answers:>9,} {100 * (option.share or 0):5.1f} %"


def _texts(report: Report) -> Iterator[str]:
    texts = report.texts
    if texts is None or not texts.total:
        return
    yield f"TEXTS: {texts.total:,}, of which {texts.spam:,} spam; {texts.matching:,} match"
    for line in texts.shown[:_MOST_LINES]:
        at = "" if line.at is None else f"{line.at:%Y-%m-%d %H:%M} "
        spam = " [spam]" if line.spam else ""
        yield f"  {at}({line.button}){spam} {_plain(line.text)}"
        if line.english is not None:
            yield f"      in English: {_plain(line.english)}"
    yield from _more(texts.matching - texts.offset)


def _misuse(report: Report) -> Iterator[str]:
    misuse = report.misuse
    if misuse is None or not misuse.raw:
        return
    yield "MISUSE"
    reasons = (("closed", misuse.closed), ("repeat", misuse.repeat), ("burst", misuse.burst))
    web = [(word, number) for word, number in (("robot", misuse.robot), ("scanner", misuse.scanner)) if number]
    words = ", ".join(f"{word} {number:,}" for word, number in (*reasons, ("interval", misuse.interval), *web))
    yield f"  {misuse.raw:,} raw = {misuse.counted:,} counted + {words}"
    worst = sorted(misuse.days, key=lambda day: (day.counted - day.raw, day.day))[:3]
    for day in worst:
        if day.raw > day.counted:
            yield f"  {day.day}: {day.raw - day.counted:,} of {day.raw:,} are misuse"


def _completeness(report: Report) -> Iterator[str]:
    whole = report.completeness
    if whole is None:
        return
    yield "COMPLETENESS"
    yield f"  {whole.hours:,} hours with answers, for {whole.open_hours:,} of which terminals may still report"
    yield f"  {whole.restated_hours:,} hours changed more than a day after their end, as by a late SMS"
    if report.summary is not None and report.summary.number:
        share = 100 * whole.hour_only / report.summary.number
        yield f"  {whole.hour_only:,} answers ({share:.1f} %) are known only to the hour"
    for line in whole.silent[:_MOST_LINES]:
        when = "never" if line.reported is None else f"{line.reported:%Y-%m-%d %H:%M}"
        yield f"  {_fit(f'{line.name} ({line.serial})', 50)} last reported {when}"
    yield from _more(len(whole.silent))


def _foot(report: Report) -> Iterator[str]:
    yield f"Revision {report.revision}, made {report.made_at:%Y-%m-%d %H:%M:%S%z}"


# --- words and marks -------------------------------------------------------------------------------------------------


def _shade(cell: Cell) -> str:
    return " " if cell.band is None else _SHADES[cell.band]


def _fifth(cell: Cell) -> str:
    return " " if cell.count_band is None else str(cell.count_band + 1)


def _grid(cells: Sequence[Cell], mark: Callable[[Cell], str], *, few: bool) -> Iterator[str]:
    """The cells of the heat map, a line for each weekday and three columns for each hour."""
    yield "      " + "".join(f"{hour:<6}" for hour in range(0, 24, 2))
    for weekday, day in enumerate(_DAYS):
        row = [cell for cell in cells if cell.weekday == weekday]
        marks = (f"{mark(cell) * 2}{'?' if few and cell.few else ' '}" for cell in row)
        yield f"  {day} {''.join(marks)}".rstrip()


def _spark(values: Sequence[float | None], scale: Iterable[float | None]) -> str:
    """A bar for each value between the least and the greatest value of a scale; a space where there is none."""
    known = [value for value in scale if value is not None]
    if not known:
        return " " * len(values)
    least, most = min(known), max(known)
    span = (most - least) or 1
    return "".join(" " if value is None else _BARS[int(7 * (value - least) / span)] for value in values)


def _index(report: Report, one: Figure) -> str:
    """The name of the index, its rounded value and its interval."""
    name = "" if report.survey is None else _index_name(report.survey)
    if one.is_withheld:
        return f"{name} withheld"
    if one.shown is None or one.low is None or one.high is None or report.survey is None:
        return "no answers"
    digits = 2 if report.survey.index_type == IndexType.AVERAGE.value else 1
    return f"{name} {_number(one.shown)} (95 % interval by Wilson: {one.low:.{digits}f} to {one.high:.{digits}f})"


def _index_name(survey: SurveyLine) -> str:
    return str(INDEX_NAMES[IndexType(survey.index_type)])


def _button(report: Report, button: int) -> str:
    """The index of a button and its name; on 0 to 10 the number is its name."""
    scale = Scale(report.survey.scale) if report.survey is not None else Scale.NPS
    return f"{button:>2}" if scale is Scale.NPS else f"{button:>2} {face_of(scale, button).name}"


def _extremes(trend: Sequence[TrendLine]) -> str:
    """The least and the greatest index and number of answers of a trend, and whether its ends are whole."""
    indexes = [line.figure.shown for line in trend if line.figure.shown is not None]
    numbers = [line.figure.number for line in trend if line.figure.number is not None]
    parts = "; the first or last is not whole" if any(line.partial for line in trend) else ""
    spans = (("index", indexes), ("answers", numbers))
    return ", ".join(f"{name} {min(span):,g} to {max(span):,g}" for name, span in spans if span) + parts


def _answers(one: Figure) -> str:
    return "answers withheld" if one.number is None else _many(one.number, "answer")


def _count(one: Figure) -> str:
    return "withheld" if one.number is None else f"{one.number:,}"


def _many(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _start(at: datetime, grain: str) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if grain == "hour" else f"{at:%Y-%m-%d}"


def _more(number: int) -> Iterator[str]:
    if number > _MOST_LINES:
        yield f"  … and {number - _MOST_LINES:,} more: --json and --csv have all"


def _plain(text: str) -> str:
    """A text in one line, without control and direction characters."""
    return "".join(char for char in " ".join(text.split()) if unicodedata.category(char) not in ("Cc", "Cf"))


def _columns(char: str) -> int:
    """The columns that a character takes in a terminal."""
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _wrapped(lines: Iterable[str]) -> Iterator[str]:
    """Lines of at most WIDTH columns; a longer one continues indented in the next lines, and nothing is left out."""
    for line in lines:
        indent = " " * (len(line) - len(line.lstrip()) + 2)
        width = WIDTH if len(line) == sum(map(_columns, line)) else WIDTH // 2
        fits = sum(map(_columns, line)) <= WIDTH
        yield from [line.rstrip()] if fits else wrap(line, width, subsequent_indent=indent, drop_whitespace=True)


def _fit(text: str, width: int) -> str:
    """A name in exactly so many columns, with an ellipsis where it is cut."""
    plain, shown = _plain(text), ""
    if sum(map(_columns, plain)) > width:
        for char in plain:
            if sum(map(_columns, shown + char)) > width - 1:
                break
            shown += char
        plain = shown + "…"
    return plain + " " * (width - sum(map(_columns, plain)))
