/** What happened, what was not understood, the box and its standing. */

import { by, copy, element, fill, show } from "./draw.js";

const FIRST = 8; // events shown before somebody asks for all
const columns = document.querySelector(".columns");

export function recent(section) {
  by("recent").querySelector(".empty").hidden = section.length > 0;
  by("events").replaceChildren(...section.map(happened));
  by("all").hidden = section.length <= FIRST || columns.classList.contains("whole");
}

function happened(event) {
  const item = copy("event");
  item.dataset.kind = event.kind;
  show(item.querySelector("svg"), event.kind);
  fill(item, event);
  return item;
}

by("all").addEventListener("click", () => {
  columns.classList.add("whole");
  by("all").hidden = true;
  by("events").children[FIRST].tabIndex = -1;
  by("events").children[FIRST].focus();
});

export function unread({ count, sentence, slips }) {
  by("unread").hidden = count === 0;
  by("unread-sentence").textContent = sentence;
  const list = by("unread").querySelector("ul");
  const opened = new Set([...list.querySelectorAll("details[open]")].map(({ dataset }) => dataset.slip));
  list.replaceChildren(...slips.map((slip) => {
    const item = copy("slip");
    fill(item, slip);
    const details = item.querySelector("details");
    details.hidden = !slip.text;
    details.dataset.slip = `${slip.device} ${slip.time}`;
    details.open = opened.has(details.dataset.slip);
    details.querySelector("pre").textContent = (slip.text ?? []).join("\n");
    return item;
  }));
}

export function box(section) {
  fill(by("box"), section);
  for (const fact of by("box").querySelectorAll(".facts > div")) fact.hidden = !fact.querySelector("dd").textContent.trim();
  const pause = document.querySelector("[data-action=presence]");
  pause.dataset.paused = section.presence_pause ? "yes" : "";
  pause.textContent = section.presence_pause ? pause.dataset.on : pause.dataset.off;
  for (const button of document.querySelectorAll("[data-action=language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.to === section.language));
  }
}

const ICONS = { working: "ok", failing: "action", not_configured: "off" };
const LAMPS = { working: "up", failing: "down", not_configured: "off" };

export function profile(section) {
  by("profile").querySelector("ol").replaceChildren(...section.map((standard) => {
    const item = copy("standard");
    item.dataset.state = LAMPS[standard.state];
    show(item.querySelector(".lamp"), ICONS[standard.state]);
    fill(item, standard);
    return item;
  }));
  const tally = new Map();
  for (const { state, state_word: word } of section) tally.set(word, [state, (tally.get(word)?.[1] ?? 0) + 1]);
  by("profile").querySelector(".tally").replaceChildren(...[...tally].map(([word, [state, count]]) => {
    const part = element("span", `${word} ${count}`);
    part.dataset.state = LAMPS[state];
    return part;
  }));
}

export function manager(section) {
  by("audit").querySelector(".empty").hidden = section.length > 0;
  by("audit").querySelector("ul").replaceChildren(...section.map((line) => happened({ kind: "agent", ...line })));
}
