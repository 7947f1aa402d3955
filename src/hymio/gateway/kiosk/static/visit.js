// What a visitor sees: the question, what comes after the button, thanks, and the question again.

import { button, el, face } from "./dom.js";

const ANSWER_MS = 20_000;
const WRITE_MS = 60_000;
const THANKS_MS = 3_000;
const DOUBLE_TAP_MS = 400;
const AWAKE_MS = 30_000;
const [FOLLOWUP, TEXT] = [1, 2];

export class Visit {
  // `kiosk` stores answers and knows what is shown.
  constructor(stage, kiosk) {
    Object.assign(this, { stage, kiosk });
    this.isIdle = true;
    this.idleSince = performance.now();
    this.awakeUntil = 0;
    this.paused = false;
    this.isStoring = false;
    for (const name of ["pointerdown", "keydown", "input"]) {
      stage.addEventListener(name, () => this.restart(), { passive: true });
    }
    document.addEventListener("keydown", (event) => this.key(event));
  }

  // The texts in the language that the visitor chose, or the default one.
  get words() {
    const { locales, default: first } = this.shown;
    return locales.find((each) => each.locale === (this.locale ?? first)) ?? locales[0];
  }

  // Shows the first page, whatever was shown before.
  home() {
    clearTimeout(this.timer);
    if (this.kiosk.mustReload) return location.reload();
    this.waits = this.press = this.locale = null;
    this.isIdle = true;
    this.idleSince = performance.now();
    this.show();
  }

  pause() {
    clearTimeout(this.timer);
    this.paused = true;
  }

  resume() {
    this.paused = false;
    this.home();
  }

  // The first page anew, if nobody is in the middle of answering, and if there is something new to show: whoever is
  // about to touch it touches what it was.
  refresh() {
    if (!this.isIdle || this.paused) return;
    if (this.kiosk.shown !== this.shown || this.isClosed() !== this.wasClosed) this.show();
  }

  isClosed() {
    return this.kiosk.isClosed() && performance.now() > this.awakeUntil;
  }

  // A visit goes on with the survey that it began with.
  show() {
    this.shown = this.kiosk.shown;
    this.wasClosed = this.isClosed();
    document.documentElement.classList.toggle("dim", this.wasClosed);
    if (this.wasClosed) this.closed();
    else if (this.shown.survey === null) this.message(2, this.words.texts.nothing);
    else this.question();
  }

  page(name, ...children) {
    const { locale, dir } = this.words;
    Object.assign(document.documentElement, { lang: locale, dir });
    this.stage.className = name;
    this.stage.replaceChildren(...children);
    this.ready = performance.now() + DOUBLE_TAP_MS;
  }

  closed() {
    const wake = () => {
      this.awakeUntil = performance.now() + AWAKE_MS;
      this.home();
      setTimeout(() => this.refresh(), AWAKE_MS + 1_000);
    };
    this.page(
      "closed",
      el("button", { type: "button", class: "wake", onclick: wake }, face(3), el("h1", {}, this.words.texts.closed), el("span", {}, this.words.texts.touch)),
    );
  }

  message(number, text) {
    this.page("message", face(number), el("h1", { role: "status" }, text));
  }

  question() {
    const { shown, words } = this;
    const choices = shown.faces.map(([index, number, side], position) =>
      el(
        "button",
        { type: "button", role: "radio", "aria-checked": "false", tabindex: position ? -1 : 0, onclick: (event) => this.pressed(index, side, event.currentTarget) },
        ...(shown.numbers ? [el("span", { class: `number f${number}` }, `${index}`)] : [face(number), el("span", { class: "name" }, words.faces[number])]),
      ),
    );
    const parts = [
      ...(shown.logo ? [el("img", { class: "logo", src: shown.logo, alt: "" })] : []),
      el("h1", { id: "question" }, words.question),
      el("div", { class: `faces of${choices.length} ${shown.numbers ? "numbers" : ""}`, role: "radiogroup", "aria-labelledby": "question" }, ...choices),
    ];
    if (shown.numbers) parts.push(el("p", { class: "ends", "aria-hidden": "true" }, el("span", {}, words.texts.low), el("span", {}, words.texts.high)));
    if (shown.locales.length > 1) parts.push(this.languages());
    this.page("question", ...parts);
  }

  languages() {
    const choose = (locale) => {
      this.locale = locale;
      this.question();
      this.wait(ANSWER_MS, () => this.home());
    };
    const choices = this.shown.locales.map(({ locale, name, dir }) =>
      button(name, () => choose(locale), { lang: locale, dir, "aria-pressed": `${locale === this.words.locale}` }),
    );
    return el("nav", { class: "languages", "aria-label": this.words.texts.language }, ...choices);
  }

  // The tap counts once it is on the disk, and only then is anything else shown.
  async pressed(index, side, chosen) {
    if (this.press || performance.now() < this.ready) return;
    this.press = {};
    this.isIdle = false;
    clearTimeout(this.timer);
    chosen.setAttribute("aria-checked", "true");
    try {
      this.press = await this.kiosk.store(index, this.shown.survey);
    } catch (error) {
      return this.failed(error);
    }
    const followup = this.shown.followups[side];
    if (followup?.options.length) this.followup(followup, side);
    else this.text();
  }

  followup({ id, options }, side) {
    const { text, options: names } = this.words.followups[side];
    const answer = async (option, ui) => {
      if (!(await this.answered({ position: FOLLOWUP, ui, followup: { question: id, option } }))) return;
      if (ui === "timeout") this.home();
      else this.text();
    };
    const choices = options.map((option, position) => button(names[position], () => answer(option, "digital"), { class: "option" }));
    this.page(
      "followup",
      el("h1", { id: "question", tabindex: -1 }, text),
      el("div", { class: "options", role: "group", "aria-labelledby": "question" }, ...choices),
      button(this.words.texts.skip, () => answer(null, "skip"), { class: "skip" }),
      this.bar(ANSWER_MS),
    );
    this.focus();
    this.wait(ANSWER_MS, () => answer(null, "timeout"));
  }

  text() {
    if (!this.shown.text) return this.thanks();
    const { texts } = this.words;
    const field = el("textarea", { rows: 4, maxlength: this.shown.most, "aria-labelledby": "question", dir: "auto" });
    const answer = async (text, ui) => {
      if (!(await this.answered({ position: TEXT, ui, text: { text, language: this.words.locale } }))) return;
      if (ui === "timeout") this.home();
      else this.thanks();
    };
    const send = () => (field.value.trim() ? answer(field.value.trim(), "digital") : answer(null, "skip"));
    this.page(
      "text",
      el("h1", { id: "question", tabindex: -1 }, texts.text),
      field,
      el("div", { class: "row" }, button(texts.skip, () => answer(null, "skip"), { class: "skip" }), button(texts.send, send, { class: "main" })),
      this.bar(WRITE_MS),
    );
    this.focus();
    this.wait(WRITE_MS, () => answer(null, "timeout"));
  }

  thanks() {
    this.page("thanks", face(4), el("h1", { role: "status" }, this.words.texts.thanks));
    this.wait(THANKS_MS, () => this.home());
  }

  // How long is left, without a word.
  bar(ms) {
    const bar = el("div", { class: "bar", "aria-hidden": "true" }, el("i"));
    bar.firstChild.style.animationDuration = `${ms}ms`;
    return bar;
  }

  // Stores what follows the tap before anything else is shown. False for a second tap, and if it was not stored.
  async answered(phase) {
    if (this.isStoring || (phase.ui !== "timeout" && performance.now() < this.ready)) return false;
    this.isStoring = true;
    clearTimeout(this.timer);
    try {
      await this.kiosk.storePhase(this.press, phase);
      return true;
    } catch (error) {
      this.failed(error);
      return false;
    } finally {
      this.isStoring = false;
    }
  }

  // Nothing can be stored: visitors are told, and the page opens its database anew.
  failed(error) {
    console.error(error);
    this.message(1, this.words.texts.broken);
    this.wait(2 * THANKS_MS, () => location.reload());
  }

  focus() {
    this.stage.querySelector("h1").focus({ preventScroll: true });
  }

  // Goes on by itself after a while in which nobody touches anything.
  wait(ms, then) {
    clearTimeout(this.timer);
    this.waits = { ms, then };
    this.timer = setTimeout(then, ms);
  }

  restart() {
    this.idleSince = performance.now();
    if (!this.waits || this.paused || ["thanks", "message"].includes(this.stage.className)) return;
    this.wait(this.waits.ms, this.waits.then);
    const bar = this.stage.querySelector(".bar i");
    bar?.replaceWith(bar.cloneNode());
  }

  // Keys of the choices: 1 to 9 by their place, 0 to 9 of a scale of numbers, and arrows.
  key(event) {
    if (this.paused || event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.target.matches?.("textarea, input")) return;
    const choices = [...this.stage.querySelectorAll("[role=radio], .option")];
    if (!choices.length) return;
    if (/^[0-9]$/.test(event.key)) {
      const isNumber = this.stage.querySelector(".numbers");
      choices[Number(event.key) - (isNumber ? 0 : 1)]?.click();
      return;
    }
    const forward = document.documentElement.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
    const step = [forward, "ArrowDown"].includes(event.key) ? 1 : ["ArrowLeft", "ArrowRight", "ArrowUp"].includes(event.key) ? -1 : 0;
    if (!step) return;
    event.preventDefault();
    const at = choices.indexOf(document.activeElement);
    const next = at < 0 ? 0 : (at + step + choices.length) % choices.length;
    for (const [position, each] of choices.entries()) if (each.role === "radio") each.tabIndex = position === next ? 0 : -1;
    choices[next].focus();
  }
}
