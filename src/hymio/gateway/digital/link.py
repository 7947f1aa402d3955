"""What the address of a hosted page, or a form of it, says of the way that somebody came."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final, NamedTuple

METADATUM: Final = "d-"
"""The prefix of the fields of metadata in a form."""

_UIS: Final = ("qr", "link", "email")
_MAX_MAIL: Final = 200


class Link(NamedTuple):
    """What the address of a page says: language, how it was opened, a button and token of an e-mail, metadata."""

    lang: str = ""
    ui: str = "link"
    button: int | None = None
    mail: str = ""
    metadata: Mapping[str, str] = {}

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Link:
        """What a query or the fields of a form say; names of metadata are those without a meaning of their own."""
        ui = query.get("u", "link")
        known = {"lang", "u", "b", "m", "id", "step"}
        metadata = {name: value for name, value in query.items() if name not in known and len(name) < 100}
        button = whole(query.get("b", ""))
        return cls(query.get("lang", ""), ui if ui in _UIS else "link", button, _mail(query.get("m", "")), metadata)


def _mail(token: str) -> str:
    """The token of an e-mail, in place of a long one its hash: two of them may begin alike."""
    return token if len(token) <= _MAX_MAIL else hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def metadata_of(fields: Mapping[str, str]) -> dict[str, str]:
    """The metadata in the fields of a form."""
    return {name.removeprefix(METADATUM): value for name, value in fields.items() if name.startswith(METADATUM)}


def whole(text: str) -> int | None:
    """A whole number that is not negative, None for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None
