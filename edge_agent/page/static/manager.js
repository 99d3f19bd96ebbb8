/** The manager's door: signing in and out, the first code, and a session that ends. */

import { post, session } from "./api.js";
import { by, say, texts } from "./draw.js";

const root = document.documentElement;
const door = by("door");
let reopen = () => {};
let ending;

// What shows amounts or names to the manager; each is shown again by its next event.
const PRIVATE = ["proof", "today", "recent", "unread", "manager"];

/** Find out who looks; `onReaderChanged` opens the live events anew. */
export function start(onReaderChanged) {
  reopen = onReaderChanged;
  refresh();
}

function conceal() {
  for (const name of PRIVATE) by(name).hidden = true;
}

/** Ask whether the session lasts, and show it. `isOver`: it must have ended, should the box not answer. */
export async function refresh({ isOver = false } = {}) {
  const found = await session().catch(() => null);
  if (!found) return isOver ? conceal() : undefined;
  clearTimeout(ending);
  if (found.signed_in) ending = setTimeout(refresh, (found.seconds_left + 1) * 1000, { isOver: true });
  const was = root.hasAttribute("data-manager");
  root.toggleAttribute("data-manager", found.signed_in);
  by("manager").hidden = by("sign-out").hidden = !found.signed_in;
  by("sign-in").hidden = found.signed_in;
  door.dataset.first = found.code_set ? "" : "yes";
  if (was === found.signed_in) return;
  if (was) {
    conceal();
    say(by("notice"), texts.sessionEnded);
  }
  dispatchEvent(new Event("manager"));
  reopen();
}

function turn(isFirst) {
  by("login").hidden = isFirst;
  by("pair").hidden = !isFirst;
  by("to-login").hidden = door.dataset.first === "yes";
  door.setAttribute("aria-labelledby", isFirst ? "pair-title" : "door-title");
  by(isFirst ? "pairing" : "code").focus();
}

async function enter(form, path, body, problem) {
  const error = form.querySelector(".error");
  error.textContent = problem;
  if (problem) return;
  const button = form.querySelector(".main");
  button.disabled = true;
  const answer = await post(path, body);
  button.disabled = false;
  error.textContent = answer.ok ? "" : answer.sentence;
  for (const input of form.querySelectorAll("input")) if (answer.ok || input.type === "password") input.value = "";
  if (!answer.ok) return form.querySelector("input[type=password]").focus();
  door.close();
  say(by("notice"), "");
  await refresh();
  by("sign-out").focus();
}

const wrong = (code) => (/^\d{6}$/.test(code) ? "" : texts.codeDigits);

by("sign-in").addEventListener("click", async () => {
  door.showModal();
  turn(door.dataset.first === "yes");
});
by("door-close").addEventListener("click", () => door.close());
by("to-pair").addEventListener("click", () => turn(true));
by("to-login").addEventListener("click", () => turn(false));
door.addEventListener("close", () => {
  for (const form of door.querySelectorAll("form")) form.reset();
  for (const error of door.querySelectorAll(".error")) error.textContent = "";
});
by("login").addEventListener("submit", (event) => {
  event.preventDefault();
  const code = by("code").value.trim();
  enter(by("login"), "login", { code }, wrong(code));
});
by("pair").addEventListener("submit", (event) => {
  event.preventDefault();
  const code = by("new-code").value.trim();
  const problem = wrong(code) || (code === by("again").value.trim() ? "" : texts.codesDiffer);
  enter(by("pair"), "pair", { pairing: by("pairing").value.trim(), code }, problem);
});
by("sign-out").addEventListener("click", async () => {
  await post("logout", {});
  await refresh();
  if (!root.hasAttribute("data-manager")) say(by("notice"), texts.signedOut);
  by("sign-in").focus();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && root.hasAttribute("data-manager")) refresh(); // timers sleep while nobody looks
});
