/** Questions to the box, and its answers. */

import { texts } from "./draw.js";

const language = document.documentElement.dataset.language;
let csrf = "";

/** Return a path's address, asking for this page's language. */
export const address = (path) => `/api/${path}?lang=${language}`;

/** Ask who looks. Throws while the box is away. */
export async function session() {
  const response = await fetch(address("session"), { cache: "no-store" });
  const found = await response.json();
  csrf = found.csrf ?? "";
  return found;
}

/**
 * Ask the box to do something. Never throws: what went wrong is a sentence.
 * A file in the answer has been handed to the browser.
 */
export async function post(path, body) {
  try {
    const response = await fetch(address(path), {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
      body: JSON.stringify(body),
    });
    const name = /filename="?([^";]+)/.exec(response.headers.get("Content-Disposition") ?? "")?.[1];
    if (name) save(await response.blob(), name);
    const { sentence = "" } = name ? {} : await response.json();
    return { ok: response.ok, sentence: sentence || (response.ok ? "" : texts.noAnswer) };
  } catch {
    return { ok: false, sentence: texts.noAnswer };
  }
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
