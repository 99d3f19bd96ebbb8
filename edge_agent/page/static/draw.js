/** How sections get onto the screen: text into slots, copies of the page's templates, small charts. */

const SVG = "http://www.w3.org/2000/svg";

/** @param {string} id @returns {HTMLElement} the page's element of this id */
export const by = (id) => document.getElementById(id);

/** The page's texts that appear only on occasion, by their name. */
export const texts = by("texts").dataset;

/**
 * Put a text into an element; one that says nothing is not shown.
 * @param {Element} element
 * @param {string | number | null | undefined} text
 */
export function say(element, text) {
  const words = text ?? "";
  if (element.textContent !== String(words)) element.textContent = words;
  element.hidden = words === "";
}

/**
 * Put an object's texts into the elements below `root` whose `data-slot` names them.
 * @param {ParentNode} root
 * @param {Record<string, unknown>} values
 */
export function fill(root, values) {
  for (const slot of root.querySelectorAll("[data-slot]")) say(slot, values[slot.dataset.slot]);
}

/** @param {string} id @returns {HTMLElement} a copy of the one element in the page's template of this id */
export const copy = (id) => by(id).content.firstElementChild.cloneNode(true);

/**
 * @param {string} tag
 * @param {string} [text]
 * @returns {HTMLElement}
 */
export function element(tag, text = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

/**
 * Show a symbol of the page's icons.
 * @param {Element} svg
 * @param {string} name
 */
export const show = (svg, name) => svg.firstElementChild.setAttribute("href", `#i-${name}`);

/**
 * @param {string} tag
 * @param {Record<string, string | number>} [attributes]
 * @param {...(Element | string)} children
 * @returns {SVGElement}
 */
export function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

/**
 * Draw one bar a value, the highest with its number above it.
 * @param {number[]} values none below 0
 * @param {{height: number, gap: number, words: string, peak?: boolean}} options pixels; gap: share of a bar's room;
 *   words: all of it in a sentence, for those who can't see it
 * @returns {SVGElement}
 */
export function bars(values, { height, gap, words, peak = false }) {
  const most = Math.max(...values, 1);
  const room = 100 / values.length;
  const head = peak ? 18 : 0;
  const drawn = svg("svg", { role: "img", "aria-label": words, width: "100%", height: height + head });
  values.forEach((value, index) => {
    const tall = value ? Math.max(3, (value / most) * height) : 2;
    drawn.append(svg("rect", {
      x: `${(index + gap / 2) * room}%`, y: head + height - tall, width: `${(1 - gap) * room}%`, height: tall,
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
