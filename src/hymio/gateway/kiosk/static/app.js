// The kiosk: makes this tablet a smiley that keeps its answers until the server has them.

import { RunClock } from "./clock.js";
import { openQueue } from "./queue.js";
import { Sender } from "./sending.js";
import { setUp } from "./setup.js";
import { askPin, staffPage } from "./staff.js";
import { Visit } from "./visit.js";

const SHOWN_MS = 5 * 60_000;
const UPDATE_MS = 3_600_000;
const IDLE_MS = 20_000;
const TICK_MS = 15_000;
const SHIFTS = [[0, 0], [6, 3], [3, -5], [-5, -3], [-6, 4]];

const stage = document.getElementById("stage");
const staffButton = document.getElementById("staff");

class Kiosk {
  version = document.querySelector("meta[name=version]").content;
  leavesFullScreen = false;

  async start() {
    this.worker = await navigator.serviceWorker?.register("/k/worker.js", { scope: "/k/", updateViaCache: "none" });
    this.queue = await openQueue();
    this.claims = (await this.queue.get("claims")) ?? [];
    this.clock = new RunClock(this.queue);
    await this.clock.open();
    this.sender = new Sender(this.queue, this.clock, async () => this.claims, this.version);
    this.visit = new Visit(stage, this);
    const words = await this.staffTexts();
    Object.assign(this, { texts: words.texts, language: words.language, dir: words.dir });
    staffButton.addEventListener("click", () => this.openStaff());
    staffButton.setAttribute("aria-label", this.texts.staff);
    await this.sender.open();
    if (!this.claims.length) return this.setUp(decodeURIComponent(location.hash.slice(1)));
    history.replaceState(null, "", "/k/");
    this.shown = await this.storedShown();
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

  async staffTexts() {
    try {
      const words = await (await fetch("/k/texts")).json();
      await this.queue.set("texts", words);
      return words;
    } catch {
      return this.queue.get("texts");
    }
  }

  inStaffLanguage() {
    Object.assign(document.documentElement, { lang: this.language, dir: this.dir });
    document.documentElement.classList.remove("dim");
    staffButton.hidden = true;
    this.visit.paused = true;
  }

  // --- what is shown ---

  get address() {
    return `/k/shown?k=${this.claim.epoch}`;
  }

  async storedShown() {
    const answer = await caches.match(this.address, { ignoreVary: true });
    return answer ? answer.json() : (await this.queue.get("shown"));
  }

  async refresh() {
    try {
      const answer = await fetch(this.address, { headers: { Authorization: `Bearer ${this.claim.token}` } });
      if (!answer.ok) return;
      const text = await answer.text();
      if (text === this.shownText) return;
      this.shownText = text;
      this.shown = JSON.parse(text);
      await this.queue.set("shown", this.shown);
      this.visit.refresh();
    } catch {
      // What was shown before is shown on.
    }
  }

  async begin() {
    this.visit.paused = false;
    staffButton.hidden = false;
    this.visit.home();
    this.keepAwake();
    if (this.isRunning) return;
    this.isRunning = true;
    navigator.storage?.persist?.();
    setInterval(() => this.tick(), TICK_MS);
    setInterval(() => this.refresh(), SHOWN_MS * (0.9 + 0.2 * Math.random()));
    setInterval(() => this.worker?.update().catch(() => {}), UPDATE_MS);
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState !== "visible") return;
      this.keepAwake();
      this.refresh();
      this.worker?.update().catch(() => {});
    });
    addEventListener("online", () => this.refresh());
    stage.addEventListener("click", () => {
      this.keepAwake();
      if (!this.leavesFullScreen) this.fullScreen();
    });
    stage.addEventListener("contextmenu", (event) => event.preventDefault());
    history.pushState(null, "");
    addEventListener("popstate", () => history.pushState(null, ""));
    // The first worker takes the page over as it is; a later one brings other files.
    let hadWorker = Boolean(navigator.serviceWorker?.controller);
    navigator.serviceWorker?.addEventListener("controllerchange", () => {
      if (hadWorker) location.reload();
      hadWorker = true;
    });
    this.refresh();
    this.sender.now(true);
  }

  // Every quarter of a minute: opening hours, the clock, a shift of all pixels, and a version that waits.
  async tick() {
    this.visit.refresh();
    await this.clock.watch();
    await this.clock.save();
    const [x, y] = SHIFTS[Math.floor(Date.now() / 60_000) % SHIFTS.length];
    document.documentElement.style.setProperty("--x", `${x}px`);
    document.documentElement.style.setProperty("--y", `${y}px`);
    const isIdle = this.visit.isIdle && !this.visit.paused && performance.now() - this.visit.idleSince > IDLE_MS;
    if (isIdle) this.worker?.waiting?.postMessage("activate");
  }

  // --- answers ---

  async store(button) {
    await this.clock.watch();
    const { epoch } = this.claim;
    const press = { at: this.clock.now(), run: this.clock.run, button, survey: this.shown.survey };
    const sequence = await this.queue.add(epoch, press);
    this.sender.now();
    return { epoch, sequence };
  }

  async storePhase({ epoch, sequence }, phase) {
    await this.queue.addPhase(epoch, sequence, phase);
    this.sender.now();
  }

  // --- time ---

  // The weekday from 0 for Monday, minute after midnight, and seconds, where the smiley is.
  local(at) {
    const options = { timeZone: this.shown.timeZone ?? undefined, weekday: "short", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
    const parts = Object.fromEntries(new Intl.DateTimeFormat("en-GB", options).formatToParts(at).map(({ type, value }) => [type, value]));
    return { day: ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].indexOf(parts.weekday), minute: 60 * parts.hour + Number(parts.minute), seconds: Number(parts.second) };
  }

  midnight() {
    const now = this.clock.now();
    const { minute, seconds } = this.local(now);
    return now - (60 * minute + seconds) * 1_000 - (now % 1_000);
  }

  isClosed() {
    if (!this.shown.hours) return false;
    const { day, minute } = this.local(this.clock.now());
    return !this.shown.hours[day].some(([start, end]) => start <= minute && minute < end);
  }

  // --- the device ---

  async keepAwake() {
    if (document.visibilityState !== "visible" || this.staysAwake()) return;
    this.lock = await navigator.wakeLock?.request("screen").catch(() => null);
  }

  staysAwake() {
    return Boolean(this.lock && !this.lock.released);
  }

  async isPersistent() {
    return Boolean(await navigator.storage?.persisted?.());
  }

  isInstalled() {
    return Boolean(navigator.standalone) || matchMedia("(display-mode: fullscreen), (display-mode: standalone)").matches;
  }

  fullScreen() {
    if (!document.fullscreenElement) document.documentElement.requestFullscreen?.().catch(() => {});
  }

  toggleFullScreen() {
    this.leavesFullScreen = Boolean(document.fullscreenElement);
    if (document.fullscreenElement) document.exitFullscreen();
    else this.fullScreen();
  }

  // --- staff ---

  // Whether the server said that it has every sequence up to the last one.
  async isProven() {
    return this.sender.state.failure === null && (await this.queue.firstWaiting(this.claim.epoch)) === (this.sender.state.through ?? 0) + 1;
  }

  async openStaff() {
    if (!this.visit.isIdle) return;
    this.inStaffLanguage();
    const back = () => this.begin();
    askPin(stage, this.texts, await this.queue.get("pin"), () => staffPage(stage, this, this.texts, back), () => this.setUpAgain(), back);
  }

  setUp(code = "", back = null) {
    this.inStaffLanguage();
    setUp(stage, this.texts, code, (answer, pin) => this.claimed(answer, pin), back);
  }

  setUpAgain() {
    this.setUp("", () => this.begin());
  }

  // A new token of the same smiley goes on with its sequences; another smiley begins an epoch of its own.
  async claimed({ token, shown }, pin) {
    const same = this.claims.find((each) => each.smiley === shown.smiley);
    const epoch = same?.epoch ?? crypto.getRandomValues(new Uint32Array(1))[0];
    this.claims = [...this.claims.filter((each) => each !== same), { epoch, token, smiley: shown.smiley }];
    await this.queue.set("claims", this.claims);
    await this.queue.set("pin", pin);
    await this.queue.set("shown", shown);
    this.shown = shown;
    history.replaceState(null, "", "/k/");
    await this.sender.now(true);
    await this.begin();
  }

  async remove() {
    await this.queue.erase();
    for (const name of await caches.keys()) await caches.delete(name);
    await this.worker?.unregister();
    location.replace("/k/");
  }
}

if (location.pathname === "/k") location.replace(`/k/${location.hash}`);
else {
  const run = () => {
    const kiosk = new Kiosk();
    globalThis.kiosk = kiosk;
    kiosk.start().catch((error) => {
      console.error(error);
      stage.textContent = String(error);
    });
    return new Promise(() => {});
  };
  // One tab at a time: two would give the same sequence to two presses.
  if (navigator.locks) {
    stage.textContent = "…";
    navigator.locks.request("hymio-kiosk", run);
  }
  else run();
}
