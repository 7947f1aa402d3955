"""docs/operations.md: its files can be read, its metrics are those that are served, its commands exist."""

from __future__ import annotations

import configparser
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from hymio.cli import app as commands
from hymio.settings import Settings, load
from hymio.store import Store
from tests.served import serving

TEXT = (Path(__file__).parents[1] / "docs" / "operations.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def test_its_settings_are_accepted(tmp_path: Path) -> None:
    for number, text in enumerate(blocks("toml")):
        file = tmp_path / f"{number}.toml"
        file.write_text(text)
        assert load(file=file) != Settings()
        assert tomllib.loads(text)


def test_its_unit_and_its_rules_can_be_read() -> None:
    unit = configparser.ConfigParser(strict=True, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # names of systemd have capitals
    unit.read_string(next(text for text in blocks("ini") if "[Service]" in text))
    assert unit["Service"]["ExecStart"].endswith("--config /etc/hymio/hymio.toml serve")
    scraped, rules = map(yaml.safe_load, blocks("yaml"))
    assert scraped["scrape_configs"][0]["authorization"]
    named = {name for rule in rules["groups"][0]["rules"] for name in re.findall(r"hymio_[a-z_]+", rule["expr"])}
    assert named
    assert named <= {*documented(), "hymio_request_seconds_bucket"}


def test_a_file_with_a_secret_has_its_mode_before_it_has_the_secret() -> None:
    lines = [line for text in blocks("sh") for line in text.splitlines()]
    written = {name: number for number, line in enumerate(lines) for name in re.findall(r"> (/etc/hymio/\w+)", line)}
    assert written
    for name, number in written.items():
        assert f"install -m 0640 -g hymio /dev/null {name}" in lines[number - 1]


def documented() -> set[str]:
    """The metrics of the table."""
    return set(re.findall(r"`(hymio_[a-z_]+)`", TEXT))


def test_its_metrics_are_those_that_are_served(store: Store) -> None:
    with serving(store, Settings(port=0, metrics_token="m")) as http:
        http.get("/health")
        text = http.get("/metrics", headers={"Authorization": "Bearer m"}).text
    served = set(re.findall(r"^# TYPE (hymio_[a-z_]+)(?<!_created) ", text, re.MULTILINE))
    assert served == documented()


@pytest.mark.parametrize("words", sorted(set(re.findall(r"(?:^|`)hymio ([a-z-]+(?: [a-z-]+)?)", TEXT, re.MULTILINE))))
def test_its_commands_exist(words: str) -> None:
    command, rest = get_command(commands), words.split()
    while rest and hasattr(command, "commands"):
        assert rest[0] in command.commands, words
        command = command.commands[rest.pop(0)]
