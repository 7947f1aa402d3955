"""A real Kannel with its fake SMSC, configured as docs/terminal-protocol.md says, delivers to a real server."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from hymio import intake, manage
from hymio.access import SmsGateway, operator
from hymio.feedback import HourReport
from hymio.gateway.sms_text import encode
from hymio.store import Store, open_store
from hymio.store.messages import newest_messages
from tests.databases import Databases
from tests.terminals import PLACED, Terminals, put_up, serving, stored

DOCUMENT = Path(__file__).parents[1] / "docs" / "terminal-protocol.md"
FAKE_SMSC = Path("/usr/lib/kannel/test/fakesmsc")
HOUR = 3_600_000
NOW = PLACED + 200 * 24 * HOUR
_UNREADABLE = "unreadable: not of the form H1/serial/epoch/first/offset/hours/check in 160 characters"
_SECONDS = 30
"""For how long a text may take from the fake SMSC through Kannel to the store, on a busy machine."""

pytestmark = pytest.mark.skipif(
    not (FAKE_SMSC.exists() and shutil.which("bearerbox") and shutil.which("smsbox")),
    reason="Kannel is not here (Debian's packages kannel and kannel-extras)",
)

_CORE = """
group = core
admin-port = {admin}
admin-password = unused
smsbox-port = {box}
box-allow-ip = "127.0.0.1"
sms-combine-concatenated-mo = false

group = smsc
smsc = fake
smsc-id = fake
port = {smsc}
connect-allow-ip = "127.0.0.1"

group = smsbox
bearerbox-host = 127.0.0.1
http-request-retry = 2
http-queue-delay = 1
"""


def services() -> str:
    """The two services of the document: `get-url` for all texts, `post-url` for those of a keyword."""
    return "\n".join(re.findall(r"^```kannel\n(.*?)^```$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL))


def free_ports(count: int) -> list[int]:
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in taken]
    for each in taken:
        each.close()
    return ports


class Kannel:
    """The fake SMSC of a running Kannel."""

    def __init__(self, port: int, store: Store) -> None:
        self.port, self.store, self.delivered = port, store, 0

    def send(self, kind: str, text: str, rows: int = 1, sender: str = "358401234567") -> None:
        """Sends a text as a phone would; `kind` and `text` as fakesmsc has them. Returns once it has made its `rows`.

        The last part of a text makes two: its own and that of the whole text.
        """
        before = len(self.rows())
        options = ["-H", "127.0.0.1", "-r", str(self.port), "-m", "1", "-i", "0.01"]
        with subprocess.Popen(
            [FAKE_SMSC, *options, f"{sender} 12345 {kind} {text}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ) as phone:  # fmt: skip
            try:
                wait_for(lambda: len(self.rows()) == before + rows, f"{kind} {text}")
            finally:
                phone.kill()

    def rows(self) -> list[tuple[object, ...]]:
        return stored(self.store, 1, "message", "received_at, hash")

    def outcomes(self) -> list[tuple[str, str, str]]:
        with self.store.read() as transaction:
            return sorted((row.sender, row.text, row.outcome) for row in newest_messages(transaction, 1, 99))


def wait_for(happens: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + _SECONDS
    while not happens():
        assert time.monotonic() < end, f"Kannel did not deliver: {what}"
        time.sleep(0.02)


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def store(databases: Databases) -> Iterator[Store]:
    opened = open_store(databases.make("sqlite"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def acme(store: Store) -> Terminals:
    return put_up(store)


@pytest.fixture(scope="module")
def kannel(store: Store, acme: Terminals, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kannel]:
    folder = tmp_path_factory.mktemp("kannel")
    secret = manage.new_sms_secret(store, operator(acme.organization), SmsGateway.KANNEL, now=PLACED)
    admin, box, smsc = free_ports(3)
    with serving(store, NOW) as url:
        address = url.removeprefix("http://")
        written = services().replace("https://", "http://").replace("feedback.example.com", address)
        assert written.count("SECRET") == 2
        core = _CORE.format(admin=admin, box=box, smsc=smsc)
        (folder / "kannel.conf").write_text(core + "\n" + written.replace("SECRET", secret))
        with running("bearerbox", folder):
            wait_for(lambda: is_open(box) and is_open(smsc), "bearerbox listens")
            with running("smsbox", folder):
                yield Kannel(smsc, store)


@contextlib.contextmanager
def running(program: str, folder: Path) -> Iterator[None]:
    """A program of Kannel until the end; killed, because it would take seconds to stop by itself."""
    with (folder / f"{program}.log").open("w") as log:
        process = subprocess.Popen([program, "kannel.conf"], cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield
        finally:
            process.kill()
            process.wait()


def report(acme: Terminals, first: int, counts: tuple[int, ...], keyword: str = "") -> str:
    key = manage.sms_key(acme.tokens[0])
    [text] = encode("T1", [HourReport(7, first, NOW - 2 * HOUR, counts)], key, offset=120, keyword=keyword)
    return text


def test_a_real_kannel_delivers_texts_of_every_kind_once(store: Store, acme: Terminals, kannel: Kannel) -> None:
    plain, unicode = report(acme, 1, (1, 0, 2)), report(acme, 4, (0, 3))
    octets, posted = report(acme, 7, (4,)), report(acme, 11, (0, 0, 0, 5), keyword="HYMIO")
    parted, posted_parts = report(acme, 16, (6,)), report(acme, 22, (0, 7), keyword="HYMIO")
    phone, strange = "358401234567", "Is the shop open+&% on Sunday?"
    kannel.send("text", strange)
    kannel.send("text", plain)
    kannel.send("ucs2", quote(unicode.encode("utf-16-be")))
    kannel.send("udh-data", f"%00 {quote(octets)}")
    kannel.send("text", posted)
    for number, half in enumerate((parted[:20], parted[20:]), 1):
        kannel.send("udh-text", f"%05%00%03%2a%02%0{number} {half}", rows=number)
    kannel.send("ucs2", quote(f"HYMIO {unicode}".encode("utf-16-be")))
    for number, half in ((2, posted_parts[20:]), (1, posted_parts[:20])):
        kannel.send("udh-text", f"%06%08%04%01%02%02%0{number} {half}", rows=3 - number)
    texts = [plain, unicode, octets, posted, parted, f"HYMIO {unicode}", posted_parts]
    expected = sorted([(phone, strange, _UNREADABLE), *((phone, text, "stored") for text in texts)])
    time.sleep(1.5)  # longer than Kannel waits before it sends again what was not accepted
    assert kannel.outcomes() == expected
    assert len(stored(store, 1, "feedback", "button")) == 3 + 3 + 4 + 5 + 6 + 7
    assert list(intake.verify(store, acme.organization)) == []
