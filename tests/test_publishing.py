"""Publishing smileys and setting flows: the verbs' rules, the commands, and what API v2 shows of it."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from hymio import manage
from hymio.access import operator
from hymio.cli import app
from hymio.errors import NotFound, SetupError
from hymio.smiley import Publication
from hymio.store import Store, open_store
from hymio.store.setup.content_rows import load_content
from hymio.survey import Flow, Localized
from tests.example import FOUND, NOW, TERMINAL, WEB, make_example
from tests.served import serving

TOKEN = "0123456789ABCDEF0123456789ABCDEF"


def published(store: Store, organization: int) -> Publication:
    found = store.layout(organization).smileys[WEB].publication
    assert found is not None
    return found


def test_a_smiley_is_published_once_and_keeps_its_token_and_code(store: Store) -> None:
    organization = make_example(store).organization
    boss = operator(organization)
    first = manage.publish_smiley(store, boss, WEB, now=NOW)
    assert re.fullmatch("[0-9A-F]{32}", first.token)
    assert re.fullmatch("[2-9A-HJ-NP-Z]{10}", first.code)
    assert manage.publish_smiley(store, boss, WEB, now=NOW) == first == published(store, organization)
    assert [entry.verb for entry in manage.audit_log(store, boss, limit=99)].count("publish-smiley") == 1
    with pytest.raises(SetupError, match="another token"):
        manage.publish_smiley(store, boss, WEB, TOKEN, now=NOW)
    with pytest.raises(SetupError, match="no digital smiley"):
        manage.publish_smiley(store, boss, TERMINAL, now=NOW)


def test_a_smiley_moves_in_with_its_token_unless_it_is_taken(store: Store) -> None:
    one, other = (make_example(store, name).organization for name in ("One", "Other"))
    with pytest.raises(SetupError, match="accepted are 32"):
        manage.publish_smiley(store, operator(one), WEB, TOKEN.lower(), now=NOW)
    assert manage.publish_smiley(store, operator(one), WEB, TOKEN, now=NOW).token == TOKEN
    with pytest.raises(SetupError, match="already"):
        manage.publish_smiley(store, operator(other), WEB, TOKEN, now=NOW)


def test_a_withdrawn_smiley_answers_404_and_comes_back_at_the_same_addresses(store: Store) -> None:
    organization = make_example(store).organization
    boss = operator(organization)
    first = manage.publish_smiley(store, boss, WEB, now=NOW)
    addresses = (f"/w/{first.code}", f"/w/{first.code}/w.js", f"/w/{first.token}")
    with serving(store) as http:
        assert [http.get(each).status_code for each in addresses] == [200, 200, 200]
        manage.withdraw_smiley(store, boss, WEB, now=NOW)
        manage.withdraw_smiley(store, boss, WEB, now=NOW)
        assert [http.get(each).status_code for each in addresses] == [404, 404, 404]
        with pytest.raises(NotFound):
            manage.edit_publication(store, boss, WEB, first, now=NOW)
        assert manage.publish_smiley(store, boss, WEB, now=NOW) == first
        assert [http.get(each).status_code for each in addresses] == [200, 200, 200]
    verbs = [entry.verb for entry in manage.audit_log(store, boss, limit=99)]
    assert (verbs.count("publish-smiley"), verbs.count("withdraw-smiley")) == (2, 1)
    with pytest.raises(NotFound):
        manage.withdraw_smiley(store, boss, TERMINAL, now=NOW)


def test_renewed_addresses_replace_those_that_leaked_and_nobody_takes_these_over(store: Store) -> None:
    organization, other = (make_example(store, name).organization for name in ("One", "Other"))
    boss = operator(organization)
    first = manage.publish_smiley(store, boss, WEB, now=NOW)
    manage.edit_publication(store, boss, WEB, replace(first, is_installing=True), now=NOW)
    made = manage.renew_addresses(store, boss, WEB, now=NOW)
    assert {first.token, first.code}.isdisjoint({made.token, made.code})
    assert made.is_installing
    assert published(store, organization) == made
    with serving(store) as http:
        assert [http.get(f"/w/{word}").status_code for word in (first.code, first.token)] == [404, 404]
        assert [http.get(f"/w/{word}").status_code for word in (made.code, made.token)] == [200, 200]
    with pytest.raises(SetupError, match="already"):
        manage.publish_smiley(store, operator(other), WEB, first.token, now=NOW)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"origins": ("shop.example",)}, "https://shop.example"),
        ({"origins": ("https://shop.example/path",)}, "https://shop.example"),
        ({"origins": ("https://shop.example",) * 101}, "at most 100"),
        ({"answer_interval": -1}, "seconds"),
        ({"work_bits": 25}, "bits"),
    ],
)
def test_what_an_owner_cannot_decide(store: Store, changes: dict[str, object], match: str) -> None:
    organization = make_example(store).organization
    first = manage.publish_smiley(store, operator(organization), WEB, now=NOW)
    with pytest.raises(SetupError, match=match):
        manage.edit_publication(store, operator(organization), WEB, replace(first, **changes), now=NOW)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        manage.edit_publication(store, operator(organization), WEB, replace(first, code="OTHER"), now=NOW)
    assert published(store, organization) == first


def test_a_flow_is_replaced_whole_and_read_back(store: Store) -> None:
    organization = make_example(store).organization
    boss = operator(organization)
    assert store.content(organization).flow(FOUND) == Flow(FOUND)
    consent = Localized("en-US", {"en-US": "Only to answer.", "fi": "Vain vastaukseen."})
    for flow in (
        Flow(FOUND, True, True, ("refId",), consent),
        Flow(FOUND, True, False, (), Localized("fi", {"fi": "Toinen."})),
        Flow(FOUND),
    ):
        manage.set_flow(store, boss, flow, now=NOW)
        assert store.content(organization).flow(FOUND) == flow
        with store.read() as transaction:  # as a process that starts now reads it
            assert load_content(transaction, organization, 99).flow(FOUND) == flow
    for names, match in ((("1st",), "after a letter"), (tuple(f"n{n}" for n in range(21)), "at most 20")):
        with pytest.raises(SetupError, match=match):
            manage.set_flow(store, boss, Flow(FOUND, metadata=names), now=NOW)


@pytest.fixture
def hymio(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, CliRunner]:
    url = f"sqlite:///{tmp_path_factory.mktemp('cli')}/hymio.db"
    with closing(open_store(url)) as store:
        make_example(store)
    return url, CliRunner()


def test_the_commands_publish_and_print_link_and_tags(hymio: tuple[str, CliRunner]) -> None:
    url, runner = hymio

    def done(*words: str) -> str:
        answer = runner.invoke(app, [*words, "--database", url])
        assert answer.exit_code == 0, answer.output
        return answer.stdout

    shown = done("smiley", "publish", "Acme", "WEB-1", "--origin", "https://shop.example", "--installing")
    with closing(open_store(url)) as store:
        found = published(store, 1)
    assert (found.origins, found.is_installing, found.answer_interval) == (("https://shop.example",), True, 10)
    assert f"/w/{found.code}\n" in shown
    assert "are tests and left out" in shown
    assert f"/w/{found.code}?u=email&b=0&m=MERGE-FIELD" in shown
    assert f'<div data-hymio="{found.code}"><a href="' in shown
    assert f"/v1/bootloader/{found.token}/bootloaderjs/?lang=" in shown
    again = done("smiley", "publish", "Acme", "WEB-1", "--any-origin", "--live", "--interval", "60", "--work-bits", "4")
    assert "are tests" not in again
    with closing(open_store(url)) as store:
        assert published(store, 1) == replace(found, origins=(), is_installing=False, answer_interval=60, work_bits=4)
    assert "60 s" not in done("smiley", "publish", "Acme", "WEB-1", "--policy-interval")
    assert "not on the web" in done("smiley", "withdraw", "Acme", "WEB-1")
    link = runner.invoke(app, ["smiley", "link", "Acme", "WEB-1", "--database", url])
    assert "This smiley is withdrawn" in link.stderr
    assert found.code in done("smiley", "publish", "Acme", "WEB-1")
    assert found.code not in done("smiley", "renew", "Acme", "WEB-1")
    asked = done("survey", "ask", "Acme", "3", "--text", "--contact", "--metadata", "refId", "--consent", "Only so.")
    assert "a text and contact details" in asked
    done("survey", "ask", "Acme", "3", "--no-contact", "--consent", "Vain niin.", "--locale", "fi")
    with closing(open_store(url)) as store:
        texts = {"en-US": "Only so.", "fi": "Vain niin."}
        assert store.content(1).flow(3) == Flow(3, True, False, ("refId",), Localized("en-US", texts))


def test_api_v2_shows_the_public_token(store: Store) -> None:
    example = make_example(store)
    boss = operator(example.organization)
    token = manage.create_token(store, boss, "Reader", now=NOW).secret
    with serving(store) as http:
        before = http.get("/v2/smileys.json", headers={"X-HON-API-Token": token}).json()
        shown = manage.publish_smiley(store, boss, WEB, now=NOW)
        after = http.get("/v2/smileys.json", headers={"X-HON-API-Token": token}).json()
    assert not any("token" in row for row in before)
    assert [row.get("token") for row in after if row["smileyId"] == WEB] == [shown.token]
    assert len([row for row in after if "token" in row]) == 1
