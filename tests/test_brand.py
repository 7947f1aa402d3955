"""The brand of an organization: contrasts, what is refused, and where it is seen."""

from __future__ import annotations

import struct
import zlib
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from hymio import manage
from hymio.access import operator
from hymio.brand import HYMIO, SHAPE_CONTRAST, TEXT_CONTRAST, Brand, check_brand, contrast
from hymio.cli import app
from hymio.errors import SetupError
from hymio.store import Store, open_store
from tests.example import NOW, make_example
from tests.web_page import web_page

COLOURS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


def a_png(width: int = 4, height: int = 2) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x10\x60\x50" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


SHOP = Brand("#ffffff", "#102a43", "#1d4ed8", 120, True, a_png())


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [("#000000", "#ffffff", 21.0), ("#777777", "#ffffff", 4.48), ("#767676", "#ffffff", 4.54)],
)
def test_the_contrast_is_that_of_wcag(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == contrast(other, one) == pytest.approx(ratio, abs=0.005)


@given(COLOURS, COLOURS, COLOURS)
def test_every_accepted_brand_is_readable_in_all_its_parts(ground: str, ink: str, accent: str) -> None:
    brand = Brand(ground, ink, accent)
    assert contrast(brand.on_accent, accent) >= TEXT_CONTRAST
    if contrast(ink, ground) < TEXT_CONTRAST or contrast(accent, ground) < SHAPE_CONTRAST:
        with pytest.raises(SetupError, match="has a contrast of"):
            check_brand(brand)
        return
    check_brand(brand)
    assert contrast(brand.muted, ground) >= TEXT_CONTRAST
    assert contrast(brand.edge, ground) >= SHAPE_CONTRAST


def test_a_brand_is_set_read_and_refused(store: Store) -> None:
    organization = make_example(store).organization
    boss = operator(organization)
    assert manage.brand(store, boss) == HYMIO
    for brand in (SHOP, replace(SHOP, logo=b""), HYMIO):
        manage.set_brand(store, boss, brand, now=NOW)
        assert manage.brand(store, boss) == brand
    for brand, match in (
        (Brand(ink="#777777", ground="#ffffff"), "ink #777777 on #ffffff has a contrast of 4.47 to 1; needed are 4.5"),
        (Brand(accent="#ffcc00", ground="#ffffff"), r"accent #ffcc00 .* needed are 3 to 1"),
        (Brand(ink="black"), "accepted are such as #"),
        (Brand(size=40), "80 to 200"),
        (Brand(logo=b"<svg/>"), "no PNG file"),
        (Brand(logo=a_png(3000)), "no PNG file"),
        (Brand(logo=b"x" * 70_000), "up to 65536"),
    ):
        with pytest.raises(SetupError, match=match):
            manage.set_brand(store, boss, brand, now=NOW)
    assert manage.brand(store, boss) == HYMIO


@given(st.integers(0, len(SHOP.logo) - 1), st.integers(1, 255))
def test_a_logo_that_is_cut_or_damaged_is_refused(place: int, change: int) -> None:
    damaged = bytearray(SHOP.logo)
    damaged[place] ^= change
    for logo in (SHOP.logo[:place], bytes(damaged), SHOP.logo + b"<script>"):
        if logo:
            with pytest.raises(SetupError, match="no PNG file"):
                check_brand(replace(SHOP, logo=logo))


def test_a_logo_has_the_pixels_of_its_header() -> None:
    small = a_png(4, 2)
    for other in (a_png(4, 3), a_png(4, 1), a_png(2000, 2000)):
        mixed = other[:33] + small[33:]  # the header of one, the pixels of the other
        with pytest.raises(SetupError, match="no PNG file"):
            check_brand(replace(SHOP, logo=mixed))


def test_the_page_has_the_colours_and_the_logo(store: Store) -> None:
    with web_page(store, "Branded") as place:
        code = place.publication.code
        plain = place.http.get(f"/w/{code}").text
        assert "look.css" not in plain
        assert "logo.png" not in plain
        assert place.http.get(f"/w/{code}/logo.png").status_code == 404
        manage.set_brand(store, place.boss, SHOP, now=NOW)
        page = place.http.get(f"/w/{code}")
        assert f'href="/w/{code}/look.css?' in page.text
        assert f'src="/w/{code}/logo.png?' in page.text
        assert "img-src 'self'" in page.headers["content-security-policy"]
        styles = place.http.get(f"/w/{code}/look.css")
        assert styles.headers["content-type"].startswith("text/css")
        assert "--brand:#1d4ed8" in styles.text
        assert "font-size:120%" in styles.text
        own = place.http.get(f"/w/{code}/w.js").text
        assert "--accent:#1d4ed8;--on:#ffffff" in own
        assert ".w{font-size:120%}" in own
        logo = place.http.get(f"/w/{code}/logo.png")
        assert (logo.content, logo.headers["content-type"]) == (SHOP.logo, "image/png")
        assert place.http.get("/w/faces/4.png").content.startswith(b"\x89PNG")
        for address in ("/w/faces/5.png", "/w/NOSUCHCODE/look.css", "/w/NOSUCHCODE/logo.png"):
            assert (place.http.get(address).status_code, place.http.get(address).content) == (404, b"")


def test_the_command_shows_and_changes_the_brand(tmp_path: Path) -> None:
    url, logo = f"sqlite:///{tmp_path}/hymio.db", tmp_path / "logo.png"
    logo.write_bytes(SHOP.logo)
    with closing(open_store(url)) as store:
        make_example(store)

    def done(*words: str, code: int = 0) -> str:
        answer = CliRunner().invoke(app, ["organization", "brand", "Acme", *words, "--database", url])
        assert answer.exit_code == code, answer.output
        return answer.stdout

    words = ("--ground", "#FFFFFF", "--ink", SHOP.ink, "--accent", SHOP.accent, "--size", "120", "--square")
    shown = done(*words, "--logo", str(logo))
    assert "4 × 2 pixels" in shown
    assert shown == done()
    with closing(open_store(url)) as store:
        assert manage.brand(store, operator(1)) == SHOP
    done("--ink", "#999999", code=1)
    assert "none" in done("--reset")
