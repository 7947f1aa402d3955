"""The addresses of the kiosk: one-time codes, what is shown, and the sizes of its files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from importlib.resources import files
from typing import Any

import httpx
import pytest

from hymio import manage
from hymio.errors import SetupError
from hymio.gateway.kiosk.app_files import MAX_BYTES, PAGE_FILE, TYPES, content, version
from hymio.gateway.kiosk.saved import read_saved, uploads_of
from hymio.manage.claims import CLAIM_MS
from hymio.misuse import MisusePolicy
from hymio.opening_hours import parse_opening_hours
from hymio.scale import Scale
from hymio.settings import Settings
from hymio.store import open_store
from hymio.survey import ActivePeriod
from tests.example import NOW, PLACED, TABLET, TERMINAL
from tests.kiosk_page import SERIAL, KioskSite, kiosk_site
from tests.served import serving
from tests.web_page import Clock


@pytest.fixture(scope="module")
def site(fresh_database: Any) -> Iterator[KioskSite]:
    """The directory of codes is the same on every engine; tests/test_permissions.py runs the verbs on all."""
    with closing(open_store(fresh_database("sqlite"))) as store, kiosk_site(store, clock=Clock()) as made:
        yield made


def claim(site: KioskSite, code: str) -> httpx.Response:
    return site.http.post("/k/claim", json={"code": code})


def upload(site: KioskSite, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return site.http.post("/terminal/v1/uploads", json={"epoch": 1, "presses": []}, headers=headers).status_code


def test_a_code_gives_an_upload_token_once(site: KioskSite) -> None:
    before = manage.new_token(site.store, site.boss, site.smiley, now=NOW)
    code = site.code()
    assert upload(site, before) == 200, "a code alone changes nothing"
    answer = claim(site, code.lower().replace("-", " "))
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.json()["shown"]["serial"] == SERIAL
    assert (upload(site, answer.json()["token"]), upload(site, before)) == (200, 401)
    assert (claim(site, code).status_code, claim(site, code).json()["code"]) == (401, "claim-refused")
    with site.store.read() as transaction:
        stored = repr(transaction.rows("SELECT * FROM directory")) + repr(transaction.rows("SELECT * FROM audit"))
    assert code not in stored
    assert code.replace("-", "") not in stored
    [made, used] = [row.verb for row in manage.audit_log(site.store, site.boss)][:2][::-1]
    assert (made, used) == ("new-claim", "use-claim")


def test_a_code_ends_after_a_day_or_with_the_next_one(site: KioskSite) -> None:
    first, second = site.code(), site.code()
    assert claim(site, first).status_code == 401
    site.clock.now = NOW + CLAIM_MS
    assert claim(site, second).status_code == 401
    site.clock.now = NOW + CLAIM_MS - 1
    assert claim(site, second).status_code == 200
    site.clock.now = NOW
    with pytest.raises(SetupError, match="is a terminal"):
        manage.new_claim(site.store, site.boss, TERMINAL, now=NOW)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"code": 1}', b"\xff", b'{"code": "' + b"A" * 900 + b'"}'])
def test_what_is_no_code_is_refused(site: KioskSite, body: bytes) -> None:
    assert site.http.post("/k/claim", content=body).status_code in (400, 401)


def test_a_body_that_is_larger_than_a_code_is_not_read_to_its_end(site: KioskSite) -> None:
    for body in (b"{" * 2_000, iter([b"{" * 600] * 4)):
        assert site.http.post("/k/claim", content=body).status_code == 413


def test_what_is_shown_has_a_tag_and_every_language(site: KioskSite) -> None:
    token = claim(site, site.code()).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    answer = site.http.get("/k/shown", headers=headers)
    shown = answer.json()
    assert [each["locale"] for each in shown["locales"]] == ["ar", "en", "fi"]
    assert shown["faces"] == [[0, 0, "false"], [1, 1, "false"], [2, 3, "true"], [3, 4, "true"]]
    assert [len(side["options"]) for side in shown["followups"].values()] == [2, 6]
    finnish = shown["locales"][2]
    assert (finnish["question"], finnish["texts"]["skip"]) == ("Millainen asiointisi oli tänään?", "Ohita")
    tagged = {**headers, "If-None-Match": answer.headers["etag"]}
    assert site.http.get("/k/shown", headers=tagged).status_code == 304
    hours = parse_opening_hours("mon-fri 8:00-20:00")
    manage.set_policy(site.store, site.boss, site.shop, MisusePolicy(opening_hours=hours), now=PLACED)
    changed = site.http.get("/k/shown", headers=tagged).json()
    assert changed["hours"] == [[[480, 1200]]] * 5 + [[]] * 2
    for wrong in ({}, {"Authorization": "Bearer x"}):
        assert site.http.get("/k/shown", headers=wrong).status_code == 401


def test_a_smiley_that_asks_nothing_or_numbers_says_so(site: KioskSite) -> None:
    code = manage.new_claim(site.store, site.boss, TABLET, now=NOW).code
    shown = claim(site, code).json()["shown"]
    assert (shown["numbers"], len(shown["faces"]), shown["faces"][10]) == (True, 11, [10, 4, "true"])
    manage.unplace(site.store, site.boss, TABLET, NOW, now=NOW)
    code = manage.new_claim(site.store, site.boss, TABLET, now=NOW).code
    shown = claim(site, code).json()["shown"]
    assert (shown["survey"], shown["timeZone"], len(shown["locales"])) == (None, None, 7)


def test_the_files_are_small_and_run_nothing_else(site: KioskSite) -> None:
    answers = {name: site.http.get(f"/k/{name}") for name in TYPES} | {PAGE_FILE: site.http.get("/k/")}
    assert {answer.status_code for answer in answers.values()} == {200}
    assert sum(len(answer.content) for answer in answers.values()) <= MAX_BYTES
    policy = answers[PAGE_FILE].headers["content-security-policy"]
    assert "unsafe" not in policy
    assert not re.search(r"<script>|style=|\son\w+=", answers[PAGE_FILE].text)
    for name, media_type in TYPES.items():
        assert answers[name].headers["content-type"].partition(";")[0] == media_type
        if name.endswith(".js"):
            assert not re.search(
                r"innerHTML|eval\(|localStorage|document\.cookie|navigator\.onLine", answers[name].text
            )
    assert site.http.get("/k/other.js").status_code == 404


def test_the_worker_is_short_and_has_every_file(site: KioskSite) -> None:
    worker = (files("hymio.gateway.kiosk") / "static" / "worker.js").read_text(encoding="utf-8")
    assert worker.count("\n") <= 150
    assert "indexedDB" not in worker
    listed = set(re.findall(r'"(/k/[\w.-]*)"', worker.partition("FILES = [")[2].partition("]")[0]))
    assert listed == {"/k/", *(f"/k/{name}" for name in TYPES if name != "worker.js")}
    assert b"@VERSION@" not in content("worker.js")


def test_a_file_of_another_version_is_not_there(site: KioskSite) -> None:
    """Of two servers of which one is updated, a worker gets all files of its own version, or none."""
    assert [site.http.get("/k/app.js", params={"v": each}).status_code for each in (version(), "0" * 12)] == [200, 404]


def test_codes_cannot_be_tried_out(site: KioskSite) -> None:
    with serving(site.store, Settings(port=0, wrong_credentials=3), site.clock) as http:
        assert [claim(site.at(http, site.store), "ABCD").status_code for _ in range(5)] == [401, 401, 401, 429, 429]


def test_faces_are_drawn_as_on_the_web(site: KioskSite) -> None:
    page = (files("hymio.gateway.digital") / "templates" / "page.html").read_text("utf-8")
    mouths = re.findall(r'"(M[\d.][^"]*)"', site.http.get("/k/dom.js").text.partition("MOUTHS = ")[2].partition("]")[0])
    assert [mouth in page for mouth in mouths] == [True] * 5


def test_staff_texts_are_in_the_language_of_the_browser(site: KioskSite) -> None:
    answer = site.http.get("/k/texts", headers={"Accept-Language": "ar"}).json()
    assert (answer["dir"], answer["texts"]["yes"]) == ("rtl", "نعم")


def test_a_survey_of_five_reversed_shows_the_positive_side_first(site: KioskSite) -> None:
    with manage.batch(site.store, site.organization, NOW) as batch:
        question = site.store.layout(site.organization).surveys[site.survey].question
        survey = manage.add_survey(batch, site.boss, question, Scale.FIVE_REVERSED, now=NOW)
        manage.add_point(batch, site.boss, "Other", 1, id=90, now=NOW)
        manage.assign(batch, site.boss, 90, survey, [ActivePeriod(datetime.fromisoformat("2024-01-01"))], now=NOW)
        manage.place(batch, site.boss, TABLET, 90, NOW, now=NOW)
    code = manage.new_claim(site.store, site.boss, TABLET, now=NOW).code
    assert [button for button, _, _ in claim(site, code).json()["shown"]["faces"]] == [4, 3, 2, 1, 0]


def test_half_a_character_in_a_file_that_was_saved_does_not_keep_the_rest_out() -> None:
    typed = [{"sequence": 1, "at": NOW, "button": 1, "phases": [{"position": 2, "text": {"text": "Half \ud83d"}}]}]
    upload = {"smiley": "1.2", "upload": {"epoch": 7, "clock": NOW, "presses": typed}}
    file = {"format": "hymio-kiosk", "version": 1, "serial": "TABLET", "at": NOW, "uploads": [upload]}
    [made] = uploads_of(read_saved(json.dumps(file).encode(), "saved.json"), 1, None)
    [press] = made.presses
    assert press.phases is not None
    assert press.phases.text is not None
    assert press.phases.text.text == "Half \ufffd"
