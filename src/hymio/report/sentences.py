"""The numbers of a report in plain words, the same for pages, PDF and terminal.

Every function gives Phrases whose values are written in a language already; `Localization.text` or `translate` puts
the sentences themselves into it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from hymio.errors import Phrase
from hymio.report.values import Figure, HourTest, MisuseLine, Report, SurveyLine, Times
from hymio.report.wording import DIGITS, INDEX_NAMES, REASON_NAMES, index_range
from hymio.scale import IndexType
from hymio.texts.localization import Localization

MOST_MISUSED_DAYS: Final = 3
"""Days with the most misuse that are named."""


# --- how good --------------------------------------------------------------------------------------------------------


def index_name(report: Report, words: Localization) -> Phrase:
    """The name of the index with its scale: `Happy Index, 0 to 100`."""
    if report.survey is None:
        return Phrase("Index")
    kind = IndexType(report.survey.index_type)
    low, high = index_range(kind, report.survey.buttons)
    name = INDEX_NAMES[kind]
    return Phrase("{index}, {low} to {high}", index=name, low=words.number(low), high=words.number(high))


def survey_line(line: SurveyLine, words: Localization) -> Phrase:
    """A survey among others: its index with its scale, and its number of answers."""
    kind = IndexType(line.index_type)
    low, high = index_range(kind, line.buttons)
    shown = line.figure.shown
    return Phrase(
        "{name} {index} of {low} to {high}, {answers}",
        name=INDEX_NAMES[kind],
        index=Phrase("withheld") if shown is None and line.figure.is_withheld else "–" if shown is None
        else words.number(shown, DIGITS[kind]),
        low=words.number(low), high=words.number(high), answers=number_of_answers(line.figure, words),
    )  # fmt: skip


def interval(one: Figure | None, report: Report, words: Localization) -> Iterator[Phrase]:
    """What the interval of an index means; nothing without one."""
    if one is None or one.low is None or one.high is None or report.survey is None:
        return
    digits = DIGITS[IndexType(report.survey.index_type)] or 1
    yield Phrase(
        "{low} to {high} with 95 % confidence", low=words.number(one.low, digits), high=words.number(one.high, digits)
    )


def interval_meaning() -> Phrase:
    """What an interval is, once for a report."""
    return Phrase(
        "Answers vary by chance. Had all visitors answered, the index would most likely lie within the interval:"
        " 95 of 100 such intervals hold it. It is Wilson's score interval with the"
        " variance of the answers."
    )


def number_of_answers(one: Figure | None, words: Localization) -> Phrase:
    """How many answers there are, or that their number is withheld."""
    if one is None or one.number == 0:
        return Phrase("no answers")
    if one.number is None:
        return Phrase("withheld")
    return Phrase("1 answer") if one.number == 1 else Phrase("{answers} answers", answers=words.number(one.number))


def compared(report: Report, words: Localization) -> Iterator[Phrase]:
    """How the index has changed against the compared period."""
    period = report.compared_period
    if period is None or report.survey is None:
        return
    dates = words.dates(period.first, period.last)
    if report.change is None:
        yield Phrase("nothing to compare with in {dates}", dates=dates)
    else:
        digits = DIGITS[IndexType(report.survey.index_type)]
        yield Phrase("{change} against {dates}", change=words.signed(report.change, digits), dates=dates)


# --- when ------------------------------------------------------------------------------------------------------------


def chance(report: Report, words: Localization) -> Iterator[Phrase]:
    """Whether the hours of the day differ beyond chance, and which of them do."""
    times = report.times
    if times is None or report.survey is None or report.summary is None or not report.summary.number:
        return
    if not any(cell.figure.number for cell in report.profile):
        yield Phrase("The hours of the day are withheld.")
        return
    if times.differ is None or times.p is None:
        yield Phrase("Whether the hours of the day differ cannot be tested: all answers are of one hour or one button.")
        return
    p = words.probability(times.p)
    if not times.differ:
        yield Phrase("The hours of the day do not differ beyond chance (p {p}).", p=p)
    elif not (times.best or times.worst):
        yield Phrase(
            "The hours of the day differ beyond chance (p {p}), but no single hour stands out after correction for"
            " {hours} hours.",
            p=p, hours=words.number(_tested(times)),
        )  # fmt: skip
    else:
        yield Phrase("The hours of the day differ beyond chance (p {p}).", p=p)
        yield from _best_and_worst(report, times, words)
    if not times.reliable:
        yield Phrase("Some hours have few answers, so the test is not quite sure.")


def _best_and_worst(report: Report, times: Times, words: Localization) -> Iterator[Phrase]:
    """The hours that are worse, and those that are better, than the rest of the day."""
    if times.worst:
        yield Phrase(
            "Worse than the rest of the day, beyond chance: {times} (index {index}, p {p} after correction for"
            " {hours} hours).",
            **_hours_apart(report, times, times.worst, words),
        )
    if times.best:
        yield Phrase(
            "Better than the rest of the day, beyond chance: {times} (index {index}, p {p} after correction for"
            " {hours} hours).",
            **_hours_apart(report, times, times.best, words),
        )


def _hours_apart(report: Report, times: Times, hours: Sequence[int], words: Localization) -> dict[str, object]:
    """The values of a sentence about hours: the largest of their p values holds for each of them."""
    tests = [test for test in times.hours if test.hour in hours]
    return {
        "times": hours_text(hours, words),
        "index": _index_range(report, tests, words),
        "p": words.probability(max(test.corrected_p or 0.0 for test in tests)),
        "hours": words.number(_tested(times)),
    }


def _tested(times: Times) -> int:
    """The number of hours that were tested, for which p values are corrected."""
    return sum(test.p is not None for test in times.hours)


def _index_range(report: Report, tests: Iterable[HourTest], words: Localization) -> str:
    """The index of one hour, or the least and the greatest of several."""
    shown = sorted({test.figure.shown for test in tests if test.figure.shown is not None})
    digits = 0 if report.survey is None else DIGITS[IndexType(report.survey.index_type)]
    return "–".join(words.number(value, digits) for value in dict.fromkeys((shown[0], shown[-1])))


def hours_text(hours: Iterable[int], words: Localization) -> str:
    """Hours of the day, those that follow each other as one time: `12:00–14:00, 20:00–21:00`."""
    runs: list[list[int]] = []
    for hour in sorted(hours):
        if runs and runs[-1][-1] == hour - 1:
            runs[-1].append(hour)
        else:
            runs.append([hour])
    return ", ".join(words.hours(run[0], run[-1]) for run in runs)


def few(report: Report, words: Localization) -> Iterator[Phrase]:
    """What is hatched."""
    if report.bands is not None:
        yield Phrase("hatched: fewer than {answers} answers", answers=words.number(report.bands.few))


def local_hours(report: Report) -> Iterator[Phrase]:
    """That local hours of several zones are added."""
    if report.adds_local_hours:
        yield Phrase("The points lie in several time zones: equal local hours are added.")


# --- what was left out -----------------------------------------------------------------------------------------------


def misuse(report: Report, words: Localization) -> Iterator[Phrase]:
    """How much was left out as misuse, and on which days most of it."""
    whole = report.misuse
    if whole is None or not whole.raw:
        return
    left_out = whole.raw - whole.counted
    if not left_out:
        yield Phrase("Nothing was left out.")
        return
    yield Phrase("{share} of the presses were left out.", share=_share(left_out / whole.raw, words))
    days = sorted(whole.days, key=lambda day: (day.counted - day.raw, day.day))[:MOST_MISUSED_DAYS]
    shown = [words.text(_left_out(day, words)) for day in days if day.raw > day.counted]
    if len(whole.days) > 1 and shown:
        yield Phrase("Most was left out on {days}.", days="; ".join(shown))


def _left_out(day: MisuseLine, words: Localization) -> Phrase:
    """How much of a day's presses was left out."""
    misuse, raw = words.number(day.raw - day.counted), words.number(day.raw)
    return Phrase("{day} ({misuse} of {raw})", day=words.day(day.day), misuse=misuse, raw=raw)


def misuse_sum(report: Report) -> list[tuple[int, Phrase]]:
    """Raw presses, then those counted and those left out, which add up to them; reasons without any are left out."""
    whole = report.misuse
    if whole is None:
        return []
    reasons = [(getattr(whole, reason), name) for reason, name in REASON_NAMES.items()]
    return [(whole.raw, Phrase("pressed")), (whole.counted, Phrase("counted")), *(one for one in reasons if one[0])]


def completeness(report: Report, words: Localization) -> Iterator[Phrase]:
    """How far the numbers may still change, changed late, or are known only to the hour."""
    whole = report.completeness
    if whole is None:
        return
    if whole.open_hours:
        yield Phrase(
            "Hours that may still change, as not all smileys have reported them: {open} of {hours}.",
            open=words.number(whole.open_hours), hours=words.number(whole.hours),
        )  # fmt: skip
    elif whole.hours:
        yield Phrase("All smileys have reported the hours that are shown.")
    if whole.restated_hours:
        yield Phrase(
            "Hours that changed more than a day after they ended, as a smiley reported late: {restated} of {hours}.",
            restated=words.number(whole.restated_hours), hours=words.number(whole.hours),
        )  # fmt: skip
    if whole.hour_only and report.summary is not None and report.summary.number:
        share = _share(whole.hour_only / report.summary.number, words)
        yield Phrase("{share} of the answers are known only to the hour.", share=share)


def _share(fraction: float, words: Localization) -> str:
    """A fraction that is not 0 as whole per cent, or as being below the least of them."""
    return words.percent(fraction) if fraction >= 0.01 else f"<\N{NO-BREAK SPACE}{words.percent(0.01)}"


def withholding(report: Report, words: Localization) -> Iterator[Phrase]:
    """Why numbers are withheld or answers left out."""
    rule = report.withholding
    if rule.minimum <= 1:
        return
    least = words.number(rule.minimum)
    yield Phrase("Below {minimum} answers nothing is shown, so that nobody can be told apart.", minimum=least)
    if rule.left_out:
        yield Phrase("Answers may be left out here, as too few of them would be told apart.")
    if rule.hidden_from is not None:
        first = words.day(rule.hidden_from)
        yield Phrase("Nothing is shown from {date} on until that month has ended everywhere.", date=first)
