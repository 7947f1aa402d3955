"""Handouts of published smileys: addresses, QR codes that a reader reads back, posters, and buttons for e-mails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfReader
from typer.testing import CliRunner

from hymio import manage
from hymio.access import Principal, Role, Via, operator
from hymio.brand import HYMIO, Brand, contrast
from hymio.cli import app
from hymio.errors import NotFound, SetupError
from hymio.handouts.addresses import mail_address, page_address, published_tag, qr_address, tag
from hymio.handouts.mail import mail_html, mail_page
from hymio.handouts.offer import Offer, offer
from hymio.handouts.poster import Paper, document, poster
from hymio.handouts.qr import qr_png, qr_svg, qr_text
from hymio.scale import Scale
from hymio.smiley import Publication
from hymio.store import Store, open_store
from hymio.survey import Localized
from hymio.typesetting.process import pictures
from tests.example import NOW, TERMINAL, WEB, make_example
from tests.test_brand import SHOP, a_png

BASE = "https://happy.shop.example"
BLOCKED = ("survey", "feedback", "track", "intercept", "widget")
FIELDS = ("*|UNIQID|*", "{{id}}", "{{ contact.id }}", "%%_subscriberkey%%", "{$id}", "[[id]]", "${recipient:id}")
"""Merge fields of mail services."""

PUBLISHED = Publication("0123456789ABCDEF" * 2, "P5DZ74LFZL")
WORDING = Localized("en-US", {"en-US": "Did you find it & like it?", "fi": "Löysitkö etsimäsi?", "ar": "هل وجدته؟"})
OFFER = Offer(BASE, PUBLISHED, Scale.FIVE, WORDING, HYMIO)
MIDNIGHT = Brand("#102a43", "#ffffff", "#7cc4fa", 130, True, a_png(300, 90))


def read_codes(png: bytes) -> list[str]:
    return [found.text for found in zxingcpp.read_barcodes(Image.open(BytesIO(png)))]


@settings(max_examples=20)
@given(st.text("23456789ABCDEFGHJKLMNPQRSTUVWXYZ", min_size=10, max_size=10), st.integers(1, 65_535))
def test_a_reader_reads_back_the_address_of_every_qr_code(code: str, port: int) -> None:
    address = qr_address(f"http://192.168.0.17:{port}", replace(PUBLISHED, code=code))
    assert address.endswith(f"/w/{code}?u=qr")
    assert read_codes(qr_png(address)) == [address]


def test_the_code_for_a_terminal_has_the_same_modules() -> None:
    text = qr_text(qr_address(BASE, PUBLISHED))
    assert all(line.startswith("\x1b[38;5;231;48;5;16m") for line in text.splitlines()), "readable on light terminals"
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in text.splitlines()]
    halves = {" ": (0, 0), "▀": (255, 0), "▄": (0, 255), "█": (255, 255)}
    rows = [[halves[char][half] for char in line] for line in lines for half in (0, 1)]
    picture = Image.new("L", (len(rows[0]), len(rows)))
    picture.putdata([light for row in rows for light in row])
    scaled = picture.resize((picture.width * 8, picture.height * 8), Image.Resampling.NEAREST)
    assert [found.text for found in zxingcpp.read_barcodes(scaled)] == [qr_address(BASE, PUBLISHED)]


def test_a_picture_for_pages_scales_and_names_its_address() -> None:
    shown = qr_svg(qr_address(BASE, PUBLISHED)).decode()
    assert "viewBox=" in shown
    assert "<title>https://happy.shop.example/w/P5DZ74LFZL?u=qr</title>" in shown


@pytest.mark.parametrize("paper", Paper)
def test_a_poster_is_one_page_whose_code_a_reader_reads(paper: Paper) -> None:
    scale, brand, locales = {
        Paper.A3: (Scale.FOUR, HYMIO, ("en-US", "fi", "ar")),
        Paper.A4: (Scale.FIVE, SHOP, ("fi",)),
        Paper.A5: (Scale.NPS, MIDNIGHT, ("ar", "en-US")),
        Paper.TENT: (Scale.FIVE_REVERSED, MIDNIGHT, ("en-US", "ar")),
    }[paper]
    shown = replace(OFFER, scale=scale, brand=brand)
    [picture] = pictures(document(shown, locales, paper, NOW), 110)
    assert set(read_codes(picture)) == {qr_address(BASE, PUBLISHED)}


def test_a_poster_says_the_question_and_its_address_and_is_the_same_again() -> None:
    made = poster(OFFER, ("en-US", "fi"), Paper.A5, NOW)
    assert made == poster(OFFER, ("en-US", "fi"), Paper.A5, NOW)
    reader = PdfReader(BytesIO(made))
    [page] = reader.pages
    text = " ".join(page.extract_text().split())
    for part in ("Did you find it & like it?", "Löysitkö etsimäsi?", "happy.shop.example/w/P5DZ74LFZL"):
        assert part in text
    assert "Kohdista" in text
    assert reader.metadata is not None
    assert reader.metadata.title == WORDING.text
    assert b"pdfuaid" in made


def test_long_questions_fit_on_a_page() -> None:
    long = Localized("en-US", {"en-US": "How satisfied were you with everything? " * 10, "fi": "Pitkäkö? " * 40})
    for paper in (Paper.A5, Paper.TENT):
        shown = replace(OFFER, wording=long, brand=replace(HYMIO, size=200))
        assert len(pictures(document(shown, ("en-US", "fi"), paper, NOW), 20)) == 1


def test_a_poster_has_only_locales_of_the_question() -> None:
    with pytest.raises(SetupError, match="no text in sv; it has ar, en-US, fi"):
        poster(OFFER, ("sv",), Paper.A4, NOW)
    many = replace(OFFER, wording=Localized("a", dict.fromkeys("abcde", "?")))
    with pytest.raises(SetupError, match="room for 4 locales"):
        many.locales("abcde")
    assert many.locales() == ("a",)
    finnish = replace(OFFER, wording=Localized("en-US", {"en-US": "?", "fi-FI": "?", "fi-SE": "?"}))
    assert finnish.locales(("fi", "fi-SE")) == ("fi-FI", "fi-SE")


class Links(HTMLParser):
    """The links of a page, and what no mail program should meet."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[str] = []
        self.pictures: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append(tag)
        assert not any(name.startswith("on") or name in ("class", "id") for name in values)
        if tag == "a":
            self.links.append(values["href"] or "")
        if tag == "img":
            assert "alt" in values
            self.pictures.append(values["src"] or "")


@pytest.mark.parametrize("field", FIELDS)
def test_buttons_of_an_e_mail_keep_the_merge_field(field: str) -> None:
    html = mail_html(OFFER, field, "en-US")
    assert html.count(f"&amp;m={field}") == 6
    read = Links(html)
    assert read.links[1:] == [mail_address(BASE, PUBLISHED, button, field, "en-US") for button in range(5)]
    assert set(read.tags) <= {"table", "tr", "td", "a", "img", "p", "span", "br"}
    assert read.pictures == [f"{BASE}/w/faces/{number}.png" for number in range(5)]
    assert not any(word in html for word in ("<script", "<style", "javascript:", "<link"))
    assert "Very unhappy" in html
    assert "Did you find it &amp; like it?" in html


@pytest.mark.parametrize("field", ["", " ", '"onclick', "<b>", "a&b", "x" * 101, "é", "a\nb"])
def test_what_is_no_merge_field(field: str) -> None:
    with pytest.raises(SetupError, match="merge field"):
        mail_html(OFFER, field, "en-US")


@pytest.mark.parametrize("scale", Scale)
@pytest.mark.parametrize("locale", ["en-US", "ar"])
def test_buttons_of_every_scale_and_direction(scale: Scale, locale: str) -> None:
    html = mail_page(replace(OFFER, scale=scale, brand=MIDNIGHT), "{{id}}", locale)
    read = Links(html)
    order = range(scale.buttons)
    shown = [int(found[1]) for link in read.links if (found := re.search(r"&b=(\d+)&", link))]
    assert shown == list(reversed(order) if scale is Scale.FIVE_REVERSED else order)
    assert f'dir="{"rtl" if locale == "ar" else "ltr"}"' in html
    assert f"{BASE}/w/P5DZ74LFZL/logo.png" in read.pictures
    assert 'bgcolor="#102a43"' in html
    for colour in set(re.findall(r"[;\"]color:(#[0-9a-f]{6})", html)):
        assert contrast(colour, MIDNIGHT.ground) >= 4.5


def every_address() -> Iterator[str]:
    yield page_address(BASE, PUBLISHED)
    yield qr_address(BASE, PUBLISHED)
    yield from re.findall(r'(?:href|src)="([^"]*)"', mail_html(replace(OFFER, brand=SHOP), "{{id}}", "en-US"))
    yield from re.findall(r'(?:href|src)="([^"]*)"', tag(BASE, PUBLISHED, "?") + published_tag(BASE, PUBLISHED, "fi"))


def test_no_address_has_a_word_that_blocking_lists_look_for() -> None:
    addresses = list(every_address())
    assert len(addresses) > 12
    assert not [(word, address) for address in addresses for word in BLOCKED if word in address.lower()]


def test_an_offer_is_of_the_scope_and_published(store: Store) -> None:
    organization = make_example(store).organization
    boss = operator(organization)
    with pytest.raises(NotFound):
        offer(store, boss, BASE, WEB, NOW)
    manage.publish_smiley(store, boss, WEB, now=NOW)
    manage.set_brand(store, boss, SHOP, now=NOW)
    assert offer(store, boss, BASE, WEB, NOW).brand == SHOP
    placement = store.layout(organization).placement(TERMINAL, NOW)
    assert placement is not None
    elsewhere = Principal(organization, Role.ADMIN, Via.SESSION, "else", 1, placement.node)
    for principal, smiley in ((elsewhere, WEB), (boss, TERMINAL), (boss, 99)):
        with pytest.raises(NotFound):
            offer(store, principal, BASE, smiley, NOW)


def test_the_commands_print_and_write_handouts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYMIO_BASE_URL", BASE)
    url = f"sqlite:///{tmp_path}/hymio.db"
    with closing(open_store(url)) as store:
        make_example(store)
        code = manage.publish_smiley(store, operator(1), WEB, now=NOW).code

    def done(*words: str, exit_code: int = 0) -> str:
        answer = CliRunner().invoke(app, ["smiley", words[0], "Acme", "WEB-1", *words[1:], "--database", url])
        assert answer.exit_code == exit_code, answer.output
        return answer.stdout

    assert done("link") == f"{BASE}/w/{code}\n"
    assert f'<div data-hymio="{code}">' in done("tag")
    assert done("mail", "*|UNIQID|*").count("m=*|UNIQID|*") >= 5
    assert done("mail", "*|UNIQID|*", "--whole").startswith("<!doctype html>")
    assert done("qr").endswith(f"{BASE}/w/{code}?u=qr\n")
    done("qr", str(tmp_path / "code.png"))
    assert read_codes((tmp_path / "code.png").read_bytes()) == [f"{BASE}/w/{code}?u=qr"]
    done("qr", str(tmp_path / "code.svg"))
    assert "<svg" in (tmp_path / "code.svg").read_text(encoding="utf-8")
    done("qr", str(tmp_path / "code.jpg"), exit_code=1)
    done("poster", str(tmp_path / "tent.pdf"), "--paper", "tent")
    assert (tmp_path / "tent.pdf").read_bytes().startswith(b"%PDF")
