// What people type into the search, read into terms, and whether a log has them. docs/page.md has the syntax.

// Names that are no tags, or shorter than the tag.
const MEMBERS = new Map([
  ["service", (log) => [log.service]],
  ["source", (log) => [log.source]],
  ["status", (log) => [log.status]],
  ["namespace", (log) => log.tags.values.get("kube_namespace")],
  ["container", (log) => log.tags.values.get("kube_container_name")],
  ["pod", (log) => log.tags.values.get("pod_name")],
  ["rule", (log) => log.rules.map((hit) => hit.rule)],
  ["is", (log) => [...log.rules.map((hit) => hit.effect.replace(" ", "-")), ...(log.leftOut === null ? [] : ["left-out"])]],
]);

/** The terms of a query: a log has to have all. One that is not closed by a quote goes to the end. */
export function parse(query) {
  const terms = [];
  const pattern = /(-?)(?:([^\s":]+):)?(?:"((?:[^"\\]|\\.)*)(?:"|$)|(\S+))/gsu;
  for (const [whole, minus, name, quoted, word] of query.matchAll(pattern)) {
    const text = quoted === undefined ? word : quoted.replace(/\\(.)/gsu, "$1");
    if (whole === "-" || text === undefined) continue;
    const key = name?.toLowerCase();
    terms.push({
      negated: minus === "-",
      key,
      matches: matcher(text.toLowerCase(), quoted === undefined),
      // Where no log has such a tag, as in `error:42`.
      text: (name === undefined ? text : `${name}:${text}`).toLowerCase(),
    });
  }
  return terms;
}

function matcher(text, hasStars) {
  if (!hasStars || !text.includes("*")) return (value) => value === text;
  const parts = text.split("*");
  const [first, last] = [parts.shift(), parts.pop()];
  return (value) => {
    if (value.length < first.length + last.length || !value.startsWith(first) || !value.endsWith(last)) return false;
    let at = first.length;
    for (const part of parts) {
      const found = value.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return at <= value.length - last.length;
  };
}

/** Whether a log has all terms. `isTag` says whether any log has a tag of a name. */
export function hasAll(log, terms, isTag) {
  return terms.every((term) => has(log, term, isTag) !== term.negated);
}

function has(log, term, isTag) {
  if (term.key === undefined) return log.lower.includes(term.text);
  const member = MEMBERS.get(term.key);
  const values = member ? member(log) : log.tags.values.get(term.key);
  if (!member && !isTag(term.key)) return log.lower.includes(term.text);
  return (values ?? []).some((value) => value !== null && term.matches(value.toLowerCase()));
}
