"""Where SQLite and PostgreSQL differ; the rest of the store writes one SQL text for both.

Nothing outside this package asks which engine it speaks to: `connect` makes the engine, `begin` gives a Transaction of
its kind, and each place where the engines' SQL differs is a method of Transaction (`within`, `indexed_by`, …).
"""

from hymio.store.dialect.bulkhead import ENDLESS, Bulkhead, Patience
from hymio.store.dialect.connecting import (
    DEFAULT_CONNECTIONS,
    LOCK_SECONDS,
    begin,
    connect,
    database_file,
    engine_kind,
    has_single_writer,
    holding_migrations,
    is_read_only,
    lock_migrations,
    shown_name,
    target_file,
    truncate_log,
    try_lock_migrations,
    vacuum,
    without_password,
)
from hymio.store.dialect.driver_errors import driver_errors, read_only, translated
from hymio.store.dialect.ownership import Owner, is_marked, mark, owner
from hymio.store.dialect.transaction import CSV_ROWS, CsvLines, HourText, Row, RowRange, Transaction

__all__ = [
    "CSV_ROWS",
    "DEFAULT_CONNECTIONS",
    "ENDLESS",
    "LOCK_SECONDS",
    "Bulkhead",
    "CsvLines",
    "HourText",
    "Owner",
    "Patience",
    "Row",
    "RowRange",
    "Transaction",
    "begin",
    "connect",
    "database_file",
    "driver_errors",
    "engine_kind",
    "has_single_writer",
    "holding_migrations",
    "is_marked",
    "is_read_only",
    "lock_migrations",
    "mark",
    "owner",
    "read_only",
    "shown_name",
    "target_file",
    "translated",
    "truncate_log",
    "try_lock_migrations",
    "vacuum",
    "without_password",
]
