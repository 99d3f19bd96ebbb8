/** The day: its proof, the link to head office, today's figures and bars. */

import { bars, by, element, say, texts } from "./draw.js";

const LABELS = 8; // beneath the bars, at most: as many as fit on a small phone

function receipts(day) {
  return [[texts.differing, day.differing], [texts.missing, day.missing]]
    .filter(([, numbers]) => numbers.length)
    .flatMap(([label, numbers]) => [element("dt", label), element("dd", numbers.join("  "))]);
}

export function proof({ today, earlier }) {
  const card = by("proof");
  card.dataset.state = today.state;
  say(by("proof-sentence"), today.sentence);
  const list = card.querySelector("dl");
  list.replaceChildren(...receipts(today));
  list.hidden = !list.hasChildNodes();
  const before = by("earlier");
  before.hidden = earlier.length === 0;
  before.querySelector("ul").replaceChildren(...earlier.map((day) => {
    const item = element("li");
    item.dataset.state = day.state;
    const numbers = element("dl");
    numbers.append(...receipts(day));
    item.append(element("p", day.sentence), ...(numbers.hasChildNodes() ? [numbers] : []));
    return item;
  }));
}

export function link(section) {
  by("link").dataset.state = section.connected ? "agreed" : "differs";
  say(by("link-sentence"), section.sentence);
  say(by("link-more"), section.oldest);
}

export function today({ business_day, figures, hours, series }) {
  const card = by("today");
  card.querySelector(".figures").replaceChildren(...figures.map(figure));
  const told = series.filter(({ values }) => values.some(Boolean));
  card.querySelector(".charts").replaceChildren(...told.map((row) => chart(row, hours)));
  card.querySelector(".empty").hidden = told.length > 0;
  by("orders").elements.day.max = business_day;
  by("orders").elements.day.value ||= business_day;
}

function figure({ key, label, value }) {
  const box = element("div");
  box.dataset.key = key;
  box.append(element("dt", label), element("dd", value));
  return box;
}

function chart({ key, label, values, words }, hours) {
  const box = element("figure");
  box.dataset.key = key;
  const caption = element("figcaption", label);
  caption.append(" ", element("span", by("today").querySelector(".charts").dataset.byHour));
  const every = Math.ceil(hours.length / LABELS);
  const axis = element("div");
  axis.className = "hours";
  axis.setAttribute("aria-hidden", "true");
  axis.append(...hours.map((hour, index) => element("span", index % every ? "" : hour)));
  box.append(caption, bars(values, { height: 44, gap: 0.3, words, peak: true }), axis);
  return box;
}
