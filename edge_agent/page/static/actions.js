/** What the manager can do: each button asks the box and shows what it answers. */

import { post } from "./api.js";
import { by } from "./draw.js";
import { refresh } from "./manager.js";

const BODIES = {
  upload: () => ({}),
  presence: (button) => ({ paused: !button.dataset.paused }),
  diagnostics: () => ({}),
  language: (button) => ({ language: button.dataset.to }),
};

async function ask(button, action, body) {
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  const answer = await post(`actions/${action}`, body);
  button.disabled = false;
  button.removeAttribute("aria-busy");
  button.focus();
  by("answer").textContent = answer.sentence;
  by("answer").dataset.state = answer.ok ? "up" : "down";
  refresh(); // an action lets the session last on; a refused one may have ended
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  const { action, check } = button?.dataset ?? {};
  if (action) ask(button, action, BODIES[action](button));
  else if (check) ask(button, "check", { device: check });
});

by("orders").addEventListener("submit", (event) => {
  event.preventDefault();
  ask(by("orders").querySelector("button"), "orders", { day: by("orders").elements.day.value });
});
