"""Texts for people in their language: gettext catalogs, one for each language, and the choice of a language."""

from __future__ import annotations

from hymio.texts.catalog import DOMAIN, LANGUAGES, PAGE_LANGUAGES, RIGHT_TO_LEFT, SOURCE, load_catalogs, translate
from hymio.texts.negotiation import choose, negotiate

__all__ = [
    "DOMAIN", "LANGUAGES", "PAGE_LANGUAGES", "RIGHT_TO_LEFT", "SOURCE", "choose", "load_catalogs", "negotiate",
    "translate",
]  # fmt: skip
