"""What all tests share: databases on every engine, Hypothesis profiles, and the count of the laws' generated cases."""

from __future__ import annotations

import functools
import os
import re
import sqlite3
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.errors import UnsatisfiedAssumption

from tests.citus_cluster import VARIABLE, refuse_statements_over_many_nodes
from tests.contract_v2 import published_document
from tests.databases import Databases
from tests.engines import ENGINES, KNOWN_ENGINES, Unavailable, binaries, stop_all

# --- Hypothesis ------------------------------------------------------------------------------------------------------
# No deadline and no complaint about slow data: cores are shared, and a law does not depend on the clock.

settings.register_profile("default", deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
# The same cases whenever the same code is checked; new ones are looked for by `make test` and the thorough profile.
settings.register_profile("ci", settings.get_profile("default"), print_blob=True, derandomize=True, database=None)
settings.register_profile("quick", settings.get_profile("default"), max_examples=15)
settings.register_profile("thorough", settings.get_profile("default"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "default"))

CASES_ON_A_SERVER = {"postgresql-18": 0.4, "postgresql-15": 0.2, "citus": 0.2}
"""The part of the cases of a law that is drawn on each server, where a case costs several times more than on SQLite.

The servers share one dialect: the second version and Citus show that its statements mean the same there.
"""


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    law, drawn = pyfuncitem.obj, None
    part = _part_of_cases(pyfuncitem)
    if part < 1:
        drawn = getattr(law, "_hypothesis_internal_use_settings", None)
    if drawn is None:
        return (yield)
    # The engines share the law's function; Hypothesis has no public way to give a call settings of its own.
    cases = max(1, round(drawn.max_examples * part))
    law._hypothesis_internal_use_settings = settings(drawn, max_examples=cases)
    try:
        return (yield)
    finally:
        law._hypothesis_internal_use_settings = drawn


def _part_of_cases(item: pytest.Function) -> float:
    """The part of a law's cases that is drawn in one test: all but on an engine with a server."""
    parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return min((CASES_ON_A_SERVER.get(name, 1) for name in parameters if isinstance(name, str)), default=1)


# --- one folder a run, shared by its workers, and the end of what they started ----------------------------------------

_RUN = pytest.StashKey[tuple[Path, int]]()
_LAWS = pytest.StashKey[dict[str, int]]()


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get(VARIABLE):
        refuse_statements_over_many_nodes()
    config.stash[_LAWS] = {}
    told = getattr(config, "workerinput", None)
    if told is not None:
        config.stash[_RUN] = (Path(told["hymio_run"]), told["hymio_owner"])
        return
    # Open to traverse, since a PostgreSQL server may run here under another account.
    folder = Path(tempfile.mkdtemp(prefix="hymio-tests-"))
    folder.chmod(0o711)
    config.stash[_RUN] = (folder, os.getpid())


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    folder, owner = node.config.stash[_RUN]
    node.workerinput.update(hymio_run=str(folder), hymio_owner=owner)


def pytest_unconfigure(config: pytest.Config) -> None:
    if _RUN in config.stash and not hasattr(config, "workerinput"):
        stop_all(config.stash[_RUN][0])


def pytest_report_header() -> list[str]:
    judge = "the published file" if published_document() else "our own contract, as the published file is not here"
    lines = [f"sqlite: {sqlite3.sqlite_version}", f"API v2 is judged by {judge}"]
    for engine in KNOWN_ENGINES[1:]:
        if engine == "citus" and not os.environ.get(VARIABLE):
            lines.append(f"citus: {VARIABLE} does not name a database of a coordinator")
            continue
        if engine not in ENGINES:
            lines.append(f"{engine}: left out by HYMIO_TEST_ENGINES")
            continue
        if engine == "citus":
            lines.append(f"citus: the cluster of {VARIABLE}")
            continue
        try:
            lines.append(f"{engine}: {binaries(engine)}")
        except Unavailable as cause:
            lines.append(str(cause))
    return lines


# --- what `make quick` leaves out -------------------------------------------------------------------------------------

SLOW_MODULES = {
    "test_api_v2", "test_app", "test_backup", "test_bench", "test_cli", "test_crowd", "test_database_files",
    "test_demo", "test_drill", "test_fuzz", "test_handouts", "test_hard_reports", "test_in_chromium",
    "test_jobs_kill", "test_kannel", "test_kill", "test_kiosk_in_chromium", "test_large_uploads", "test_leases",
    "test_listings", "test_own_contract", "test_pdf", "test_permissions", "test_processes", "test_purging",
    "test_recorded_answers", "test_renderings", "test_report_files", "test_same_numbers", "test_setup_laws",
    "test_shared_links", "test_signing_in", "test_simulator", "test_smiley_pages", "test_terminal_protocol",
    "test_upload", "test_v2_setup", "test_web_script", "test_which_database", "test_withholding",
}  # fmt: skip
"""Tests that start processes, servers or a browser, run commands, or replay thousands of requests."""


SHOWN_ALIKE = {
    "test_api_v2", "test_app", "test_bench", "test_bulkhead", "test_cli", "test_demo", "test_fuzz", "test_listings",
    "test_public_clients", "test_report_files", "test_report_page", "test_shared_links", "test_signing_in",
    "test_smiley_pages", "test_v2_setup", "test_web_page", "test_withholding",
}  # fmt: skip
"""Tests of what commands, pages and answers show. They run on one PostgreSQL: that its versions mean the same by each
statement is shown by the tests of the store, of intake and results, of jobs, and by the recorded answers."""

OF_PROCESSES = {
    "test_citus", "test_drill", "test_jobs_kill", "test_kill", "test_large_uploads", "test_permissions",
    "test_processes", "test_sms", "test_sms_gateways",
}  # fmt: skip
"""Tests of processes that end, of gateways and of who may do what, which do not depend on a version either."""

SECOND_VERSION = "postgresql-15"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if len(ENGINES) > 2:  # an engine that is asked for by its name runs all
        alike = SHOWN_ALIKE | OF_PROCESSES
        left_out = {item for item in items if item.path.stem in alike and _runs_on(item, SECOND_VERSION)}
        config.hook.pytest_deselected(items=[item for item in items if item in left_out])
        items[:] = [item for item in items if item not in left_out]
    for item in items:
        if item.path.stem in SLOW_MODULES:
            item.add_marker(pytest.mark.slow)


def _runs_on(item: pytest.Item, engine: str) -> bool:
    """Whether an engine is a parameter of a test."""
    return isinstance(item, pytest.Function) and hasattr(item, "callspec") and engine in item.callspec.params.values()


# --- databases -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest) -> Databases:
    """Makes and drops databases on any engine."""
    return Databases(*request.config.stash[_RUN])


@pytest.fixture(scope="session")
def fresh_database(databases: Databases) -> Callable[[str], str]:
    """A call makes a new, migrated database on the named engine and gives its url; also inside a generated case."""

    def make(engine: str) -> str:
        try:
            return databases.make(engine)
        except Unavailable as cause:
            pytest.skip(str(cause))

    return make


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, databases: Databases) -> Iterator[str]:
    """A new, migrated database for this test alone, on each engine in turn."""
    yield from _for_one_test(databases, request.param, empty=False)


@pytest.fixture(params=ENGINES)
def empty_database_url(request: pytest.FixtureRequest, databases: Databases) -> Iterator[str]:
    """A database without any table, on each engine in turn."""
    yield from _for_one_test(databases, request.param, empty=True)


@pytest.fixture(scope="session", autouse=True)
def no_rest() -> None:
    """Long work does not rest between its commits: nobody waits for his turn in most tests."""
    from hymio import store

    store.MAX_PAUSE_SECONDS = 0.0


@pytest.fixture(scope="session", autouse=True)
def quick_hashes() -> None:
    """Hashes of passwords take no time and memory: what Argon2 does is not Hymio's to test."""
    from argon2 import PasswordHasher

    from hymio.manage import passwords

    passwords.hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def store(database_url: str) -> Iterator[Any]:
    """An open store on each engine in turn, for this test alone."""
    from hymio.store import open_store

    opened = open_store(database_url)
    yield opened
    opened.close()


def _for_one_test(databases: Databases, engine: str, *, empty: bool) -> Iterator[str]:
    try:
        url = databases.make(engine, empty=empty)
    except Unavailable as cause:
        pytest.skip(str(cause))
    yield url
    databases.give_back(url)


@pytest.fixture(scope="session", params=ENGINES)
def shared_database_url(request: pytest.FixtureRequest, fresh_database: Callable[[str], str]) -> str:
    """One database an engine and worker, for properties: each generated case makes an organization of its own."""
    return fresh_database(request.param)


# --- how many cases the laws ran -------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Any:
    """Counts the generated cases that a property judged; those its assumptions turned away do not count."""
    law = item.nodeid.partition("[")[0]
    laws = item.config.stash[_LAWS]
    handle = getattr(getattr(item, "obj", None), "hypothesis", None)
    if handle is None:
        try:
            return (yield)
        finally:
            _count_stateful(item, law, laws)
    body = handle.inner_test
    laws.setdefault(law, 0)

    @functools.wraps(body)
    def counted(*args: Any, **kwargs: Any) -> Any:
        try:
            answer = body(*args, **kwargs)
        except UnsatisfiedAssumption:
            raise
        except BaseException:
            laws[law] += 1
            raise
        laws[law] += 1
        return answer

    handle.inner_test = counted
    try:
        return (yield)
    finally:
        handle.inner_test = body


def _count_stateful(item: pytest.Item, law: str, laws: dict[str, int]) -> None:
    # A state machine makes its property only as it runs; what Hypothesis then says of it is all there is.
    said = re.findall(r"(\d+) (?:passing|failing)", getattr(item, "hypothesis_statistics", ""))
    if said:
        laws[law] = laws.get(law, 0) + sum(map(int, said))


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["hymio_laws"] = session.config.stash[_LAWS]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    laws = node.config.stash[_LAWS]
    # A worker that crashed brings nothing.
    for law, cases in getattr(node, "workeroutput", {}).get("hymio_laws", {}).items():
        laws[law] = laws.get(law, 0) + cases


def pytest_terminal_summary(terminalreporter: Any) -> None:
    laws = terminalreporter.config.stash[_LAWS]
    if laws:
        noun = "property" if len(laws) == 1 else "properties"
        terminalreporter.write_line(f"laws: {sum(laws.values()):,} generated cases in {len(laws)} {noun}")
