// The kiosk: makes this tablet a smiley that keeps its answers until the server has them.

import { RunClock } from "./clock.js";
import { Device } from "./device.js";
import { openQueue } from "./queue.js";
import { PinGate } from "./pin.js";
import { Sender } from "./sending.js";
import { setUp } from "./setup.js";
import { askPin, staffPage } from "./staff.js";
import { Visit } from "./visit.js";

const SHOWN_MS = 5 * 60_000;
const UPDATE_MS = 3_600_000;
const IDLE_MS = 20_000;
const TICK_MS = 15_000;
const PATIENCE_MS = 5_000;
const SHIFTS = [[0, 0], [6, 3], [3, -5], [-5, -3], [-6, 4]];
const RELAXED = { durability: "relaxed" };

const stage = document.getElementById("stage");
const staffButton = document.getElementById("staff");

class Kiosk {
  version = document.querySelector("meta[name=version]").content;
  device = new Device();
  mustReload = false;

  async start() {
    const registering = navigator.serviceWorker?.register("/k/worker.js", { scope: "/k/", updateViaCache: "none" });
    this.worker = await registering?.catch((error) => console.warn(error));
    this.queue = await openQueue();
    this.claims = (await this.queue.get("claims")) ?? [];
    this.clock = new RunClock(this.queue);
    await this.clock.open();
    this.gate = new PinGate(this.queue);
    await this.gate.open();
    this.sender = new Sender(this.queue, this.clock, async () => this.claims, this.version);
    this.visit = new Visit(stage, this);
    Object.assign(this, await staffTexts(this.queue));
    staffButton.addEventListener("click", () => this.openStaff());
    staffButton.setAttribute("aria-label", this.texts.staff);
    await this.sender.open();
    if (!this.claims.length) return this.setUp(decodeURIComponent(location.hash.slice(1)));
    history.replaceState(null, "", "/k/");
    this.shown = await this.queue.get("shown");
    while (!this.shown) {
      await this.refresh();
      if (!this.shown) stage.textContent = this.texts.offline;
      if (!this.shown) await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
    await this.begin();
  }

  // The look of the organization is in force wherever visitors are.
  get shown() {
    return this.what;
  }

  set shown(what) {
    this.what = what;
    if (!what || this.css === what.css) return;
    this.css = what.css;
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(what.css ?? "");
    document.adoptedStyleSheets = [sheet];
  }

  get claim() {
    return this.claims.at(-1);
  }

  inStaffLanguage() {
    Object.assign(document.documentElement, { lang: this.language, dir: this.dir });
    document.documentElement.classList.remove("dim");
    staffButton.hidden = true;
    this.visit.pause();
  }

  // --- what is shown ---

  // Without a connection, or with a token that has ended, what was shown before is shown on.
  async refresh() {
    const { token } = this.claim;
    try {
      const signal = AbortSignal.timeout(4 * PATIENCE_MS);
      const answer = await fetch("/k/shown", { headers: { Authorization: `Bearer ${token}` }, signal });
      const text = answer.ok ? await answer.text() : this.shownText;
      if (text === this.shownText || token !== this.claim.token) return;
      this.shownText = text;
      this.shown = JSON.parse(text);
      await this.queue.set("shown", this.shown);
      this.visit.refresh();
    } catch (error) {
      console.info(error);
    }
  }

  begin() {
    staffButton.hidden = false;
    this.visit.resume();
    this.device.keepAwake();
    if (this.isRunning) return;
    this.isRunning = true;
    navigator.storage?.persist?.();
    setInterval(() => this.tick(), TICK_MS);
    setInterval(() => this.refresh(), SHOWN_MS * (0.9 + 0.2 * Math.random()));
    setInterval(() => this.update(), UPDATE_MS);
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState !== "visible") return;
      this.device.keepAwake();
      this.refresh();
      this.update();
    });
    addEventListener("online", () => this.refresh());
    stage.addEventListener("click", () => {
      this.device.keepAwake();
      this.device.fullScreen();
    });
    stage.addEventListener("contextmenu", (event) => event.preventDefault());
    history.pushState(null, "");
    addEventListener("popstate", () => history.pushState(null, ""));
    // The first worker takes the page over as it is; a later one brings other files.
    let hadWorker = Boolean(navigator.serviceWorker?.controller);
    navigator.serviceWorker?.addEventListener("controllerchange", () => {
      this.mustReload = hadWorker;
      hadWorker = true;
      if (this.mustReload && this.visit.isIdle) location.reload();
    });
    this.refresh();
    this.sender.now(true);
  }

  update() {
    return this.worker?.update().catch(() => {});
  }

  // Every quarter of a minute: opening hours, the clock, a shift of all pixels, and a version or survey that waits.
  async tick() {
    this.visit.refresh();
    this.device.keepAwake();
    const [x, y] = SHIFTS[Math.floor(Date.now() / 60_000) % SHIFTS.length];
    document.documentElement.style.setProperty("--x", `${x}px`);
    document.documentElement.style.setProperty("--y", `${y}px`);
    const isIdle = this.visit.isIdle && !this.visit.paused && performance.now() - this.visit.idleSince > IDLE_MS;
    if (isIdle) this.worker?.waiting?.postMessage("activate");
    if (this.sender.survey !== undefined && this.sender.survey !== this.shown.survey) this.refresh();
    await this.clock.watch();
    await this.clock.save(RELAXED);
  }

  // --- answers ---

  async store(button, survey = this.shown.survey) {
    await this.clock.watch();
    const { epoch } = this.claim;
    const sequence = await this.queue.add(epoch, { at: this.clock.now(), run: this.clock.run, button, survey });
    this.sender.now();
    return { epoch, sequence };
  }

  async storePhase({ epoch, sequence }, phase) {
    await this.queue.addPhase(epoch, sequence, phase);
    this.sender.now();
  }

  // --- time ---

  // The weekday from 0 for Monday, and the ms after midnight on the clocks where the smiley is.
  local(at) {
    const options = { timeZone: this.shown.timeZone ?? undefined, weekday: "short", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
    const parts = Object.fromEntries(new Intl.DateTimeFormat("en-GB", options).formatToParts(at).map(({ type, value }) => [type, value]));
    const day = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].indexOf(parts.weekday);
    return { day, ms: 1_000 * (3_600 * parts.hour + 60 * parts.minute + Number(parts.second)) + (at % 1_000) };
  }

  // The instant at which the local day began, also if the clocks were changed since.
  midnight(now) {
    const about = now - this.local(now).ms;
    const { day, ms } = this.local(about);
    return about - (day === this.local(now).day ? ms : ms - 86_400_000);
  }

  isClosed() {
    if (!this.shown.hours) return false;
    const { day, ms } = this.local(this.clock.trueNow() ?? this.clock.now());
    return !this.shown.hours[day].some(([start, end]) => start * 60_000 <= ms && ms < end * 60_000);
  }

  // The presses of the local day, each by the clock of its run.
  async today() {
    const midnight = this.midnight(this.clock.trueNow() ?? this.clock.now());
    const counts = this.clock.runs.map(({ run }) => this.queue.countSince(run, midnight - this.clock.errorOf(run)));
    return (await Promise.all(counts)).reduce((sum, each) => sum + each, 0);
  }

  // --- staff ---

  // Whether the server said that it has every sequence up to the last one.
  async isProven() {
    return this.sender.state.failure === null && (await this.queue.firstWaiting(this.claim.epoch)) === (this.sender.state.through ?? 0) + 1;
  }

  openStaff() {
    if (!this.visit.isIdle) return;
    this.inStaffLanguage();
    const back = () => this.begin();
    askPin(stage, this, () => staffPage(stage, this, back), () => this.setUp("", back), back);
  }

  setUp(code = "", back = null) {
    this.inStaffLanguage();
    setUp(stage, this.texts, code, (answer, pin) => this.claimed(answer, pin), back);
  }

  // A new token of the same smiley goes on with its sequences; another smiley begins an epoch of its own.
  async claimed({ token, shown }, pin) {
    const same = this.claims.find((each) => each.smiley === shown.smiley);
    const epoch = same?.epoch ?? crypto.getRandomValues(new Uint32Array(1))[0];
    this.claims = [...this.claims.filter((each) => each !== same), { epoch, token, smiley: shown.smiley }];
    for (const [key, value] of Object.entries({ claims: this.claims, pin, shown })) await this.queue.set(key, value);
    if (!same) this.sender.state.through = null;
    await this.gate.count(0);
    this.shown = shown;
    history.replaceState(null, "", "/k/");
    this.sender.now(true);
    this.begin();
  }

  async remove() {
    await this.queue.erase();
    for (const name of await caches.keys()) await caches.delete(name);
    await this.worker?.unregister();
    location.replace("/k/");
  }
}

// What staff read, in the language of the browser; without a connection, as it was last.
async function staffTexts(queue) {
  const stored = await queue.get("texts");
  try {
    const answer = await fetch("/k/texts", { signal: AbortSignal.timeout(stored ? PATIENCE_MS / 5 : 2 * PATIENCE_MS) });
    const words = await answer.json();
    await queue.set("texts", words);
    return words;
  } catch (error) {
    if (stored) return stored;
    throw error;
  }
}

// For the tests, and for whoever looks at a tablet with the tools of the browser; the page has no globals.
export const kiosk = new Kiosk();

const run = () => {
  kiosk.start().catch((error) => {
    console.error(error);
    stage.textContent = String(error);
  });
  return new Promise(() => {});
};

// One tab at a time sends and shows the question. Another one says so, and takes over when the first is closed.
async function inTurn() {
  let hasTurn = false;
  const say = async () => {
    const { texts } = await (await fetch("/k/texts")).json();
    if (!hasTurn) stage.textContent = texts.window;
  };
  setTimeout(() => hasTurn || say().catch((error) => console.info(error)), 1_000);
  await navigator.locks.request("hymio-kiosk", () => {
    hasTurn = true;
    return run();
  });
}

if (location.pathname === "/k") location.replace(`/k/${location.hash}`);
else if (navigator.locks) inTurn();
else run();
