"""The name of a browser and its system, by which a person recognizes a session."""

from __future__ import annotations

from typing import Final

_BROWSERS: Final = (
    ("Edg/", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser/", "Samsung Internet"), ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"), ("CriOS/", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
"""Parts of User-Agent, the special ones first: most browsers also name Chrome and Safari."""

_SYSTEMS: Final = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("CrOS", "ChromeOS"), ("Windows", "Windows"),
    ("Mac OS X", "macOS"), ("Linux", "Linux"),
)  # fmt: skip


def browser_name(user_agent: str) -> str:
    """Browser and system of the header User-Agent, `Firefox, Windows`; empty if neither is known."""
    names = (next((name for part, name in known if part in user_agent), "") for known in (_BROWSERS, _SYSTEMS))
    return ", ".join(filter(None, names))
