"""What the people who set a kiosk up and look after it read on its screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hymio.errors import Phrase
from hymio.texts import translate

_TEXTS: Final = {
    # Setting up
    "setup": Phrase("Set up this tablet"),
    "setupHint": Phrase("Type the one-time code of the smiley, and choose a PIN for the staff."),
    "code": Phrase("One-time code"),
    "pin": Phrase("PIN, 4 to 8 digits"),
    "again": Phrase("PIN once more"),
    "start": Phrase("Begin"),
    "differ": Phrase("Type the same PIN of 4 to 8 digits twice."),
    "refused": Phrase("This code is not known, was used already, or has expired."),
    "offline": Phrase("There is no connection to the server."),
    "tooMany": Phrase("Too many attempts. Wait a few minutes."),
    "install": Phrase("Install this page first: Share, then Add to Home Screen. Open it there and type this code:"),
    "window": Phrase("Hymio is open in another window of this browser. Close one of them."),
    "insecure": Phrase("This page needs an address that begins with https."),
    # The page of the staff
    "staff": Phrase("For staff"),
    "enterPin": Phrase("PIN"),
    "wrong": Phrase("This PIN is wrong."),
    "wait": Phrase("Too many wrong PINs. Wait {seconds} seconds."),
    "open": Phrase("Open"),
    "back": Phrase("Back to the question"),
    "proof": Phrase("All presses of today are in the ledger: {number}."),
    "unproven": Phrase("Presses of today: {number}. Not yet in the ledger: {waiting}."),
    "unasked": Phrase("Presses of today: {number}. The server has not confirmed them yet."),
    "token": Phrase("The server refuses this tablet. Ask for a new one-time code; what waits is kept."),
    "older": Phrase("The server refuses presses of the smiley that this tablet was before. Save them as a file."),
    "unplaced": Phrase("This smiley asks nothing: it is removed, or no survey is active. What waits is kept."),
    "smiley": Phrase("Smiley"),
    "waits": Phrase("Presses that wait to be sent"),
    "oldest": Phrase("The oldest of them"),
    "answered": Phrase("Last receipt of the server"),
    "none": Phrase("none yet"),
    "quarantined": Phrase("In quarantine on the server"),
    "aside": Phrase("Refused by the server, kept here"),
    "storage": Phrase("Storage"),
    "kept": Phrase("is kept"),
    "maybe": Phrase("may be cleared by the browser"),
    "disk": Phrase("Writing and reading"),
    "works": Phrase("works"),
    "broken": Phrase("does not work"),
    "screen": Phrase("Screen"),
    "stays": Phrase("stays on"),
    "sleeps": Phrase("may go to sleep"),
    "installed": Phrase("Installed as an app"),
    "yes": Phrase("yes"),
    "no": Phrase("no"),
    "clock": Phrase("Clock of the tablet"),
    "right": Phrase("is right"),
    "corrected": Phrase("is corrected by {seconds} seconds"),
    "version": Phrase("Version"),
    "sendNow": Phrase("Send now"),
    "full": Phrase("Full screen on or off"),
    "save": Phrase("Save what waits as a file"),
    "newCode": Phrase("New one-time code"),
    "remove": Phrase("Remove from this tablet"),
    "sure": Phrase("The server has everything. Remove the smiley from this tablet?"),
    "lose": Phrase("The server does not have {number} presses of this tablet. They would be lost."),
    "removeNow": Phrase("Remove now"),
}  # fmt: skip


def staff_texts(language: str) -> Mapping[str, str]:
    """The texts in a language of pages."""
    return {name: translate(text, language) for name, text in _TEXTS.items()}
