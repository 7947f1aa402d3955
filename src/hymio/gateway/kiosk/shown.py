"""What a kiosk shows: its question, faces, follow-ups and texts in every language, opening hours and time zone."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel import Locale

from hymio.access import Permission, Principal
from hymio.brand import Brand
from hymio.errors import Phrase, Unauthorized
from hymio.feedback import Verdict
from hymio.gateway.digital.asked import is_positive
from hymio.gateway.digital.checks import MAX_TEXT
from hymio.gateway.digital.shown import RIGHT_TO_LEFT
from hymio.manage import device_principal
from hymio.opening_hours import OpeningHours
from hymio.period import Instant
from hymio.report.faces import NAMES, face_of
from hymio.scale import Scale
from hymio.setup import Content, Layout
from hymio.store import Store
from hymio.store.brands import brand_of
from hymio.survey import FollowupQuestion, Localized, Survey
from hymio.texts import PAGE_LANGUAGES, SOURCE
from hymio.texts.localization import Localization

_TEXTS: Final = {
    "skip": Phrase("Skip"), "send": Phrase("Send"), "thanks": Phrase("Thank you!"),
    "text": Phrase("Would you like to tell us more?"), "low": Phrase("Not at all likely"),
    "high": Phrase("Very likely"), "closed": Phrase("We are closed."), "touch": Phrase("Touch the screen to begin."),
    "nothing": Phrase("There is no question at the moment."), "staff": Phrase("For staff"),
    "language": Phrase("Language"),
    "broken": Phrase("This screen cannot store answers at the moment. Please tell the staff."),
}  # fmt: skip
"""What visitors read besides the survey."""

MOST_OPTIONS: Final = 6
"""Options of a follow-up question that a kiosk shows."""


def shown(store: Store, token: str, now: Instant) -> dict[str, Any]:
    """What the smiley of an upload token shows now; `survey` is None where it asks nothing. Unauthorized."""
    with store.read() as transaction:
        device = device_principal(transaction, token)
        if device is None:
            raise Unauthorized("device-token-refused", "the terminal's token is missing or not known")
        device.require(Permission.DELIVER_FEEDBACK)
        layout = store.layout_now(transaction, device.organization)
        content = store.content_now(transaction, device.organization)
        brand = brand_of(transaction, device.organization)
    return _content(layout, content, device, now) | _look_of(brand)


def _content(layout: Layout, content: Content, device: Principal, now: Instant) -> dict[str, Any]:
    """What a smiley shows, as the page reads it."""
    smiley = layout.smileys[device.id]
    resolved = layout.resolve(device.id, now)
    common = {
        "smiley": f"{device.organization}.{smiley.id}", "serial": smiley.serial, "name": smiley.name, "most": MAX_TEXT,
    }  # fmt: skip
    if isinstance(resolved, Verdict):
        zone, locale = _zone(layout, device.id, now), SOURCE
        locales = [{**_locale(each), "texts": _texts(each)} for each in PAGE_LANGUAGES]
        return {**common, "survey": None, "hours": None, "timeZone": zone, "default": locale, "locales": locales}
    survey = layout.surveys[resolved.assignment.survey]
    policy = layout.policies_of(resolved.assignment.id, device.id).at(now)
    wording, followups = content.question(survey).wording, content.followups(survey)
    return {
        **common,
        "survey": survey.id,
        "numbers": survey.scale is Scale.NPS,
        "faces": _faces(survey),
        "followups": {_key(each.positive): _followup(each) for each in reversed(followups)},
        "text": content.flow(survey.id).asks_text,
        "hours": _hours(policy.opening_hours),
        "timeZone": resolved.zone.key,
        "default": wording.default_locale,
        "locales": [_wording(locale, wording, followups) for locale in wording.texts],
    }


def _look_of(brand: Brand) -> dict[str, str]:
    """The look of the organization: rules of CSS, and its logo as an address that has the whole file."""
    logo = f"data:image/png;base64,{b64encode(brand.logo).decode()}" if brand.logo else ""
    return {"css": brand.css(), "logo": logo}


def _faces(survey: Survey) -> list[list[Any]]:
    """The buttons in the order of display: index, number of the face, and key of the follow-up question."""
    order = range(survey.scale.buttons)
    shown_order = reversed(order) if survey.scale is Scale.FIVE_REVERSED else order
    return [
        [button, face_of(survey.scale, button).number, _key(is_positive(survey.scale, button))]
        for button in shown_order
    ]


def _followup(followup: FollowupQuestion) -> dict[str, Any]:
    return {"id": followup.id, "options": [option.id for option in followup.options[:MOST_OPTIONS]]}


def _wording(locale: str, wording: Localized, followups: tuple[FollowupQuestion, ...]) -> dict[str, Any]:
    """All texts in a locale; those of Hymio in its language, or in English."""
    look = _look(locale)
    return {
        **_locale(locale),
        "question": wording.texts[locale],
        "faces": [look.text(name) for name in NAMES],
        "followups": {
            _key(each.positive): {
                "text": _in(each.wording, locale),
                "options": [_in(option.wording, locale) for option in each.options[:MOST_OPTIONS]],
            }
            for each in reversed(followups)
        },
        "texts": _texts(locale),
    }


def _locale(locale: str) -> dict[str, str]:
    """A locale with its direction and its name in its own language."""
    language = locale.partition("-")[0]
    known = Locale.parse(locale, sep="-")
    return {
        "locale": locale,
        "dir": "rtl" if language in RIGHT_TO_LEFT else "ltr",
        "name": PAGE_LANGUAGES.get(language) or known.get_language_name(language) or locale,
    }


def _texts(locale: str) -> Mapping[str, str]:
    return {name: _look(locale).text(text) for name, text in _TEXTS.items()}


def _look(locale: str) -> Localization:
    language = locale.partition("-")[0]
    return Localization(language if language in PAGE_LANGUAGES else SOURCE, locale)


def _in(wording: Localized, locale: str) -> str:
    return wording.texts[wording.locale([locale])]


def _key(is_on_positive_side: bool | None) -> str | None:
    """The key of a side of the scale; None in the middle."""
    return None if is_on_positive_side is None else str(is_on_positive_side).lower()


def _hours(hours: OpeningHours | None) -> list[list[list[int]]] | None:
    """The opening hours of each weekday from Monday, in minutes after midnight; None where it is always open."""
    return None if hours is None else [[list(each) for each in day] for day in hours]


def _zone(layout: Layout, smiley: int, now: Instant) -> str | None:
    """The time zone of a smiley that asks nothing; None where it is placed nowhere."""
    placement = layout.placement(smiley, now)
    zone: ZoneInfo | None = None if placement is None else layout.zone_of(placement.node, now)
    return None if zone is None else zone.key
