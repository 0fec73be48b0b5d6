// The logs that the page has, and the view of them that the filters leave. No more are kept than the server keeps.

import { finds } from "./search.js";

/** What logs are filtered by at the side: names, and where the value stands. */
export const FACETS = [
  ["Namespace", (log) => first(log, "kube_namespace")],
  ["Service", (log) => log.service],
  ["Container", (log) => first(log, "kube_container_name")],
  ["Status", (log) => log.status],
  ["Source", (log) => log.source],
];

/** Statuses by how much they matter; the histogram stacks these. Source: Datadog, "Log status remapper". */
const WEIGHTS = new Map([
  ["emergency", "error"], ["emerg", "error"], ["alert", "error"], ["critical", "error"], ["error", "error"],
  ["warn", "warn"], ["warning", "warn"], ["notice", "info"], ["info", "info"], ["debug", "debug"], ["trace", "debug"], ["ok", "ok"],
]);

export function weightOf(status) {
  return WEIGHTS.get(status) ?? "info";
}

function first(log, key) {
  return log.tags.values.get(key)?.[0] ?? null;
}

// So many characters of tags are remembered. A container has one set, of some hundreds; tags that are new with each log must not pile up.
const MOST_TAG_TEXT = 16_000_000;

// So many milliseconds of a frame are for the search; what it does not reach is searched in the next. A query of many words over logs of many
// kilobytes takes longer than somebody who types would wait.
const SEARCH_MS = 40;

export class Logs {
  constructor() {
    this.first = 0;
    this.all = [];
    this.forgetTags();
    this.newestFirst = true;
    this.query = null;
    this.asTags = "";
    // Which search a log was last looked at by.
    this.turn = 0;
  }

  /** Takes a message of the server's: logs, and how many there were before the first that it keeps. */
  add({ first, logs }) {
    const last = this.all.length === 0 ? -1 : this.lastNumber;
    const added = logs.filter((log) => log.number > last).map((log) => this.read(log));
    if (added.length > 0) this.lastNumber = added.at(-1).number;
    this.first = first;
    this.all = this.all.filter((log) => log.number >= first);
    this.all.push(...added);
    this.sort();
  }

  sort() {
    const sign = this.newestFirst ? -1 : 1;
    this.all.sort((one, other) => sign * (one.time - other.time || one.number - other.number));
  }

  read(log) {
    const facets = [];
    const read = {
      number: log.number,
      time: log.time ?? 0,
      status: log.status,
      service: log.service,
      source: log.source,
      text: log.text,
      lower: log.text.toLowerCase(),
      bytes: log.bytes,
      isCut: log.is_cut,
      tags: this.tagSet(log.tags),
      rules: log.rules,
      leftOut: log.left_out,
      weight: weightOf(log.status),
      facets,
      turn: 0,
      isFound: false,
    };
    for (const [, value] of FACETS) facets.push(value(read) ?? "");
    return read;
  }

  /** Logs that are kept keep theirs. */
  forgetTags() {
    this.tagText = 0;
    this.tagSets = new Map();
    this.tagNames = new Set(this.all.flatMap((log) => [...log.tags.values.keys()]));
  }

  /** Tags that many logs share, once. */
  tagSet(text) {
    const known = this.tagSets.get(text);
    if (known) return known;
    if (this.tagText > MOST_TAG_TEXT) this.forgetTags();
    this.tagText += text.length;
    const values = new Map();
    for (const tag of text.split(",")) {
      const colon = tag.indexOf(":");
      const [name, value] = colon < 0 ? [tag, ""] : [tag.slice(0, colon), tag.slice(colon + 1)];
      const key = name.toLowerCase();
      if (key === "") continue;
      this.tagNames.add(key);
      if (values.has(key)) values.get(key).push(value);
      else values.set(key, [value]);
    }
    const set = { values };
    this.tagSets.set(text, set);
    return set;
  }

  /** What is known of a search holds as long as the query does, and as the same of its names are tags. Tells which are. */
  begin(query) {
    const isTag = (name) => this.tagNames.has(name);
    const asTags = JSON.stringify(query.keys.filter(isTag));
    if (query !== this.query || asTags !== this.asTags) this.turn += 1;
    this.query = query;
    this.asTags = asTags;
    return isTag;
  }

  /**
   * What the filters leave. A facet counts what all filters but its own leave, and the histogram what all but its own do: so one sees what
   * another choice would bring. `unsearched` are the logs that the search has not reached.
   */
  view({ query, chosen, range, withLeftOut }) {
    const counts = FACETS.map(() => new Map());
    const view = { shown: [], timed: [], counts, leftOut: 0, unsearched: 0 };
    const until = performance.now() + SEARCH_MS;
    const isTag = this.begin(query);
    for (const log of this.all) {
      if (log.leftOut !== null) {
        view.leftOut += 1;
        if (!withLeftOut) continue;
      }
      if (log.turn !== this.turn) {
        if (view.unsearched > 0 || performance.now() > until) {
          view.unsearched += 1;
          continue;
        }
        log.isFound = finds(query.root, log, isTag);
        log.turn = this.turn;
      }
      if (!log.isFound) continue;
      const isInRange = range === null || (log.time !== 0 && log.time >= range[0] && log.time <= range[1]);
      let misses = 0;
      let missed = -1;
      for (let at = 0; at < FACETS.length; at += 1) {
        if (chosen[at].size > 0 && !chosen[at].has(log.facets[at])) {
          misses += 1;
          missed = at;
        }
      }
      if (misses === 0) view.timed.push(log);
      if (!isInRange || misses > 1) continue;
      for (let at = 0; at < FACETS.length; at += 1) {
        if (misses === 0 || missed === at) {
          const value = log.facets[at];
          counts[at].set(value, (counts[at].get(value) ?? 0) + 1);
        }
      }
      if (misses === 0) view.shown.push(log);
    }
    return view;
  }
}
