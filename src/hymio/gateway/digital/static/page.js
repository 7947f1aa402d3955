// What the page of a smiley does besides with a script: keys of a radio group, and telling that a question was left.
// Without it, every step is a plain form.
const form = document.forms[0], faces = [...document.querySelectorAll(".faces button")];

if (faces.length) {
  const group = faces[0].parentNode, isRightToLeft = getComputedStyle(group).direction == "rtl";
  group.setAttribute("role", "radiogroup");
  for (const face of faces) {
    face.setAttribute("role", "radio");
    face.setAttribute("aria-checked", face.className == "chosen");
    face.tabIndex = face == (group.querySelector(".chosen") || faces[0]) ? 0 : -1;
  }
  const ahead = isRightToLeft ? -1 : 1;
  const moves = { ArrowRight: ahead, ArrowDown: 1, ArrowLeft: -ahead, ArrowUp: -1 };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const at = faces.indexOf(document.activeElement), move = moves[event.key];
    if (move && at >= 0) {
      event.preventDefault();
      faces.at((at + move) % faces.length).focus();
    }
    const key = (face, place) => group.classList.contains("numbers") ? face.value : "" + (place + 1);
    faces.find((face, place) => key(face, place) === event.key)?.click();
  });
}

const step = form?.elements.step?.value;
if (step == "followup" || step == "text") {
  let isOpen = true, timer;
  const leave = (ui) => {
    if (isOpen) navigator.sendBeacon("/w/press", JSON.stringify({
      smiley: form.dataset.smiley, id: form.elements.id.value,
      [step]: step == "text" ? { ui } : { question: +form.dataset.question, ui },
    }));
    isOpen = false;
  };
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(leave, 60000, "timeout");
  };
  wait();
  form.addEventListener("input", wait);
  form.addEventListener("submit", () => isOpen = false);
  document.addEventListener("visibilitychange", () => document.hidden && leave("exit"));
}
