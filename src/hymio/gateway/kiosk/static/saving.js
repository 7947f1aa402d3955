// The last resort: what the server does not have as a file, which `hymio smiley import` reads.

import { el } from "./dom.js";

const PRESSES = 500;

// The uploads of a file, each with what the clock of its presses says at the instant `at` of the server's clock.
export async function saved(kiosk) {
  const { queue, clock, shown } = kiosk;
  const at = clock.trueNow() ?? clock.now();
  const parts = [];
  for await (const { epoch, run, presses } of queue.unsent(PRESSES)) {
    const smiley = kiosk.claims.find((each) => each.epoch === epoch)?.smiley;
    const upload = { epoch, clock: clock.nowOf(run) ?? at - clock.errorOf(run), presses: presses.map(asSent) };
    parts.push(parts.length ? ",\n" : "", JSON.stringify({ smiley, upload }));
  }
  const head = { format: "hymio-kiosk", version: 1, serial: shown.serial, at };
  return new Blob([`${JSON.stringify(head).slice(0, -1)},"uploads":[\n`, ...parts, "\n]}\n"], { type: "application/json" });
}

// A press as the protocol has it.
export const asSent = ({ sequence, at, button, survey, phases }) => ({
  sequence,
  at,
  button,
  survey,
  ui: "digital",
  ...(phases.length ? { phases } : {}),
});

// An installed page of an iPad cannot download; it can share.
export async function saveFile(kiosk) {
  const name = `hymio-${kiosk.shown.serial}.json`;
  const blob = await saved(kiosk);
  const files = [new File([blob], name, { type: blob.type })];
  if (navigator.standalone && navigator.canShare?.({ files })) return navigator.share({ files }).catch(() => {});
  const url = URL.createObjectURL(blob);
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
