"""How texts of the web are assessed: the rule for spam with its precision and recall, and the masking of profanity."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hymio.gateway.digital.masking import masked
from hymio.gateway.digital.spam import Spam, spam
from hymio.texts import PAGE_LANGUAGES
from tests.spam_texts import GOOD, PROFANE, SPAM, lines


def test_the_rule_is_as_good_as_the_document_says() -> None:
    """docs/web-smileys.md has these figures; texts are 14 of each kind in each language, of our own making."""
    good = [text for texts in GOOD.values() for text in lines(texts)]
    bad = [text for texts in SPAM.values() for text in lines(texts)]
    assert len(good) + len(bad) + 2 * len(PROFANE) >= 200
    false = [text for text in good if spam(text)]
    missed = [text for text in bad if not spam(text)]
    caught = len(bad) - len(missed)
    assert caught / (caught + len(false)) >= 0.97, false
    assert caught / len(bad) >= 0.95, missed


def test_every_language_of_pages_has_texts() -> None:
    assert set(GOOD) == set(SPAM) == set(PROFANE) == set(PAGE_LANGUAGES)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("👍 :-) !!", Spam.EMOTICONS),
        ("see www.example.com", Spam.LINK),
        ("so", Spam.SHORT),
        ("慢い", None),
        ("Hellooooo!", Spam.GREETING),
        ("nooooooooo", Spam.REPEATED),
        ("asdfjkl", Spam.GIBBERISH),
        ("Angstschweiß", None),
        ("Too slow :(", None),
        ("lääkäri", None),
    ],
)
def test_each_rule(text: str, why: Spam | None) -> None:
    assert spam(text) is why


@given(st.text(max_size=60))
def test_any_text_is_assessed(text: str) -> None:
    assert spam(text) in (None, *Spam)
    for language in ("en", "ar"):
        hidden = masked(text, language)
        assert hidden is None or len(hidden) == len(text)


@pytest.mark.parametrize("language", list(PAGE_LANGUAGES))
def test_profanity_is_masked_in_each_language_and_the_rest_stays(language: str) -> None:
    rude, harmless = PROFANE[language]
    hidden = masked(rude, language)
    assert hidden is not None
    assert "*" in hidden
    assert len(hidden) == len(rude)
    assert hidden.split()[-1] == rude.split()[-1] or "*" in hidden.split()[-1]
    assert masked(harmless, language) is None
