"""Custom data fields: properties that an organization defines for its groups and experience points."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from hymio.errors import SetupError

TEXT, SELECT = "text", "select"
"""The types that the command line sets. API v2 does not restrict the type, so other words are stored too."""

_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class CustomField:
    """A field of which every node may have a value; if it has `options`, the value is one of them."""

    id: str
    label: str
    type: str = TEXT
    options: tuple[str, ...] = ()

    def accepts(self, value: str) -> bool:
        """Whether the field has no options or the value is one of them."""
        return not self.options or value in self.options


class CustomValue(NamedTuple):
    """The value of a field at a node."""

    node: int
    field: str
    value: str


def check_field(field: CustomField) -> None:
    """Raises SetupError if the id or type is not 1 to 64 of A-Z, a-z, 0-9, _ . and -, or an option occurs twice."""
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
