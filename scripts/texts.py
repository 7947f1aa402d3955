"""`make texts`: extracts the texts for people from the source, updates the catalogs, and writes docs/errors.md.

Babel's own extraction of Python cannot be used for the errors, as it takes the values of keyword arguments for texts.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter
from typing import Final, NamedTuple

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import write_po

from hymio import errors
from hymio.errors import PARTS_TEXT, BadRequest, HymioError
from hymio.texts import DOMAIN, LANGUAGES, PAGE_LANGUAGES, SOURCE
from hymio.texts.catalog import read_catalog

ROOT: Final = Path(__file__).parents[1]
SOURCES: Final = ROOT / "src" / "hymio"
DOCS: Final = ROOT / "docs"
ERRORS_PAGE: Final = DOCS / "errors.md"
_CLASSES: Final = {
    name: each for name, each in vars(errors).items() if isinstance(each, type) and issubclass(each, HymioError)
}
_SHELL_ALONE: Final = ("bench", "cli", "demo", "simulator")
"""Packages whose texts nobody but an operator at the shell reads, in English."""

_FOR_PAGES: Final = ("web", "report", "gateway/digital", "gateway/kiosk", "handouts", "access.py", "app.py", "brand.py",
    "errors.py", "serving/attempts.py", "serving/backoff.py", "serving/pace.py", "manage/passwords.py",
    "manage/sessions.py", "manage/shared_links.py", "store/minimum.py")  # fmt: skip
"""Where the texts of pages are; the catalogs of languages that Hymio speaks on pages alone have only these."""

_WIDTH: Final = 120


class Raised(NamedTuple):
    """A place where an error is made; `code` and `text` are None where they are no literals."""

    code: str | None
    text: str | None
    error: type[HymioError]
    place: str

    @property
    def values(self) -> list[str]:
        """The names of the values that the text is made from, in order."""
        return list(dict.fromkeys(name for _, name, _, _ in Formatter().parse(self.text or "") if name))


class Text(NamedTuple):
    """A text for people, the file that has it, and the code of the error whose text it is."""

    text: str
    file: str
    code: str = ""


# --- extraction ------------------------------------------------------------------------------------------------------


def raised() -> list[Raised]:
    """Every call that makes an error, in order of the files."""
    return [each for file in _modules() for each in _raised_in(file)]


def texts() -> list[Text]:
    """Every text to translate: of errors, their titles, phrases, and the pages' templates."""
    modules = [file for file in _modules() if file.relative_to(SOURCES).parts[0] not in _SHELL_ALONE]
    found = [
        Text(each.text, each.place.partition(":")[0], each.code or "")
        for file in modules for each in _raised_in(file) if each.text
    ]  # fmt: skip
    found += [Text(each.title, "src/hymio/errors.py") for each in _CLASSES.values()]
    found += [each for file in modules for each in _phrases_in(file)]
    return found + [each for file in sorted(SOURCES.rglob("*.html")) for each in _in_template(file)]


def texts_for(language: str, found: Iterable[Text]) -> list[Text]:
    """The texts that the catalog of a language has: all, or those of pages."""
    if language in LANGUAGES:
        return list(found)
    return [each for each in found if _is_for_pages(Path(each.file).relative_to("src/hymio").as_posix())]


def _is_for_pages(file: str) -> bool:
    return any(file == place or file.startswith(f"{place}/") for place in _FOR_PAGES)


def _modules() -> list[Path]:
    return sorted(SOURCES.rglob("*.py"))


def _raised_in(file: Path) -> Iterator[Raised]:
    for call, name in _calls(file):
        if name in _CLASSES:
            code, text = _literal(call, 0), _literal(call, 1)
            error = _CLASSES[name]
            if issubclass(error, BadRequest) and len(call.args) < 2:
                code, text = code if call.args else error.default_code, PARTS_TEXT
            yield Raised(code, text, error, f"{file.relative_to(ROOT)}:{call.lineno}")


def _phrases_in(file: Path) -> Iterator[Text]:
    for call, name in _calls(file):
        text = _literal(call, 0)
        if name == "Phrase" and text:
            yield Text(text, str(file.relative_to(ROOT)))


def _calls(file: Path) -> Iterator[tuple[ast.Call, str]]:
    """The calls of what `hymio.errors` has, by its names there; in that module itself, of its own."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    known = {"Phrase": "Phrase"} if file.name == "errors.py" else {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "hymio.errors":
            known |= {each.asname or each.name: each.name for each in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in known:
            yield node, known[node.func.id]


def _literal(call: ast.Call, index: int) -> str | None:
    argument = call.args[index] if index < len(call.args) else None
    return argument.value if isinstance(argument, ast.Constant) and isinstance(argument.value, str) else None


def _in_template(file: Path) -> Iterator[Text]:
    with file.open("rb") as content:
        for _, text, _, _ in extract("jinja2.ext:babel_extract", content, keywords={"_": None}):
            yield Text(str(text), str(file.relative_to(ROOT)))


# --- catalogs --------------------------------------------------------------------------------------------------------


def template(found: Iterable[Text]) -> Catalog:
    """A catalog with every text and no translation."""
    catalog = Catalog(project="Hymio", domain=DOMAIN, charset="utf-8")
    for each in found:
        catalog.add(each.text, locations=[(each.file, 0)], auto_comments=[each.code] if each.code else [])
    return catalog


def updated(language: str, found: Iterable[Text]) -> Catalog:
    """The catalog of a language with every text: new ones without translation, changed ones fuzzy, old ones gone."""
    file = catalog_path(language)
    catalog = Catalog(locale=language, project="Hymio", domain=DOMAIN, charset="utf-8")
    if file.exists():
        with file.open("rb") as content:
            catalog = read_catalog(content, language)
    catalog.update(template(found), no_fuzzy_matching=False, update_header_comment=False)
    catalog.header_comment = f"# {PAGE_LANGUAGES[language]}: texts of Hymio for people. Update with `make texts`."
    catalog.project, catalog.version, catalog.msgid_bugs_address = "Hymio", "1", ""
    catalog.last_translator, catalog.language_team = "The Hymio authors", PAGE_LANGUAGES[language]
    catalog.creation_date = catalog.revision_date = datetime(2024, 1, 1, tzinfo=UTC)  # else every update would differ
    catalog.fuzzy = False
    return catalog


def catalog_path(language: str) -> Path:
    """Where the catalog of a language lies in the checkout."""
    return SOURCES / "texts" / "locales" / language / "LC_MESSAGES" / f"{DOMAIN}.po"


# --- docs/errors.md --------------------------------------------------------------------------------------------------

_HEAD: Final = """\
# Errors

<!-- Made by `make texts` from the calls that raise the errors. Change it there. -->

An error has a code, which says what is wrong and never changes once it is published, and a text, which may change and
is given in the language of whoever asks. Over HTTP an error is a problem document (RFC 9457):

```json
{
  "type": "about:blank",
  "title": "Not found",
  "status": 404,
  "detail": "There is no folder 9.",
  "code": "unknown-v1-folder"
}
```

Programs go by `code` and `status`. `title`, `detail` and `accepted` are in the language that the request's
`Accept-Language` prefers, else in that of the organization, else in English; `Content-Language` says in which. Where a
parameter is wrong, `parameter` names it, `got` repeats what was sent and `accepted` says what is accepted. The command
line shows the code in brackets behind the text.

Words in braces stand for values.
"""


def errors_page(found: Iterable[Raised]) -> str:
    """docs/errors.md: each code once, below its status and title."""
    known = {each.code: each for each in found if each.code}
    kinds = sorted({(each.error.status, each.error.title) for each in known.values()})
    return "\n".join([_HEAD, *("\n".join(_section(status, title, known.values())) for status, title in kinds)])


def _section(status: int, title: str, found: Iterable[Raised]) -> Iterator[str]:
    yield f"## {status} {title}\n"
    yield "| code | text | values |\n| --- | --- | --- |"
    for each in sorted(each for each in found if (each.error.status, each.error.title) == (status, title)):
        text = _shown(each.text or "").replace("|", "\\|")
        yield f"| `{each.code}` | {text} | {', '.join(f'`{name}`' for name in each.values)} |"
    yield ""


def _shown(text: str) -> str:
    """A text with the names of its values in braces, without how they are written."""
    return "".join(f"{before}{{{name}}}" if name else before for before, name, _, _ in Formatter().parse(text))


def link_pages() -> None:
    """Links each document into the package, which serves it."""
    pages = ROOT / "src" / "hymio" / "web" / "pages"
    for document in (*DOCS.glob("*.md"), *DOCS.glob("decisions/*.md")):
        link = pages / document.relative_to(DOCS)
        link.parent.mkdir(exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(os.path.relpath(document, link.parent))


def main() -> None:
    """Writes the catalogs and the page of errors, and links the documents that the server shows."""
    link_pages()
    found = texts()
    for language in PAGE_LANGUAGES:
        if language != SOURCE:
            catalog = updated(language, texts_for(language, found))  # before its file is opened, which empties it
            catalog_path(language).parent.mkdir(parents=True, exist_ok=True)
            with catalog_path(language).open("wb") as file:
                write_po(
                    file, catalog, width=_WIDTH, sort_output=True, ignore_obsolete=True, include_lineno=False
                )  # fmt: skip
    ERRORS_PAGE.write_text(errors_page(raised()).rstrip("\n") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
