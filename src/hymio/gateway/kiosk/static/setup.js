// Makes this tablet a smiley: a one-time code of the server, and a PIN for the staff.

import { button, el, face, leaveAlone } from "./dom.js";
import { pinOf } from "./pin.js";

const PIN = /^[0-9]{4,8}$/;

// On an iPad only an installed page keeps its data for more than seven days.
const needsInstalling = () => "standalone" in navigator && !navigator.standalone;

// Shows the form; `done(answer, pin)` is called with the server's answer once the code is used.
export function setUp(stage, texts, code, done, back) {
  stage.className = "setup";
  if (!isSecureContext) return stage.replaceChildren(face(1), el("h1", {}, texts.insecure));
  if (needsInstalling()) {
    return stage.replaceChildren(face(3), el("h1", {}, texts.install), el("p", { class: "code", dir: "ltr" }, code));
  }
  const problem = el("p", { class: "problem", role: "alert", hidden: true });
  const field = (name, label, attributes) => [
    el("label", { for: name }, label),
    el("input", { id: name, dir: "ltr", autocomplete: "off", required: true, ...attributes }),
  ];
  const secret = { type: "password", inputmode: "numeric", maxlength: 8 };
  const form = el(
    "form",
    { class: "card" },
    el("h1", {}, texts.setup),
    el("p", { class: "hint" }, texts.setupHint),
    problem,
    ...field("code", texts.code, { value: code, maxlength: 40, autocapitalize: "characters", spellcheck: "false" }),
    ...field("pin", texts.pin, secret),
    ...field("again", texts.again, secret),
    el("button", { class: "main" }, texts.start),
    ...(back ? [button(texts.back, back, { class: "skip" })] : []),
  );
  const say = (text) => {
    problem.hidden = false;
    problem.textContent = text;
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const [code, pin, again] = ["code", "pin", "again"].map((name) => form.querySelector(`#${name}`).value);
    if (!PIN.test(pin) || pin !== again) return say(texts.differ);
    const submit = form.querySelector(".main");
    submit.disabled = true;
    const problem = await claim(code, pin, done);
    submit.disabled = false;
    if (problem) say(texts[problem]);
  });
  stage.replaceChildren(form);
  if (back) leaveAlone(stage, back);
  form.querySelector(code ? "#pin" : "#code").focus();
}

// The name of the text that says what is wrong; nothing if all is well.
async function claim(code, pin, done) {
  let response;
  try {
    response = await fetch("/k/claim", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ code }),
      signal: AbortSignal.timeout(20_000),
    });
  } catch {
    return "offline";
  }
  if (response.status === 429) return "tooMany";
  if (response.status === 401) return "refused";
  if (!response.ok) return "offline";
  await done(await response.json(), await pinOf(pin));
  return null;
}
