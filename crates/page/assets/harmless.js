// Text that somebody else wrote, made harmless to look at: control characters, those that turn the direction of writing, and halves of
// characters are shown by name. It becomes text nodes and nothing else.

// Line breaks and tabs are kept; a zero-width joiner is a part of many emoji.
const HIDDEN = /(?![\n\t\u200d])[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

function nameOf(character) {
  const code = character.codePointAt(0);
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  return `\u27e8U+${code.toString(16).toUpperCase().padStart(4, "0")}\u27e9`;
}

/** The text with names for what cannot be seen. */
export function visible(text) {
  return text.replace(HIDDEN, nameOf);
}

/** The same on one line, the beginning of it. */
export function oneLine(text, most) {
  return visible(text.slice(0, most).replace(/\s*\n\s*/g, " \u23ce ").replaceAll("\t", " "));
}

/** Adds a text to an element; names of what cannot be seen are set off. */
export function addText(element, text) {
  let end = 0;
  for (const found of text.matchAll(HIDDEN)) {
    element.append(text.slice(end, found.index));
    const name = document.createElement("span");
    name.className = "hidden-character";
    name.textContent = nameOf(found[0]);
    element.append(name);
    end = found.index + found[0].length;
  }
  element.append(text.slice(end));
}

/** An element with a class, and children: elements, or texts of ours. */
export function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

const numbers = new Intl.NumberFormat("en");

/** `12,345` */
export function count(number) {
  return numbers.format(number);
}

/** `1 log`, `12,345 logs` */
export function counted(number, noun) {
  return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}
