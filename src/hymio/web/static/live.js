// Fetches the latest presses again every two seconds, while the page is visible and the box beside them is ticked.
const list = document.getElementById("latest-presses");
const box = document.getElementById("renew-presses");
if (list && box) {
  let shown = list.innerHTML.trim();
  box.closest("label").hidden = false;
  const renew = async () => {
    if (!box.checked || document.hidden) return;
    const answer = await fetch(list.dataset.address);
    if (!answer.ok || answer.redirected) return;
    const text = (await answer.text()).trim();
    if (text !== shown) { shown = text; list.innerHTML = text; }
  };
  setInterval(() => renew().catch(() => {}), 2000);
}
