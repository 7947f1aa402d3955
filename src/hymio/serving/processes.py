"""Several processes that serve one address: they are started, started again when they end, and ended together."""

from __future__ import annotations

import gc
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Final

import structlog

PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 30.0
"""How long after its start a process that ended is started again at the earliest. The pause doubles, up to the longest,
each time that it ended before it listened, so that one that cannot serve does not keep the machine and the log busy."""

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


class Worker:
    """One of the processes, which is started again when it has ended; instants are monotonic seconds.

    `pause` is the least number of seconds between its last start and its next one.
    """

    def __init__(self, serve: Serve, number: int, listening: socket.socket) -> None:
        self._serve, self._number, self._listening = serve, number, listening
        self._process: SpawnProcess | None = None  # None: it has ended, and is started at `_starts_at`
        self._starts_at, self.pause = time.monotonic(), PAUSE_SECONDS
        self.listens = False

    @property
    def events(self) -> list[int | Connection]:
        """What `multiprocessing.connection.wait` is to wait for: that it ends or, before that, that it listens."""
        if self._process is None:
            return []
        return [self._process.sentinel] if self.listens else [self._process.sentinel, self._pipe]

    def wait_seconds(self) -> float | None:
        """How long until it is to be started; None while it runs."""
        return None if self._process else max(0.0, self._starts_at - time.monotonic())

    def look_after(self) -> None:
        """Starts it when it is time, and takes note of that it listens or has ended."""
        if self._process is None:
            if self.wait_seconds() == 0:
                self._start()
            return
        if not self.listens and self._pipe.poll():
            with suppress(EOFError, OSError):
                self._pipe.recv()
                self.listens = True
        if not self._process.is_alive():
            self.pause = PAUSE_SECONDS if self.listens else min(LONGEST_PAUSE_SECONDS, 2 * self.pause)
            self._starts_at += self.pause
            _log.error("a process of the server ended", process=self._number, exit=self._process.exitcode)
            self._release()

    def _start(self) -> None:
        self._pipe, theirs = Pipe()
        place = Place(self._number, self._listening, theirs)
        arguments = [self._serve, place, gc.get_threshold()]
        self._process = get_context("spawn").Process(target=_run, args=arguments, name=f"hymio-{self._number}")
        self._process.start()
        theirs.close()
        self._starts_at = time.monotonic()

    def _release(self) -> None:
        """Frees what is left of a process that has ended."""
        if self._process is not None:
            self._process.join()
            self._pipe.close()
        self._process, self.listens = None, False

    def terminate(self) -> None:
        """Tells it to end."""
        if self._process is not None:
            self._process.terminate()

    def stop(self, deadline: float) -> None:
        """Waits until it has ended; kills it at an instant by which it has not."""
        if self._process is None:
            return
        self._process.join(max(0.0, deadline - time.monotonic()))
        if self._process.is_alive():
            _log.error("a process of the server did not end", process=self._number)
            self._process.kill()
        self._release()


def _run(serve: Serve, place: Place, threshold: tuple[int, int, int]) -> None:
    """Serves in a process of its own, whose garbage collector runs as rarely as that of the one that started it."""
    gc.set_threshold(*threshold)
    serve(place)


def run_processes(serve: Serve, count: int, listening: socket.socket, started: Callable[[], object]) -> None:
    """Runs `count` processes until SIGINT or SIGTERM, in the main thread; `started` is called once, when all listen.

    A process that ends is started again. At the end all are told to end, which lets them finish their requests.
    """
    signals, signalled = Pipe(duplex=False)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: signalled.send(None))
    workers = [Worker(serve, number, listening) for number in range(count)]
    is_started = False
    try:
        while not signals.poll():
            for worker in workers:
                worker.look_after()
            if not is_started and all(worker.listens for worker in workers):
                is_started = True
                started()
            pauses = [seconds for worker in workers if (seconds := worker.wait_seconds()) is not None]
            wait([signals, *chain.from_iterable(worker.events for worker in workers)], min(pauses, default=None))
    finally:
        deadline = time.monotonic() + STOP_SECONDS
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.stop(deadline)
