// What people type into the search, read into a tree: the syntax of Datadog's log search, as far as docs/page.md has it. Any text is a query.

import { Pattern } from "./pattern.js";

/** So many characters of a query are read. The field takes no more, an address does. */
export const MOST_QUERY = 1000;

// These stand for themselves where a backslash is before them. Other backslashes are a part of the text, as in `C:\logs`.
const ESCAPED = /\\([\s*?():"\\-])/gsu;
const OPERATOR = /(AND|OR|NOT|&&|\|\|)(?=[\s()]|$)/uy;
const KEY = /((?:[^\s":()\\]|\\[\s*?():"\\-])+):(?=[^\s)])/uy;
const PHRASE = /"((?:[^"\\]|\\.)*)("?)/suy;

/**
 * Reads a query. `root` is a term, `all` or `any` of several parts, `not` of one, or null: that finds everything. `keys` are the names that its terms
 * have, `closing` is what one would have to write behind it to close its quotes, parentheses and a backslash. `isOpen` tells that what is written behind
 * it is taken for a part of it: of an `OR` outside of parentheses, or of a `NOT` at its end. `lone` has the places of parentheses within words that have no
 * other one, and whether the word begins there.
 */
export function parse(query) {
  const parser = new Parser(query.slice(0, MOST_QUERY));
  const root = parser.choices(undefined);
  return { root, keys: [...parser.keys], closing: parser.closing, isOpen: parser.isOpen, lone: parser.lone };
}

/** The query that finds a tag. */
export function termOf(tag) {
  const colon = tag.indexOf(":");
  const escape = (text) => text.replace(/[\s":()\\]|^-/gu, "\\$&");
  if (colon < 0) return `${escape(tag)}:*`;
  const value = tag.slice(colon + 1);
  return `${escape(tag.slice(0, colon))}:${/^[\w./@%+=-]+$/u.test(value) ? value : `"${value.replace(/["\\]/gu, "\\$&")}"`}`;
}

/** The query that finds what both do. */
export function both(query, term) {
  const { closing, isOpen, lone } = parse(query);
  // A blank at the end that has a backslash is a part of the text.
  const trimmed = query.replace(/(?<!\\)\s+$/u, "");
  if (!isOpen && closing === "") return `${trimmed} ${term}`.trim();
  let closed = trimmed;
  // A parenthesis without another one would find it in those that are added. A blank keeps it apart from an operator before it.
  for (const [at, begins] of lone.toSorted(([one], [other]) => other - one)) closed = `${closed.slice(0, at)}${begins ? " " : ""}\\${closed.slice(at)}`;
  closed = `${closed}${closing}`.trimStart();
  return isOpen ? `(${closed}) ${term}` : `${closed} ${term}`;
}

class Parser {
  constructor(text) {
    this.text = text;
    this.at = 0;
    this.depth = 0;
    this.keys = new Set();
    this.closing = "";
    this.isOpen = false;
    this.lone = [];
  }

  /** What stands between two `OR` belongs together. An operator that nothing stands beside is one that is still to be written to the end. */
  choices(key) {
    const choices = [[]];
    while (!this.isAtEnd()) {
      const operator = this.take(OPERATOR)?.[1];
      if (operator === "OR" || operator === "||") choices.push([]);
      else if (operator === "NOT") choices.at(-1).push(this.negation(key));
      else if (operator === undefined) choices.at(-1).push(this.part(key));
    }
    const parts = choices.map((choice) => joined("all", choice)).filter((part) => part !== null);
    if (this.depth === 0 && choices.length > 1) this.isOpen = true;
    return joined("any", parts);
  }

  negation(key) {
    if (!this.isAtEnd()) return not(this.part(key));
    if (this.depth === 0) this.isOpen = true;
    return null;
  }

  isAtEnd() {
    this.take(/\s*/uy);
    return this.at >= this.text.length || (this.depth > 0 && this.text[this.at] === ")");
  }

  take(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found) this.at = pattern.lastIndex;
    return found;
  }

  part(outer) {
    if (this.take(/-(?=[\s)]|$)/uy)) return null;
    if (this.take(/-/uy)) return not(this.value(this.key() ?? outer));
    return this.value(this.key() ?? outer);
  }

  key() {
    const key = this.take(KEY)?.[1].replace(ESCAPED, "$1").toLowerCase();
    if (key !== undefined) this.keys.add(key);
    return key;
  }

  value(key) {
    if (this.take(/\(/uy)) return this.group(key);
    const phrase = this.take(PHRASE);
    if (phrase === null) return term(key, this.word());
    const [, inside, end] = phrase;
    if (end === "") {
      // A backslash at the end would make the quote a part of the text.
      this.closing = `${this.text.slice(this.at)}"${this.closing}`;
      this.at = this.text.length;
    }
    if (inside === "" && key === undefined) return null;
    return term(key, Pattern.exactly(inside.replace(/\\(.)/gsu, "$1").toLowerCase()));
  }

  group(key) {
    this.depth += 1;
    const inside = this.choices(key);
    this.depth -= 1;
    if (!this.take(/\)/uy)) this.closing += ")";
    return inside;
  }

  /** Up to a blank. Parentheses within a word are a part of it, as in `Cart.add(Cart.java:87)`. */
  word() {
    const start = this.at;
    const opened = [];
    while (this.at < this.text.length) {
      if (this.take(ESCAPE)) continue;
      const character = this.text[this.at];
      if (/\s/u.test(character)) break;
      if (character === "(") opened.push([this.at, false]);
      if (character === ")" && opened.pop() === undefined) {
        if (this.depth > 0) break;
        this.lone.push([this.at, this.at === start]);
      }
      this.at += 1;
      // A backslash at the end would make what is written behind it a part of the text.
      if (character === "\\" && this.at === this.text.length) this.closing = `\\${this.closing}`;
    }
    this.lone.push(...opened);
    return Pattern.of(this.text.slice(start, this.at).toLowerCase(), ESCAPED);
  }
}

const ESCAPE = new RegExp(ESCAPED.source, "suy");

function term(key, pattern) {
  // Where no log has such a tag, as in `error:42`, it is a text.
  return { kind: "term", key, pattern, text: key === undefined ? pattern : pattern.behind(`${key}:`) };
}

function not(part) {
  return part && { kind: "not", part };
}

/** Several parts as one; null where there is none. */
function joined(kind, parts) {
  const there = parts.filter((part) => part !== null);
  return there.length > 1 ? { kind, parts: there } : there[0] ?? null;
}
