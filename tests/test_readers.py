"""pandas and DuckDB read the CSV and JSON that Hymio exports: the same rows, with every text whole."""

from __future__ import annotations

import io
import json
from contextlib import closing
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from hymio import manage
from hymio.access import operator
from hymio.spreadsheet import disarmed
from hymio.store import open_store
from tests.example import NOW, make_example
from tests.example_v2 import press_with_phases
from tests.served import serving

TEXTS = "/v2/results/text-feedbacks"
PRESSES = "/v2/results/button-feedbacks"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Answers by their addresses; a reader depends on no engine."""
    answers: dict[str, bytes] = {}
    with closing(open_store(f"sqlite:///{tmp_path_factory.mktemp('readers')}/hymio.db")) as store:
        organization = make_example(store).organization
        press_with_phases(store, organization)
        token = manage.create_token(store, operator(organization), "BI", now=NOW).secret
        with serving(store) as http:
            for path in (TEXTS, PRESSES):
                for address in (
                    f"{path}.json?period=2024",
                    f"{path}.csv?period=2024",
                    f"{path}.csv?period=2024&csvBom=true",
                ):
                    answer = http.get(address, headers={"X-HON-API-Token": token})
                    assert answer.status_code == 200, answer.text
                    answers[address] = answer.content
    return answers


@pytest.mark.parametrize("path", [TEXTS, PRESSES])
@pytest.mark.parametrize("more", ["", "&csvBom=true"])
def test_pandas_and_duckdb_read_the_rows_of_the_json(
    path: str, more: str, exported: dict[str, bytes], tmp_path: Path
) -> None:
    rows = json.loads(exported[f"{path}.json?period=2024"])
    (tmp_path / "rows.csv").write_bytes(exported[f"{path}.csv?period=2024{more}"])
    (tmp_path / "rows.json").write_bytes(exported[f"{path}.json?period=2024"])
    frame = pd.read_csv(io.BytesIO(exported[f"{path}.csv?period=2024{more}"]))
    table = duckdb.read_csv(str(tmp_path / "rows.csv"))
    assert len(rows) > 1
    assert list(frame["feedbackId"]) == [row["feedbackId"] for row in rows]
    assert list(frame.columns) == table.columns
    assert [str(row[0]) for row in table["feedbackId"].fetchall()] == [row["feedbackId"] for row in rows]
    from_json = duckdb.read_json(str(tmp_path / "rows.json"))["feedbackId"].fetchall()
    assert [str(row[0]) for row in from_json] == [row["feedbackId"] for row in rows]
    if path == TEXTS:
        texts = [disarmed(row["text"]) for row in rows]
        assert any("\n" in text and text.startswith("'=") for text in texts)
        assert list(frame["text"]) == texts == [row[0] for row in table["text"].fetchall()]
