"""A real `hymio serve` in a process of its own, requests to it, and programs that measure it from further processes."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from email.message import Message
from pathlib import Path
from typing import NamedTuple, cast

from hymio.bench.fleet import Fleet
from hymio.manage import ApiCredentials

MIB = 1 << 20


class Server(NamedTuple):
    """A running server."""

    port: int
    process: subprocess.Popen[bytes]
    started_in: float

    @property
    def memory(self) -> int:
        """Resident bytes, where the machine tells."""
        try:
            words = Path(f"/proc/{self.process.pid}/statm").read_text().split()
        except OSError:
            return 0
        return int(words[1]) * 4096

    @property
    def processor_ms(self) -> float:
        """Processor time of the server and its ended helper processes, in ms; other work does not lengthen it."""
        stat = self._stats().get(self.process.pid, ["0"] * 15)
        ticks = sum(map(int, stat[11:15]))  # its own, and those of children that have ended
        return 1000 * ticks / os.sysconf("SC_CLK_TCK")

    @property
    def helper_memory(self) -> int:
        """The most resident bytes that its running helper processes, such as that of a PDF, have had."""
        most = 0
        for helper in self._stats().keys() - {self.process.pid}:
            with suppress(OSError, IndexError):  # it has ended
                status = Path(f"/proc/{helper}/status").read_text()
                most += 1024 * int(status.partition("VmHWM:")[2].split(maxsplit=1)[0])
        return most

    def _stats(self) -> dict[int, list[str]]:
        """The words of /proc/PID/stat behind the name, of the server and its children, where the machine has them."""
        stats = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                words = path.read_text().rpartition(")")[2].split()
                if self.process.pid in (int(path.parent.name), int(words[1])):
                    stats[int(path.parent.name)] = words
        return stats


@contextmanager
def served(url: str, **settings: int) -> Iterator[Server]:
    """`hymio serve` on a free port of the loopback; `settings` are instead of their defaults."""
    port = free_port()
    words = [sys.executable, "-m", "hymio", "serve", "--database", url, "--host", "127.0.0.1", "--port", str(port)]
    with running(words, port, "/health", {f"HYMIO_{name.upper()}": str(value) for name, value in settings.items()}) as (
        server
    ):
        yield server


def free_port() -> int:
    """A port of the loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return cast(int, probe.getsockname()[1])


@contextmanager
def running(
    words: list[str], port: int, path: str, environment: Mapping[str, str] = {}, stop_seconds: float = 30.0
) -> Iterator[Server]:  # fmt: skip
    """A server in a process of its own, from when it answers `path` on; it is ended afterwards.

    It is killed if it has not stopped `stop_seconds` after it was told to. RuntimeError if it ends before, or does not
    answer within 30 seconds.
    """
    began = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603  own words
        words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | environment
    )
    try:
        _wait(port, path, process)
        yield Server(port, process, time.perf_counter() - began)
    finally:
        process.terminate()
        try:
            process.wait(stop_seconds)
        except subprocess.TimeoutExpired:  # Datasette goes on with a query that nobody waits for any longer
            process.kill()
            process.wait()


def _wait(port: int, path: str, process: subprocess.Popen[bytes]) -> None:
    """Waits until the server answers."""
    for _ in range(3000):
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5):
                return
        except OSError:
            time.sleep(0.01)
    raise RuntimeError("the server did not answer within 30 s")


def measured_by(module: str, *words: object) -> dict[str, float]:
    """The figures that a module, run as a program, writes as JSON. RuntimeError with its errors if it fails."""
    program = [sys.executable, "-m", module, *map(str, words)]
    ended = subprocess.run(program, capture_output=True, check=False)  # noqa: S603  own words
    if ended.returncode:
        raise RuntimeError(ended.stderr.decode(errors="replace"))
    figures: dict[str, float] = json.loads(ended.stdout)
    return figures


def write_tokens(folder: Path, fleet: Fleet) -> Path:
    """A file with the tokens of a fleet, for a program that presses."""
    file = folder / "tokens.json"
    file.write_text(json.dumps(fleet.tokens))
    return file


def basic(credentials: ApiCredentials) -> str:
    """The value of the Authorization header of API v1."""
    pair = f"{credentials.client_id}:{credentials.token}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def request(
    server: Server, path: str, headers: Mapping[str, str] = {}, take: Callable[[bytes], object] = len
) -> Message:
    """One GET, read to its end; the headers of the answer, also of 304. `path` may be a whole address.

    `take` is called with each part of the body.
    """
    address = path if path.startswith("http") else f"http://127.0.0.1:{server.port}{path}"
    question = urllib.request.Request(address, headers=dict(headers))  # noqa: S310  our own server
    try:
        with urllib.request.urlopen(question, timeout=600) as answer:  # noqa: S310  our own server
            while part := answer.read(1 << 16):
                take(part)
            return cast(Message, answer.headers)
    except urllib.error.HTTPError as error:
        if error.code == 304:
            return error.headers
        raise
