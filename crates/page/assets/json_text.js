// JSON as it was written, with line breaks between its parts: no value is read and written again, so that numbers, repeated names and
// escapes stay as they are.

import { addText, element } from "./harmless.js";

// Larger ones are shown as they came.
const MOST = 64 * 1024;
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gsu;

/** Adds a text to an element: set out if it is an object or array of JSON, else as it is. */
export function addJson(parent, text) {
  if (!isJson(text)) {
    addText(parent, text);
    return;
  }
  const out = element("span");
  let depth = 0;
  let before = "";
  const newLine = () => out.append(`\n${"  ".repeat(depth)}`);
  for (const [token] of text.matchAll(TOKEN)) {
    const closes = token === "}" || token === "]";
    if (closes) {
      depth -= 1;
      if (before !== "{" && before !== "[") newLine();
    } else if (before === "{" || before === "[" || before === ",") {
      newLine();
    }
    if (token === "{" || token === "[") depth += 1;
    addToken(out, token, before);
    if (token === ":") out.append(" ");
    before = token;
  }
  markNames(out);
  parent.append(out);
}

function isJson(text) {
  if (text.length > MOST || !/^\s*[{[]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function addToken(out, token) {
  if (/^[{}[\],]$/.test(token)) {
    out.append(element("span", "json-sign", token));
  } else if (token === ":") {
    out.append(element("span", "json-sign json-colon", token));
  } else {
    const part = element("span", token.startsWith('"') ? "json-text" : "json-value");
    addText(part, token);
    out.append(part);
  }
}

/** A text before a colon is a name. */
function markNames(out) {
  for (const colon of out.querySelectorAll(":scope > .json-colon")) {
    const name = colon.previousElementSibling;
    if (name?.className === "json-text") name.className = "json-name";
  }
}
