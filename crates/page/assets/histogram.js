// Logs over time, stacked by how much their status matters; a part of the time can be chosen by pointer or keyboard. What is far from nearly all
// others is counted at the edges.

import { counted, element } from "./harmless.js";
import { windowOf } from "./time_window.js";

const SVG = "http://www.w3.org/2000/svg";
const WEIGHTS = ["error", "warn", "info", "ok", "debug"];
// A bar and the gap behind it, in pixels.
const BAR = 8;
const HEIGHT = 56;
// Bars begin at whole steps: of these milliseconds.
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500].flatMap((step) => step)
  .concat([1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400, 172800, 604800].map((step) => step * 1000));

export class Histogram {
  constructor(chart, axis, onSelect) {
    this.chart = chart;
    this.axis = axis;
    this.onSelect = onSelect;
    this.range = null;
    this.bars = document.createElementNS(SVG, "svg");
    this.bars.setAttribute("aria-hidden", "true");
    this.brush = element("div", "brush");
    this.brush.hidden = true;
    chart.append(this.bars, this.brush);
    this.edges = [this.makeEdge("earlier", 0), this.makeEdge("later", 1)];
    this.labels = ["", "step", ""].map((name) => element("span", name));
    this.labels.forEach((label) => label.setAttribute("aria-hidden", "true"));
    axis.append(this.edges[0].button, ...this.labels, this.edges[1].button);
    // Asked when it changes, and not while drawing, when the browser would have to lay the page out for the answer.
    this.width = chart.clientWidth;
    new ResizeObserver(() => {
      this.width = chart.clientWidth;
    }).observe(chart);
    this.listen();
  }

  /** Draws the logs; `range` is the chosen part, or null. */
  show(all, range) {
    // What has no time has no place here.
    const logs = all.filter((log) => log.time !== 0);
    this.logs = logs;
    this.range = range;
    const width = Math.max(this.width, BAR);
    const [from, to] = this.domain(logs, range);
    const most = Math.max(Math.floor(width / BAR), 1);
    const step = STEPS.find((step) => (to - from) / step < most) ?? Math.ceil((to - from + 1) / most);
    this.step = step;
    this.start = Math.floor(from / step) * step;
    this.number = Math.floor((to - this.start) / step) + 1;
    this.scale = width / this.number;
    const bins = Array.from({ length: this.number }, () => new Array(WEIGHTS.length).fill(0));
    const place = new Map(WEIGHTS.map((weight, at) => [weight, at]));
    for (const log of logs) {
      const bin = bins[Math.floor((log.time - this.start) / step)];
      if (bin) bin[place.get(log.weight)] += 1;
    }
    this.totals = bins.map((bin) => bin.reduce((sum, number) => sum + number, 0));
    this.draw(bins, width);
  }

  /** A button for the logs that are before or behind the bars; `side` is the end of a range that it leaves open. */
  makeEdge(word, side) {
    const button = element("button", "edge");
    const edge = { word, side, button, range: null };
    button.type = "button";
    button.hidden = true;
    button.addEventListener("click", () => {
      if (this.isOpen(side)) this.clear();
      else this.choose(edge.range);
    });
    return edge;
  }

  isOpen(side) {
    return this.range !== null && !Number.isFinite(this.range[side]);
  }

  drawEdges() {
    const end = this.start + this.number * this.step;
    const times = this.logs.map((log) => log.time);
    this.drawEdge(this.edges[0], times.filter((time) => time < this.start), Math.min, Math.max);
    this.drawEdge(this.edges[1], times.filter((time) => time >= end), Math.max, Math.min);
  }

  drawEdge(edge, times, further, nearer) {
    const { button, word, side } = edge;
    const [furthest, nearest] = [further, nearer].map((of) => times.reduce((one, other) => of(one, other), times[0]));
    // What comes later at the bars is no part of it.
    edge.range = side === 0 ? [-Infinity, nearest] : [nearest, Infinity];
    // While it is chosen it can be taken back.
    button.hidden = times.length === 0 && !this.isOpen(side);
    button.textContent = `${counted(times.length, "log")} ${word}`;
    button.title = `Much ${word} than nearly all others${times.length === 0 ? "" : `: ${side === 0 ? "from" : "to"} ${fullTime(furthest)}`}`;
    button.setAttribute("aria-pressed", String(this.isOpen(side)));
  }

  domain(logs, range) {
    const found = windowOf(logs.map((log) => log.time));
    let [from, to] = found ?? [Infinity, -Infinity];
    // A chosen part stays in sight. Where it has no end it is one of the edges.
    if (range !== null && range.every(Number.isFinite)) [from, to] = [Math.min(from, range[0]), Math.max(to, range[1])];
    if (from > to) return [Date.now() - 60_000, Date.now()];
    // Logs of one moment are one bar of many, and not all of the picture.
    return to - from < 1000 ? [from - 500, to + 500] : [from, to];
  }

  draw(bins, width) {
    const highest = Math.max(...this.totals, 1);
    const drawn = document.createDocumentFragment();
    bins.forEach((bin, at) => {
      let y = HEIGHT;
      bin.forEach((number, weight) => {
        if (number === 0) return;
        // What is there is seen, however little it is.
        const height = Math.max((number / highest) * (HEIGHT - 4), 1.5);
        y -= height;
        const rect = document.createElementNS(SVG, "rect");
        rect.setAttribute("x", String(at * this.scale + 0.5));
        rect.setAttribute("y", String(y));
        rect.setAttribute("width", String(Math.max(Math.min(this.scale - 1.5, 24), 1)));
        rect.setAttribute("height", String(height));
        rect.setAttribute("class", `weight-${WEIGHTS[weight]}`);
        drawn.append(rect);
      });
    });
    this.bars.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    this.bars.replaceChildren(drawn);
    this.drawBrush();
    this.drawEdges();
    this.drawAxis();
  }

  drawBrush() {
    const left = this.range && Math.max(this.positionOf(this.range[0]), 0);
    const right = this.range && Math.min(this.positionOf(this.range[1] + 1), this.number * this.scale);
    this.brush.hidden = this.range === null || right <= left;
    if (this.brush.hidden) return;
    this.brush.style.left = `${left}px`;
    this.brush.style.width = `${Math.max(right - left, 2)}px`;
  }

  drawAxis() {
    const end = this.start + this.number * this.step;
    const isLong = end - this.start > 20 * 3_600_000;
    const time = (ms) => new Date(ms).toLocaleString("en-GB", {
      ...(isLong ? { day: "2-digit", month: "short" } : {}), hour: "2-digit", minute: "2-digit", second: isLong ? undefined : "2-digit",
    });
    const isEmpty = this.logs.length === 0 && this.range === null;
    const texts = isEmpty ? ["\u00a0", "", ""] : [time(this.start), this.chosenText(time), time(end)];
    texts.forEach((text, at) => {
      this.labels[at].textContent = text;
    });
  }

  chosenText(time) {
    if (this.range === null) return `${stepName(this.step)} a bar`;
    if (this.isOpen(0)) return `up to ${fullTime(this.range[1])}`;
    if (this.isOpen(1)) return `from ${fullTime(this.range[0])} on`;
    return `${time(this.range[0])} to ${time(this.range[1])}`;
  }

  positionOf(ms) {
    return ((ms - this.start) / this.step) * this.scale;
  }

  barAt(x) {
    return Math.min(Math.max(Math.floor(x / this.scale), 0), this.number - 1);
  }

  /** From one bar to another, whole. */
  select(one, other) {
    const [first, last] = [Math.min(one, other), Math.max(one, other)];
    this.choose([this.start + first * this.step, this.start + (last + 1) * this.step - 1]);
  }

  choose(range) {
    this.range = range;
    this.drawBrush();
    this.onSelect(range);
  }

  clear() {
    if (this.range === null) return false;
    this.range = null;
    this.onSelect(null);
    return true;
  }

  listen() {
    const x = (event) => event.clientX - this.chart.getBoundingClientRect().left;
    let from = null;
    this.chart.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !this.logs) return;
      from = x(event);
      this.chart.setPointerCapture(event.pointerId);
    });
    this.chart.addEventListener("pointermove", (event) => {
      const at = this.logs ? this.barAt(x(event)) : 0;
      if (this.logs) this.chart.title = counted(this.totals[at], "log");
      if (from !== null && Math.abs(x(event) - from) > 3) this.select(this.barAt(from), at);
    });
    const up = (event) => {
      if (from === null) return;
      const isClick = Math.abs(x(event) - from) <= 3;
      const at = this.barAt(from);
      from = null;
      // A click chooses a bar, and one into what is chosen takes the choice back.
      if (isClick && !this.clear()) this.select(at, at);
    };
    this.chart.addEventListener("pointerup", up);
    this.chart.addEventListener("pointercancel", up);
    this.chart.addEventListener("keydown", (event) => this.onKey(event));
  }

  onKey(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined || !this.logs) return;
    event.preventDefault();
    event.stopPropagation();
    const last = this.number - 1;
    if (this.range === null) {
      const at = step > 0 ? 0 : last;
      this.select(at, at);
      return;
    }
    const [one, other] = [this.barAt(this.positionOf(this.range[0]) + 0.01), this.barAt(this.positionOf(this.range[1]) - 0.01)];
    const to = Math.min(Math.max(other + step, 0), last);
    if (event.shiftKey) this.select(one, Math.max(to, one));
    else this.select(to, to);
  }
}

function stepName(step) {
  if (step < 1000) return `${step} ms`;
  if (step < 60_000) return `${step / 1000} s`;
  if (step < 3_600_000) return `${step / 60_000} min`;
  return step < 86_400_000 ? `${step / 3_600_000} h` : `${step / 86_400_000} d`;
}

/** With the year, in the browser's time zone. */
function fullTime(ms) {
  const time = new Date(ms);
  return Number.isNaN(time.getTime()) ? "a time that no calendar has" : time.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });
}
