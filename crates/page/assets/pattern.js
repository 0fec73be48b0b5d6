// A text in which `*` stands for anything and `?` for one character. It is found without going back, so it takes the length of the one text
// times the length of the other at the worst.

const ANY = -1;

export class Pattern {
  /** `pieces` stand in this order, with anything between them: texts, or where they have a `?`, the codes of their characters. */
  constructor(pieces) {
    this.pieces = pieces;
  }

  /** A text in which no character stands for another. */
  static exactly(text) {
    return new Pattern([text]);
  }

  /** `escaped` finds what stands for itself. */
  static of(text, escaped) {
    const pieces = [[]];
    const add = (plain) => {
      for (const character of plain) {
        if (character === "*") pieces.push([]);
        else pieces.at(-1).push(character === "?" ? ANY : character.codePointAt(0));
      }
    };
    let end = 0;
    for (const found of text.matchAll(escaped)) {
      add(text.slice(end, found.index));
      pieces.at(-1).push(found[1].codePointAt(0));
      end = found.index + found[0].length;
    }
    add(text.slice(end));
    return new Pattern(pieces.map((codes) => (codes.includes(ANY) ? codes : String.fromCodePoint(...codes))));
  }

  /** The same with a text before it. */
  behind(text) {
    const [first, ...others] = this.pieces;
    const codes = [...text].map((character) => character.codePointAt(0));
    return new Pattern([typeof first === "string" ? text + first : [...codes, ...first], ...others]);
  }

  /** Whether a text is this from its beginning to its end. */
  isAll(text) {
    const [first, ...others] = this.pieces;
    let end = lengthAt(text, 0, first);
    if (others.length === 0) return end === text.length;
    if (end < 0) return false;
    const last = others.pop();
    for (const piece of others) {
      const [at, length] = find(text, piece, end);
      if (at < 0) return false;
      end = at + length;
    }
    return endsWith(text, last, end);
  }

  /** Whether it stands anywhere in a text. */
  isIn(text) {
    let end = 0;
    for (const piece of this.pieces) {
      const [at, length] = find(text, piece, end);
      if (at < 0) return false;
      end = at + length;
    }
    return true;
  }
}

/** How long a piece is that begins here; -1 where it does not. */
function lengthAt(text, at, piece) {
  if (typeof piece === "string") return text.startsWith(piece, at) ? piece.length : -1;
  let end = at;
  for (const code of piece) {
    const here = text.codePointAt(end);
    if (here === undefined || (code !== ANY && code !== here)) return -1;
    end += here > 0xffff ? 2 : 1;
  }
  return end - at;
}

/** Where a piece begins from here on, and how long it is. */
function find(text, piece, from) {
  if (typeof piece === "string") return [text.indexOf(piece, from), piece.length];
  for (let at = from; at + piece.length <= text.length; at += 1) {
    const length = lengthAt(text, at, piece);
    if (length >= 0) return [at, length];
  }
  return [-1, 0];
}

/** Whether a piece ends a text, and begins from here on. */
function endsWith(text, piece, from) {
  if (typeof piece === "string") return text.length - piece.length >= from && text.endsWith(piece);
  // A character is one or two units.
  for (let at = Math.max(text.length - 2 * piece.length, from); at + piece.length <= text.length; at += 1) {
    if (lengthAt(text, at, piece) === text.length - at) return true;
  }
  return false;
}
