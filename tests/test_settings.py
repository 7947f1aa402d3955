"""Settings: the later source wins, and a mistake is named with where it was made."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from hymio.errors import SetupError
from hymio.settings import Settings, described, exposed_files, load


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file of the checkout is read."""
    monkeypatch.chdir(tmp_path)


def test_defaults():
    assert load() == Settings()
    assert Settings().database_url == "sqlite:///hymio-data/hymio.db"
    assert Settings().public_url == "http://127.0.0.1:8000"


def test_the_later_source_wins(tmp_path: Path):
    (tmp_path / "hymio.toml").write_text('host = "file"\nport = 1\nlog_level = "info"\n')
    environment = {"HYMIO_PORT": "2", "HYMIO_LOG_LEVEL": "error", "HYMIO_SERVICE_HOST": "a cluster's", "PORT": "9"}
    loaded = load({"log_level": "debug", "data": None}, environment)
    assert (loaded.host, loaded.port, loaded.log_level) == ("file", 2, "debug")


def test_every_setting_can_come_from_each_source(tmp_path: Path):
    values: dict[str, str | int | Path | None] = {
        "data": "d",
        "database": "postgresql://h/d",
        "host": "::1",
        "port": 9,
        "base_url": "https://h",
        "log_level": "info",
        "log_format": "json",
        "threads": 9,
        "processes": 9,
        "log_address": "full",
        "connections": 9,
        "connections_per_address": 9,
        "trusted_proxies": "192.0.2.0/24, 2001:db8::1",
        "web_messages": 9,
        "wrong_credentials": 9,
        "cors_origins": "https://bi.example.com, http://localhost:3000",
        "metrics_token": "m",
        "queue": 9,
        "body_bytes": 2048,
        "streams": 9,
        "stream_seconds": 9,
        "free_megabytes": 9,
        "backup_folder": "b",
        "backup_hours": 9,
        "backup_keep": 9,
    }
    assert values.keys() == {each.name for each in fields(Settings)}
    wanted = Settings(**{**values, "data": Path("d")})  # type: ignore[arg-type]  # of every type
    file = tmp_path / "other.toml"
    file.write_text("".join(f"{name} = {value!r}\n" for name, value in values.items()))
    assert load(file=file) == wanted
    assert load(environment={f"HYMIO_{name.upper()}": str(value) for name, value in values.items()}) == wanted
    assert load(values) == wanted


def test_a_secret_can_be_in_a_file_of_its_own(tmp_path: Path):
    (tmp_path / "secret").write_text("postgresql://u:p@h/d\n")
    assert load(environment={"HYMIO_DATABASE_FILE": str(tmp_path / "secret")}).database == "postgresql://u:p@h/d"
    with pytest.raises(SetupError, match=r"HYMIO_DATABASE_FILE: .*missing cannot be read"):
        load(environment={"HYMIO_DATABASE_FILE": str(tmp_path / "missing")})


@pytest.mark.parametrize(
    ("mode", "database", "is_exposed"),
    [
        (0o644, "postgresql://hymio:secret@h/d", True),
        (0o604, "postgresql://h/d?user=hymio&password=secret", True),
        (0o640, "postgresql://hymio:secret@h/d", False),
        (0o600, "postgresql://hymio:secret@h/d", False),
        (0o644, "postgresql://hymio@h/d", False),
        (0o644, "sqlite:///hymio.db", False),
    ],
)
def test_a_file_with_a_password_that_others_can_read_is_named(
    mode: int, database: str, is_exposed: bool, tmp_path: Path
):
    settings, secret = tmp_path / "hymio.toml", tmp_path / "secret"
    settings.write_text(f'database = "{database}"\n')
    secret.write_text(f"{database}\n")
    for file in (settings, secret):
        file.chmod(mode)
    found = exposed_files({"HYMIO_DATABASE_FILE": str(secret)})
    assert found == ([Path("hymio.toml"), secret] if is_exposed else [])
    assert exposed_files({}, settings) == ([settings] if is_exposed else [])


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("port", "65536", "0 to 65535"),
        ("port", "-1", "0 to 65535"),
        ("port", "tcp://10.0.0.1:8000", "0 to 65535"),
        ("port", "", "0 to 65535"),
        ("port", "٣", "0 to 65535"),
        ("port", "8_0", "0 to 65535"),
        ("threads", "0", "1 to 256"),
        ("log_level", "loud", "debug, info, warning, error"),
        ("base_url", "hymio.example.com", "a text that begins with http:// or https://"),
        (
            "cors_origins",
            "https://bi.example.com/",
            "origins such as https://bi.example.com without a path, separated by commas, or *",
        ),
        ("trusted_proxies", "192.0.2.0/24 and more", "addresses and networks, separated by commas"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(name: str, value: str, accepted: str):
    with pytest.raises(SetupError) as caught:
        load(environment={f"HYMIO_{name.upper()}": value})
    assert str(caught.value) == f"the environment: {name}: got {value!r}, accepted: {accepted}"


@pytest.mark.parametrize("line", ["port = true", "port = 1.5", "host = 5", "data = []", 'port = "x"', "port = {}"])
def test_a_value_of_another_type_is_named(line: str, tmp_path: Path):
    (tmp_path / "hymio.toml").write_text(line)
    with pytest.raises(SetupError, match=r"^hymio.toml: (port|host|data): got .*, accepted: "):
        load()


@pytest.mark.parametrize("text", ["prot = 80", "[server]\nport = 80"])
def test_a_key_of_the_file_that_is_none_is_a_mistake(text: str, tmp_path: Path):
    (tmp_path / "hymio.toml").write_text(text)
    with pytest.raises(
        SetupError, match=r"^hymio.toml: there is no setting '(prot|server)'; there are: data, database"
    ):
        load()


@pytest.mark.parametrize("content", [b"port = ", b"\xff"])
def test_a_file_that_cannot_be_read(content: bytes, tmp_path: Path):
    (tmp_path / "hymio.toml").write_bytes(content)
    with pytest.raises(SetupError, match=r"^hymio.toml: cannot be read"):
        load()


def test_a_file_that_was_named_must_exist():
    with pytest.raises(SetupError, match=r"^nowhere.toml: cannot be read"):
        load(file=Path("nowhere.toml"))


def test_the_public_address():
    assert Settings(base_url="https://hymio.example.com/").public_url == "https://hymio.example.com"
    assert Settings(host="::1", port=9).public_url == "http://[::1]:9"


def test_a_secret_is_never_shown(tmp_path: Path):
    assert "password" not in repr(Settings(database="postgresql://u:password@h/d"))
    (tmp_path / "hymio.toml").write_text('database = ["password"]')
    with pytest.raises(SetupError) as caught:
        load()
    assert "password" not in str(caught.value)


def test_settings_do_not_change():
    with pytest.raises(FrozenInstanceError):
        Settings().port = 9  # type: ignore[misc]  # that is the point


def test_every_setting_says_what_it_is_for():
    assert all(each.help and each.variable == f"HYMIO_{each.name.upper()}" for each in described())


def test_a_token_of_metrics_that_others_can_read_is_warned_of(tmp_path: Path) -> None:
    config, token = tmp_path / "hymio.toml", tmp_path / "metrics"
    config.write_text('metrics_token = "m"\n')
    token.write_text("m\n")
    for mode, exposed in ((0o644, [config, token]), (0o640, [])):
        config.chmod(mode)
        token.chmod(mode)
        assert exposed_files({"HYMIO_METRICS_TOKEN_FILE": str(token)}, config) == exposed
