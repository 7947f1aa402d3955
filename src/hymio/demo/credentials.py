"""`credentials.json`: where the demo writes down, for its owner alone, the secrets it made."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hymio.errors import SetupError
from hymio.manage import sms_key

FILE = "credentials.json"


@dataclass(frozen=True, slots=True)
class SmileySecret:
    """A smiley's serial and upload token."""

    serial: str
    token: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """Everything a client of the demo needs to know. `presses` and `seed` are those of the history in its database."""

    base_url: str
    client_id: str
    api_token: str
    v2_token: str
    sms_secret: str
    smileys: tuple[SmileySecret, ...]
    presses: int = 0
    seed: int = 0

    def token(self, serial: str) -> str:
        """The upload token of a smiley."""
        return next(each.token for each in self.smileys if each.serial == serial)


def read_credentials(folder: Path) -> Credentials | None:
    """What was written last, or None. SetupError if the file is not ours."""
    try:
        said: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
        history = said["history"]
        smileys = tuple(SmileySecret(each["serial"], each["token"]) for each in said["smileys"])
        v1 = said["v1"]
        api = said["baseUrl"], v1["clientId"], v1["apiToken"], said["v2"]["token"], said["smsSecret"]
        return Credentials(*api, smileys, history["presses"], history["seed"])
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, LookupError) as error:
        raise SetupError(
            "no-demo-credentials", "{file} is not of a demo; move it away, or choose another --data", file=folder / FILE
        ) from error


def write_credentials(folder: Path, credentials: Credentials) -> Path:
    """Writes the file in one step, readable by its owner alone; its path."""
    said = {
        "baseUrl": credentials.base_url,
        "v1": {"clientId": credentials.client_id, "apiToken": credentials.api_token},
        "v2": {"token": credentials.v2_token},
        "smsSecret": credentials.sms_secret,
        "smileys": [
            {"serial": each.serial, "token": each.token, "smsKey": sms_key(each.token).hex()}
            for each in credentials.smileys
        ],
        "history": {"presses": credentials.presses, "seed": credentials.seed},
    }
    descriptor, draft = tempfile.mkstemp(prefix=f".{FILE}-", dir=folder)  # only its owner may read it
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(said, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    return Path(draft).replace(folder / FILE)
