// Elements, and the faces of Hymio: they differ by mouth and brow as well as by colour.

const SVG = "http://www.w3.org/2000/svg";
const MOUTHS = ["M6.6 7.6l3 1.3M17.4 7.6l-3 1.3M7.2 17.2q4.8-5 9.6 0", "M7.6 16.6q4.4-2.6 8.8 0", "M8 16h8", "M7.6 15q4.4 3 8.8 0", "M6.8 13.6q5.2 7.2 10.4 0z"];

const filled = (element, attributes, children) => {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
};

export const el = (tag, attributes = {}, ...children) => filled(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) => filled(document.createElementNS(SVG, tag), attributes, children);

export const button = (text, onclick, attributes = {}) => el("button", { type: "button", onclick, ...attributes }, text);

export const face = (number) =>
  svg(
    "svg",
    { class: `face f${number}`, viewBox: "0 0 24 24", "aria-hidden": "true" },
    svg("circle", { cx: 12, cy: 12, r: 11 }),
    svg(
      "g",
      {},
      svg("circle", { class: "eye", cx: 8.6, cy: 10.4, r: 1.25 }),
      svg("circle", { class: "eye", cx: 15.4, cy: 10.4, r: 1.25 }),
      svg("path", { class: number === 4 ? "grin" : "mouth", d: MOUTHS[number] }),
    ),
  );

const AWAY_MS = 120_000;

// Goes back from a page of the staff if nobody does anything.
export function leaveAlone(stage, back) {
  const shown = stage.firstChild;
  let timer;
  const again = () => {
    clearTimeout(timer);
    timer = setTimeout(() => shown.isConnected && back(), AWAY_MS);
  };
  for (const name of ["pointerdown", "keydown"]) shown.addEventListener(name, again);
  again();
}
