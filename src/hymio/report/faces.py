"""The faces of buttons: which of five a button of a scale has, and its name."""

from __future__ import annotations

from typing import Final, NamedTuple

from hymio.errors import Phrase
from hymio.report.values import Figure
from hymio.scale import Scale

NAMES: Final = (
    Phrase("Very unhappy"), Phrase("Unhappy"), Phrase("Neutral"), Phrase("Happy"), Phrase("Very happy"),
)  # fmt: skip
"""The names of the five faces, the most negative first."""

_FACES: Final = {
    Scale.FOUR: (0, 1, 3, 4),
    Scale.FIVE: (0, 1, 2, 3, 4),
    Scale.FIVE_REVERSED: (0, 1, 2, 3, 4),
    Scale.NPS: (0, 0, 0, 0, 0, 0, 0, 2, 2, 4, 4),
}
"""The face of each button; of NPS those of detractors, passives and promoters."""

_NPS_NAMES: Final = {0: Phrase("Detractors, 0 to 6"), 2: Phrase("Passives, 7 and 8"), 4: Phrase("Promoters, 9 and 10")}


class Face(NamedTuple):
    """A face on a page: its number from 0 (very unhappy) to 4, its name, and the buttons that it stands for."""

    number: int
    name: Phrase
    buttons: tuple[int, ...]

    def of(self, figure: Figure) -> int:
        """How many answers of a figure have this face; 0 if they are withheld."""
        return 0 if figure.counts is None else sum(figure.counts[button] for button in self.buttons)

    def share(self, figure: Figure) -> float:
        """The share of this face in the answers of a figure; 0.0 without answers."""
        return self.of(figure) / figure.number if figure.number else 0.0


def faces_of(scale: Scale) -> tuple[Face, ...]:
    """The faces of a scale in the order of display, from the most negative button on."""
    numbers = _FACES[scale]
    names = _NPS_NAMES if scale is Scale.NPS else dict(enumerate(NAMES))
    return tuple(
        Face(number, names[number], tuple(button for button, of in enumerate(numbers) if of == number))
        for number in dict.fromkeys(numbers)
    )


def face_of(scale: Scale, button: int) -> Face:
    """The face of a button."""
    return next(face for face in faces_of(scale) if button in face.buttons)
