// Holds the page together: what arrives, what is chosen, the keys; and draws once a frame at most.

import { Detail, spoken } from "./detail.js";
import { Facets } from "./facets.js";
import { count, counted, element, oneLine } from "./harmless.js";
import { Histogram } from "./histogram.js";
import { List } from "./list.js";
import { FACETS, Logs } from "./logs.js";
import { MOST_QUERY, both, parse } from "./query.js";

const byId = (id) => document.getElementById(id);
// While logs stream in, the view is worked out so often, in milliseconds.
const PACE = 200;

const logs = new Logs();
const chosen = FACETS.map(() => new Set());
const state = { query: parse(""), chosen, range: null, withLeftOut: true };
let about = { title: "", empty: "", most: 0 };
let isPaused = false;
let view = logs.view(state);

const list = new List(byId("list"), byId("rows"), { onOpen: open, onMove: moved });
const detail = new Detail(byId("detail"), { onSearch: searchFor, onClose: closeDetail });
const facets = new Facets(byId("facets"), chosen, drawSoon);
const histogram = new Histogram(byId("chart"), byId("axis"), (range) => {
  state.range = range;
  drawSoon();
});

let isDue = false;

function drawSoon() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    draw();
  });
}

function draw() {
  view = logs.view(state);
  list.show(view.shown);
  facets.show(view.counts);
  histogram.show(view.timed, state.range);
  byId("left-out-count").textContent = count(view.leftOut);
  byId("left-out-button").hidden = view.leftOut === 0;
  drawCounts();
  remember();
  if (view.unsearched > 0) drawSoon();
}

function drawCounts() {
  const all = logs.all.length - (state.withLeftOut ? 0 : view.leftOut);
  const shown = view.shown.length;
  const parts = [shown === all ? counted(all, "log") : `${count(shown)} of ${counted(all, "log")}`];
  if (logs.first > 0) parts.push(`${count(logs.first)} older dropped: the newest ${count(about.most)} are kept, or fewer if they are large`);
  if (view.unsearched > 0) parts.push(`searching ${count(view.unsearched)} more`);
  const attribute = state.query.keys.find((key) => key.startsWith("@"));
  if (attribute !== undefined) parts.push(`attributes such as ${oneLine(attribute, 40)} are not searched here`);
  byId("counts").textContent = parts.join(" · ");
  const empty = byId("empty");
  empty.hidden = shown > 0;
  if (shown === 0) empty.replaceChildren(...(logs.all.length === 0 ? nothingYet() : nothingFound()));
  announceSoon(parts[0]);
}

function nothingYet() {
  const [sentence, ...commands] = about.empty.split("\n");
  const parts = [element("p", "", sentence)];
  if (commands.length > 0) parts.push(element("pre", "command", commands.join("\n")));
  return parts;
}

function nothingFound() {
  const clear = element("button", "button", "Clear search and filters");
  clear.type = "button";
  clear.addEventListener("click", () => {
    chosen.forEach((values) => values.clear());
    state.range = null;
    byId("search").value = "";
    search();
  });
  return [element("p", "", "No log has all of this."), clear];
}

// A screen reader is told how many there are when that has come to rest.
let announcing;
let announced = "";
function announceSoon(text) {
  clearTimeout(announcing);
  announcing = setTimeout(() => {
    if (text !== announced) byId("announcement").textContent = text;
    announced = text;
  }, 1000);
}

function search() {
  state.query = parse(byId("search").value);
  drawSoon();
}

function searchFor(term) {
  const field = byId("search");
  if (!` ${field.value} `.includes(` ${term} `)) field.value = both(field.value, term);
  search();
}

function open(log) {
  byId("columns").classList.add("with-detail");
  list.draw();
  void detail.open(log);
}

function moved(log) {
  byId("announcement").textContent = spoken(log);
  if (detail.isOpen()) void detail.open(log);
}

function closeDetail() {
  detail.close();
  byId("columns").classList.remove("with-detail");
  list.draw();
  byId("list").focus();
}

// What is chosen survives a reload; the part behind # is sent to nobody.
function remember() {
  const parameters = new URLSearchParams();
  if (byId("search").value) parameters.set("search", byId("search").value);
  if (!state.withLeftOut) parameters.set("left-out", "no");
  const hash = parameters.toString();
  if (hash !== location.hash.slice(1)) history.replaceState(null, "", hash ? `#${hash}` : location.pathname);
}

function recall() {
  const parameters = new URLSearchParams(location.hash.slice(1));
  byId("search").value = (parameters.get("search") ?? "").slice(0, MOST_QUERY);
  setLeftOut(parameters.get("left-out") !== "no");
  search();
}

function setLeftOut(isShown) {
  state.withLeftOut = isShown;
  byId("left-out-button").setAttribute("aria-pressed", String(isShown));
  drawSoon();
}

function setPaused(paused) {
  isPaused = paused;
  const button = byId("pause-button");
  button.setAttribute("aria-pressed", String(paused));
  button.textContent = paused ? "Go on" : "Pause";
  if (!paused) drawSoon();
}

function turn() {
  logs.newestFirst = !logs.newestFirst;
  byId("sort-sign").textContent = logs.newestFirst ? "↓" : "↑";
  logs.sort();
  byId("list").scrollTop = 0;
  drawSoon();
}

// What arrives -------------------------------------------------------------------------------------------------

let waiting;
function arrived(message) {
  logs.add(message);
  if (isPaused) {
    return;
  }
  waiting ??= setTimeout(() => {
    waiting = undefined;
    if (!isPaused) drawSoon();
  }, PACE);
}

async function sayWhyRefused(say) {
  const answer = await fetch("icon.svg").catch(() => null);
  // Else another podferry listens there now.
  say("ended", answer?.ok ? "too many pages are open: close one, and load this again" : "refused: open the address that podferry printed last");
}

function connect() {
  const tail = new EventSource("tail");
  const say = (name, text) => {
    byId("connection").dataset.state = name;
    byId("connection-text").textContent = text;
  };
  tail.addEventListener("open", () => say("live", "live"));
  tail.addEventListener("about", (event) => {
    about = JSON.parse(event.data);
    byId("title").textContent = about.title;
    document.title = `${about.title} \u00b7 podferry`;
    drawSoon();
  });
  tail.addEventListener("logs", (event) => arrived(JSON.parse(event.data)));
  tail.addEventListener("error", () => {
    // The browser tries again by itself, unless it was refused.
    if (tail.readyState === EventSource.CLOSED) void sayWhyRefused(say);
    else say("waiting", "podferry does not answer, trying again");
  });
}

// Keys and buttons ---------------------------------------------------------------------------------------------

const KEYS = new Map([
  ["j", () => list.move(1)], ["ArrowDown", () => list.move(1)],
  ["k", () => list.move(-1)], ["ArrowUp", () => list.move(-1)],
  ["PageDown", () => list.move(list.page())], ["PageUp", () => list.move(-list.page())],
  ["Home", () => list.move(-Infinity)], ["End", () => list.move(Infinity)],
  ["Enter", openSelected],
  ["/", () => byId("search").focus()],
  ["x", () => setLeftOut(!state.withLeftOut)],
  ["p", () => setPaused(!isPaused)],
  ["s", turn],
  ["?", () => byId("help").showModal()],
  ["Escape", () => {
    if (detail.isOpen()) closeDetail();
    else histogram.clear();
  }],
]);
// These keys scroll what has the focus, unless that is the list.
const OF_LIST = new Set(["PageDown", "PageUp", "Home", "End", "ArrowDown", "ArrowUp"]);

function openSelected() {
  if (list.selected === null) list.move(1);
  if (list.selected === null) return;
  open(list.selected);
  byId("detail").focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || byId("help").open) return;
  const at = event.target;
  if (at === byId("search")) {
    onSearchKey(event);
    return;
  }
  const act = KEYS.get(event.key);
  const isOnList = at === byId("list") || at === document.body;
  const isOnControl = at.matches("button, input, summary, a");
  if (!act || (isOnControl && event.key === "Enter") || (OF_LIST.has(event.key) && !isOnList)) return;
  event.preventDefault();
  act();
});

function onSearchKey(event) {
  const field = byId("search");
  if (event.key === "Escape") {
    event.preventDefault();
    if (field.value === "") byId("list").focus();
    field.value = "";
    search();
  } else if (event.key === "Enter" || event.key === "ArrowDown") {
    event.preventDefault();
    byId("list").focus();
    if (list.selected === null || !view.shown.includes(list.selected)) list.move(1);
  }
}

byId("search").addEventListener("input", search);
byId("left-out-button").addEventListener("click", () => setLeftOut(!state.withLeftOut));
byId("pause-button").addEventListener("click", () => setPaused(!isPaused));
byId("sort-button").addEventListener("click", turn);
byId("help-button").addEventListener("click", () => byId("help").showModal());
byId("filters-button").addEventListener("click", () => {
  const isOpen = byId("columns").classList.toggle("with-filters");
  byId("filters-button").setAttribute("aria-expanded", String(isOpen));
});
window.addEventListener("hashchange", recall);
new ResizeObserver(drawSoon).observe(byId("columns"));

recall();
connect();
