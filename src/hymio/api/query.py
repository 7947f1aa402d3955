"""Typed parameters from the query string of a request; BadRequest names an invalid parameter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Final, TypeVar
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from hymio.errors import BadRequest, Phrase
from hymio.period import TIMESTAMP_FORM, Instant, instant_of, parse_timestamp

_LARGEST: Final = 10**15
"""Larger numbers are read as this one, which exceeds every count and fits a database integer."""

_NUMBER: Final = re.compile(r"[0-9]+")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
TIME_ACCEPTED: Final = Phrase("{form}, or a date yyyy-MM-dd", form=TIMESTAMP_FORM)
FLAGS: Final = {"true": True, "false": False}

T = TypeVar("T")


class Query:
    """The parameters of a query string. Parameters that no method reads are ignored: v1 clients may send others."""

    __slots__ = ("_values",)

    def __init__(self, query_string: bytes) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in parse_qsl(query_string.decode("latin-1"), keep_blank_values=True):
            self._values.setdefault(name, []).append(value)

    def text(self, name: str, accepted: str) -> str | None:
        """The value of a parameter, None if it is missing. BadRequest if it is given more than once."""
        values = self._values.get(name, [])
        if len(values) > 1:
            once = Phrase("{accepted}; once", accepted=accepted)
            raise BadRequest("repeated-parameter", parameter=name, got=" and ".join(values), accepted=once)
        return values[0] if values else None

    def secret(self, name: str) -> str | None:
        """The value of a parameter that no message may contain: None if missing, empty if given more than once."""
        values = self._values.get(name, [])
        return values[0] if len(values) == 1 else None if not values else ""

    def word(self, name: str, words: Mapping[str, T]) -> T | None:
        """The value of a word in `words` (case-insensitive), None if the parameter is missing. BadRequest otherwise."""
        accepted = ", ".join(words)
        got = self.text(name, accepted)
        if got is None:
            return None
        if got.lower() not in words:
            raise BadRequest(parameter=name, got=got, accepted=accepted)
        return words[got.lower()]

    def number(self, name: str, least: int, most: int | None) -> int | None:
        """A whole number from `least` to `most`, None if the parameter is missing; without `most` capped at 10^15."""
        accepted = (
            Phrase("a whole number from {least} to {most}", least=least, most=most)
            if most
            else Phrase("a whole number, {least} or more", least=least)
        )
        got = self.text(name, accepted)
        if got is None:
            return None
        number = int(got.lstrip("0")[:17] or 0) if _NUMBER.fullmatch(got) else -1
        if not least <= number <= (most or number):
            raise BadRequest(parameter=name, got=got, accepted=accepted)
        return min(number, _LARGEST)

    def instant(self, name: str, zone: ZoneInfo) -> Instant | None:
        """An instant from a timestamp, or from a date, which means its beginning in the zone; None if it is missing."""
        got = self.text(name, TIME_ACCEPTED)
        if got is None:
            return None
        try:
            return _midnight(got, zone) if _DATE.fullmatch(got) else parse_timestamp(got)
        except (ValueError, OverflowError):
            raise BadRequest(parameter=name, got=got, accepted=TIME_ACCEPTED) from None


def _midnight(text: str, zone: ZoneInfo) -> Instant:
    return instant_of(datetime.combine(date.fromisoformat(text), time.min), zone)
