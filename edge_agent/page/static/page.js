/** The store manager's page: each live event to the module that shows it. Their shapes: edge_agent/page/sections. */

import "./actions.js";
import { address } from "./api.js";
import { checks, devices } from "./devices.js";
import { by } from "./draw.js";
import { link, proof, today } from "./figures.js";
import { hero, lost } from "./hero.js";
import { box, manager, profile, recent, unread } from "./history.js";
import { refresh, start } from "./manager.js";
import { Stream } from "./stream.js";

const SECTIONS = { hero, proof, link, devices, today, recent, unread, box, profile, checks, manager };
const root = document.documentElement;

/** Load the page anew where the box has come back with another version of it; once for each, never in a circle. */
function hello({ assets }) {
  refresh(); // an agent that was restarted has forgotten all sessions
  if (assets === root.dataset.assets || sessionStorage.getItem("assets") === assets) return;
  sessionStorage.setItem("assets", assets);
  location.reload();
}

function section(name, data) {
  if (name === "hello") return hello(data);
  const card = by(name);
  const failed = card?.querySelector(":scope > .failed");
  if (failed) {
    card.hidden = false;
    card.toggleAttribute("data-failed", Boolean(data.failed));
    failed.hidden = !data.failed;
  }
  if (!data.failed) SECTIONS[name]?.(data);
}

function keepLanguage() {
  const { language } = root.dataset;
  if (!new URLSearchParams(location.search).has("lang")) return;
  document.cookie = `language=${language}; path=/; max-age=31536000; SameSite=Strict`;
  history.replaceState(null, "", location.pathname);
}

keepLanguage();
const stream = new Stream(address("events"), section, lost);
start(() => stream.open());
