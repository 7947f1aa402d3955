"""Figures: counts of answers with their index and its interval, and what is derived from two of them."""

from __future__ import annotations

from collections.abc import Sequence

from hymio.chance import interval
from hymio.report.values import ButtonLine, Figure
from hymio.scale import IndexType, Scale, index, rounded

WITHHELD = Figure(number=None, counts=None, left_out=True)


def figure(
    counts: Sequence[int], index_type: IndexType, *, left_out: bool = False, with_interval: bool = True
) -> Figure:
    """The figure of counts by button; withheld if answers are left out and none remain.

    The interval takes longer than all else; the hours of a file, of which a year has thousands, do not show it.
    """
    number = sum(counts)
    if not number:
        return WITHHELD if left_out else Figure(number=0, counts=tuple(counts))
    value, limits = index(counts, index_type), interval(counts, index_type) if with_interval else None
    return Figure(
        number=number,
        counts=tuple(counts),
        index=value,
        shown=rounded(value, index_type),
        low=None if limits is None else limits.low,
        high=None if limits is None else limits.high,
        left_out=left_out,
    )


def change(after: Figure | None, before: Figure | None, index_type: IndexType) -> float | None:
    """The difference of two shown indexes, so that it agrees with what people read; None if one is missing."""
    if after is None or before is None or after.shown is None or before.shown is None:
        return None
    return rounded(after.shown - before.shown, index_type)


def button_lines(whole: Figure, scale: Scale) -> tuple[ButtonLine, ...]:
    """The distribution, in the order in which smileys show the buttons: the most positive one first, or reversed.

    `five_reversed` is the scale that begins with the most negative button.
    """
    buttons = range(scale.buttons)
    shown = buttons if scale in (Scale.FIVE_REVERSED, Scale.NPS) else reversed(buttons)
    return tuple(_button_line(whole, button) for button in shown)


def _button_line(whole: Figure, button: int) -> ButtonLine:
    if whole.counts is None or whole.number is None:
        return ButtonLine(index=button, answers=None, share=None)
    answers = whole.counts[button]
    return ButtonLine(index=button, answers=answers, share=answers / whole.number if whole.number else None)
