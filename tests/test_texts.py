"""Texts for people: every text is translated into every language, and the language of an answer is negotiated."""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from hymio import texts
from hymio.errors import Phrase
from hymio.texts import LANGUAGES, PAGE_LANGUAGES, SOURCE, catalog
from hymio.texts.catalog import faults, placeholders, read_catalog
from scripts import texts as tool
from scripts.texts import Text, catalog_path, texts_for
from scripts.texts import texts as extracted

TRANSLATED = [language for language in PAGE_LANGUAGES if language != SOURCE]
TEXTS = sorted({each.text: each for each in extracted()}.values())
BY_LANGUAGE = {
    language: sorted({each.text: each for each in texts_for(language, extracted())}.values()) for language in TRANSLATED
}
"""The texts that each catalog has: all, or those of pages."""


@pytest.fixture(scope="module")
def catalogs() -> dict[str, Catalog]:
    return {language: _read(language) for language in TRANSLATED}


def _read(language: str) -> Catalog:
    with catalog_path(language).open("rb") as file:
        return read_catalog(file, language)


# --- the catalogs ----------------------------------------------------------------------------------------------------


def test_there_is_a_catalog_for_every_language_but_the_source():
    assert {path.name for path in catalog_path(SOURCE).parents[2].iterdir() if path.is_dir()} == set(TRANSLATED)


@pytest.mark.parametrize(
    ("language", "text"),
    [(language, text) for language, found in BY_LANGUAGE.items() for text in found],
    ids=lambda value: value.text[:60] if isinstance(value, Text) else value,
)
def test_every_text_has_a_translation_with_the_same_placeholders(
    language: str, text: Text, catalogs: Mapping[str, Catalog]
):
    message = catalogs[language].get(text.text)
    assert message is not None, "run `make texts` and translate what it added"
    assert list(faults(message)) == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_catalog_has_a_text_that_is_not_used(language: str, catalogs: Mapping[str, Catalog]):
    assert list(catalogs[language].obsolete) == []
    assert {str(message.id) for message in catalogs[language] if message.id} <= {
        each.text for each in BY_LANGUAGE[language]
    }


@pytest.mark.parametrize(
    ("template", "translation", "wrong"),
    [
        ("there is no node {node}", "solmua {node} ei ole", []),
        ("there is no node {node}", "", ["missing"]),
        ("there is no node {node}", "solmua {nod} ei ole", ["placeholders differ"]),
        ("there is no node {node}", "solmua {node ei ole", ["placeholders differ"]),
        ("got {got!r}", "saatiin {got}", ["placeholders differ"]),
        ("not found", "ei {0.__class__} löydy", ["placeholders differ"]),
    ],
)
def test_a_translation_has_faults(template: str, translation: str, wrong: list[str]):
    assert list(faults(Catalog(locale="fi").add(template, translation))) == wrong


def test_a_translation_that_nobody_has_confirmed_is_at_fault():
    assert list(faults(Catalog(locale="fi").add("Not found", "Ei löytynyt", flags=["fuzzy"]))) == ["fuzzy"]


# --- translation -----------------------------------------------------------------------------------------------------


@given(st.sampled_from(TEXTS), st.sampled_from(sorted(PAGE_LANGUAGES)), st.data())
def test_values_stand_in_a_translation_as_they_are(text: Text, language: str, data: st.DataObject):
    names = {name for name, _, _ in placeholders(text.text) or ()}
    values = {name: data.draw(st.text(st.characters(exclude_categories=["C"]))) for name in names}
    translated = texts.translate(Phrase(text.text, **values), language)
    if names:
        assert all(value in translated or repr(value) in translated for value in values.values())
    else:
        assert translated


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.text[:60])
def test_what_people_wrote_is_not_translated(text: Text, language: str):
    assert texts.translate(Phrase("{detail}: {cause}", detail=text.text, cause="x"), language) == f"{text.text}: x"


def test_a_phrase_in_a_phrase_is_translated_too():
    accepted = Phrase("{accepted}; once", accepted=Phrase("a whole number, {least} or more", least=1))
    assert texts.translate(accepted, "en") == "a whole number, 1 or more; once"
    assert texts.translate(accepted, "fi") == "kokonaisluku, vähintään 1; vain kerran"


def test_what_is_given_is_a_plain_text():
    assert type(texts.translate(Phrase("Not found"), "en")) is str
    assert type(texts.translate(Phrase("Not found"), "fi")) is str
    assert type(texts.translate(Phrase("a text of no catalog {x}", x=1), "fi")) is str


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file that stands in for the Finnish catalog."""
    file = tmp_path / "hymio.po"
    monkeypatch.setattr(catalog, "catalog_file", lambda _language: file)
    catalog._translations.cache_clear()
    yield file
    catalog._translations.cache_clear()


@pytest.mark.parametrize(
    "content", [None, b"", b'msgid "Not found', b"\xff\xfe", b'nonsense "x"\nmsgid "Not found"\nmsgstr "x"\n']
)
def test_a_broken_catalog_means_english_and_an_entry_in_the_log(content: bytes | None, broken: Path):
    if content is not None:
        broken.write_bytes(content)
    with capture_logs() as entries:
        assert texts.translate("Not found", "fi") == "Not found"
        assert texts.translate(Phrase("there is no node {node}", node=7), "fi") == "there is no node 7"
    assert len(entries) == (0 if content == b"" else 1), "it is read once"


def test_a_broken_translation_means_english_for_its_text_alone(broken: Path):
    broken.write_text(
        'msgid "there is no node {node}"\nmsgstr "solmua {nod} ei ole"\n\nmsgid "Not found"\nmsgstr "Ei löytynyt"\n',
        encoding="utf-8",
    )
    with capture_logs() as entries:
        assert texts.translate(Phrase("there is no node {node}", node=7), "fi") == "there is no node 7"
        assert texts.translate("Not found", "fi") == "Ei löytynyt"
    assert [entry["reason"] for entry in entries] == ["placeholders differ"]


# --- the choice of a language ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("fi", "fi"),
        ("fi-FI", "fi"),
        ("FI", "fi"),
        ("sv, fi;q=0.1", "fi"),
        ("fi, en", "fi"),
        ("en, fi", "en"),
        ("en;q=0.8, fi;q=0.9", "fi"),
        ("en;q=0.8,fi;Q=0.900", "fi"),
        ("fi;q=0, en;q=0.1", "en"),
        ("fi;q=0", "en"),
        ("sv", "en"),
        ("*", "en"),
        ("sv, *;q=0.5", "en"),
        ("en;q=0, *", "fi"),
        ("fi;q=2, en;q=0.1", "en"),
        ("fi;q=x, en;q=0.1", "en"),
        ("fi" + "," * 1_000, "en"),
    ],
)
def test_the_language_that_a_browser_prefers(header: str, language: str):
    assert texts.negotiate(header, "en") == language


@given(st.text(string.ascii_letters + string.digits + ";,=*-. q", max_size=1_200) | st.text())
def test_whatever_stands_in_the_header_the_language_is_one_of_ours(header: str):
    assert texts.negotiate(header, "fi") in LANGUAGES


QUALITIES = st.integers(0, 1_000).map(lambda thousandths: thousandths / 1_000)


@given(st.dictionaries(st.sampled_from([*LANGUAGES, "sv", "de"]), QUALITIES), st.booleans())
def test_of_our_languages_the_one_of_the_best_quality_is_taken(wanted: dict[str, float], countries: bool):
    header = ", ".join(f"{name}{'-XX' if countries else ''};q={quality:.3f}" for name, quality in wanted.items())
    ours = {name: quality for name, quality in wanted.items() if name in LANGUAGES and quality > 0}
    chosen = texts.negotiate(header, "en")
    assert chosen == "en" if not ours else ours[chosen] == max(ours.values())


@given(
    st.sampled_from([None, *LANGUAGES, "sv"]), st.sampled_from(["", "fi", "en", "sv"]), st.sampled_from(["en", "fi"])
)
def test_a_persons_choice_goes_before_the_header_and_that_before_the_default(
    person: str | None, header: str, organization: str
):
    ours = [each for each in (person, header, organization) if each in LANGUAGES]
    assert texts.choose(person, header, organization) == ours[0]


# --- make texts ------------------------------------------------------------------------------------------------------


def test_an_update_keeps_translations_and_is_the_same_when_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    before = {language: catalog_path(language).read_bytes() for language in TRANSLATED}
    monkeypatch.setattr(tool, "catalog_path", lambda language: tmp_path / language / "hymio.po")
    monkeypatch.setattr(tool, "ERRORS_PAGE", tmp_path / "errors.md")
    for language, content in before.items():
        (tmp_path / language).mkdir()
        (tmp_path / language / "hymio.po").write_bytes(content)
    tool.main()
    once = {language: (tmp_path / language / "hymio.po").read_bytes() for language in TRANSLATED}
    tool.main()
    assert once == {language: (tmp_path / language / "hymio.po").read_bytes() for language in TRANSLATED}
    for language, content in before.items():
        assert _strings(once[language], language) == _strings(content, language)


def _strings(content: bytes, language: str) -> dict[str, str]:
    return {str(message.id): str(message.string) for message in read_catalog(BytesIO(content), language) if message.id}
