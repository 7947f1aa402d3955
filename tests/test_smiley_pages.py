"""The pages of published smileys: who sees which, and what an ADMIN publishes, changes and takes from them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from io import BytesIO
from uuid import uuid4

import httpx
import pytest
import zxingcpp
from PIL import Image

from hymio import manage
from hymio.access import Role, operator
from hymio.brand import HYMIO, Brand
from hymio.handouts.mail import EXAMPLE_FIELD
from hymio.smiley import Publication
from hymio.store import Store
from hymio.survey import Flow
from tests.example import FOUND, HELSINKI, NOW, TERMINAL, WEB, WEBSITE, make_example
from tests.pages import Browser, add_person, token_of
from tests.served import serving
from tests.web_page import UNBOUND, Clock

ADA, JANE, USER = "ada@example.com", "jane@example.com", "user@example.com"


class Place:
    """A server with an ADMIN of the whole tree, one of Helsinki alone, and a USER."""

    def __init__(self, store: Store, http: httpx.Client, organization: int) -> None:
        self.store, self.http, self.organization = store, http, organization

    def browser(self, email: str) -> Browser:
        browser = Browser(self.http)
        browser.sign_in(email)
        return browser

    def publication(self, smiley: int = WEB) -> Publication:
        found = self.store.layout(self.organization).smileys[smiley].publication
        assert found is not None
        return found


@pytest.fixture
def place(store: Store) -> Iterator[Place]:
    organization = make_example(store).organization
    for email, node, role in ((ADA, 1, Role.ADMIN), (JANE, HELSINKI, Role.ADMIN), (USER, 1, Role.USER)):
        add_person(store, organization, email, node, role)
    with serving(store, UNBOUND, Clock()) as http:
        yield Place(store, http, organization)


def test_an_admin_publishes_a_smiley_tries_it_and_lets_it_count(place: Place) -> None:
    ada = place.browser(ADA)
    listed = ada.get("/smileys").text
    assert "acme.example" in listed
    page = ada.send("/smileys", "/smileys", smiley=str(WEB))
    assert page.url.path == f"/smileys/{WEB}"
    found = place.publication()
    assert found.is_installing
    assert "Presses are tests" in page.text
    assert f'<iframe class="live" src="/w/{found.code}?' in page.text
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    settings = {"presses": "count", "origins": "https://shop.example/\nhttps://other.example", "interval": ""}
    saved = ada.send(f"/smileys/{WEB}", f"/smileys/{WEB}/settings", **settings)
    assert "Saved." in saved.text
    found = place.publication()
    assert (found.is_installing, found.answer_interval) == (False, None)
    assert found.origins == ("https://shop.example", "https://other.example")
    wrong = ada.send(f"/smileys/{WEB}", f"/smileys/{WEB}/settings", presses="count", origins="shop", interval="9")
    assert wrong.status_code >= 400
    assert "accepted are such as https://shop.example" in unescape(wrong.text)
    assert place.publication() == found


def test_an_admin_makes_a_new_smiley_at_a_place(place: Place) -> None:
    ada = place.browser(ADA)
    page = ada.send("/smileys", "/smileys", name="Receipt", point=str(WEBSITE), smiley="")
    number = int(page.url.path.rpartition("/")[2])
    made = place.store.layout(place.organization).smileys[number]
    assert (made.name, made.serial) == ("Receipt", "WEB-2")
    assert place.publication(number).is_installing
    before = len(place.store.layout(place.organization).smileys)
    assert ada.send("/smileys", "/smileys", name="Nowhere", point="99", smiley="").status_code == 404
    assert len(place.store.layout(place.organization).smileys) == before, "nothing is made by halves"


def test_everything_that_is_taken_from_the_page_is_of_this_smiley(place: Place) -> None:
    manage.publish_smiley(place.store, operator(place.organization), WEB, now=NOW)
    ada, code = place.browser(ADA), place.publication().code
    page = unescape(ada.get(f"/smileys/{WEB}").text)
    base = str(ada.http.base_url).rstrip("/")
    assert f'<div data-hymio="{code}"><a href="{base}/w/{code}">' in page
    assert f"{base}/w/{code}?u=email&b=4&lang=en-US&m={EXAMPLE_FIELD}" in unescape(page)
    assert "m={{contact.id}}" in unescape(ada.get(f"/smileys/{WEB}?field=%7B%7Bcontact.id%7D%7D").text)
    assert ada.get(f"/smileys/{WEB}?field=%3Cb%3E").status_code >= 400
    png = ada.get(f"/smileys/{WEB}/code.png?download=1")
    assert png.headers["content-disposition"] == f'attachment; filename="{code}.png"'
    assert [each.text for each in zxingcpp.read_barcodes(Image.open(BytesIO(png.content)))] == [f"{base}/w/{code}?u=qr"]
    assert ada.get(f"/smileys/{WEB}/code.svg").headers["content-type"].startswith("image/svg+xml")
    assert ada.get(f"/smileys/{WEB}/poster.pdf?paper=a5&locale=en-US").content.startswith(b"%PDF")
    for address in ("poster.pdf?paper=a0", "poster.pdf?locale=sv", "other.pdf"):
        assert ada.get(f"/smileys/{WEB}/{address}").status_code in (400, 404, 409, 422)


def test_an_admin_sets_what_is_asked_for_with_consent(place: Place) -> None:
    manage.publish_smiley(place.store, operator(place.organization), WEB, now=NOW)
    ada = place.browser(ADA)
    fields = {"text": "1", "metadata": "refId, table", "consent-en-US": " Only to  answer you. ", "default": "en-US"}
    page = ada.http.post(f"/smileys/{WEB}/flow", data={**fields, "token": token_of(ada)})
    assert "What is asked for is saved." in page.text
    flow = place.store.content(place.organization).flow(FOUND)
    assert (flow.asks_text, flow.asks_contact, flow.metadata) == (True, False, ("refId", "table"))
    assert flow.consent is not None
    assert flow.consent.text == "Only to answer you."
    ada.http.post(f"/smileys/{WEB}/flow", data={"consent-en-US": "", "token": token_of(ada)})
    assert place.store.content(place.organization).flow(FOUND) == Flow(FOUND)


def press(place: Place, button: int, ui: str = "qr") -> None:
    """Presses as a visitor does."""
    message = {"smiley": place.publication().code, "id": str(uuid4()), "survey": FOUND, "button": button, "ui": ui}
    assert place.http.post("/w/press", json={**message, "dwell": 900}).json() == {}


def test_the_latest_presses_are_shown_at_once_also_tests(place: Place) -> None:
    ada, jane = place.browser(ADA), place.browser(JANE)
    ada.send("/smileys", "/smileys", smiley=str(WEB))
    press(place, 4)
    page, part = ada.get(f"/smileys/{WEB}").text, ada.get(f"/smileys/{WEB}/presses")
    assert part.text.strip() in page
    shown = re.findall(r'<b>(.*?)</b> <span class="muted">(.*?)</span>', part.text)
    assert shown[0] == ("Very happy", "test · by the QR code")
    ada.send(f"/smileys/{WEB}", f"/smileys/{WEB}/settings", presses="count", origins="", interval="0")
    press(place, 0, "email")
    text = ada.get(f"/smileys/{WEB}/presses").text
    assert text.index("Very unhappy") < text.index("Very happy")
    assert "counted · from an e-mail" in text
    assert jane.get(f"/smileys/{WEB}/presses").status_code == 404


def test_the_e_mail_is_shown_as_it_looks_with_inline_style_and_nothing_else(place: Place) -> None:
    manage.publish_smiley(place.store, operator(place.organization), WEB, now=NOW)
    ada = place.browser(ADA)
    shown = ada.get(f"/smileys/{WEB}/mail.html")
    assert "sandbox" in shown.headers["content-security-policy"]
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    assert unescape(shown.text).count("&m=" + EXAMPLE_FIELD) == 6
    stored = ada.get(f"/smileys/{WEB}/mail.html?field=%7B%7Bid%7D%7D&download=1")
    assert stored.headers["content-disposition"].endswith('.html"')
    assert unescape(stored.text).count("&m={{id}}") == 6
    assert ada.get(f"/smileys/{WEB}/mail.html?field=%3Cb%3E").status_code == 200


def test_an_admin_withdraws_a_smiley_publishes_it_again_and_gives_it_new_addresses(place: Place) -> None:
    ada = place.browser(ADA)
    ada.send("/smileys", "/smileys", smiley=str(WEB))
    ada.send(f"/smileys/{WEB}", f"/smileys/{WEB}/settings", presses="count", origins="", interval="9")
    before, page = place.publication(), f"/smileys/{WEB}"
    withdrawn = ada.send(page, f"{page}/withdraw").text
    assert "The smiley is withdrawn" in withdrawn
    assert '<iframe class="live"' not in withdrawn
    assert place.http.get(f"/w/{before.code}").status_code == 404
    assert "withdrawn" in ada.get("/smileys").text
    again = ada.send(page, "/smileys", smiley=str(WEB)).text
    assert "at the same addresses" in again
    assert place.publication() == before, "and its presses count as before"
    assert ada.http.post(f"{page}/renew", data={"token": token_of(ada)}).status_code == 400
    assert place.publication() == before
    assert "Replace its tags" in ada.send(page, f"{page}/renew", sure="1").text
    assert place.publication().code != before.code
    assert place.http.get(f"/w/{before.code}").status_code == 404


def test_an_admin_of_a_subtree_makes_a_smiley_at_a_place_of_it(place: Place) -> None:
    jane = place.browser(JANE)
    page = jane.send("/smileys", "/smileys", name="At the desk", point=str(HELSINKI))
    assert page.status_code == 200, page.text
    number = int(page.url.path.rpartition("/")[2])
    layout = place.store.layout(place.organization)
    placement = layout.placement(number, NOW + 1)
    assert placement is not None
    assert (placement.node, layout.smileys[number].name) == (HELSINKI, "At the desk")
    assert place.publication(number).is_installing
    assert "At the desk" in jane.get("/smileys").text
    again = jane.send("/smileys", "/smileys", name="Another", point=str(HELSINKI))
    assert again.status_code == 200
    assert "WEB-3" in jane.get("/smileys").text
    above = layout.hierarchy.nodes[1].name
    for address in ("/smileys", f"/smileys/{number}"):
        assert f"{above} /" not in jane.get(address).text  # what lies above her scope has no name for her
        assert f"{above} /" in place.browser(ADA).get(address).text


def test_nobody_sees_or_changes_smileys_beyond_his_subtree_or_without_permission(place: Place) -> None:
    manage.publish_smiley(place.store, operator(place.organization), WEB, now=NOW)
    before = place.publication()
    jane, user, nobody = place.browser(JANE), place.browser(USER), Browser(place.http)
    assert "acme.example" not in jane.get("/smileys").text
    for address in (f"/smileys/{WEB}", f"/smileys/{WEB}/code.svg", f"/smileys/{WEB}/poster.pdf", "/smileys/99"):
        assert jane.get(address).status_code == 404
        assert user.get(address).status_code == 403
        assert nobody.get(address).url.path == "/"
    assert user.get("/smileys").status_code == 403
    for browser in (jane, user):
        fields = {"token": token_of(browser), "presses": "tests"}
        for address in ("settings", "flow", "withdraw", "renew"):
            answer = browser.http.post(f"/smileys/{WEB}/{address}", data={**fields, "sure": "1"})
            assert answer.status_code in (403, 404)
        made = browser.http.post("/smileys", data={"token": token_of(browser), "name": "X", "point": str(WEBSITE)})
        assert made.status_code in (403, 404)
    assert place.browser(ADA).http.post(f"/smileys/{WEB}/settings", data={"presses": "tests"}).status_code == 403
    assert place.publication() == before
    assert place.browser(ADA).get(f"/smileys/{TERMINAL}").status_code == 404


# --- how they look ---------------------------------------------------------------------------------------------------


def test_an_admin_of_the_whole_organization_tries_a_look_and_saves_it(place: Place) -> None:
    ada, store = place.browser(ADA), place.store
    boss = operator(place.organization)
    assert 'href="/look"' in ada.get("/smileys").text
    chosen = {"ground": "#ffffff", "ink": "#102a43", "accent": "#1d4ed8", "size": "120", "square": "1"}
    tried = ada.send("/look", "/look", act="preview", **chosen)
    assert manage.brand(store, boss) == HYMIO, "a preview saves nothing"
    [sample] = re.findall(r'href="(/look/sample.css[^"]*)"', unescape(tried.text))
    rules = ada.get(sample)
    assert rules.headers["content-type"].startswith("text/css")
    assert "--brand:#1d4ed8" in rules.text
    assert "font-size:120%" in rules.text
    saved = ada.send("/look", "/look", act="save", **chosen)
    assert "Saved." in saved.text
    look = Brand("#ffffff", "#102a43", "#1d4ed8", 120, is_square=True)
    assert manage.brand(store, boss) == look
    refused = ada.send("/look", "/look", act="save", **{**chosen, "ink": "#999999"})
    assert "has a contrast of 2.84 to 1; needed are 4.5 to 1" in refused.text
    assert 'value="#999999"' in refused.text, "what was chosen stays in the form"
    assert ada.get("/look/sample.css?ground=red}body{display:none&ink=%23000000&accent=%23000000&size=100").text == ""
    assert manage.brand(store, boss) == look
    ada.send("/look", "/look", act="reset")
    assert manage.brand(store, boss) == HYMIO
    for email in (JANE, USER):
        assert place.browser(email).get("/look").status_code == 403
        assert 'href="/look"' not in place.browser(email).get("/smileys").text
