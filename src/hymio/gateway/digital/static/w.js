// The script of a published smiley, an anonymous function: `C` is its configuration (configuration.py), `css` the style
// sheet (w.css and rules of the brand). It sets one global, HappyOrNot, as the published embed does, shows itself in
// closed shadow roots, and stores nothing in the browser. minify.py says what it may contain.
(C, css) => {
  const page = document, tag = page.currentScript;

  const element = (name, attributes, ...children) => {
    const made = page.createElementNS("http://www.w3.org/" + (/svg|path/.test(name) ? "2000/svg" : "1999/xhtml"), name);
    for (const key in attributes) {
      const value = attributes[key];
      value.call ? made["on" + key] = value : made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  };
  const drawn = (face) => element("svg", { viewBox: "0 0 24 24", "aria-hidden": true },
    element("path", { d: "M12 1a11 11 0 1 0 .01 0", fill: face[0] }),
    element("path", { d: face[1], stroke: face[2], fill: face[3] }));

  // Shows the smiley in a host.
  const mount = (host) => {
    const sheet = new CSSStyleSheet(), began = Date.now(), given = { ...tag?.dataset, ...host.dataset, ...host.metadata };
    sheet.replaceSync(css);  // a browser without constructable sheets stops here, and the link in the tag stays
    const root = host.attachShadow({ mode: "closed" }), box = element("div", { class: host.dataset.pop ? "w p" : "w", lang: C.lang, dir: C.dir });
    root.adoptedStyleSheets = [sheet];
    root.append(box);

    // `asks` are the questions that remain, `mark` the present one, while nothing is recorded of it. Each part in
    // `waiting` was not answered by the server; it is sent with the whole press, so retries and any order count once.
    const waiting = new Set();
    let press, asks, mark, timer, proof;
    const written = (part) => JSON.stringify({ ...press, ...part, clock: Date.now() });
    const beacon = (part) => navigator.sendBeacon(C.url, written(part));
    const send = async (part, seconds) => {
      let pause = seconds;
      waiting.add(part);
      try {
        await proof;
        const answer = await fetch(C.url, { method: "POST", keepalive: true, body: written(part) });
        if (answer.status < 500 && answer.status != 429) {
          waiting.delete(part);
          return answer;
        }
        pause = answer.headers.get("Retry-After") || pause;
      } catch {}
      await new Promise((done) => setTimeout(done, 1e3 * (+pause + Math.random())));
      return send(part, Math.min(2 * seconds, 60));
    };
    const leave = (ui, deliver) => {
      if (mark) deliver({ [mark[0]]: { question: mark[1], ui: ui } }, 1);
      mark = 0;
    };
    // A page that a telephone puts away may never come back. An answer that comes later takes the place of the exit.
    page.addEventListener("visibilitychange", () => {
      if (page.hidden) {
        waiting.forEach(beacon);
        leave("exit", beacon);
      }
    });

    // Somebody who reads the page meanwhile keeps the form and the focus: a timeout is only recorded.
    const idle = () => {
      clearTimeout(timer);
      timer = setTimeout(leave, 6e4, "timeout", send);
    };
    box.oninput = idle;
    // Typed characters are no business of the page, whose shortcuts would take them for its own.
    box.onkeydown = box.onkeyup = box.onkeypress = (event) => event.key[1] || event.stopPropagation();
    const show = (heading, ...children) => {
      const title = element("h2", { tabindex: -1 }, heading), close = element("button", { class: "x", "aria-label": C.close, click: () => {
        leave("exit", send);
        host.remove();
      } }, "×");
      box.replaceChildren(host.dataset.pop ? close : "", title, ...children);
      idle();
      if (press) title.focus();
    };
    const next = () => {
      const ask = asks.shift();
      if (!ask) {
        show(C.thanks);
        return box.prepend(drawn(C.glad));
      }
      const kind = ask[0];
      const answer = (value) => {
        mark = 0;
        send({ [kind]: value }, 1);
        next();
      };
      // The browser says what is wrong with a field, in its own language. A text is never cut, so it has no maxlength.
      const area = element("textarea", { rows: 4, required: "", "aria-label": ask[2], input: () => {
        const length = [...area.value].length;
        area.setCustomValidity(length > C.most ? C.long.replace("#", length) : "");
      } });
      const fields = kind == "contact" ? ask[3].map((field) => element("input", { type: field[0], autocomplete: field[0], maxlength: ask[1], pattern: ".*\\S.*", required: "" })) : [];
      const check = () => fields.map((field, place) => field.required = !(place && fields[3 - place].value));
      const submit = (event) => {
        event.preventDefault();
        answer(fields[0] ? { name: fields[0].value, email: fields[1].value || null, phone: fields[2].value || null } : { text: area.value, ui: "digital" });
      };
      mark = kind != "contact" && ask;
      show(ask[2], kind == "followup" ? element("div", { class: "o" }, ...ask[3].map((option) => element("button", { click: () => answer({ question: ask[1], option: option[0], ui: "digital" }) }, option[1])))
        : element("form", { submit: submit, input: check }, ...fields.map((field, place) => element("label", {}, ask[3][place][1], field)), fields[0] ? ask[4] ? element("p", {}, ask[4]) : "" : area, element("button", { class: "m" }, C.send)),
      element("button", { class: "k", click: () => {
        leave("skip", send);
        next();
      } }, C.skip));
    };
    const choose = async (face) => {
      if (press) return;
      // The address of a blob ends in a UUID of version 4, also on pages without HTTPS.
      press = { smiley: C.code, id: URL.createObjectURL(new Blob()).slice(-36), button: face[0], survey: C.survey, at: Date.now(), dwell: Date.now() - began, lang: C.lang, metadata: {} };
      for (const name of C.metadata) {
        const value = given[name] || new URLSearchParams(location.search).get(name);
        if (value) press.metadata[name] = "" + value;
      }
      proof = PROOF;
      asks = [...C.asks[face[2]], ...C.rest];
      next();
      const answer = await send({}, 1);
      if (!answer.ok) return box.remove();
      if ((await answer.json()).closed) {
        mark = 0;
        show(C.closed);
      }
    };
    const keys = (event) => {
      const radios = [...event.currentTarget.children];
      const move = { ArrowRight: C.right, ArrowDown: 1, ArrowLeft: -C.right, ArrowUp: -1 }[event.key];
      if (move) {
        event.preventDefault();
        radios.at((radios.indexOf(root.activeElement) + move) % radios.length).focus();
      }
      // Keys are 1 to 5, with numbers 0 to 9.
      event.ctrlKey || event.altKey || event.metaKey || C.faces.map((face, place) => event.key == place + !C.ends && choose(face));
    };
    if (!C.survey) return show(C.closed);
    show(C.question, element("div", { class: "f", role: "radiogroup", "aria-label": C.question, keydown: keys }, ...C.faces.map((face, place) =>
      element("button", { role: "radio", "aria-checked": false, tabindex: place && -1, click: () => choose(face) }, face[3] ? drawn(face[3]) : "", face[1]))),
    C.ends ? element("p", {}, ...C.ends.map((end) => element("span", {}, end))) : "");
  };

  // What scripts of a page share: how each smiley is mounted. Hosts are looked for whenever the page changes, as pages
  // that load no other page put them in later.
  const global = window.HappyOrNot ||= {};
  const find = () => page.querySelectorAll("[data-hymio]").forEach((host) => {
    const mounts = global.smileys[host.dataset.hymio];
    if (mounts && !host.mounted) {
      host.mounted = true;
      mounts(host);
    }
  });
  if (!global.smileys) {
    global.smileys = {};
    new MutationObserver(find).observe(page, { childList: true, subtree: true });
  }
  global.smileys[C.code] = mount;
  // Shows a smiley at the end of an element, or in a corner of the page.
  global.init = (options) => {
    const into = options.embedTo || page.body;
    if (into.querySelector(":scope>[data-hymio]")) return;
    const host = element("div", { "data-hymio": options.token, "data-pop": options.embedTo ? "" : 1 });
    host.metadata = { ...into.dataset, ...options.metadata };
    into.append(host);
  };
  const begin = () => page.body ? C.pop ? global.init({ token: C.code }) : find() : setTimeout(begin);
  begin();
}
