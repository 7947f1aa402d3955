"""The demo's credentials, in files for their owner alone: `credentials.json` and, for a shell, `variables.sh`."""

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
VARIABLES = "variables.sh"
"""Sets in a shell what the commands of the documentation read."""


@dataclass(frozen=True, slots=True)
class SmileySecret:
    """A smiley's serial and upload token."""

    serial: str
    token: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """Address and credentials for clients of the demo, and with `email` and `password` for a person at its pages.

    `presses` a year and `seed` are the parameters of its history, and `first` its first date, as text. That is empty
    for a history of an older version of Hymio, which cannot be continued.
    """

    base_url: str
    client_id: str
    api_token: str
    v2_token: str
    sms_secret: str
    smileys: tuple[SmileySecret, ...]
    presses: int = 0
    seed: int = 0
    first: str = ""
    email: str = ""
    password: str = ""

    def token(self, serial: str) -> str:
        """The upload token of a smiley."""
        return next(secret.token for secret in self.smileys if secret.serial == serial)


def read_credentials(folder: Path) -> Credentials | None:
    """The credentials in the file, None if it does not exist. SetupError if it has another form."""
    try:
        content: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
        history = content["history"]
        smileys = tuple(SmileySecret(secret["serial"], secret["token"]) for secret in content["smileys"])
        v1 = content["v1"]
        api = content["baseUrl"], v1["clientId"], v1["apiToken"], content["v2"]["token"], content["smsSecret"]
        person = content.get("person", {"email": "", "password": ""})  # a demo of before there were pages has none
        return Credentials(
            *api, smileys, history["presses"], history["seed"], history.get("first", ""),
            person["email"], person["password"],
        )  # fmt: skip
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, LookupError) as error:
        raise SetupError(
            "no-demo-credentials", "{file} is not of a demo; move it away, or choose another --data", file=folder / FILE
        ) from error


def write_credentials(folder: Path, credentials: Credentials) -> Path:
    """Atomically writes both files with access for their owner only; returns the path of `credentials.json`."""
    content = {
        "baseUrl": credentials.base_url,
        "v1": {"clientId": credentials.client_id, "apiToken": credentials.api_token},
        "v2": {"token": credentials.v2_token},
        "smsSecret": credentials.sms_secret,
        "smileys": [
            {"serial": secret.serial, "token": secret.token, "smsKey": sms_key(secret.token).hex()}
            for secret in credentials.smileys
        ],
        "person": {"email": credentials.email, "password": credentials.password},
        "history": {"presses": credentials.presses, "seed": credentials.seed, "first": credentials.first},
    }
    variables = f"CLIENT_ID={credentials.client_id}\nAPI_TOKEN={credentials.api_token}\nTOKEN={credentials.v2_token}\n"
    _write(folder / VARIABLES, variables)
    return _write(folder / FILE, json.dumps(content, indent=2) + "\n")


def _write(path: Path, text: str) -> Path:
    """Atomically writes a file with access for its owner only; returns its path."""
    descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # with mode 0600
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return Path(draft).replace(path)
