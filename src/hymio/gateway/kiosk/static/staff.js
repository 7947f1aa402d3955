// The page of the staff, behind the PIN: what waits, the proof that the server has the rest, and what to do.

import { button, el, leaveAlone } from "./dom.js";
import { saveFile } from "./saving.js";

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

export function askPin(stage, { texts, gate, language }, opened, forgotten, back) {
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
  const refuse = (text) => {
    problem.hidden = false;
    problem.textContent = gate.seconds ? fill(texts.wait, { seconds: gate.seconds.toLocaleString(language) }) : text;
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await gate.admits(field.value)) return opened();
    refuse(texts.wrong);
    field.value = "";
    field.focus();
  });
  stage.className = "setup";
  stage.replaceChildren(form);
  if (gate.seconds) refuse();
  field.focus();
  leaveAlone(stage, back);
}

// Drawn at once, and again with what the server has answered.
export async function staffPage(stage, kiosk, back) {
  const page = el("section", { class: "staff" });
  let isAsked = false;
  const draw = async () => page.replaceChildren(...(await content(kiosk, isAsked, ask, back)));
  const ask = async () => {
    await kiosk.sender.now(true);
    isAsked = true;
    if (page.isConnected) await draw();
  };
  await draw();
  stage.className = "setup";
  stage.replaceChildren(page);
  page.querySelector("h1").focus();
  leaveAlone(stage, back);
  await ask();
}

async function content(kiosk, isAsked, ask, back) {
  const { texts, queue, clock, sender, shown, device } = kiosk;
  const moment = (at) => (at ? new Date(at).toLocaleString(kiosk.language, { dateStyle: "medium", timeStyle: "short" }) : texts.none);
  const number = (value) => value.toLocaleString(kiosk.language);
  const [depth, aside, quarantined, today] = [await queue.depth(), await queue.countOf("aside"), await queue.countOf("quarantined"), await kiosk.today()];
  const oldest = Math.min(...(await queue.firsts()).map((press) => press.at + clock.errorOf(press.run)));
  const waiting = depth + aside;
  const isProven = isAsked && !waiting && (await kiosk.isProven());
  const says = waiting ? texts.unproven : isProven ? texts.proof : texts.unasked;
  const problems = [
    ...(sender.state.failure === 401 ? [texts.token] : [fill(says, { number: number(today), waiting: number(waiting) })]),
    ...(sender.isOlderRefused ? [texts.older] : []),
    ...(shown.survey === null ? [texts.unplaced] : []),
  ];
  const rows = [
    [texts.smiley, `${shown.name} · ${shown.serial}`],
    [texts.waits, number(depth)],
    ...(depth ? [[texts.oldest, moment(oldest)]] : []),
    [texts.answered, moment(sender.state.answeredAt)],
    ...(quarantined ? [[texts.quarantined, number(quarantined)]] : []),
    ...(aside ? [[texts.aside, number(aside)]] : []),
    [texts.storage, (await device.isPersistent()) ? texts.kept : texts.maybe],
    [texts.disk, (await queue.check(clock.now()).catch(() => false)) ? texts.works : texts.broken],
    [texts.screen, device.staysAwake() ? texts.stays : texts.sleeps],
    [texts.installed, device.isInstalled() ? texts.yes : texts.no],
    [texts.clock, Math.abs(clock.offset) < 60_000 ? texts.right : fill(texts.corrected, { seconds: number(Math.round(clock.offset / 1000)) })],
    [texts.version, kiosk.version],
  ];
  return [
    el("h1", { tabindex: -1 }, texts.staff),
    ...problems.map((text, place) => el("p", { class: isProven && !place && text !== texts.token ? "proof" : "problem", role: "status" }, text)),
    el("dl", {}, ...rows.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", { dir: "auto" }, value)))),
    el(
      "div",
      { class: "actions" },
      button(texts.back, back, { class: "main" }),
      button(texts.sendNow, ask),
      button(texts.full, () => device.toggleFullScreen()),
      ...(waiting ? [button(texts.save, () => saveFile(kiosk))] : []),
      button(texts.newCode, () => kiosk.setUp("", back)),
      button(texts.remove, (event) => confirmRemoval(event.currentTarget, kiosk, waiting), { class: "danger" }),
    ),
  ];
}

// Two steps; the second says what would be lost.
function confirmRemoval(first, kiosk, unsent) {
  const { texts } = kiosk;
  const text = unsent ? texts.lose.replace("{number}", unsent.toLocaleString(kiosk.language)) : texts.sure;
  first.replaceWith(el("p", { class: "problem", role: "alert" }, text), button(texts.removeNow, () => kiosk.remove(), { class: "danger" }));
}
