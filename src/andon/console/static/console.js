// What the pages do beyond links and forms: live parts rest while nobody looks, and lists are worked by keyboard.
// Rows of a list carry `data-row`; whatever a key may press carries `data-key`.

"use strict";

// Live parts

document.addEventListener("htmx:before:request", (event) => {
  if (document.hidden) event.preventDefault();
});
for (const [name, stale] of [["htmx:error", true], ["htmx:response:error", true], ["htmx:after:swap", false]]) {
  document.addEventListener(name, () => {
    const note = document.getElementById("stale");
    if (note) note.hidden = !stale;
  });
}

// Keyboard

const rows = () => [...document.querySelectorAll("[data-row]")];
const isTyping = (target) => target.matches("input:not([type=radio], [type=checkbox]), textarea, select");

function move(step) {
  const all = rows();
  const present = all.findIndex((row) => row.contains(document.activeElement));
  const next = all[Math.min(Math.max(present + step, 0), all.length - 1)];
  next?.querySelector("a")?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function press(key) {
  const row = document.activeElement?.closest("[data-row]") ?? document;
  const target = row.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!target) return false;
  target.click();
  if (target.type === "radio") document.querySelector("[data-after-choice]")?.focus();
  return true;
}

function showKeys() {
  document.getElementById("keys")?.showModal();
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.target.closest("form")?.requestSubmit();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && isTyping(event.target)) event.target.blur();
  if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
  const done = { j: () => move(1), k: () => move(-1), "?": showKeys }[event.key];
  if (done) done();
  else if (!press(event.key)) return;
  event.preventDefault();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-show-keys]")) showKeys();
  if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
});
