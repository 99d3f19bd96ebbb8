/** The headline, and what follows it beyond the page: title, icon, the browser's own colour. */

import { by, element, say, show } from "./draw.js";

const root = document.documentElement;
const favicon = document.querySelector("link[rel=icon]");
const colour = document.querySelector("meta[name=theme-color]");
let title = document.title;

export function hero(section) {
  root.dataset.level = section.level;
  show(document.querySelector(".badge"), section.level);
  for (const part of ["word", "sentence", "others"]) say(by(part), section[part]);
  by("todo").hidden = section.steps.length === 0;
  by("steps").replaceChildren(...section.steps.map((step) => element("li", whole(step))));
  by("store-name").textContent = section.store_name;
  by("store-id").textContent = section.store_id;
  title = `${section.word} · ${section.store_name}`;
  follow();
}

/** Say that what the page shows may no longer be so, or that it is again. */
export function lost(isLost, heardAt) {
  root.toggleAttribute("data-lost", isLost);
  by("lost").hidden = !isLost;
  by("lost").querySelector("time").textContent = heardAt.toLocaleTimeString(root.lang, { timeStyle: "short" });
  follow();
}

/** Keep a telephone number on one line: its hyphens are no place to break. */
const whole = (text) => text.replace(/(\d)-(?=\d)/g, "$1\u2011");

function follow() {
  const isLost = root.hasAttribute("data-lost");
  document.title = isLost ? `${by("lost-word").textContent} · ${by("store-name").textContent}` : title;
  favicon.href = favicon.href.replace(/[^/]+$/, `${isLost ? "lost" : root.dataset.level}.svg`);
  colour.content = getComputedStyle(by("hero")).backgroundColor;
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", follow);
follow();
