"""Dumps of a PostgreSQL database by `pg_dump`, restored by `pg_restore`, and read line by line.

The connection's parameters reach the programs in a file for this account alone, and the password in their environment:
what stands on a command line, every account on the machine can read.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import IO, Final

from psycopg.pq import Conninfo
from sqlalchemy import Engine

from hymio.errors import DatabaseError, SetupError

_FOLDERS: Final = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")
"""Where packages of PostgreSQL put the programs of each version, beside those on PATH."""

_VERSION: Final = re.compile(r"\(PostgreSQL\) (\d+)")
_SERVICE: Final = "hymio"
_PIECE: Final = 1 << 18
"""Bytes passed on at a time."""

_MAX_MESSAGE: Final = 500
"""Characters of a program's messages that an error repeats."""

_DUMP: Final = (
    "--format=custom",
    "--encoding=UTF8",
    "--no-owner",
    "--no-privileges",
    "--no-security-labels",
    "--no-tablespaces",
    "--lock-wait-timeout=10000",
    "--no-password",
)
_RESTORE: Final = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", "--no-password")
_AS_TEXT: Final = ("--data-only", "--file=-")

_COPY: Final = re.compile(rb"COPY (?:[^ ]+\.)?\"?([a-z_]+)\"? \((.*)\) FROM stdin;\n")
_END_OF_COPY: Final = b"\\.\n"
_ESCAPE: Final = re.compile(rb"\\(.)")
_ESCAPED: Final = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


@dataclass(frozen=True, slots=True)
class Program:
    """One of PostgreSQL's programs and its major version."""

    path: Path
    version: int


def find_program(name: str, least: int) -> Program:
    """The oldest of the installed programs that is of version `least` or newer. SetupError lists which there are."""
    installed = list(_installed(name))
    fitting = [program for program in installed if program.version >= least]
    if fitting:
        return min(fitting, key=lambda program: program.version)
    raise SetupError(
        "no-postgresql-program",
        "{program} of version {least} or newer was not found (there is: {found}). It comes with PostgreSQL's client "
        "programs, in Debian with the package postgresql-client-{least}",
        program=name,
        least=least,
        found=", ".join(f"{program.version} in {program.path.parent}" for program in installed) or "none",
    )


def _installed(name: str) -> Iterator[Program]:
    """The programs of a name on PATH and in the usual folders, those on PATH first."""
    folders = [Path(folder) for folder in os.get_exec_path()]
    folders += [found for pattern in _FOLDERS for found in sorted(Path("/").glob(pattern[1:]))]
    for folder in dict.fromkeys(folders):
        file = shutil.which(name, path=str(folder))
        if file is not None and (version := _version(file)) is not None:
            yield Program(Path(file), version)


def _version(file: str) -> int | None:
    try:
        said = subprocess.run([file, "--version"], capture_output=True, text=True, check=True, timeout=30).stdout  # noqa: S603  found on PATH
    except (OSError, subprocess.SubprocessError):
        return None
    found = _VERSION.search(said)
    return int(found[1]) if found else None


# --- dump and restore ------------------------------------------------------------------------------------------------


def dump(
    program: Program, engine: Engine, snapshot: str, tables: Iterable[str], empty: Iterable[str] = ()
) -> Iterator[bytes]:
    """The dump of tables (`schema.table`) as a snapshot sees them, in pg_dump's own format; of those of them that are
    to be `empty` without rows. DatabaseError.

    If the reader stops or its process dies, the program ends, as nobody reads what it writes.
    """
    words = [f"--snapshot={snapshot}", *_DUMP, *(f"--table={table}" for table in tables)]
    words += [f"--exclude-table-data={table}" for table in empty]
    with _connection(engine) as environment:
        yield from _output(program, [*words, f"--dbname=service={_SERVICE}"], environment, ())


def restore(program: Program, engine: Engine, dumped: Iterable[bytes]) -> None:
    """Restores a dump in one transaction. DatabaseError, and nothing is restored.

    The program reads the dump from a pipe: if the iterator raises or this process dies before the end of the dump, the
    program undoes what it did.
    """
    with _connection(engine) as environment:
        for _ in _output(program, [*_RESTORE, f"--dbname=service={_SERVICE}"], environment, dumped):
            pass


def rows_of_dump(
    program: Program, dumped: Iterable[bytes]
) -> Iterator[tuple[str, tuple[str, ...], list[bytes | None]]]:
    """Each row of a dump, read without a server: its table, the columns' names, their values as text or None."""
    table, columns = "", tuple[str, ...]()
    for line in _lines(_output(program, [*_AS_TEXT], dict(os.environ), dumped)):
        if columns and line == _END_OF_COPY:
            columns = ()
        elif columns:
            yield table, columns, [_value(part) for part in line[:-1].split(b"\t")]
        elif header := _COPY.fullmatch(line):
            table = header[1].decode()
            columns = tuple(name.strip().strip('"') for name in header[2].decode().split(","))


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of pieces of text, each with its end."""
    begun = b""
    for piece in pieces:
        *lines, begun = (begun + piece).split(b"\n")
        for line in lines:
            yield line + b"\n"
    if begun:
        yield begun


def _value(part: bytes) -> bytes | None:
    """A value as COPY writes it."""
    if part == b"\\N":
        return None
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), part) if b"\\" in part else part


# --- running the programs --------------------------------------------------------------------------------------------


def _output(
    program: Program, words: Sequence[str], environment: Mapping[str, str], given: Iterable[bytes]
) -> Iterator[bytes]:
    """What a program writes while it is given bytes. DatabaseError, with its message, if it fails.

    If `given` raises, the program is killed before it sees the end of its input, and the error is raised here.
    """
    with tempfile.TemporaryFile() as messages:
        process = subprocess.Popen(  # noqa: S603  a program that was looked for, and words without a shell
            [program.path, *words], env={**environment, "LC_ALL": "C"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=messages,
        )  # fmt: skip
        feeder, output = _Feeder(process, given), process.stdout
        assert output is not None  # noqa: S101  it is a pipe
        feeder.start()
        try:
            while piece := output.read(_PIECE):
                yield piece
            feeder.join()
            if feeder.error is not None:
                raise feeder.error
            if process.wait():
                raise _failed(program, messages)
        finally:
            process.kill()
            process.wait()
            feeder.join()
            output.close()


class _Feeder(Thread):
    """Gives a program its input, so that its output can be read meanwhile."""

    def __init__(self, process: subprocess.Popen[bytes], given: Iterable[bytes]) -> None:
        super().__init__(name="hymio-feeder", daemon=True)
        self._process, self._given = process, given
        self.error: BaseException | None = None

    def run(self) -> None:
        """Writes all bytes, then the end of the input; kills the program where there is no proper end."""
        pipe = self._process.stdin
        assert pipe is not None  # noqa: S101  it is a pipe
        try:
            for piece in self._given:
                pipe.write(piece)
        except BrokenPipeError:
            pass  # the program has ended, and its exit status says how
        except BaseException as error:  # noqa: BLE001  it is raised again by the reader
            self.error = error
            self._process.kill()
        with suppress(BrokenPipeError):
            pipe.close()


def _failed(program: Program, messages: IO[bytes]) -> DatabaseError:
    messages.seek(0)
    said = " ".join(messages.read(_MAX_MESSAGE).decode(errors="replace").split())
    return DatabaseError(
        "postgresql-program-failed",
        "{program} (version {version}) failed: {cause}",
        program=program.path.name,
        version=program.version,
        cause=said,
    )


@contextmanager
def _connection(engine: Engine) -> Iterator[dict[str, str]]:
    """The environment in which PostgreSQL's programs connect to the engine's database as the service _SERVICE."""
    _, parameters = engine.dialect.create_connect_args(engine.url)
    password = parameters.pop("password", None)
    known = {option.keyword.decode() for option in Conninfo.get_defaults()} - {"service"}
    lines = [f"{name}={value}\n" for name, value in parameters.items() if name in known]
    with tempfile.TemporaryDirectory(prefix="hymio-service-") as folder:
        file = Path(folder) / "service"  # the folder is this account's alone
        file.write_text(f"[{_SERVICE}]\n{''.join(lines)}", encoding="utf-8")
        environment = {**os.environ, "PGSERVICEFILE": str(file)}
        yield environment if password is None else {**environment, "PGPASSWORD": str(password)}
