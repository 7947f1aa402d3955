"""The chart of how the answers are distributed: one bar by face, and each face with its share and number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hymio.errors import Phrase
from hymio.report.charts.chart import Anchor, Chart, ChartTable, FaceMark, Group, Label, Rect
from hymio.report.charts.paints import FACES, Paint
from hymio.report.charts.wording import ANSWERS, Words, width_of, words_of
from hymio.report.faces import Face, faces_of
from hymio.report.values import Figure, Report
from hymio.scale import Scale
from hymio.texts.localization import Localization

TITLE: Final = Phrase("Answers by face")
BUTTON: Final = Phrase("Button")
SHARE: Final = Phrase("Share")

_BAR, _FACE, _GAP = 14, 34, 2.0


def distribution(report: Report, localization: Localization, width: float) -> Chart | None:
    """The distribution, `width` pixels wide; None without answers."""
    words = words_of(report, localization)
    if words is None or report.summary is None:
        return None
    faces, whole = faces_of(words.scale), report.summary
    title = words.text(TITLE)
    says = ", ".join(f"{words.text(face.name)} {localization.percent(face.share(whole))}" for face in faces)
    marks = (*_bar(words, faces, whole, width), *_columns(words, faces, whole, width))
    chart = Chart("distribution", title, "", f"{title}: {says}", width, 112 + 14, marks, _table(words, report, whole))
    return chart.mirrored() if localization.direction == "rtl" else chart


def _tip(words: Words, face: Face, whole: Figure) -> str:
    share, number = words.localization.percent(face.share(whole)), words.number(face.of(whole))
    return f"{words.text(face.name)} · {share} · {number}"


def _bar(words: Words, faces: tuple[Face, ...], whole: Figure, width: float) -> Iterator[Group]:
    """The bar: a part for each face that has answers, with gaps between them."""
    x = 0.0
    for face in faces:
        length = width * face.share(whole)
        if length:
            part = Rect(FACES[face.number], x, 0, max(length - _GAP, 1), _BAR, 3)
            yield Group(_tip(words, face, whole), (part,))
        x += length


def _columns(words: Words, faces: tuple[Face, ...], whole: Figure, width: float) -> Iterator[Group]:
    """Each face with its share, its number of answers, and its name where that fits."""
    column = width / len(faces)
    for place, face in enumerate(faces):
        middle, name = (place + 0.5) * column, words.text(face.name)
        share = words.localization.percent(face.share(whole))
        labels = [
            Label(Paint.INK, middle, 86, share, Anchor.MIDDLE, 18, is_bold=True),
            Label(Paint.TEXT, middle, 105, words.number(face.of(whole)), Anchor.MIDDLE, 14),
        ]
        if width_of(name, 12) < column:
            labels.append(Label(Paint.TEXT, middle, 123, name, Anchor.MIDDLE))
        yield Group(_tip(words, face, whole), (FaceMark(face.number, middle - _FACE / 2, 30, _FACE), *labels))


def _table(words: Words, report: Report, whole: Figure) -> ChartTable:
    """A row for each face; for NPS also one for each button, as a face stands for several."""
    percent = words.localization.percent
    rows = [
        (words.text(face.name), words.number(face.of(whole)), percent(face.share(whole)))
        for face in faces_of(words.scale)
    ]
    if words.scale is Scale.NPS:
        rows += [
            (words.number(line.index), words.number(line.answers or 0), percent(line.share or 0))
            for line in report.distribution
        ]
    return ChartTable((words.text(BUTTON), words.text(ANSWERS), words.text(SHARE)), tuple(rows))
