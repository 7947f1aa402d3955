"""Random phases of example presses: texts, contact details, metadata, demographics; seeded by the press's instant."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final

from hymio.feedback import ContactDetails, Demographics, Followup, Phases, Text, Ui
from hymio.period import Instant

_WAYS: Final = (Ui.DIGITAL, Ui.DIGITAL, Ui.DIGITAL, Ui.DIGITAL, Ui.LINK, Ui.QR, Ui.EMAIL)
_ORDERED, _CALLED_BACK, _SEEN = 0.25, 0.3, 0.35
_NAMES: Final = ("Alex Rivera", "Kim Novak", "Sam Carter", "Robin Hill", "Jo Marsh", "Dana Price")
_MATTERS: Final = {
    "jacket": "assortment", "search": "website", "shipping": "delivery", "Photographs": "website", "size": "website",
    "chat": "staff", "basket": "website", "minute": "website", "wool": "quality", "filter": "website",
    "early": "delivery", "weight": "product information",
}  # fmt: skip
"""The theme of a text that contains the word."""


def web_phases(
    at: Instant, button: int, followups: tuple[Followup, ...], text: Text | None
) -> tuple[Ui, Phases | None]:
    """How a web press was made (a random Ui), and its phases, None if it has none."""
    random = Random(at)  # noqa: S311  for people's whims, not for secrets
    metadata = (("order", f"B{random.randrange(10**6):06d}"),) if random.random() < _ORDERED else ()
    way = random.choice(_WAYS)
    written = None if text is None else _judged(text, button)._replace(position=1 + len(followups), ui=Ui.DIGITAL)
    contact = None
    if written is not None and button < 2 and not written.spam and random.random() < _CALLED_BACK:
        contact = _contact(random, written.position + 1)
    answered = tuple(followup._replace(ui=Ui.DIGITAL) for followup in followups)
    phases = Phases(answered, written, contact, metadata)
    return way, phases if any(phases) else None


def _judged(text: Text, button: int) -> Text:
    """The text with categories and themes such as an external analysis would add."""
    if text.spam or text.text is None:
        return text._replace(categories=("spam",))
    themes = sorted({theme for word, theme in _MATTERS.items() if word in text.text})
    kind = "room for improvement" if button < 2 else "appreciation"
    return text._replace(categories=("relevant", kind), themes=(*themes, *(() if themes else ("other",))))


def _contact(random: Random, position: int) -> ContactDetails:
    """Random contact details with an e-mail address or a telephone number."""
    name = random.choice(_NAMES)
    if random.random() < 0.5:
        return ContactDetails(name, f"{name.lower().replace(' ', '.')}@example.com", None, position)
    return ContactDetails(name, None, f"+1312555{random.randrange(10**4):04d}", position)


def touch_phases(at: Instant) -> Phases | None:
    """Demographics that a touch device estimates for some presses, otherwise None."""
    random = Random(at)  # noqa: S311  the same
    if random.random() >= _SEEN:
        return None
    return Phases(demographics=Demographics(random.choice(_GENDERS), random.randrange(16, 80)))


_GENDERS: Final[Sequence[str]] = ("female", "male")
