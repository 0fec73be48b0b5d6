// Which part of the time the histogram shows: where the logs are. A log of a far year would make one bar of all others.

// So many of the logs may be left aside: one of ten, and where they are few, two or less than half of them.
const ASIDE = 10;
const FEW = 2;
// Beyond what nearly all logs take, so much of the same is shown; and this many milliseconds in any case, which is an hour.
const MARGIN = 10;
const LEAST_MARGIN = 3_600_000;

/** The first and the last of the times that are not far from nearly all others; null where there are none. */
export function windowOf(times) {
  if (times.length === 0) return null;
  const sorted = Float64Array.from(times).sort();
  const number = sorted.length;
  const aside = Math.max(Math.floor(number / ASIDE), Math.min(FEW, Math.floor((number - 1) / 2)));
  const most = number - aside;
  // The shortest time that nearly all are in; of several the latest.
  let first = 0;
  const length = (at) => sorted[at + most - 1] - sorted[at];
  for (let at = 1; at <= aside; at += 1) if (length(at) <= length(first)) first = at;
  const margin = Math.max(MARGIN * length(first), LEAST_MARGIN);
  let last = first + most - 1;
  const [least, greatest] = [sorted[first] - margin, sorted[last] + margin];
  while (first > 0 && sorted[first - 1] >= least) first -= 1;
  while (last < number - 1 && sorted[last + 1] <= greatest) last += 1;
  return [sorted[first], sorted[last]];
}
