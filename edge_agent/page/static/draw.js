/** How sections get onto the screen: text into slots, copies of the page's templates, small charts. */

const SVG = "http://www.w3.org/2000/svg";
const WIDEST = 6; // percent of the chart: a bar of few is still a bar

export const by = (id) => document.getElementById(id);

/** The page's texts that appear only on occasion, by their name. */
export const texts = by("texts").dataset;

/** Put a text into an element; one that says nothing is not shown. */
export function say(element, text) {
  const words = String(text ?? "");
  if (element.textContent !== words) element.textContent = words;
  element.hidden = words === "";
}

/** Put an object's texts into the elements below `root` whose `data-slot` names them. */
export function fill(root, values) {
  for (const slot of root.querySelectorAll("[data-slot]")) say(slot, values[slot.dataset.slot]);
}

/** Return a copy of the one element in the page's template of this id. */
export const copy = (id) => by(id).content.firstElementChild.cloneNode(true);

export function element(tag, text = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

/** Show a symbol of the page's icons. */
export const show = (svg, name) => svg.firstElementChild.setAttribute("href", `#i-${name}`);

function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/**
 * Draw one bar a value, the highest with its number above it where that is asked for (`peak`).
 * `height`: pixels; `gap`: share of a bar's room; `words`: all of it in a sentence, for those who can't see it.
 */
export function bars(values, { height, gap, words, peak = false }) {
  const most = Math.max(...values, 1);
  const room = 100 / values.length;
  const wide = Math.min((1 - gap) * room, WIDEST);
  const head = peak ? 18 : 0;
  const drawn = svg("svg", { role: "img", "aria-label": words, width: "100%", height: height + head });
  values.forEach((value, index) => {
    const tall = value ? Math.max(3, (value / most) * height) : 2;
    drawn.append(svg("rect", {
      x: `${(index + 0.5) * room - wide / 2}%`, y: head + height - tall, width: `${wide}%`, height: tall,
      rx: Math.min(3, tall / 2), class: value ? "bar" : "none",
    }));
  });
  const highest = values.indexOf(most);
  if (peak && highest >= 0) {
    const top = { x: `${(highest + 0.5) * room}%`, y: 12, "text-anchor": "middle" };
    drawn.append(svg("text", top, String(most)));
  }
  return drawn;
}
