"""Every setting in one frozen record: the default, then `hymio.toml`, then `HYMIO_*`, then the command line's flags."""

from __future__ import annotations

import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Final, TypeAlias, get_args
from urllib.parse import parse_qsl, urlsplit

from hymio.errors import Phrase, SetupError

FILE: Final = "hymio.toml"
PREFIX: Final = "HYMIO_"
_FROM_FILE: Final = "_FILE"
_ORIGIN: Final = re.compile(r"\*|https?://[a-z0-9.\[\]:-]+")

Value: TypeAlias = str | int | Path


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one Hymio process; `load` reads them, tests construct them directly.

    The metadata of a field holds its `help` text and its limits: `least` and `most` of a number, `among` (the accepted
    words), `begins` (the accepted prefixes), `networks` and `origins` (of lists of them). The value
    of a field marked `secret` is never printed.
    """

    data: Path = field(default=Path("hymio-data"), metadata={"help": "Folder for all files that Hymio stores"})
    database: str = field(
        default="",
        repr=False,
        metadata={
            "help": "sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME; empty for hymio.db in the data folder",
            "secret": True,
        },
    )
    host: str = field(
        default="127.0.0.1", metadata={"help": "Address to listen on; 0.0.0.0 is every address of the machine"}
    )
    port: int = field(default=8000, metadata={"help": "Port to listen on", "least": 0, "most": 65_535})
    base_url: str = field(
        default="",
        metadata={
            "help": "Public address for clients, such as https://feedback.example.com; empty for http://HOST:PORT",
            "begins": ("http://", "https://"),
        },
    )
    log_level: str = field(
        default="warning",
        metadata={
            "help": "Lowest level of log entries; info logs one for each request, debug one for each SQL statement",
            "among": ("debug", "info", "warning", "error"),
        },
    )
    log_format: str = field(
        default="auto",
        metadata={
            "help": "Format of log entries: console or json; auto is console on a terminal",
            "among": ("auto", "console", "json"),
        },
    )
    log_address: str = field(
        default="shortened",
        metadata={
            "help": "Clients' addresses in log entries: full, shortened (/24, of IPv6 /48) or none",
            "among": ("full", "shortened", "none"),
        },
    )
    threads: int = field(
        default=8, metadata={"help": "Worker threads: requests processed at the same time", "least": 1, "most": 256}
    )
    processes: int = field(
        default=1,
        metadata={
            "help": "Processes that serve, on PostgreSQL alone; all settings but the port are of each of them",
            "least": 1,
            "most": 64,
        },
    )
    connections: int = field(
        default=800,
        metadata={
            "help": "Client connections at the same time; for one more, the one that was idle longest is closed",
            "least": 1,
            "most": 1_000_000,
        },
    )
    connections_per_address: int = field(
        default=200,
        metadata={
            "help": "Connections of a client address (behind a trusted proxy: requests) at the same time; 0: no bound",
            "least": 0,
            "most": 1_000_000,
        },
    )
    trusted_proxies: str = field(
        default="127.0.0.1, ::1",
        metadata={
            "help": "Addresses and networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are used",
            "networks": True,
        },
    )
    web_messages: int = field(
        default=300,
        metadata={
            "help": "Presses and answers that a client address may send to web smileys in a minute; more are answered"
            " 429; 0: no bound",
            "least": 0,
            "most": 1_000_000,
        },
    )
    wrong_credentials: int = field(
        default=60,
        metadata={
            "help": "Wrong credentials that a client address may send in a minute; more are answered 429; 0: no bound",
            "least": 0,
            "most": 1_000_000,
        },
    )
    cors_origins: str = field(
        default="",
        metadata={
            "help": "Origins whose pages may read the APIs, such as https://bi.example.com; * for all; empty for none",
            "origins": True,
        },
    )
    metrics_token: str = field(
        default="",
        repr=False,
        metadata={
            "help": "Token with which Prometheus reads /metrics, as a bearer token; empty: there is no /metrics",
            "secret": True,
        },
    )
    queue: int = field(
        default=1000,
        metadata={
            "help": "Uploads waiting to be committed; further ones are answered 503",
            "least": 1,
            "most": 1_000_000,
        },
    )
    body_bytes: int = field(
        default=4 << 20, metadata={"help": "Largest request body, in bytes", "least": 1 << 10, "most": 1 << 30}
    )
    streams: int = field(
        default=8,
        metadata={
            "help": "Exports of raw results at the same time; others wait, after 20 seconds they are answered 503",
            "least": 1,
            "most": 256,
        },
    )
    stream_seconds: int = field(
        default=3600,
        metadata={
            "help": "Seconds that an export may take; it keeps a database snapshot open meanwhile",
            "least": 1,
            "most": 604_800,
        },
    )

    free_megabytes: int = field(
        default=200,
        metadata={
            "help": "Free megabytes on the disk of a SQLite file below which /health fails; 0 for no bound",
            "least": 0,
            "most": 1_000_000_000,
        },
    )

    backup_folder: str = field(
        default="", metadata={"help": "Folder of backups; empty for the folder backups in the data folder"}
    )
    backup_hours: int = field(
        default=0,
        metadata={"help": "Hours between the backups that the server makes; 0 for none", "least": 0, "most": 8760},
    )
    backup_keep: int = field(
        default=7,
        metadata={
            "help": "How many of the server's backups are kept; older ones are deleted",
            "least": 1,
            "most": 100_000,
        },
    )

    @property
    def backups(self) -> Path:
        """The folder of backups."""
        return Path(self.backup_folder) if self.backup_folder else self.data / "backups"

    @property
    def database_url(self) -> str:
        """The database URL for `open_store`: the setting, or the SQLite file in the data folder."""
        return self.database or f"sqlite:///{self.data / 'hymio.db'}"

    @property
    def public_url(self) -> str:
        """The public address for clients, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.base_url.rstrip("/") or f"http://{host}:{self.port}"


def as_environment(settings: Settings) -> dict[str, str]:
    """The variables by which another process of Hymio has the same settings."""
    values = {setting.name: str(getattr(settings, setting.name)) for setting in fields(Settings)}
    return {PREFIX + name.upper(): value for name, value in {**values, "database": settings.database_url}.items()}


@dataclass(frozen=True, slots=True)
class Described:
    """One setting as help texts and documents show it."""

    name: str
    variable: str
    default: str
    help: str


def described() -> tuple[Described, ...]:
    """All settings, in order, for help texts and documents."""
    return tuple(
        Described(setting.name, PREFIX + setting.name.upper(), str(setting.default), setting.metadata["help"])
        for setting in fields(Settings)
    )


def load(
    flags: Mapping[str, Value | None] | None = None,
    environment: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> Settings:
    """The settings from the file, the environment and the flags; a later source overrides an earlier one.

    A flag that is None was not given. `file` must exist; its default is `hymio.toml` in the working directory if that
    exists. A variable whose name ends in `_FILE` holds the path of a file with the value, for secrets. SetupError names
    an invalid setting with its source, its value and the accepted values. Unknown keys in the file are errors; unknown
    variables are ignored, because a cluster sets `HYMIO_*` variables of its own.
    """
    values: dict[str, Value] = {}
    for source, entries in (
        _file(file),
        _environment(environment or {}),
        (Phrase("the command line"), {name: value for name, value in (flags or {}).items() if value is not None}),
    ):
        values |= {name: _checked(source, name, value) for name, value in entries.items()}
    return Settings(**values)  # type: ignore[arg-type]  # `_checked` made each value fit its field


def exposed_files(environment: Mapping[str, str], file: Path | None = None) -> list[Path]:
    """The files with a secret that other accounts of the machine can read; `file` as for `load`.

    Secrets are the password of the database and the token of metrics.
    """
    exposed, path = [], file or Path(FILE)
    if _is_for_others(path):
        entries = _file(path)[1]
        if entries.get("metrics_token") or _has_password(str(entries.get("database", ""))):
            exposed.append(path)
    variable = f"{PREFIX}DATABASE{_FROM_FILE}"
    if variable in environment:
        path = Path(environment[variable])
        if _is_for_others(path) and _has_password(_content(variable, path)):
            exposed.append(path)
    token = environment.get(f"{PREFIX}METRICS_TOKEN{_FROM_FILE}")
    if token is not None and _is_for_others(Path(token)):
        exposed.append(Path(token))
    return exposed


def _is_for_others(path: Path) -> bool:
    """Whether accounts that are neither the owner nor in the group can read a file."""
    return path.is_file() and bool(path.stat().st_mode & stat.S_IROTH)


def _has_password(database: str) -> bool:
    """Whether the URL of a database has a password; one that is no URL may have."""
    try:
        parts = urlsplit(database)
        return bool(parts.password) or "password" in dict(parse_qsl(parts.query))
    except ValueError:
        return True


def _file(file: Path | None) -> tuple[str, dict[str, Any]]:
    """The path and the entries of the settings file; no entries if the default file does not exist. SetupError."""
    path = file or Path(FILE)
    if file is None and not path.exists():
        return str(path), {}
    try:
        return str(path), tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SetupError(
            "settings-unreadable", "{file}: cannot be read: {cause}", file=path, cause=str(error)
        ) from error


def _environment(environment: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """The settings among the variables, by `HYMIO_NAME` or by `HYMIO_NAME_FILE`. SetupError."""
    entries = {}
    for setting in fields(Settings):
        variable = PREFIX + setting.name.upper()
        if variable in environment:
            entries[setting.name] = environment[variable]
        elif variable + _FROM_FILE in environment:
            entries[setting.name] = _content(variable + _FROM_FILE, Path(environment[variable + _FROM_FILE]))
    return Phrase("the environment"), entries


def _content(variable: str, path: Path) -> str:
    """The value in a file that a variable names, without line ends at its end. SetupError."""
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise SetupError(
            "setting-file-unreadable",
            "{variable}: {file} cannot be read: {cause}",
            variable=variable,
            file=path,
            cause=str(error),
        ) from error


def _checked(source: str, name: str, value: object) -> Value:
    """The value of a setting, converted to its type. SetupError if the name or the value is not accepted."""
    settings = {setting.name: setting for setting in fields(Settings)}
    if name not in settings:
        raise SetupError(
            "unknown-setting",
            "{source}: there is no setting {setting!r}; there are: {known}",
            source=source,
            setting=name,
            known=", ".join(settings),
        )
    setting = settings[name]
    converted = _converted(setting, value)
    if converted is None:
        raise SetupError(
            "bad-setting",
            "{source}: {setting}: got {got}, accepted: {accepted}",
            source=source,
            setting=name,
            got=Phrase("a secret") if setting.metadata.get("secret") else repr(value),
            accepted=_accepted(setting),
        )
    return converted


def _converted(setting: Field[Any], value: object) -> Value | None:
    """The value converted to the setting's type, None if that is impossible or it is outside the limits."""
    if isinstance(setting.default, int):
        number = int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value
        inside = isinstance(number, int) and setting.metadata["least"] <= number <= setting.metadata["most"]
        return number if inside and not isinstance(number, bool) else None  # type: ignore[return-value]  # inside: an int
    if not isinstance(value, get_args(Value)) or isinstance(value, int):
        return None
    if isinstance(setting.default, Path):
        return Path(value) if str(value) else None
    text = str(value)
    if "networks" in setting.metadata:
        return text if _are_networks(text) else None
    if "origins" in setting.metadata:
        return text if all(map(_ORIGIN.fullmatch, origins_in(text))) else None
    begins = not text or text.startswith(setting.metadata.get("begins", ""))
    return text if begins and text in setting.metadata.get("among", (text,)) else None


def _accepted(setting: Field[Any]) -> str:
    """The values that a setting accepts, as an error message names them."""
    if isinstance(setting.default, int):
        return Phrase("{least} to {most}", least=setting.metadata["least"], most=setting.metadata["most"])
    if "begins" in setting.metadata:
        first, second = setting.metadata["begins"]
        return Phrase("a text that begins with {first} or {second}", first=first, second=second)
    if "networks" in setting.metadata:
        return Phrase("addresses and networks, separated by commas")
    if "origins" in setting.metadata:
        return Phrase("origins such as https://bi.example.com without a path, separated by commas, or *")
    return ", ".join(setting.metadata["among"]) if "among" in setting.metadata else Phrase("a text")


def networks_in(text: str) -> list[IPv4Network | IPv6Network]:
    """The networks that a text lists, separated by commas; an address is a network of one. ValueError."""
    return [ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip()]


def origins_in(text: str) -> list[str]:
    """The origins that a text lists, separated by commas, in lower case."""
    return [part.strip().lower() for part in text.split(",") if part.strip()]


def _are_networks(text: str) -> bool:
    """Whether a text is a list of networks."""
    try:
        networks_in(text)
    except ValueError:
        return False
    return True
