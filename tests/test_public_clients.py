"""A public client of API v1, pyHappyOrNot, runs unchanged but for its host. Skipped where it is not installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.test_cli import Hymio, done, hymio, press, server, set_up

__all__ = ["hymio"]

SCRIPT = """
import sys
from pyHappyOrNot import pyHappyOrNot as client
client.API_URL = sys.argv[1] + "/v1"
print(client.HappyOrNot().getJSON())
"""


def test_py_happy_or_not_reads_the_tree_and_its_results(hymio: Hymio, database_url: str) -> None:
    pytest.importorskip("pyHappyOrNot.pyHappyOrNot")
    _, user = set_up(hymio)
    done(hymio("node", "add-group", "Acme", "Shops"))  # the client looks for surveys in the folders of folders
    done(hymio("node", "move", "Acme", "Front door", "Shops"))
    press(database_url, 3, 3, 0)
    client, _, token = user.partition(":")
    with server(database_url) as url:
        environment = {**os.environ, "X_HON_Client_Id": client, "X_HON_API_Token": token}
        said = subprocess.run(
            [sys.executable, "-c", SCRIPT, url], env=environment, capture_output=True, text=True, check=True
        )
    [shops] = json.loads(said.stdout)["folders"]
    [door] = shops["folders"]
    assert [result["data"] for result in door["surveys"][0]["results"]] == [[1, 0, 0, 2]]
