// The rate of samples over time, from the counts of a window's columns.

/** Samples per second in each of `count` equal parts; `t` are centres of columns, or samples. */
export function rates(answer, since, until, count) {
  const found = new Array(count).fill(0);
  if (!answer) return found;
  const step = (until - since) / count;
  answer.t.forEach((at, i) => {
    const place = Math.floor((at - since) / step);
    if (place >= 0 && place < count) found[place] += (answer.n[i] + (answer.n_nan?.[i] ?? 0)) / step;
  });
  return found;
}
