"""The page of a report: its addresses and links, what it says of bad input, and that texts of people stay texts."""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hymio import demo, intake, manage
from hymio.access import Principal, Role, operator
from hymio.feedback import Phases, Press, Text, Upload
from hymio.report import Compare, ReportQuery, build, parse_query
from hymio.store import Store, open_store
from hymio.texts import PAGE_LANGUAGES
from hymio.web.page import STATIC_FILES, static_address
from hymio.web.report_address import Address, address_of
from tests.example import FOUND, HELSINKI, NOW, VISIT, WEB, WEBSITE, make_example
from tests.pages import Browser, add_person
from tests.renderings import Asked, report_html
from tests.served import serving

JANE, JOHN, BOB = "jane.doe@example.com", "john@example.com", "bob@example.com"
HERE = f"/reports/{WEBSITE}?period=2024"


@dataclass
class Site:
    """A served organization, and browsers of an administrator and of a user of one place."""

    store: Store
    boss: Principal
    jane: Browser
    john: Browser
    stranger: Browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """On SQLite alone: what is tested does not depend on the engine."""
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('report-page')}/hymio.db")
    boss = operator(make_example(store).organization)
    add_person(store, boss.organization, JANE, role=Role.ADMIN)
    add_person(store, boss.organization, JOHN, HELSINKI)
    written = Phases((), Text("Thank you!", None, False))
    intake.record(store, boss.organization, [Upload(WEB, (Press(7, 1, NOW - 1000, 4, FOUND, phases=written),))], NOW)
    with serving(store) as http:
        browsers = [Browser(http), Browser(http), Browser(http)]
        browsers[0].sign_in(JANE)
        browsers[1].sign_in(JOHN)
        yield Site(store, boss, *browsers)
        for browser in browsers:
            browser.http.close()
    store.close()


def links_of(html: str) -> list[str]:
    """The addresses that a page leads to, without those within it."""
    return sorted({unescape(link) for link in re.findall(r'<a [^>]*href="([^"#]+)', html)})


# --- addresses -------------------------------------------------------------------------------------------------------


def test_every_link_of_a_report_leads_somewhere(site: Site) -> None:
    words = "period=2024&compare=year&weekdays=mon,tue&hours=0-23&buttons=0,1&spam=true&heat=answers"
    links = links_of(site.jane.get(f"/reports/1?{words}").text) + links_of(site.jane.get(HERE).text)
    assert len(links) > 40
    for link in dict.fromkeys(links):
        answer = site.jane.get(link)
        assert answer.status_code == 200, link
        if urlsplit(link).path.startswith("/reports/") and "." not in urlsplit(link).path:
            assert str(answer.url).endswith(link), "the link is not written as addresses are"


words = st.fixed_dictionaries(
    {},
    optional={
        "period": st.sampled_from(["today", "2024", "2024-01-01..2024-03-05"]),
        "compare": st.sampled_from(["previous", "year"]),
        "survey": st.sampled_from(["1", "3"]),
        "smileyType": st.sampled_from(["terminal", "touch", "digital"]),
        "weekdays": st.sampled_from(["mon", "mon,fri"]),
        "hours": st.sampled_from(["8-11", "8-11,14"]),
        "text": st.text(min_size=1, max_size=20).filter(lambda text: text.isprintable()),
        "buttons": st.sampled_from(["0", "0,1,4"]),
        "textLanguage": st.sampled_from(["en", "other"]),
        "spam": st.just("true"),
        "asOf": st.just("3"),
        "heat": st.just("answers"),
        "places": st.just("50"),
    },
)


@given(words, st.data())
def test_an_address_keeps_what_it_was_made_of(given: dict[str, str], data: st.DataObject) -> None:
    address = address_of(7, data.draw(st.permutations(list(given.items()))))
    assert address.words == given
    assert address_of(7, parse_qsl(address.query)) == address
    query = parse_query(7, address.words)
    of_report = {name: text for name, text in given.items() if name not in ("heat", "places")}
    assert query.words() == {"period": "last-28-days", **of_report}
    changed = address.to(period="yesterday")
    assert changed.words == {**{name: text for name, text in given.items() if name != "places"}, "period": "yesterday"}
    assert Address(7, dict(address.fields("period"))).to(period=given.get("period")).words == address.to(
        period=given.get("period")
    ).words  # fmt: skip


def test_what_a_form_sends_becomes_an_address(site: Site) -> None:
    sent = "compare=&first=2024-03-01&last=2024-03-05&weekdays=mon&weekdays=tue&text=&hours=8-11&other=1"
    answer = site.jane.get(f"/reports/1?{sent}")
    assert answer.url.query.decode() == "period=2024-03-01..2024-03-05&weekdays=mon,tue&hours=8-11"
    assert answer.status_code == 200


def test_a_browser_that_has_the_page_gets_304(site: Site) -> None:
    first = site.jane.get(HERE)
    again = site.jane.http.get(HERE, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_without_a_session_the_address_leads_to_signing_in(site: Site) -> None:
    assert 'type="password"' in site.stranger.get(HERE).text


# --- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("node", [1, 3, 99, 10**17])
def test_a_node_outside_the_subtree_is_as_unknown_as_one_that_does_not_exist(site: Site, node: int) -> None:
    unknown = site.john.get("/reports/98?period=2024").text
    assert "there is no node 98" in unknown
    for words in ("period=2024", "period=nonsense", "survey=1"):
        answer = site.john.get(f"/reports/{node}?{words}")
        assert answer.status_code == 404
        assert answer.text == unknown.replace("no node 98", f"no node {node}")


@pytest.mark.parametrize(
    ("name", "got"),
    [
        ("period", "2024-03-05..2024-03-01"), ("period", "0000"), ("period", "9999"), ("period", "9999-12-31"),
        ("period", "<script>alert(1)</script>"), ("compare", "<b>"), ("smileyType", "lamp"), ("weekdays", "someday"),
        ("hours", "24"), ("buttons", "x"), ("spam", "maybe"), ("survey", "-1"), ("textOffset", "many"), ("asOf", "x"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named_with_a_way_back(site: Site, name: str, got: str) -> None:
    address = Address(WEBSITE, {"period": "2024", "heat": "answers"}).to(**{name: got})
    answer = site.jane.get(str(address))
    assert answer.status_code == 400
    assert "<script>" not in answer.text
    assert got in unescape(answer.text)
    back = [link for link in links_of(answer.text) if link.startswith(f"/reports/{WEBSITE}")]
    assert back
    for link in back:
        assert "heat=answers" in link
        assert site.jane.get(link).status_code == 200


def test_too_many_parameters_are_refused(site: Site) -> None:
    assert site.jane.get(f"{HERE}&{'&'.join(['x=1'] * 300)}").status_code == 400


@pytest.mark.parametrize("period", ["1999", "2024-03-05", "this-year"])
@pytest.mark.parametrize("node", [1, 2, HELSINKI, WEBSITE])
def test_a_report_without_answers_or_survey_is_a_page(site: Site, node: int, period: str) -> None:
    answer = site.jane.get(f"/reports/{node}?period={period}&compare=previous")
    assert answer.status_code == 200
    assert "</html>" in answer.text


def test_an_organization_with_nothing_has_a_page(store: Store) -> None:
    boss = operator(manage.create_organization(store, operator(), "Empty", now=0))
    query = ReportQuery(manage.ROOT, "2023")
    html = report_html(Asked(store, boss, query, NOW, build(store, boss, query, NOW)))
    assert "No survey is asked here." in html


def test_thousands_of_children_are_listed_in_parts(site: Site) -> None:
    query = ReportQuery(1, "2024", survey=VISIT)
    value = build(site.store, site.boss, query, NOW)
    child = value.children[0]
    value = msgspec.structs.replace(value, children=(child,) * 5_000)
    html = report_html(Asked(site.store, site.boss, query, NOW, value))
    assert html.count("<bdi>Finland</bdi>") < 100
    assert "1 to 50 of 5,000" in html
    assert len(gzip.compress(html.encode())) < 60_000


# --- what people wrote -----------------------------------------------------------------------------------------------


class Structure(HTMLParser):
    """The tags of a page with the names of their attributes, and its texts."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        self.texts.append("")

    def handle_data(self, data: str) -> None:
        self.texts = self.texts or [""]
        self.texts[-1] += data


markup = st.lists(
    st.one_of(
        st.text(max_size=30),
        st.sampled_from(["<script>", "</p>", '"', "'", "&lt;", "{{ 7 }}", "\u202e", "<svg onload=x>", "x" * 10_000]),
    ),
    max_size=6,
).map("".join)


@settings(max_examples=25)
@given(markup)
def test_texts_stay_texts(site: Site, text: str) -> None:
    query = ReportQuery(WEBSITE, "2024", survey=FOUND)
    value = build(site.store, site.boss, query, NOW)
    listed = value.texts
    assert listed is not None
    line = listed.shown[0]

    def page(text: str, english: str) -> Structure:
        shown = (msgspec.structs.replace(line, text=text, english=english, themes=(text,)),)
        texts = msgspec.structs.replace(listed, shown=shown)
        changed = msgspec.structs.replace(value, texts=texts)
        return Structure(report_html(Asked(site.store, site.boss, query, NOW, changed)))

    plain, written = page("x", "y"), page(text, text or "y")
    assert written.tags == plain.tags
    assert not text or text in written.texts


def test_spam_is_corrected_on_the_page(site: Site) -> None:
    action = f"/reports/{WEBSITE}/spam"
    thanks = f"{HERE}&text=thank"
    answer = site.jane.send(thanks, action, spam="yes")
    assert str(answer.url).partition("#")[0].endswith(thanks)
    assert "Thank you!" not in answer.text
    assert "Thank you!" in site.jane.get(f"{thanks}&spam=true").text
    site.jane.send(f"{thanks}&spam=true", action, spam="no")
    assert "Thank you!" in site.jane.get(thanks).text
    assert site.jane.http.post(action, data={"spam": "yes", "feedback": "x"}).status_code == 403
    assert "/spam" not in site.john.get(f"/reports/{HELSINKI}?period=2024").text


# --- what is shown ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", PAGE_LANGUAGES)
def test_a_report_is_shown_in_every_language(site: Site, language: str) -> None:
    query = ReportQuery(1, "2024", Compare.YEAR)
    html = report_html(Asked(site.store, site.boss, query, NOW, build(site.store, site.boss, query, NOW)), language)
    assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}"' in html
    assert ("How good" in html) == (language == "en")


def test_withheld_numbers_are_said_to_be_withheld(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/hymio.db")
    boss = operator(make_example(store).organization)
    manage.set_minimum_answers(store, boss, VISIT, 50, now=NOW)
    query = ReportQuery(1, "2024", survey=VISIT)
    html = report_html(Asked(store, boss, query, NOW, build(store, boss, query, NOW)))
    store.close()
    assert "The index is withheld." in html
    assert "Below 50 answers nothing is shown" in html
    assert 'id="index"' not in html
    assert 'class="chart' not in html


def test_a_page_with_its_files_is_small(site: Site) -> None:
    html = re.sub(r"<svg xmlns.*?</svg>", "", site.jane.get("/reports/1?period=2024&compare=year").text)
    files = [site.jane.get(static_address(name)).content for name in STATIC_FILES]
    assert len(files) >= 3
    assert sum(len(gzip.compress(part)) for part in (html.encode(), *files)) < 60_000


def test_scripts_are_those_of_the_package(site: Site) -> None:
    answer = site.jane.get(HERE)
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?! src=\"/static/)|\sstyle=|\son[a-z]+=|javascript:", answer.text)


GOLDEN = Path(__file__).parent / "golden" / "report.html"
EXAMPLE_NOW = 1_767_268_800_000
"""2026-01-01T12:00Z, at the end of the example's year."""


def test_the_page_of_a_whole_report(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/demo.db", make=True)
    demo.build(store, EXAMPLE_NOW, presses=4_000)
    query = ReportQuery(1, "2025", Compare.PREVIOUS)
    html = report_html(Asked(store, operator(1), query, EXAMPLE_NOW, build(store, operator(1), query, EXAMPLE_NOW)))
    store.close()
    main = html[html.index("<main") : html.index("</main>")]
    shown = re.sub(r"<svg xmlns.*?</svg>", "<svg/>", main)  # the charts have tests of their own
    if os.environ.get("HYMIO_UPDATE_EXAMPLES"):
        GOLDEN.write_text(shown, encoding="utf-8")
    assert shown == GOLDEN.read_text(encoding="utf-8")
