"""Measures a kiosk with 100,000 queued presses in Chromium: storing, counting, tap to thanks, memory, sending.

    python -m scripts.kiosk_queue [PRESSES]

The figures stand in docs/kiosk.md.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from hymio.store import open_store
from tests.kiosk_page import KioskSite, kiosk_site

CHROMIUM = "/usr/bin/chromium"
PIN = "2468"

MEASURES = """
const kiosk = (await import("/k/app.js")).kiosk;
const { queue } = kiosk;
const timed = async (times, action) => {
  const all = [];
  for (let time = 0; time < times; time++) {
    const start = performance.now();
    await action(time);
    all.push(performance.now() - start);
  }
  all.sort((one, other) => one - other);
  return { median: all[all.length >> 1], worst: all.at(-1) };
};
const made = () => ({ at: kiosk.clock.now(), run: kiosk.clock.run, button: 1, survey: kiosk.shown.survey });
const heap = () => performance.memory.usedJSHeapSize / 1e6;
// From the tap to the page with the thanks, by the page's own buttons; the survey asks nothing more.
const tap = async () => {
  kiosk.visit.home();
  await new Promise((resolve) => setTimeout(resolve, 450));
  const start = performance.now();
  document.querySelector("[role=radio]").click();
  while (kiosk.visit.stage.className !== "thanks") await new Promise((resolve) => setTimeout(resolve, 1));
  return performance.now() - start;
};
const taps = async (number) => {
  const all = [];
  for (let each = 0; each < number; each++) all.push(await tap());
  return { median: all.sort((one, other) => one - other)[number >> 1], worst: all.at(-1) };
};
kiosk.shown = { ...kiosk.shown, followups: {}, text: false };
"""

FILL = """
const { epoch } = kiosk.claim;
const press = (sequence) => ({ ...made(), epoch, sequence, phases: [], edits: 0, waiting: 1 });
const one = await timed(1000, () => queue.add(epoch, made()));
for (let first = 1001; first <= NUMBER; first += 1000) {
  const transaction = queue.db.transaction(["presses", "meta"], "readwrite");
  const presses = transaction.objectStore("presses");
  for (let sequence = first; sequence < first + 1000; sequence++) presses.put(press(sequence));
  transaction.objectStore("meta").put(first + 999, `counter ${epoch}`);
  await new Promise((resolve) => (transaction.oncomplete = resolve));
}
return { "store a press": one };
"""

FULL = """
const { saved } = await import("/k/saving.js");
const before = heap();
const result = {
  "store a press, queue full": await timed(200, () => queue.add(kiosk.claim.epoch, made())),
  "count the queue": await timed(5, () => queue.depth()),
  "count today": await timed(5, () => kiosk.today()),
  "oldest of the queue": await timed(5, () => queue.firsts()),
  "read a batch of 1,000": await timed(5, () => queue.waiting(kiosk.claim.epoch, kiosk.clock.run, 1001)),
  "tap to thanks, offline": await taps(15),
  "heap in MB": { before, after: heap() },
};
let size;
result["file of the queue"] = await timed(1, async () => (size = (await saved(kiosk)).size));
return { ...result, "file in MB": size / 1e6, "depth": await queue.depth() };
"""

SEND = """
const start = performance.now();
let depth = await queue.depth();
const total = depth;
const latencies = [];
const sending = (async () => {
  while ((depth = await queue.depth()) > 0) { kiosk.sender.waitUntil = 0; await kiosk.sender.now(true); }
})();
let isDone = false;
sending.then(() => (isDone = true));
while (!isDone) latencies.push(await tap());
const seconds = (performance.now() - start) / 1000;
latencies.sort((one, other) => one - other);
return { "send": { presses: total, seconds, "presses a second": total / seconds },
  "tap to thanks, sending": { median: latencies[latencies.length >> 1], worst: latencies.at(-1) },
  "heap in MB": heap(), "all proven": await kiosk.isProven() };
"""


def main(number: int) -> None:
    """Prints the measures, times in ms."""
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite:///{Path(folder) / 'hymio.db'}"
        with closing(open_store(database)) as store, kiosk_site(store) as site, sync_playwright() as playwright:
            context = playwright.chromium.launch_persistent_context(
                str(Path(folder) / "tablet"), executable_path=CHROMIUM, args=["--no-sandbox"], locale="en-US"
            )
            _measure(context, site, number)
            context.close()


def _measure(context: Any, site: KioskSite, number: int) -> None:
    page = context.pages[0]
    page.goto(f"{site.base}/k#{site.code()}")
    for label in ("PIN, 4 to 8 digits", "PIN once more"):
        page.get_by_label(label).fill(PIN)
    page.get_by_role("button", name="Begin").click()
    page.get_by_role("radio", name="Very happy").wait_for()
    context.set_offline(True)
    _say(page, FILL.replace("NUMBER", str(number)))
    _say(page, FULL)
    context.set_offline(False)
    began = time.monotonic()
    _say(page, SEND)
    sys.stdout.write(f"rows in the ledger: {len(site.rows()):,}, {time.monotonic() - began:.0f} s\n")


def _say(page: Page, script: str) -> None:
    for name, value in page.evaluate(f"async () => {{ {MEASURES} {script} }}").items():
        sys.stdout.write(f"{name:28} {json.dumps(value)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
