// Whether a log is what a query looks for.

// So much of a tag's value is looked at, as of a message. Datadog cuts tags at 200 characters.
const MOST_VALUE = 8192;

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

/** Whether a part of a query finds a log. `isTag` says whether any log has a tag of a name. */
export function finds(part, log, isTag) {
  if (part === null) return true;
  if (part.kind === "all") return part.parts.every((one) => finds(one, log, isTag));
  if (part.kind === "any") return part.parts.some((one) => finds(one, log, isTag));
  if (part.kind === "not") return !finds(part.part, log, isTag);
  return has(log, part, isTag);
}

function has(log, term, isTag) {
  const member = MEMBERS.get(term.key);
  if (term.key === undefined || (!member && !isTag(term.key))) return term.text.isIn(log.lower);
  const values = member ? member(log) : log.tags.values.get(term.key);
  return (values ?? []).some((value) => value !== null && term.pattern.isAll(value.slice(0, MOST_VALUE).toLowerCase()));
}
