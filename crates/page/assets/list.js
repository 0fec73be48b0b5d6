// The list: only the rows that can be seen are elements, however many logs there are.

import { count, element, oneLine } from "./harmless.js";

// As in page.css.
const ROW = 30;
// Rows above and below those that are seen.
const BEYOND = 6;
// So much of a message is in a row, in characters: more than any window shows.
const MOST_TEXT = 400;

/** `14:03:59.123`, in the browser's time zone; a dash for what is no time. */
export function clock(ms) {
  const time = new Date(ms);
  if (Number.isNaN(time.getTime())) return "\u2013";
  const two = (number) => String(number).padStart(2, "0");
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${String(time.getMilliseconds()).padStart(3, "0")}`;
}

export class List {
  constructor(list, rows, { onOpen, onMove }) {
    this.list = list;
    this.rows = rows;
    this.onOpen = onOpen;
    this.onMove = onMove;
    this.logs = [];
    this.pool = [];
    this.selected = null;
    this.height = list.clientHeight;
    new ResizeObserver(() => {
      this.height = list.clientHeight;
      this.draw();
    }).observe(list);
    list.addEventListener("scroll", () => this.draw(), { passive: true });
    rows.addEventListener("click", (event) => {
      const row = event.target.closest(".row");
      const log = row && this.logs[Number(row.dataset.place)];
      if (log) this.choose(log, true);
    });
  }

  /** Shows these logs. Where one has scrolled down, what one sees stays where it is. */
  show(logs) {
    // Read before anything is written, or the browser lays the page out twice.
    let top = this.list.scrollTop;
    const place = Math.floor(top / ROW);
    const anchor = top > 0 ? this.logs[place] : undefined;
    this.logs = logs;
    this.rows.style.height = `${logs.length * ROW}px`;
    const now = anchor ? logs.indexOf(anchor) : -1;
    if (now >= 0 && now !== place) {
      top = now * ROW + (top % ROW);
      this.list.scrollTop = top;
    }
    this.draw(Math.min(top, Math.max(logs.length * ROW - this.height, 0)));
  }

  draw(top = this.list.scrollTop) {
    const first = Math.max(Math.floor(top / ROW) - BEYOND, 0);
    const number = Math.min(Math.ceil(this.height / ROW) + 2 * BEYOND, Math.max(this.logs.length - first, 0));
    while (this.pool.length < number) this.pool.push(this.makeRow());
    this.pool.forEach((row, at) => {
      const isShown = at < number;
      row.element.hidden = !isShown;
      if (isShown) this.fill(row, first + at);
    });
    const selectedAt = this.selected === null ? -1 : this.logs.indexOf(this.selected);
    const isThere = selectedAt >= first && selectedAt < first + number;
    if (isThere) this.list.setAttribute("aria-activedescendant", `log-${this.selected.number}`);
    else this.list.removeAttribute("aria-activedescendant");
  }

  makeRow() {
    const parts = ["time", "status", "service", "text", "marks"].map((name) => element("span", name));
    const row = element("div", "row", ...parts);
    row.setAttribute("role", "option");
    this.rows.append(row);
    return { element: row, parts, log: null };
  }

  fill(row, place) {
    const log = this.logs[place];
    const { element: made, parts: [time, status, service, text, marks] } = row;
    made.style.transform = `translateY(${place * ROW}px)`;
    made.dataset.place = String(place);
    made.setAttribute("aria-posinset", String(place + 1));
    made.setAttribute("aria-setsize", String(this.logs.length));
    made.setAttribute("aria-selected", String(log === this.selected));
    if (row.log === log) return;
    row.log = log;
    made.id = `log-${log.number}`;
    made.dataset.weight = log.weight;
    made.classList.toggle("left-out", log.leftOut !== null);
    time.textContent = log.time === 0 ? "\u2013" : clock(log.time);
    status.textContent = oneLine(log.status ?? "\u2013", 12);
    service.textContent = oneLine(log.service ?? "\u2013", 60);
    text.textContent = oneLine(log.text, MOST_TEXT);
    marks.replaceChildren(...marksOf(log).map(([kind, word]) => element("span", `mark mark-${kind}`, word)));
  }

  /** Selects a log, and opens it if so asked. */
  choose(log, opens) {
    this.selected = log;
    const place = this.logs.indexOf(log);
    if (place >= 0) {
      const top = place * ROW;
      const bottom = top + ROW - this.height;
      if (this.list.scrollTop > top) this.list.scrollTop = top;
      else if (this.list.scrollTop < bottom) this.list.scrollTop = bottom;
    }
    this.draw();
    if (opens) this.onOpen(log);
    else this.onMove(log);
  }

  /** Selects the log so many rows further down. */
  move(rows) {
    if (this.logs.length === 0) return;
    const now = this.selected === null ? -1 : this.logs.indexOf(this.selected);
    // From nowhere to the first that is seen.
    const from = now < 0 ? Math.floor(this.list.scrollTop / ROW) - Math.sign(rows) : now;
    const to = Math.min(Math.max(from + rows, 0), this.logs.length - 1);
    this.choose(this.logs[to], false);
  }

  page() {
    return Math.max(Math.floor(this.height / ROW) - 1, 1);
  }
}

/** What became of a log, in a word each. */
export function marksOf(log) {
  const marks = [];
  const has = (effect) => log.rules.some((hit) => hit.effect === effect);
  if (has("joined")) marks.push(["joined", "joined"]);
  if (has("masked")) marks.push(["masked", "masked"]);
  if (has("withheld")) marks.push(["withheld", "withheld"]);
  if (log.isCut) marks.push(["large", `${count(Math.round(log.bytes / 1024))} KiB`]);
  if (log.leftOut !== null) marks.push(["left-out", "left out"]);
  return marks;
}
