/** The devices, a row each that stays the same element, and the guided check in it. */

import { bars, by, copy, fill, say, show } from "./draw.js";

const LAMPS = { up: "ok", degraded: "attention", down: "action" };
const rows = new Map(); // elements by device
let running = new Map(); // checks by device

export function devices(section) {
  const list = by("devices").querySelector("ul");
  by("devices").querySelector(".empty").hidden = section.length > 0;
  const wanted = section.map((device) => update(rows.get(device.id) ?? row(device.id), device));
  if (wanted.length !== list.children.length || wanted.some((item, index) => list.children[index] !== item)) {
    list.replaceChildren(...wanted);
  }
  const ids = new Set(section.map(({ id }) => id));
  for (const id of rows.keys()) if (!ids.has(id)) rows.delete(id);
  checks([...running.values()]);
}

export function checks(section) {
  const now = performance.now();
  running = new Map(section.map((check) => [check.device, { until: now + check.seconds_left * 1000, ...check }]));
  tick();
}

function row(id) {
  const made = copy("device");
  made.id = `device-${id}`;
  made.querySelector("button").dataset.check = id;
  rows.set(id, made);
  return made;
}

function update(item, device) {
  item.dataset.state = device.state;
  fill(item, device);
  item.querySelector(".seen").hidden = !device.last_seen;
  show(item.querySelector(".lamp"), LAMPS[device.state]);
  const button = item.querySelector("button");
  button.dataset.can = device.test ?? "";
  button.setAttribute("aria-label", `${button.textContent}: ${device.name}`);
  const drawn = bars(device.activity, { height: 24, gap: 0.25, words: device.activity_words });
  item.querySelector(".spark").replaceChildren(drawn);
  return item;
}

function tick() {
  let isRunning = false;
  for (const [id, item] of rows) {
    const check = running.get(id);
    const left = check ? Math.ceil((check.until - performance.now()) / 1000) : 0;
    const waits = ["waiting", "arriving"].includes(check?.state) && left > 0;
    isRunning ||= waits;
    draw(item, check, waits ? left : 0);
  }
  clearTimeout(tick.timer);
  if (isRunning) tick.timer = setTimeout(tick, 250);
}

function draw(item, check, left) {
  const box = item.querySelector(".check");
  box.hidden = !check;
  const button = item.querySelector("button");
  button.hidden = !button.dataset.can || !document.documentElement.hasAttribute("data-manager");
  button.disabled = left > 0;
  if (!check) return;
  box.dataset.state = check.state;
  box.querySelector("svg").toggleAttribute("hidden", left === 0);
  box.querySelector("svg text").textContent = left;
  box.querySelector(".left").setAttribute("stroke-dasharray", `${left} 30`);
  say(box.querySelector("p"), check.sentence);
}

addEventListener("manager", tick);
