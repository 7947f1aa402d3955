"""The configuration of a smiley's script: what it shows in one locale, and where it sends messages."""

from __future__ import annotations

from typing import Any, Final

from hymio.errors import Phrase
from hymio.gateway.digital.asked import is_positive
from hymio.gateway.digital.checks import MAX_TEXT
from hymio.gateway.digital.shown import Shown, ShownFace, ShownFollowup
from hymio.gateway.press_parts import MAX_CONTACT
from hymio.survey import State

_TEXTS: Final = {
    "skip": Phrase("Skip"),
    "send": Phrase("Send"),
    "close": Phrase("Close"),
    "thanks": Phrase("Thank you!"),
}
_TOO_LONG: Final = Phrase("The text has {length} characters; it may have {most}.")
_ASKS_TEXT: Final = Phrase("Would you like to tell us more?")
_ASKS_CONTACT: Final = Phrase("May we contact you?")
_FIELDS: Final = (
    ("name", Phrase("Name")), ("email", Phrase("E-mail address")), ("tel", Phrase("Telephone number")),
)  # fmt: skip
"""The fields of contact details: type, which is also what browsers fill in (`name` is text), and label."""

ENDS: Final = (Phrase("Not at all likely"), Phrase("Very likely"))
"""What the first and the last number of NPS mean."""

CLOSED: Final = {
    State.UPCOMING: Phrase("This question is not asked yet."),
    State.ENDED: Phrase("This question is not asked any more."),
    State.ACTIVE: Phrase("This question is not asked any more."),
}
"""What is said in place of a question, and to somebody whose press was too late."""

_DARK, _LIGHT = "#1c2321", "#fff"
_EYES: Final = "M8.6 10v.8M15.4 10v.8"
DRAWN: Final = (
    ("#b8431a", f"{_EYES}M6.6 7.6l3 1.3M17.4 7.6l-3 1.3M7.2 17.2q4.8-5 9.6 0", _LIGHT, "none"),
    ("#eda04a", f"{_EYES}M7.6 16.6q4.4-2.6 8.8 0", _DARK, "none"),
    ("#b9b4a8", f"{_EYES}M8 16h8", _DARK, "none"),
    ("#6fb8a6", f"{_EYES}M7.6 15q4.4 3 8.8 0", _DARK, "none"),
    ("#0f766e", f"{_EYES}M6.8 13.6q5.2 7.2 10.4 0z", _LIGHT, _LIGHT),
)
"""The five faces: colour of the disk, path of eyes and mouth in a box of 24, its colour, and what fills the mouth."""


def configuration(here: Shown, url: str, *, published: bool, pops: bool) -> dict[str, Any]:
    """What the script needs to know; it reads the keys by these names. `code` is that in the tag: code or token.

    `asks` are the questions after a button of the negative side, of the positive one and of neither, `rest` those after
    all of them; a question is its kind, id, text and choices. A face is its button, name, place in `asks`, and drawing.
    """
    say = here.look.text
    return {
        "code": here.publication.token if published else here.publication.code, "url": url, "lang": here.locale,
        "dir": here.direction, "right": -1 if here.direction == "rtl" and not here.has_numbers else 1,
        "survey": None if here.survey is None else here.survey.id, "question": here.question,
        "faces": [_face(here, each) for each in here.faces], "glad": DRAWN[-1],
        **({"ends": [say(end) for end in ENDS]} if here.has_numbers else {}),
        "asks": [*(_followups(here.followups.get(side)) for side in (False, True)), []], "rest": _rest(here),
        "metadata": here.flow.metadata, "most": MAX_TEXT, "pop": pops,
        **{name: say(text) for name, text in _TEXTS.items()},
        "closed": say(CLOSED[here.state]), "long": say(_TOO_LONG, length="#", most=MAX_TEXT),
    }  # fmt: skip


def _face(here: Shown, face: ShownFace) -> list[Any]:
    """A button."""
    side = None if here.survey is None else is_positive(here.survey.scale, face.button)
    drawing = [] if here.has_numbers else [DRAWN[face.number]]
    return [face.button, face.name, 2 if side is None else int(side), *drawing]


def _followups(followup: ShownFollowup | None) -> list[Any]:
    """The follow-up question of a side, if it has one."""
    return [] if followup is None else [["followup", followup.id, followup.text, followup.options]]


def _rest(here: Shown) -> list[Any]:
    """What is asked after every button."""
    say, rest = here.look.text, list[Any]()
    if here.flow.asks_text:
        rest.append(["text", None, say(_ASKS_TEXT)])
    if here.flow.asks_contact:
        fields = [(kind, say(label)) for kind, label in _FIELDS]
        rest.append(["contact", MAX_CONTACT, say(_ASKS_CONTACT), fields, here.consent])
    return rest
