// The page of the staff, behind the PIN: what waits, the proof that the server has the rest, and what to do.

import { button, el } from "./dom.js";
import { isPin } from "./setup.js";

const AWAY_MS = 120_000;
const FREE_TRIES = 5;

let wrong = 0;
let lockedUntil = 0;

export function askPin(stage, texts, stored, opened, forgotten, back) {
  const problem = el("p", { class: "problem", role: "alert", hidden: true });
  const field = el("input", { id: "pin", type: "password", inputmode: "numeric", autocomplete: "off", maxlength: 8, dir: "ltr" });
  const form = el(
    "form",
    { class: "card" },
    el("h1", {}, texts.staff),
    problem,
    el("label", { for: "pin" }, texts.enterPin),
    field,
    el("button", { class: "main" }, texts.open),
    button(texts.back, back, { class: "skip" }),
    button(texts.newCode, forgotten, { class: "skip" }),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const isOpen = performance.now() >= lockedUntil && (await isPin(field.value, stored));
    if (isOpen) {
      wrong = 0;
      return opened();
    }
    if (++wrong >= FREE_TRIES) lockedUntil = performance.now() + 1_000 * Math.min(300, 2 ** (wrong - FREE_TRIES + 3));
    problem.hidden = false;
    problem.textContent = texts.wrong;
    field.value = "";
    field.focus();
  });
  stage.className = "setup";
  stage.replaceChildren(form);
  field.focus();
  leaveAlone(stage, back);
}

export async function staffPage(stage, kiosk, texts, back) {
  const page = el("section", { class: "staff" });
  stage.className = "setup";
  stage.replaceChildren(page);
  const draw = async () => page.replaceChildren(...(await content(kiosk, texts, draw, back)));
  await draw();
  page.querySelector("h1").focus();
  leaveAlone(stage, back);
  await kiosk.sender.now(true);
  if (page.isConnected) await draw();
}

// Back to the question if nobody does anything.
function leaveAlone(stage, back) {
  const shown = stage.firstChild;
  let timer;
  const again = () => {
    clearTimeout(timer);
    timer = setTimeout(() => shown.isConnected && back(), AWAY_MS);
  };
  for (const name of ["pointerdown", "keydown"]) shown.addEventListener(name, again);
  again();
}

async function content(kiosk, texts, draw, back) {
  const { queue, clock, sender, shown } = kiosk;
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const moment = (at) => (at ? new Date(at).toLocaleString(kiosk.language) : texts.none);
  const number = (value) => value.toLocaleString(kiosk.language);
  const [depth, oldest, aside, today] = [await queue.depth(), await queue.oldest(), await queue.aside(), await queue.since(kiosk.midnight())];
  const { state } = sender;
  const isProven = await kiosk.isProven();
  const says = today.waiting ? texts.unproven : isProven ? texts.proof : texts.unasked;
  const proof = fill(says, { number: number(today.number), waiting: number(today.waiting) });
  const rows = [
    [texts.smiley, `${shown.name} · ${shown.serial}`],
    [texts.waits, number(depth)],
    ...(oldest === null ? [] : [[texts.oldest, moment(oldest)]]),
    [texts.answered, moment(state.answeredAt)],
    ...(Object.keys(state.quarantined).length ? [[texts.quarantined, number(Object.keys(state.quarantined).length)]] : []),
    ...(aside ? [[texts.aside, number(aside)]] : []),
    [texts.storage, (await kiosk.isPersistent()) ? texts.kept : texts.maybe],
    [texts.disk, (await queue.check(clock.now()).catch(() => false)) ? texts.works : texts.broken],
    [texts.screen, kiosk.staysAwake() ? texts.stays : texts.sleeps],
    [texts.installed, kiosk.isInstalled() ? texts.yes : texts.no],
    [texts.clock, Math.abs(clock.offset) < 60_000 ? texts.right : fill(texts.corrected, { seconds: number(Math.round(clock.offset / 1000)) })],
    [texts.version, kiosk.version],
  ];
  return [
    el("h1", { tabindex: -1 }, texts.staff),
    el("p", { class: isProven && !today.waiting ? "proof" : "problem", role: "status" }, state.failure === 401 ? texts.token : proof),
    el("dl", {}, ...rows.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", { dir: "auto" }, value)))),
    el(
      "div",
      { class: "actions" },
      button(texts.back, back, { class: "main" }),
      button(texts.sendNow, () => sender.now(true).then(draw)),
      button(texts.full, () => kiosk.toggleFullScreen()),
      ...(depth + aside ? [button(texts.save, () => saveFile(kiosk))] : []),
      button(texts.newCode, () => kiosk.setUpAgain()),
      button(texts.remove, (event) => confirmRemoval(event.currentTarget, kiosk, texts, depth + aside), { class: "danger" }),
    ),
  ];
}

// Two steps; the second says what would be lost.
function confirmRemoval(first, kiosk, texts, unsent) {
  const text = unsent ? texts.lose.replace("{number}", unsent.toLocaleString(kiosk.language)) : texts.sure;
  first.replaceWith(el("p", { class: "problem", role: "alert" }, text), button(texts.removeNow, () => kiosk.remove(), { class: "danger" }));
}

// The last resort: what the server does not have, as uploads by the protocol without their token.
async function saveFile(kiosk) {
  const presses = await kiosk.queue.everythingUnsent();
  const content = { smiley: kiosk.shown.smiley, serial: kiosk.shown.serial, clock: kiosk.clock.now(), runs: kiosk.clock.runs, presses };
  const url = URL.createObjectURL(new Blob([JSON.stringify(content, null, 1)], { type: "application/json" }));
  el("a", { href: url, download: `hymio-${kiosk.shown.serial}.json` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
