"""DuckDB's part of `hymio bench --beside`, in a process of its own: only the standard library and DuckDB.

`python duckdb_program.py PRESSES.csv SUBJECTS.json TIMES`. The first file has the lines of Hymio's raw CSV, the second
the smileys of each subject. It loads the presses into a table in memory, which is what DuckDB is fast with, and writes
as JSON: `load` and `csv` in seconds, and for each subject the ms of a year by hour and how many presses that counted.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import duckdb

_LOAD = """
CREATE TABLE press AS
SELECT CAST(substr(time, 1, 23) AS TIMESTAMP) AS local_time, substr(time, 24) AS utc_offset,
       button, accuracy, verdict, smiley, epoch, sequence
FROM read_csv(?, header = false, auto_detect = false, columns = {
    time: 'VARCHAR', button: 'UTINYINT', accuracy: 'VARCHAR', verdict: 'VARCHAR', smiley: 'BIGINT', epoch: 'BIGINT',
    sequence: 'BIGINT'})
"""
_HOURS = """
SELECT date_trunc('hour', local_time) AS hour, count(*) FILTER (button = 0), count(*) FILTER (button = 1),
       count(*) FILTER (button = 2), count(*) FILTER (button = 3)
FROM press WHERE verdict = 'counted' AND smiley IN (SELECT unnest(?::BIGINT[])) GROUP BY 1 ORDER BY 1
"""
_CSV = """
COPY (SELECT strftime(local_time, '%Y-%m-%dT%H:%M:%S.%g') || utc_offset AS time, button, accuracy, verdict, smiley,
             epoch, sequence FROM press ORDER BY local_time, smiley, epoch, sequence)
TO '{file}' (FORMAT csv, HEADER false)
"""


def main(presses: str, subjects: dict[str, list[int]], times: int) -> dict[str, object]:
    """Loads and measures."""
    connection = duckdb.connect()
    began = time.perf_counter()
    connection.execute(_LOAD, [presses])
    figures: dict[str, object] = {"load": time.perf_counter() - began}
    for name, smileys in subjects.items():
        seconds: list[float] = []
        counted = 0
        for _ in range(times):
            began = time.perf_counter()
            hours = connection.execute(_HOURS, [smileys]).fetchall()
            seconds.append(time.perf_counter() - began)
            counted = sum(sum(hour[1:]) for hour in hours)
        figures[name] = {"ms": 1000 * sorted(seconds)[times // 2], "presses": counted}
    began = time.perf_counter()
    connection.execute(_CSV.format(file=os.devnull))
    figures["csv"] = time.perf_counter() - began
    return figures


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1], json.loads(Path(sys.argv[2]).read_text()), int(sys.argv[3]))))
