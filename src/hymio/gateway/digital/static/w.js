// The script of a published smiley, of which w.min.js is made by scripts/minify.sh. C is its configuration,
// and BRAND stands for rules of the organization.
// One global (HappyOrNot, as the published embed has it), a closed shadow root, no cookie, no storage.
((C) => {
  const D = document, T = C.texts, me = D.currentScript;
  const CSS = ":host{all:initial!important;display:block!important}:host([data-pop]){position:fixed!important;inset:auto 16px 16px auto!important;width:min(360px,calc(100vw - 32px))!important;z-index:2147483647!important}*{box-sizing:border-box;font:inherit;color:inherit;margin:0}div.w{font:16px/1.4 system-ui,sans-serif;color:#1c2321;background:#fff;border:1px solid #e4e2dc;border-radius:14px;padding:20px;text-align:center;position:relative}h2{font-size:18px;font-weight:650;margin:0 16px 14px}.f{display:flex;justify-content:center;gap:2px;flex-wrap:wrap;align-items:start}.f.n{direction:ltr}button{cursor:pointer;min-height:44px;min-width:44px;background:none;border:2px solid transparent;border-radius:10px;padding:6px}.f button{flex:1 1 0;max-width:84px;font-size:12px;line-height:1.2}.f.n button{flex:0 0 44px;font-size:16px;font-weight:650;border-color:#7f8a86}:focus-visible{outline:3px solid #0b6b50;outline-offset:2px}h2{outline:0!important}svg{width:100%;max-width:48px;display:block;margin:0 auto 4px}.o{display:grid;gap:8px}.o button,.s{width:100%;border-color:#7f8a86}.s{margin-top:8px}.m{background:#0b6b50;color:#fff;font-weight:650}.k{color:#5d6864;border-color:#fff;text-decoration:underline}.x{position:absolute;top:4px;inset-inline-end:4px}label{display:block;text-align:start;font-size:14px;font-weight:650;margin-top:8px}input,textarea{width:100%;min-height:44px;padding:8px 12px;border:1px solid #7f8a86;border-radius:10px;font-weight:400}.b{position:absolute;inset-inline-start:-9999px}p{font-size:13px;color:#5d6864;text-align:start;margin:8px 0}.e{color:#9a3412}BRAND";
  const COLOURS = ["#b8431a", "#eda04a", "#b9b4a8", "#6fb8a6", "#0f766e"];
  const MOUTHS = ["M6.6 7.6l3 1.3M17.4 7.6l-3 1.3M7.2 17.2q4.8-5 9.6 0", "M7.6 16.6q4.4-2.6 8.8 0", "M8 16h8", "M7.6 15q4.4 3 8.8 0", "M6.8 13.6q5.2 7.2 10.4 0z"];

  const el = (name, attributes = {}, ...children) => {
    const made = D.createElementNS(/svg|path|circle/.test(name) ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml", name);
    for (const key in attributes) key.startsWith("on") ? made.addEventListener(key.slice(2), attributes[key]) : attributes[key] != null && made.setAttribute(key, attributes[key]);
    made.append(...children.filter((child) => child != null));
    return made;
  };
  const face = (number) => {
    const ink = number && number < 4 ? "#1c2321" : "#fff", dot = (cx) => el("circle", { cx, cy: 10.4, r: 1.25, fill: ink });
    return el("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, el("circle", { cx: 12, cy: 12, r: 11, fill: COLOURS[number] }), dot(8.6), dot(15.4),
      el("path", { d: MOUTHS[number], fill: number == 4 ? ink : "none", stroke: ink, "stroke-width": 1.7, "stroke-linecap": "round", "stroke-linejoin": "round" }));
  };
  const uuid = () => {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    return [...bytes].map((byte, index) => ([4, 6, 8, 10].includes(index) ? "-" : "") + byte.toString(16).padStart(2, "0")).join("");
  };
  const worked = async (id) => {
    for (let number = 0; C.work; number++) {
      const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(id + ":" + number));
      if (!(new DataView(hash).getUint32(0) >>> (32 - C.work))) return "" + number;
    }
  };

  // Messages that the server has not answered; a retry sends the same press, so that it counts once.
  const waiting = new Set();
  const post = async (message, seconds = 1) => {
    waiting.add(message);
    let wait = seconds;
    try {
      const answer = await fetch(C.url, { method: "POST", keepalive: true, credentials: "omit", body: text(message) });
      if (answer.status != 429 && answer.status < 500) return waiting.delete(message), answer;
      wait = +answer.headers.get("Retry-After") || seconds;
    } catch {}
    return new Promise((done) => setTimeout(() => done(waiting.has(message) && post(message, Math.min(2 * seconds, 300))), 1e3 * (wait + Math.random())));
  };
  const text = (message) => JSON.stringify({ ...message, clock: Date.now() });
  const beacon = (message) => navigator.sendBeacon(C.url, text(message));
  addEventListener("pagehide", () => { for (const message of waiting) beacon(message), waiting.delete(message); });

  const data = me ? { ...me.dataset } : {}, mounted = new WeakSet();
  const mount = (host, more) => {
    if (!host || mounted.has(host)) return;
    mounted.add(host);
    const given = { ...data, ...host.dataset, ...more };
    const root = host.attachShadow({ mode: "closed" }), sheet = new CSSStyleSheet(), began = performance.now();
    sheet.replaceSync(CSS);
    root.adoptedStyleSheets = [sheet];
    const box = el("div", { class: "w", lang: C.lang, dir: C.dir }), query = new URLSearchParams(location.search);
    root.append(box);
    let press, open, timer;
    const bin = el("input", { tabindex: -1, autocomplete: "off" });
    const show = (name, ...children) => {
      open = name;
      clearTimeout(timer);
      if (name) timer = setTimeout(() => leave("timeout"), 6e4);
      box.replaceChildren(...children.filter(Boolean));
      if (press) box.querySelector("h2").focus();
    };
    const answer = (part) => post({ ...press, ...part });
    const mark = (ui) => open == "text" ? { text: { ui } } : open == "followup" ? { followup: { question: side()[0], ui } } : 0;
    const leave = (ui) => { const part = mark(ui); if (part) answer(part); ui == "skip" ? next() : thanks(); };
    const side = () => C.followups[C.faces.find((each) => each[0] == press.button)[3]];
    const close = () => host.hasAttribute("data-pop") && el("button", { class: "x", "aria-label": T.close, onclick: () => { if (press) leave("exit"); host.remove(); } }, "\u00d7");
    const skip = () => el("button", { class: "k s", onclick: () => leave("skip") }, T.skip);
    const title = (words) => el("h2", { tabindex: -1 }, words);
    const thanks = () => show("", close(), face(4), el("h2", { role: "status", tabindex: -1 }, T.thanks));
    const steps = ["followup", "text", "contact"];
    const next = () => {
      const step = steps[steps.indexOf(open) + 1];
      if (!step) return thanks();
      const asked = step == "followup" ? side() : C[step];
      if (!asked) return open = step, next();
      if (step == "followup") return show(step, close(), title(asked[1]), el("div", { class: "o" }, ...asked[2].map(([option, words]) =>
        el("button", { onclick: () => { answer({ followup: { question: asked[0], option, ui: "digital" } }); next(); } }, words))), skip());
      const fault = el("p", { class: "e", role: "alert" });
      const field = (name, type, words) => el("label", {}, words, el("input", { name, type, autocomplete: type == "text" ? "name" : type, maxlength: 254 }));
      const fields = step == "text" ? [el("textarea", { rows: 4, maxlength: C.most, "aria-label": T.text })] : [field("name", "text", T.name), field("email", "email", T.email), field("phone", "tel", T.phone), C.consent && el("p", {}, C.consent)];
      const send = (event) => {
        event.preventDefault();
        const values = [...box.querySelectorAll("input,textarea")].map((each) => each.value.trim());
        if (!values.join("")) return leave("skip");
        const [name, email, phone] = values;
        if (step == "contact" && !(name && (email || phone))) return fault.textContent = T.incomplete;
        answer(step == "text" ? { text: { text: name, ui: "digital" } } : { contact: { name, email: email || null, phone: phone || null } }).then((got) => got.status >= 400 && got.json().then((problem) => fault.textContent = problem.detail).then(() => step == "text" && show(step, ...kept)));
        const kept = [...box.childNodes];
        next();
      };
      show(step, close(), el("form", { onsubmit: send }, title(step == "text" ? T.text : T.contact), ...fields.filter(Boolean), fault, el("button", { class: "m s" }, T.send)), skip());
    };
    const choose = async (button) => {
      if (press) return;
      const metadata = {};
      for (const name of C.metadata) { const value = given[name] || query.get(name); if (value) metadata[name] = value; }
      press = { smiley: C.code, id: uuid(), button, survey: C.survey, at: Date.now(), ui: "digital", dwell: performance.now() - began, lang: C.lang, metadata, website: bin.value || null };
      open = "";
      next();
      if (C.work) press.work = await worked(press.id);
      post(press).then((got) => got.ok ? got.json().then((said) => said.closed && show("", close(), title(T.closed))) : got.status == 404 && host.remove());
    };
    const keys = (event) => {
      const all = [...event.currentTarget.children], at = all.indexOf(root.activeElement), way = C.dir == "rtl" && !C.nps ? -1 : 1, step = { ArrowRight: way, ArrowDown: 1, ArrowLeft: -way, ArrowUp: -1 }[event.key];
      if (step) { const to = all[(at + step + all.length) % all.length]; all.forEach((each) => each.tabIndex = each == to ? 0 : -1); to.focus(); event.preventDefault(); }
      else if (/^\d$/.test(event.key)) { const chosen = C.nps ? C.faces.find((each) => each[0] == event.key) : C.faces[event.key - 1]; if (chosen) choose(chosen[0]); }
    };
    addEventListener("pagehide", () => { const part = press && mark("exit"); if (part) beacon({ ...press, ...part }), open = ""; });
    if (!C.survey) return show("", title(T.closed));
    show("", close(), title(C.question), el("label", { class: "b", "aria-hidden": "true" }, T.bin, bin), el("div", { class: C.nps ? "f n" : "f", role: "radiogroup", "aria-label": C.question, onkeydown: keys },
      ...C.faces.map(([button, number, name], index) => el("button", { role: "radio", "aria-checked": "false", "aria-label": C.nps ? name : null, tabindex: index ? -1 : 0, onclick: () => choose(button) }, C.nps ? name : face(number), C.nps ? null : name))));
  };

  const H = (window.HappyOrNot ||= {}), known = (H.smileys ||= {});
  known[C.token] = known[C.code] = mount;
  H.init = ({ token, embedTo, metadata }) => known[token] && known[token](embedTo, metadata);
  const begin = () => {
    if (C.pop && C.survey) { const host = el("div", { "data-pop": "" }); D.body.append(host); mount(host); }
    else if (!C.published) D.querySelectorAll(`[data-hymio="${C.code}"]`).forEach((host) => mount(host));
  };
  D.body ? begin() : addEventListener("DOMContentLoaded", begin);
})(CONFIGURATION);
