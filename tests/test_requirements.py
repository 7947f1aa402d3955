"""The requirement files: every pin has the hashes of its files, and nothing says where packages come from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_pin_has_hashes(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    pins = [line for line in text.splitlines() if line and line != "-r requirements.txt"]
    assert len(pins) > 40
    for pin in pins:
        assert re.match(r"[a-z0-9-]+==\S+( ; [^#]+?)? +--hash=sha256:[0-9a-f]{64}( +--hash=sha256:[0-9a-f]{64})*$", pin)
    assert "://" not in text
