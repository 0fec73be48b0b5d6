// One log: the record in CloudWatch beside the log in Datadog, where each tag is from, and what rules did.

import { addText, count, counted, element, oneLine } from "./harmless.js";
import { addJson } from "./json_text.js";
import { clock, marksOf } from "./list.js";
import { termOf } from "./query.js";

// So much of a text is shown before somebody asks for all, in characters.
const MOST_TEXT = 20_000;
// So many records of a log likewise.
const MOST_RECORDS = 12;

// Members of a log of Datadog's that fit into a line, and what they are called there.
const MEMBERS = [
  ["service", "service"], ["ddsource", "source"], ["hostname", "host"], ["timestamp", "time"], ["original_timestamp", "its own time"], ["id", "id"],
];
const SHOWN = new Set(["message", "ddtags", "status", ...MEMBERS.map(([name]) => name)]);

export class Detail {
  /** `onSearch` is told a query to search for, too, `onClose` that the pane is closed. */
  constructor(pane, { onSearch, onClose }) {
    this.pane = pane;
    this.onSearch = onSearch;
    this.onClose = onClose;
    this.log = null;
  }

  isOpen() {
    return this.log !== null;
  }

  close() {
    this.log = null;
    this.request?.abort();
    this.pane.hidden = true;
    this.pane.replaceChildren();
  }

  async open(log) {
    if (this.log === log) return;
    this.log = log;
    this.request?.abort();
    this.request = new AbortController();
    this.pane.hidden = false;
    let whole = null;
    let problem = "";
    try {
      const answer = await fetch(`log/${log.number}`, { signal: this.request.signal });
      if (answer.ok) whole = await answer.json();
      else problem = answer.status === 404 ? "This log is too old: podferry does not keep it any more." : "podferry does not know this page. Open the address that it printed.";
    } catch (error) {
      if (error.name === "AbortError") return;
      problem = "podferry does not answer: it has ended, or was stopped.";
    }
    if (this.log !== log) return;
    this.pane.scrollTop = 0;
    this.pane.replaceChildren(this.head(log), ...(whole ? [this.both(log, whole)] : [element("p", "note", problem)]));
    // For the page's test, and whoever looks for a log by its number.
    this.pane.dataset.number = String(log.number);
  }

  head(log) {
    const close = element("button", "button round close", "\u00d7");
    close.type = "button";
    close.setAttribute("aria-label", "Close");
    close.addEventListener("click", () => this.onClose());
    const status = element("span", "pill", oneLine(log.status ?? "no status", 20));
    status.dataset.weight = log.weight;
    const title = element("h2", "", status, element("span", "pill-service", oneLine(log.service ?? "no service", 80)));
    const time = element("time", "", log.time === 0 ? "no time" : `${clock(log.time)} `);
    if (log.time !== 0) {
      time.dateTime = iso(log.time);
      time.append(element("span", "dim", iso(log.time)));
    }
    const hits = element("ul", "hits");
    for (const hit of log.rules) {
      const name = element("code");
      addText(name, hit.rule);
      hits.append(element("li", `mark mark-${hit.effect.replace(" ", "-")}`, `${hit.effect} by `, name));
    }
    if (log.leftOut !== null) {
      const why = element("strong");
      addText(why, log.leftOut);
      hits.append(element("li", "why", "Not sent to Datadog: left out by ", why, "."));
    }
    return element("header", "detail-head", element("div", "", title, time), close, hits);
  }

  both(log, whole) {
    return element("div", "both", this.record(whole.record), this.datadog(log, whole));
  }

  record(record) {
    const side = element("section", "side record", element("h3", "", "Record in CloudWatch Logs"));
    side.setAttribute("aria-label", "Record in CloudWatch Logs");
    if (record.unknown !== undefined) {
      side.append(element("p", "note", ...inCode(record.unknown)));
      return side;
    }
    const blocks = element("div");
    side.append(blocks);
    const all = record.records.length + record.further;
    if (all > 1) blocks.append(element("p", "note", `${counted(all, "record")} became one log.`));
    const add = (from, to) => {
      for (const one of record.records.slice(from, to)) {
        const block = element("pre", "block");
        addLong(block, one.message, addJson);
        const time = one.timestamp === null ? "no time" : clock(one.timestamp);
        const size = `${count(new TextEncoder().encode(one.message).length)} bytes`;
        blocks.append(block, element("p", "caption", element("span", "", time), element("span", "", size)));
      }
    };
    add(0, MOST_RECORDS);
    if (record.records.length > MOST_RECORDS) {
      blocks.append(expander(`Show ${counted(record.records.length - MOST_RECORDS, "more record")}`, () => add(MOST_RECORDS, Infinity)));
    }
    if (record.further > 0) side.append(element("p", "note", `${counted(record.further, "further record")} not shown: they are too large together.`));
    side.append(fields([["group", record.log_group], ["stream", record.log_stream], ["event id", record.records[0]?.id ?? ""]]));
    return side;
  }

  datadog(log, whole) {
    const side = element("section", "side datadog", element("h3", "", whole.log ? "Log in Datadog" : "No log in Datadog"));
    side.setAttribute("aria-label", "Log in Datadog");
    const text = element("pre", "block message");
    addLong(text, whole.message, addJson);
    if (whole.log === null) {
      side.append(element("p", "note", "This is the line as it was written. It is not sent, and has the tags that its container's logs have."), text);
    } else {
      side.append(text, this.attributes(log, whole));
    }
    side.append(this.tags(whole.tags));
    if (whole.log !== null) {
      const others = Object.entries(whole.log).filter(([name]) => !SHOWN.has(name));
      for (const [name, value] of others) {
        const block = element("pre", "block");
        addLong(block, typeof value === "string" ? value : JSON.stringify(value), addJson);
        const heading = element("h4");
        addText(heading, name);
        side.append(heading, block);
      }
      const json = element("pre", "block");
      const folded = element("details", "as-json", element("summary", "", "The log as JSON"), json);
      folded.addEventListener("toggle", () => {
        if (folded.open && json.childNodes.length === 0) addLong(json, JSON.stringify(whole.log), addJson);
      });
      side.append(folded);
    }
    return side;
  }

  attributes(log, whole) {
    const { log: sent, status_from: from } = whole;
    const status = sent.status === undefined
      ? `${log.status ?? "none"}: Datadog sets it${from ? `, from ${from}` : ""}`
      : `${sent.status}${from ? `, by ${from}` : ""}`;
    const rows = [["status", status]];
    for (const [name, label] of MEMBERS) {
      const value = sent[name];
      if (value === undefined) continue;
      const isTime = name.endsWith("timestamp") && Number.isFinite(value);
      rows.push([label, isTime ? iso(value) : typeof value === "string" ? value : JSON.stringify(value)]);
    }
    return fields(rows);
  }

  tags(tags) {
    const byOrigin = new Map();
    for (const { tag, from } of tags) {
      const origin = from ?? "";
      if (!byOrigin.has(origin)) byOrigin.set(origin, []);
      byOrigin.get(origin).push(tag);
    }
    const list = element("dl", "tags");
    for (const [origin, found] of byOrigin) {
      const chips = element("dd");
      for (const tag of found) {
        const chip = element("button", "tag");
        chip.type = "button";
        addText(chip, tag);
        chip.title = "Search for this tag";
        chip.addEventListener("click", () => this.onSearch(termOf(tag)));
        chips.append(chip);
      }
      if (origin !== "") list.append(element("dt", "", origin));
      list.append(chips);
    }
    const isKnown = !byOrigin.has("");
    const note = element("span", "dim", isKnown ? ", by what each was taken from" : ": what each was taken from is known with the record only");
    return element("section", "", element("h4", "", "Tags", note), list);
  }
}

function iso(ms) {
  const time = new Date(ms);
  return Number.isNaN(time.getTime()) ? String(ms) : time.toISOString();
}

/** Names and values, one a line. */
function fields(rows) {
  const list = element("dl", "fields");
  for (const [name, value] of rows) {
    const shown = element("dd");
    addLong(shown, value, addText);
    const named = element("dt");
    addText(named, name);
    list.append(named, shown);
  }
  return list;
}

/** A text of ours, in which commands stand between backquotes. */
function inCode(text) {
  return text.split("`").map((part, at) => (at % 2 === 1 ? element("code", "", part) : part));
}

/** The beginning of a long text, and a button for the rest. */
function addLong(parent, text, add) {
  if (text.length <= MOST_TEXT) {
    add(parent, text);
    return;
  }
  const start = element("span");
  addText(start, text.slice(0, MOST_TEXT));
  parent.append(start, expander(`Show all ${count(text.length)} characters`, () => {
    start.replaceChildren();
    addText(start, text);
  }));
}

/** A button that does something once. */
function expander(words, act) {
  const button = element("button", "button expander", words);
  button.type = "button";
  button.addEventListener("click", () => {
    button.remove();
    act();
  });
  return button;
}

/** What a screen reader is told of a log that is selected. */
export function spoken(log) {
  const marks = marksOf(log).map(([, word]) => word);
  return [log.status ?? "", log.service ?? "", oneLine(log.text, 160), ...marks].filter((part) => part !== "").join(", ");
}
