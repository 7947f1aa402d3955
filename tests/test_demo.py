"""The demo: the same year for the same seed, loaded once whatever happens, with all it promises to show."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from datetime import date as dates
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from rich.console import Console

from hymio import demo, intake
from hymio.access import operator
from hymio.demo import example, history, shop, table, web_presses
from hymio.demo.credentials import FILE, read_credentials, write_credentials
from hymio.errors import SetupError
from hymio.feedback import Phases, Press, Text, Upload, Verdict
from hymio.manage import ApiCredentials
from hymio.period import Grain, format_timestamp, offset_at, zone
from hymio.results import OfAssignment, OfSurvey, Phase, answers, hourly, raw
from hymio.store import Store, open_store
from hymio.store.messages import newest_messages
from hymio.store.quarantine import newest_quarantined, quarantine_counts
from tests.pages import Browser
from tests.served import Api, serving

NOW = 1_770_000_000_000  # February 2026
PRESSES = 4_000
OPTIONS = (1, 2, 3, 4, 5)
SPAN = history.Span(dates(2025, 1, 1), 365)


def told(uploads: Iterator[Upload]) -> int:
    """How many presses of devices and pages there are, each once."""
    keys: set[tuple[int, int, int]] = set()
    for upload in uploads:
        keys.update((upload.smiley, press.epoch, press.sequence) for press in upload.presses)
        for hour in upload.hours:
            keys.update((upload.smiley, hour.epoch, number) for number in range(hour.first, hour.end))
    return len(keys)


def weeks(presses: int, seed: int, since: int = SPAN.start, until: int = SPAN.end) -> list[history.Batch]:
    return list(history.batches(SPAN, presses, seed, OPTIONS, since, until, days=7))


def uploads(presses: int, seed: int) -> Iterator[Upload]:
    return chain.from_iterable(batch.uploads for batch in weeks(presses, seed))


def built(store: Store, presses: int, **more: Any) -> demo.Demo:
    """The demo of 2025, with a commit a week."""
    return demo.build(store, NOW, presses, span=SPAN, step=7, **more)


# --- the year, as data -----------------------------------------------------------------------------------------------


def test_the_same_seed_makes_the_same_year():
    assert weeks(PRESSES, 7) == weeks(PRESSES, 7)
    assert weeks(PRESSES, 7) != weeks(PRESSES, 8)


@pytest.mark.parametrize("presses", [0, 1, 50, 2_000, 30_000])
def test_no_more_presses_than_asked_for(presses: int):
    made = told(uploads(presses, 1))
    assert presses - len(example.SPOTS) * 2 <= made <= presses


def test_a_year_begun_later_is_the_rest_of_the_same_year():
    assert weeks(PRESSES, 1, SPAN.after(20 * 7)) == weeks(PRESSES, 1)[20:]


def test_the_length_of_commits_changes_no_press():
    def presses(days: int) -> set[tuple[int, Press]]:
        batches = history.batches(SPAN, PRESSES, 1, OPTIONS, SPAN.start, SPAN.end, days)
        made = (upload for batch in batches for upload in batch.uploads if upload.smiley != history.UPSTAIRS)
        return {(upload.smiley, press) for upload in made for press in upload.presses}

    assert presses(1) == presses(7) == presses(400)


def test_presses_are_of_the_time_before_their_commit():
    for batch in history.batches(SPAN, PRESSES, 1, OPTIONS, SPAN.after(100), SPAN.after(300) + 7):
        for upload in batch.uploads:
            assert upload.clock is not None or all(press.at < batch.now for press in upload.presses)
            assert all(hour.at < batch.now for hour in upload.hours)


def test_the_year_is_that_of_the_wall_clock():
    zones = {spot.smiley: zone(spot.zone) for spot in example.SPOTS}
    years = Counter(
        format_timestamp(press.at, offset_at(press.at, zones[upload.smiley]))[:4]
        for upload in uploads(PRESSES, 1)
        for press in upload.presses
        if upload.smiley not in {history.UPSTAIRS, history.TOUCH}
    )
    assert years.keys() == {"2025"}


def test_the_tree_is_as_promised():
    depth = {1: 1}
    for group, _, parent, _ in example.GROUPS[1:]:
        depth[group] = depth[parent or 1] + 1
    assert {depth[parent] + 1 for _, _, parent in example.POINTS} == {4}
    assert {spot.zone for spot in example.SPOTS} == {
        "Europe/Helsinki", "Asia/Kathmandu", "America/New_York", "America/Chicago"
    }  # fmt: skip
    assert {spot.scale.buttons for spot in example.SPOTS} == {4, 5, 11}
    harbour = {spot.way for spot in example.SPOTS if spot.node == example.HARBOUR}
    assert harbour == {example.Way.DATA, example.Way.TEXT}
    assert round(sum(spot.share for spot in example.SPOTS), 9) == 1


def test_friday_was_black_and_a_week_was_bad():
    assert str(history.black_friday(2025)) == "2025-11-28"
    assert [str(history.bad_week(year)) for year in (2024, 2025, 2026)] == ["2024-05-13", "2025-05-12", "2026-05-18"]
    days = Counter(
        _day(press.at, "America/New_York") for each in uploads(30_000, 1) if each.smiley == 9 for press in each.presses
    )
    assert days.most_common(1)[0][0] == "2025-11-28"


def _day(at: int, name: str) -> str:
    return format_timestamp(at, offset_at(at, zone(name)))[:10]


# --- in the store ----------------------------------------------------------------------------------------------------


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    with closing(open_store(database_url)) as opened:
        yield opened


def years(store: Store, organization: int) -> dict[int, dict[int, tuple[int, ...]]]:
    """The counts per verdict of every assignment, all years together."""
    found = {}
    for assignment in store.layout(organization).assignments:
        verdicts: dict[int, tuple[int, ...]] = {}
        for bucket in hourly(store, operator(organization), OfAssignment(assignment), grain=Grain.YEAR).buckets:
            for verdict, counts in bucket.verdicts.items():
                before = verdicts.get(verdict, (0,) * len(counts))
                verdicts[verdict] = tuple(map(sum, zip(before, counts, strict=True)))
        found[assignment] = verdicts
    return found


def test_everything_it_promises_to_show(store: Store):
    made = built(store, PRESSES * 2)
    verdicts = Counter[int]()
    for each in years(store, made.organization).values():
        verdicts.update({verdict: sum(counts) for verdict, counts in each.items()})
    assert {*verdicts} == {Verdict.COUNTED, Verdict.CLOSED, Verdict.REPEAT, Verdict.BURST, Verdict.INTERVAL}
    with store.read() as transaction:
        reasons = dict(quarantine_counts(transaction, made.organization))
        columns = "accuracy, verdict, correction"
        rows = transaction.rows(
            f"SELECT {columns}, count(*) FROM feedback WHERE organization_id = 1 GROUP BY {columns}"
        )
    assert reasons.keys() == {Verdict.OFF_SCALE, Verdict.IMPOSSIBLE_TIME}
    assert any(accuracy == 1 and verdict == Verdict.COUNTED for accuracy, verdict, _, _ in rows)  # told by SMS
    assert any(verdict == Verdict.SUPERSEDED for _, verdict, _, _ in rows)  # whose detail came later
    assert len({correction for _, _, correction, _ in rows}) > 40  # a clock that drifted
    assert list(intake.verify(store, made.organization)) == []


def test_the_drifting_clock_is_corrected(store: Store):
    made = built(store, PRESSES)
    [batch, *_] = weeks(PRESSES, demo.SEED)
    [upload] = [each for each in batch.uploads if each.smiley == history.UPSTAIRS]
    assert upload.clock is not None
    drift = upload.clock - batch.now
    assert drift > 60_000
    with raw(store, operator(made.organization), OfSurvey(example.AVENUE, example.VISIT)) as found:
        stored = {row.at for row in found.rows if row.smiley == history.UPSTAIRS}
    assert {press.at - drift for press in upload.presses} <= stored


def test_every_press_is_there_once(store: Store):
    made = built(store, PRESSES)
    found = Counter[int]()
    for assignment in store.layout(made.organization).assignments:
        with raw(store, operator(made.organization), OfAssignment(assignment)) as rows:
            found.update(row.smiley for row in rows.rows)
    with store.read() as transaction:
        found.update(each.smiley for each in newest_quarantined(transaction, made.organization, 1000))
    found[example.WEB.smiley] -= len(web_presses.replayed().presses)
    by_smiley = {
        spot.smiley: told(each for each in uploads(PRESSES, demo.SEED) if each.smiley == spot.smiley)
        for spot in example.SPOTS
    }
    assert found == by_smiley


def test_built_twice_it_is_loaded_once(store: Store):
    first = built(store, PRESSES)
    before = years(store, first.organization)
    second = built(store, PRESSES)
    assert (second.organization, years(store, second.organization)) == (first.organization, before)


def test_an_interrupted_load_goes_on(database_url: str, fresh_database: Any):
    class Interrupted(Exception):
        pass

    class Impatient:
        calls = 0

        def __call__(self, more: int) -> None:
            self.calls += 1
            if self.calls > 17:
                raise Interrupted

    with closing(open_store(database_url)) as store, closing(open_store(fresh_database("sqlite"))) as other:
        with pytest.raises(Interrupted):
            built(store, PRESSES, progress=Impatient())
        assert store.layout(1).hierarchy.root
        advances: list[int] = []
        built(store, PRESSES, progress=advances.append)
        assert len(advances) < len(weeks(0, 1))
        built(other, PRESSES)
        assert years(store, 1) == years(other, 1)


def test_secrets_that_fit_are_kept_and_others_made_anew(store: Store):
    first = demo.prepare(store, NOW)
    assert demo.prepare(store, NOW, first.credentials) == first
    second = demo.prepare(store, NOW)
    assert second.credentials != first.credentials
    third = demo.prepare(store, NOW, first.credentials)
    assert {each.token for each in third.credentials.smileys}.isdisjoint(
        {each.token for each in first.credentials.smileys}
    )


# --- the table ------------------------------------------------------------------------------------------------------


def drawn(shown: Any, width: int) -> list[str]:
    out = Console(width=width, file=io.StringIO())
    out.print(shown)
    return out.file.getvalue().splitlines()  # type: ignore[attr-defined]  # it is a StringIO


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_is_no_wider_and_no_higher_than_the_screen(width: int, store: Store):
    made = demo.prepare(store, NOW)
    for smiley, at in ((1, NOW - 90_000), (5, NOW - 60_000), (7, NOW - 30_000)):
        told = tuple(Press(9, number, at + number * 1000, 2) for number in range(1, 13))
        intake.record(store, made.organization, [Upload(smiley, told)], NOW)
    whole = drawn(table.last_hours(store, made.organization, NOW, 1, width), width)
    names = ["Central Station", "Market Hall", "Thamel"]
    assert [name for name in names if any(name in line for line in whole)] == names
    assert "misuse" in whole[1]
    assert "left out" not in whole[1]
    assert max(len(line.rstrip()) for line in whole) <= width
    assert len(whole) == 4 + 3
    low = drawn(table.last_hours(store, made.organization, NOW, 1, width, 4 + 2), width)
    assert len(low) == 4 + 2
    assert [name for name in names if any(name in line for line in low)] == names[1:]


# --- the presses of the web ------------------------------------------------------------------------------------------


def test_replayed_presses_come_back_as_they_were(store: Store):
    rows = json.loads((files("hymio") / "samples" / "web-presses.json").read_text(encoding="utf-8"))
    made = built(store, 500)
    there = zone("America/Chicago")
    with raw(store, operator(made.organization), OfAssignment(10)) as found:
        back = [_as_published(row, there) for row in found.rows]
    assert back == rows
    with answers(store, operator(made.organization), OfAssignment(10), phase=Phase.TEXT) as found:
        assert [_as_published(row, there) for row in found.rows] == [row for row in rows if "text" in row]
    assert years(store, made.organization)[10].keys() == {Verdict.COUNTED}


def _as_published(row: Any, there: Any) -> dict[str, Any]:
    said = {"ts": format_timestamp(row.at, row.offset), "r": row.button}
    if row.answer is not None:
        said |= {"relevance": row.answer.relevance, "spam": row.answer.spam, "text": row.answer.text}
    assert row.offset == offset_at(row.at, there)
    return said


def test_presses_that_are_replayed_again_are_known():
    assert web_presses.replayed() == web_presses.replayed()


def test_a_file_of_presses_without_text(tmp_path: Path):
    file = tmp_path / "presses.json"
    file.write_text(
        '[{"ts": "2022-01-01T10:31:49.568-06:00", "r": 3, "relevance": 1, "spam": false}]', encoding="utf-8"
    )
    [press] = web_presses.replayed(file).presses
    assert (press.at, press.button, press.survey) == (1641054709568, 3, example.SITE)
    assert press.phases == Phases(text=Text(None, 1, spam=False))


@pytest.mark.parametrize("content", ["", "{}", "[1]", '[{"ts": "today", "r": 1}]', '[{"r": 1}]'])
def test_a_file_that_is_none_of_web_presses(content: str, tmp_path: Path):
    file = tmp_path / "presses.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(SetupError, match="presses"):
        web_presses.replayed(file)


def test_visitors_said_what_was_missing_and_wrote(store: Store):
    made = built(store, PRESSES)
    with answers(store, operator(made.organization), OfAssignment(11), phase=Phase.FOLLOWUP) as found:
        chosen = list(found.rows)
    assert chosen
    assert all(row.button < 2 for row in chosen)
    with answers(store, operator(made.organization), OfAssignment(11), phase=Phase.TEXT) as found:
        assert {row.answer.spam for row in found.rows if isinstance(row.answer, Text)} == {True, False}


def test_a_press_is_in_the_table_and_in_the_report_at_once(store: Store):
    made = built(store, 500)
    shop.publish(store, made.organization, NOW)
    published = store.layout(made.organization).smileys[example.WEB.smiley].publication
    assert published is not None
    written = "The mug in blue, please."
    message = {
        "smiley": published.code, "id": str(uuid4()), "survey": example.PAGE, "button": 4, "dwell": 900,
        "text": {"text": written},
    }  # fmt: skip

    def shown_hour() -> str:
        lines = drawn(table.last_hours(store, made.organization, NOW, 0, 120), 120)
        return next((line for line in lines if "birch.example" in line), "")

    with serving(store, now=NOW) as http:
        person = Browser(http)
        person.sign_in(made.credentials.email, made.credentials.password)
        report = f"/reports/{example.SHOP}?period=today"
        assert (shown_hour(), written in person.get(report).text) == ("", False)
        assert http.post("/w/press", json=message).json() == {}
        assert re.search(r"0  0  0  0  1 +1 ", shown_hour())
        assert written in person.get(report).text


# --- golden answers --------------------------------------------------------------------------------------------------

GOLDEN = Path(__file__).parent / "golden" / "demo.json"
UPDATE = "HYMIO_UPDATE_EXAMPLES"


GOLDEN_REQUESTS = [
    "/v1/folders?surveys=true",
    "/v1/questions",
    "/v1/surveys/1/results?truncate=month",
    "/v1/surveys/2/results?truncate=year",
    "/v1/surveys/3/results?date_start=2025-05-12&date_end=2025-05-19&truncate=hour",
    "/v1/surveys/6/results?date_start=2025-06-01&date_end=2025-07-01&truncate=week",
    "/v1/surveys/7/results?date_start=2025-11-24&date_end=2025-12-01&truncate=day",
    "/v1/surveys/8/results?date_start=2025-03-03&date_end=2025-03-17&truncate=hour",
    "/v1/surveys/9/results?truncate=year",
    "/v1/surveys/10/results?truncate=month",
    "/v1/surveys/5/rawresults?limit=10",
    "/v1/surveys/3/rawresults?date_start=2025-05-12&date_end=2025-05-19",
    "/v1/surveys/11/openfeedback?limit=5",
    "/v1/surveys/11/followup?limit=5",
    "/v1/surveys/3/results?truncate=week",
]


def test_answers_of_api_v1_for_the_seeded_part(store: Store):
    """The answers of the first 2,000 presses of seed 1, looked at once and then kept."""
    made = built(store, 2_000)
    secrets = made.credentials
    with serving(store, now=NOW) as http:
        api = Api(http, ApiCredentials(secrets.client_id, secrets.api_token))
        answers = {each: api.json(each) for each in GOLDEN_REQUESTS}
    if os.environ.get(UPDATE):
        lines = [f"{json.dumps(each)}: {json.dumps(content, ensure_ascii=False)}" for each, content in answers.items()]
        GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    assert answers == json.loads(GOLDEN.read_text(encoding="utf-8")), f"set {UPDATE}=1 to write it anew"


# --- secrets in a file -----------------------------------------------------------------------------------------------


def test_credentials_are_written_for_their_owner_alone(store: Store, tmp_path: Path):
    made = demo.prepare(store, NOW).credentials
    assert read_credentials(tmp_path) is None
    file = write_credentials(tmp_path, made)
    assert file.stat().st_mode & 0o777 == 0o600
    assert read_credentials(tmp_path) == made
    write_credentials(tmp_path, made)
    assert [each.name for each in tmp_path.iterdir()] == [FILE]


def test_a_file_that_holds_no_credentials(tmp_path: Path):
    (tmp_path / FILE).write_text('{"v1": {}}', encoding="utf-8")
    with pytest.raises(SetupError, match="credentials"):
        read_credentials(tmp_path)


# --- the command -----------------------------------------------------------------------------------------------------


def command(folder: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "hymio", "demo", "--data", str(folder), "--port", "0", "--presses", "1500", *words]


def once(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "110", "HYMIO_DATABASE": "sqlite:////no/such/place.db"}
    words = tuple(command(folder, "--once", *words))
    return subprocess.run(words, capture_output=True, text=True, env=environment, timeout=300, check=False)


def test_once_shows_everything_and_ends(tmp_path: Path):
    folder = tmp_path / "demo"
    first = once(folder)
    assert first.returncode == 0, first.stderr
    credentials = json.loads((folder / FILE).read_text(encoding="utf-8"))
    assert (folder / FILE).stat().st_mode & 0o777 == 0o600
    assert re.search(r"Market Hall +\d\d:00 .*\d", first.stdout)
    for wanted in (
        "hourly result",
        "burst",
        "interval",
        "complete",
        credentials["v1"]["clientId"],
        credentials["baseUrl"],
    ):
        assert wanted in first.stdout
    assert re.search(r"http\S+/shop ", first.stdout)
    assert re.search(r"http\S+/w/\w{10} ", first.stdout)
    assert (folder / "poster.pdf").read_bytes().startswith(b"%PDF")
    assert f"Start it again with `hymio demo --data {folder} --port " in first.stdout
    assert first.stdout.count(f"curl -u {credentials['v1']['clientId']}:{credentials['v1']['apiToken']} '") == 5
    assert {each["serial"] for each in credentials["smileys"]} == {spot.serial for spot in example.SPOTS}

    with closing(open_store(f"sqlite:///{folder / 'hymio.db'}")) as store:
        before = years(store, 1)
        with store.read() as transaction:
            assert {each.outcome for each in newest_messages(transaction, 1, 100)} == {"stored"}
        assert list(intake.verify(store, 1)) == []

    second = once(folder, "--presses", "9000")
    assert second.returncode == 0, second.stderr
    assert "1,500 presses of seed 1" in second.stderr
    again = json.loads((folder / FILE).read_text(encoding="utf-8"))
    assert {**again, "baseUrl": ""} == {**credentials, "baseUrl": ""}
    with closing(open_store(f"sqlite:///{folder / 'hymio.db'}")) as store:
        after = years(store, 1)
        assert list(intake.verify(store, 1)) == []
    assert after[10] == before[10]
    assert all(total(after[each]) >= total(before[each]) for each in before)
    assert sum(map(total, after.values())) < 1.5 * sum(map(total, before.values()))


def total(verdicts: dict[int, tuple[int, ...]]) -> int:
    return sum(map(sum, verdicts.values()))


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_stopped(tmp_path: Path, ending: signal.Signals):
    folder = tmp_path / "demo"
    with subprocess.Popen(command(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        credentials = _served(folder, process)
        api = httpx.Client(base_url=credentials["baseUrl"], auth=tuple(credentials["v1"].values()))
        assert api.get("/v1/folders").json()["name"] == example.NAME
        for line in process.stdout or ():
            if "The smileys press on" in line:
                break
        _more_presses(api)
        shop = httpx.get(f"{credentials['baseUrl']}/shop")
        code = re.search(r'data-hymio="(\w+)"', shop.text)
        assert code is not None
        _press_on_its_page(credentials["baseUrl"], code[1], api)
        process.send_signal(ending)
        process.communicate(timeout=60)
    assert process.returncode == 0


def _served(folder: Path, process: subprocess.Popen[str]) -> dict[str, Any]:
    while True:
        assert process.poll() is None, process.stderr and process.stderr.read()
        try:
            said: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
            if httpx.get(f"{said['baseUrl']}/health").is_success:
                return said
        except (OSError, httpx.TransportError):
            time.sleep(0.05)


def _more_presses(api: httpx.Client) -> None:
    """Waits until one more press is counted: the smileys are alive."""

    def total() -> int:
        return sum(api.get(f"/v1/surveys/{key}/rawresults?limit=1").json()["meta"]["total"] for key in range(1, 12))

    before = total()
    while total() == before:
        time.sleep(0.1)


def _press_on_its_page(base: str, code: str, api: httpx.Client) -> None:
    """Presses the web smiley as its script does; the press is in the results as soon as it is answered."""
    message = {
        "smiley": code, "id": str(uuid4()), "survey": example.PAGE, "button": 0, "dwell": 900,
        "text": {"text": "The mug in blue, please."},
    }  # fmt: skip
    assert httpx.post(f"{base}/w/press", json=message).json() == {}
    since = (datetime.now(UTC) - timedelta(days=2)).date()
    assert "The mug in blue, please." in api.get(f"/v1/surveys/11/openfeedback?date_start={since}&limit=500").text


def test_a_folder_that_cannot_be_written(tmp_path: Path):
    (tmp_path / "file").touch()
    said = once(tmp_path / "file" / "demo")
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.startswith("error: ")
    assert "Traceback" not in said.stderr
