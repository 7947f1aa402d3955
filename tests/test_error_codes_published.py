"""Codes of errors that were published once stay: clients and scripts compare them."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs" / "errors.md"
PUBLISHED = Path(__file__).parent / "golden" / "error_codes.txt"


def test_no_published_code_is_taken_back() -> None:
    codes = set(re.findall(r"^\| `([a-z0-9-]+)` \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE))
    published = set(PUBLISHED.read_text(encoding="utf-8").split())
    assert published
    assert published <= codes, f"no longer raised: {sorted(published - codes)}"
    assert codes <= published, f"new codes go into {PUBLISHED.name}: {sorted(codes - published)}"
