"""Custom data fields: what an organization wants to know of its groups and experience points besides their names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from hymio.errors import SetupError

TEXT, SELECT = "text", "select"
"""The types that the command line gives; API v2 leaves the word open, and so do we."""

_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class CustomField:
    """A field that every node of an organization may have a value of; with `options`, only one of these."""

    id: str
    label: str
    type: str = TEXT
    options: tuple[str, ...] = ()

    def accepts(self, value: str) -> bool:
        """Whether a value is one of the options, or there are none."""
        return not self.options or value in self.options


class CustomValue(NamedTuple):
    """The value of a field at a node."""

    node: int
    field: str
    value: str


def check_field(field: CustomField) -> None:
    """Refuses (SetupError) a field whose id or type is no word, or whose options repeat."""
    for part, word in (("id", field.id), ("type", field.type)):
        if not _WORD.fullmatch(word):
            raise SetupError(
                "bad-custom-field",
                "got custom field {part} {got!r}; accepted are 1 to 64 of A-Z, a-z, 0-9, _ . and -",
                part=part,
                got=word[:80],
            )
    if len(set(field.options)) != len(field.options):
        raise SetupError("repeated-option", "custom field {field} has an option twice", field=field.id)
