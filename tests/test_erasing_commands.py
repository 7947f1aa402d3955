"""`hymio erase` and `hymio retention` as an operator types them: what is shown, what is asked, what is refused."""

from __future__ import annotations

from contextlib import closing

import pytest

from hymio import intake
from hymio.clock import now
from hymio.feedback import ContactDetails, Phases, Press, Text, Upload, feedback_id
from hymio.period import DAY_MS
from hymio.store import open_store, schema
from tests.terminals import put_up, stored
from tests.test_cli import Hymio, done, hymio  # noqa: F401  the fixture

JANE = ContactDetails("Jane Doe", "jane@example.com", "+358 40 1234567")
ID = feedback_id(1, 1, 2)


@pytest.fixture
def acme(hymio: Hymio, database_url: str) -> Hymio:  # noqa: F811  the fixture
    """Commands on an organization with three presses of the last minutes, of which two are Jane's."""
    at = now() - 600_000
    phases = (
        Phases(text=Text("Cold soup"), contact=JANE), Phases(text=Text("write to jane@example.com")),
        Phases(text=Text("Warm soup"), metadata=(("table", "12"),)),
    )  # fmt: skip
    presses = tuple(Press(1, n, at + n * 9_000, 3, phases=of_press) for n, of_press in enumerate(phases, 1))
    with closing(open_store(database_url)) as store:
        put_up(store)
        intake.record(store, 1, [Upload(1, presses)], now())
    return hymio


def texts(database_url: str) -> set[object]:
    with closing(open_store(database_url)) as store:
        return {row[0] for row in stored(store, 1, "text_feedback", "text")}


def test_what_will_be_erased_is_shown_before_the_question(
    acme: Hymio, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = acme("erase", "contact", "Acme", "JANE@example.com")
    assert (refused.code, "--yes" in refused.err) == (2, True)
    lines = [line.split() for line in refused.out.splitlines() if line]
    assert lines[1:3] == [["contact", "details", "1"], ["texts", "2"]]
    assert "2 presses" in refused.out
    assert len(texts(database_url)) == 3
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", lambda question, **_: question)
    assert "3 rows erased" in done(acme("erase", "contact", "Acme", "JANE@example.com"))
    assert texts(database_url) == {"Warm soup"}
    assert "nothing to erase" in done(acme("erase", "contact", "Acme", "jane@example.com", "--yes"))
    log = done(acme("audit", "Acme", "--json"))
    assert "begin-erasure" in log
    assert "jane" not in log.lower()


def test_a_contact_may_be_typed_where_no_history_keeps_it(
    acme: Hymio, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("typer.prompt", lambda _question, err: "+358401234567")
    done(acme("erase", "contact", "Acme", "--yes"))
    assert texts(database_url) == {"write to jane@example.com", "Warm soup"}


def test_shared_links_that_name_a_person_are_counted_and_erased(acme: Hymio, database_url: str) -> None:
    with closing(open_store(database_url)) as store, store.write() as transaction:
        link = (1, 1, 1, bytes(32), "Table 9", 1, "period=2025&text=joe%40example.com", 0, 1, 1, 1 << 50, None, None)
        transaction.insert(schema.shared_link, [link])
    refused = acme("erase", "contact", "Acme", "joe@example.com")
    assert (refused.code, ["shared", "links", "1"] in [line.split() for line in refused.out.splitlines()]) == (2, True)
    assert "1 shared link revoked and erased" in done(acme("erase", "contact", "Acme", "joe@example.com", "--yes"))
    assert "nothing to erase" in done(acme("erase", "contact", "Acme", "joe@example.com", "--yes"))


def test_feedback_a_period_and_an_organization_are_erased(acme: Hymio, database_url: str) -> None:
    done(acme("erase", "feedback", "Acme", str(ID), "--yes"))
    assert texts(database_url) == {"Cold soup", "Warm soup"}
    done(acme("erase", "period", "Acme", "Exit", "--from", "2020-01-01", "--until", "2020-02-01", "--yes"))
    assert len(texts(database_url)) == 2
    done(acme("erase", "period", "Acme", "Exit", "--from", "2020-01-01", "--until", "2990-01-01", "--yes"))
    assert texts(database_url) == set()
    assert "nothing to erase" in done(acme("erase", "organization", "Acme", "--yes"))
    assert "3 raw results" in done(acme("verify", "Acme"))


def test_mistakes_are_named(acme: Hymio) -> None:
    for words, said in (
        (("erase", "feedback", "Acme", "7", "--yes"), "accepted is a UUID"),
        (("erase", "feedback", "Acme", str(feedback_id(1, 9, 9)), "--yes"), "no feedback"),
        (("erase", "contact", "Acme", "a", "--yes"), "at least 3 characters"),
        (("retention", "set", "Acme", "gossip", "7"), "accepted are contact-details"),
        (("retention", "set", "Acme", "texts"), "--no-limit"),
        (("retention", "set", "Acme", "texts", "0"), "1 to 36500"),
    ):
        refused = acme(*words)
        assert (refused.code, said in " ".join(refused.err.split())) == (2, True), refused


def test_retention_is_listed_set_and_applied(acme: Hymio, database_url: str) -> None:
    done(acme("retention", "set", "Acme", "texts", "1"))
    done(acme("retention", "set", "Acme", "metadata", "--no-limit"))
    rows = [line.split("\t") for line in done(acme("retention", "list", "Acme")).splitlines()]
    assert ["texts", "texts", "1", "1095"] in rows
    assert ["metadata", "metadata", "", "1095"] in rows
    assert "nothing is older" in done(acme("retention", "apply", "Acme"))
    with closing(open_store(database_url)) as store:
        phases = Phases(text=Text("Old"))
        intake.record(store, 1, [Upload(1, (Press(1, 4, now() - 90_000_000, 3, phases=phases),))], now())
    assert "texts: 1 erased" in done(acme("retention", "apply", "Acme"))
    assert len(texts(database_url)) == 3


def test_nothing_is_erased_by_age_with_a_clock_that_may_be_ahead(
    acme: Hymio, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = texts(database_url)
    future = now() + 10 * 365 * DAY_MS
    monkeypatch.setattr("hymio.cli.erasing.now", lambda: future)
    refused = acme("retention", "apply", "Acme")
    assert (refused.code, "--clock-is-right" in refused.err) == (2, True), refused
    assert texts(database_url) == before
    done(acme("retention", "apply", "Acme", "--clock-is-right"))
    assert texts(database_url) == set()


def test_the_file_is_rewritten_by_command(acme: Hymio, database_url: str) -> None:
    wanted = "was rewritten" if database_url.startswith("sqlite") else "by itself"
    assert wanted in done(acme("db", "vacuum"))
