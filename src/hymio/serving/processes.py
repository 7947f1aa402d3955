"""Several processes that serve one address: they are started, started again when they end, and ended together."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Final

import structlog

PAUSE_SECONDS: Final = 1.0
"""A process that ends sooner after its start is started again only then, so that one that cannot serve ends quietly."""

STOP_SECONDS: Final = 45.0
"""How long processes may take to end: their requests 10 seconds, then their jobs 30. Then they are killed."""

_log = structlog.get_logger("hymio")


@dataclass(frozen=True, slots=True)
class Place:
    """What a process is given: its number, from 0 on, the bound socket of all, and the pipe to the one that started it.

    A connection that waits in the socket is accepted by whichever process is free. None of them is lost with a process.
    """

    number: int
    listening: socket.socket
    parent: Connection

    def say_listening(self) -> None:
        """Tells the process that started this one that it listens."""
        with suppress(OSError):  # it is gone, and `end_with_parent` ends this one
            self.parent.send(None)

    def end_with_parent(self) -> None:
        """Ends this process like SIGTERM once the one that started it is gone, however that ended."""
        threading.Thread(target=self._wait_for_parent, name="hymio-parent", daemon=True).start()

    def _wait_for_parent(self) -> None:
        with suppress(EOFError, OSError):
            self.parent.recv()
        os.kill(os.getpid(), signal.SIGTERM)


Serve = Callable[[Place], None]
"""Serves in a process of its own until SIGTERM; a function that can be pickled."""


class _Running:
    """A process, when it was started (monotonic seconds), and whether it said that it listens."""

    def __init__(self, serve: Serve, number: int, listening: socket.socket) -> None:
        self.number = number
        self.pipe, theirs = Pipe()
        self.process: SpawnProcess = get_context("spawn").Process(
            target=serve, args=[Place(number, listening, theirs)], name=f"hymio-{number}"
        )
        self.process.start()
        theirs.close()
        self.started_at = time.monotonic()
        self.listens = False

    def hear(self) -> None:
        """Takes what the process said."""
        with suppress(EOFError, OSError):
            self.pipe.recv()
            self.listens = True

    def forget(self) -> None:
        """Frees what is left of a process that ended."""
        self.process.join()
        self.pipe.close()


def run_processes(serve: Serve, count: int, listening: socket.socket, started: Callable[[], object]) -> None:
    """Runs `count` processes until SIGINT or SIGTERM, in the main thread; `started` is called once all listen.

    A process that ends is started again. At the end all are told to end, which lets them finish their requests.
    """
    told, telling = Pipe(duplex=False)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: telling.send(None))
    running = [_Running(serve, number, listening) for number in range(count)]
    try:
        while not told.poll():
            waits_for = [each.pipe for each in running if not each.listens]
            wait([told, *waits_for, *(each.process.sentinel for each in running)])
            _look_after(running, serve, listening, told)
            if waits_for and all(each.listens for each in running):
                started()
    finally:
        _end(running)


def _look_after(running: list[_Running], serve: Serve, listening: socket.socket, told: Connection) -> None:
    """Hears which processes listen, and starts those again that have ended."""
    for index, each in enumerate(running):
        if not each.listens and each.pipe.poll():
            each.hear()
        if not each.process.is_alive() and not told.poll():
            _log.error("a process of the server ended", process=each.number, exit=each.process.exitcode)
            each.forget()
            told.poll(max(0.0, each.started_at + PAUSE_SECONDS - time.monotonic()))
            running[index] = _Running(serve, each.number, listening)


def _end(running: list[_Running]) -> None:
    """Ends all processes, those that take too long by force."""
    deadline = time.monotonic() + STOP_SECONDS
    for each in running:
        each.process.terminate()
    for each in running:
        each.process.join(max(0.0, deadline - time.monotonic()))
        if each.process.is_alive():
            _log.error("a process of the server did not end", process=each.number)
            each.process.kill()
        each.forget()
