// What the page of a report does better with a script: tips on charts, larger charts, one open menu at a time, and a
// word for screen readers when a part of the page was replaced. Without it the page shows the same.
"use strict";
(() => {
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  document.body.append(tip);

  const show = (target) => {
    const text = target && (target.dataset.tip || target.querySelector(":scope > title")?.textContent);
    tip.hidden = !text;
    if (!text) return;
    tip.textContent = text;
    const place = target.getBoundingClientRect(), own = tip.getBoundingClientRect();
    const left = place.left + place.width / 2 - own.width / 2;
    const above = place.top - own.height - 8;
    tip.style.left = `${Math.max(8, Math.min(left, innerWidth - own.width - 8))}px`;
    tip.style.top = `${above < 8 ? place.bottom + 8 : above}px`;
  };
  const tipped = (event) => event.target.closest?.("[data-tip]");
  document.addEventListener("pointerover", (event) => show(tipped(event)));
  document.addEventListener("focusin", (event) => show(tipped(event)));
  document.addEventListener("focusout", () => show(null));
  document.addEventListener("scroll", () => show(null), { capture: true, passive: true });

  document.addEventListener("click", (event) => {
    const button = event.target.closest(".zoom");
    if (button) button.closest(".card").classList.toggle("large");
    for (const menu of document.querySelectorAll("details.drop[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    show(null);
    document.querySelector(".card.large")?.classList.remove("large");
    const menu = document.querySelector("details.drop[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  const prepare = () => {
    for (const button of document.querySelectorAll(".zoom")) button.hidden = false;
  };
  prepare();
  document.addEventListener("htmx:after:swap", () => {
    prepare();
    show(null);
    const report = document.getElementById("report");
    document.getElementById("status").textContent = report?.dataset.status ?? "";
  });
})();
