"""Assesses a text, whichever way it came, in the language in which it was asked for: spam or not, and a masked copy."""

from __future__ import annotations

from hymio.feedback import Text
from hymio.gateway.masking import masked
from hymio.gateway.spam import spam


def assessed(text: Text, locale: str) -> Text:
    """A text with the marks that its source did not send; unchanged if nothing was written."""
    if text.text is None:
        return text
    language = locale.partition("-")[0].lower()
    return text._replace(
        spam=spam(text.text) is not None if text.spam is None else text.spam,
        masked=masked(text.text, language) if text.masked is None else text.masked,
    )
