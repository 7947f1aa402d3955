"""docs/architecture.md names the layers of pyproject.toml in their order, and files that are there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PLACES = (ROOT, ROOT / "src" / "hymio")


def test_the_layers_are_those_that_are_checked() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    contracts = settings["importlinter"]["contracts"]
    [layers] = [each["layers"] for each in contracts if each.get("containers") == ["hymio"]]
    built = [re.sub(r"\(\w+\)(?: \| )?", "", layer) for layer in layers if layer != "__main__"]
    printed = re.search(r"```\n(cli → .*?)```", PAGE, re.DOTALL)
    assert printed is not None
    assert " ".join(printed[1].split()).split(" → ") == [layer for layer in built if layer]


def test_files_that_are_named_are_there() -> None:
    named = set(re.findall(r"`([a-z0-9_/]+\.(?:py|md|toml))`", PAGE))
    assert len(named) > 20
    assert [name for name in sorted(named) if not any((place / name).exists() for place in PLACES)] == []
