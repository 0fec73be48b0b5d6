// The filters at the side: each value with how many logs have it; several can be chosen.

import { FACETS } from "./logs.js";
import { count, element, oneLine } from "./harmless.js";

// So many values of a facet are listed.
const MOST_VALUES = 40;

export class Facets {
  /** `chosen` has a set of values for each facet, and is changed here; `onChange` is told. */
  constructor(root, chosen, onChange) {
    this.parts = FACETS.map(([name], at) => {
      const clear = element("button", "clear", "Clear");
      clear.type = "button";
      clear.setAttribute("aria-label", `Clear ${name}`);
      const list = element("ul", "values");
      const more = element("p", "more");
      const group = element("fieldset", "facet", element("legend", "", name), clear, list, more);
      root.append(group);
      clear.addEventListener("click", () => {
        chosen[at].clear();
        onChange();
      });
      return { group, clear, list, more, rows: new Map() };
    });
    root.addEventListener("submit", (event) => event.preventDefault());
    this.chosen = chosen;
    this.onChange = onChange;
  }

  show(counts) {
    this.parts.forEach((part, at) => {
      const chosen = this.chosen[at];
      const values = [...counts[at]];
      for (const value of chosen) if (!counts[at].has(value)) values.push([value, 0]);
      values.sort((one, other) => other[1] - one[1] || (one[0] < other[0] ? -1 : 1));
      const listed = values.filter(([value], place) => place < MOST_VALUES || chosen.has(value));
      const rows = new Map();
      listed.forEach(([value, number], place) => {
        const row = part.rows.get(value) ?? this.row(at, value);
        row.box.checked = chosen.has(value);
        row.number.textContent = count(number);
        row.item.classList.toggle("none", number === 0);
        // Only what stands elsewhere is moved: a moved element loses the focus.
        if (part.list.children[place] !== row.item) part.list.insertBefore(row.item, part.list.children[place] ?? null);
        rows.set(value, row);
      });
      for (const [value, row] of part.rows) if (!rows.has(value)) row.item.remove();
      part.rows = rows;
      part.group.hidden = values.length === 0;
      part.clear.hidden = chosen.size === 0;
      part.more.textContent = listed.length < values.length ? `and ${count(values.length - listed.length)} more` : "";
    });
  }

  row(at, value) {
    const box = element("input");
    box.type = "checkbox";
    const name = element("span", value === "" ? "value unknown" : "value");
    name.textContent = value === "" ? "none" : oneLine(value, 200);
    name.title = name.textContent;
    if (FACETS[at][0] === "Status") name.dataset.status = value;
    const number = element("span", "number");
    const item = element("li", "", element("label", "", box, name, number));
    box.addEventListener("change", () => {
      if (box.checked) this.chosen[at].add(value);
      else this.chosen[at].delete(value);
      this.onChange();
    });
    return { item, box, number };
  }
}
