// What the page of a report does better with a script: tips and zoom on charts, one open menu at a time, and, as parts of the
// page are replaced, where the focus is and a word for screen readers. Without it the page shows the same.
"use strict";
(() => {
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  document.body.append(tip);

  // The text of a part of a chart; its <title> goes, or the browser would show a tip of its own.
  const textOf = (group) => {
    const title = group?.querySelector(":scope > title");
    if (title) {
      group.dataset.tip = title.textContent;
      title.remove();
    }
    return group?.dataset.tip;
  };
  const show = (group) => {
    const text = textOf(group);
    tip.hidden = !text;
    if (!text) return;
    tip.textContent = text.replaceAll(" · ", "\n");
    const place = group.getBoundingClientRect(), own = tip.getBoundingClientRect();
    const left = place.left + place.width / 2 - own.width / 2, above = place.top - own.height - 8;
    tip.style.left = `${Math.max(8, Math.min(left, innerWidth - own.width - 8))}px`;
    tip.style.top = `${above < 8 ? place.top + 8 : above}px`;
  };
  document.addEventListener("pointerover", (event) => show(event.target.closest?.(".chart g")));
  document.addEventListener("scroll", () => show(null), { capture: true, passive: true });

  // Zoom: a click on a part of the trend opens the report of its dates, a drag over parts that of all of them.
  let from = null;
  const partOf = (event) => document.elementFromPoint(event.clientX, event.clientY)?.closest(".chart g[data-first]");
  const parts = (to) => {
    const all = [...from.parentNode.querySelectorAll("g[data-first]")];
    const [low, high] = [all.indexOf(from), all.indexOf(to)].sort((one, other) => one - other);
    return low < 0 ? [] : all.slice(low, high + 1);
  };
  const mark = (chosen) => {
    for (const part of document.querySelectorAll(".chart g.picked")) part.classList.remove("picked");
    for (const part of chosen) part.classList.add("picked");
  };
  document.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    from = partOf(event) ?? null;
    if (from) event.preventDefault();
  });
  document.addEventListener("pointermove", (event) => {
    const to = from && partOf(event);
    if (to) mark(parts(to));
  });
  document.addEventListener("pointercancel", () => {
    from = null;
    mark([]);
  });
  document.addEventListener("pointerup", (event) => {
    const to = from && partOf(event), chosen = to ? parts(to) : [], all = from?.parentNode.querySelectorAll("g[data-first]");
    from = null;
    mark([]);
    if (!chosen.length || chosen.length === all.length) return;
    const address = new URL(location.href);
    address.searchParams.set("period", `${chosen[0].dataset.first}..${chosen.at(-1).dataset.last}`);
    address.searchParams.delete("textOffset");
    location.assign(address);
  });

  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.drop[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    show(null);
    const menu = document.querySelector("details.drop[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  // An answer that is no report, as the form of signing in, is opened as a page.
  document.addEventListener("htmx:after:request", (event) => {
    const { text, response } = event.detail.ctx;
    if (text.includes('id="report"')) return;
    event.preventDefault();
    location.assign(response.raw.url);
  });
  let focused = "";
  document.addEventListener("htmx:before:swap", () => {
    const active = document.activeElement;
    focused = active?.closest("details.drop")?.querySelector("summary").id || active?.id;
  });
  document.addEventListener("htmx:after:swap", () => {
    show(null);
    if (document.activeElement === document.body && focused) document.getElementById(focused)?.focus();
    document.getElementById("status").textContent = document.getElementById("report").dataset.status;
  });
})();
