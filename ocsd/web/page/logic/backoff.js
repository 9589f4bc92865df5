// When to try again: soon at first, at most every five seconds, never all pages at once.

const FIRST_S = 0.4;
const LONGEST_S = 5;

/** The wait before try number `attempt` (0 is the first) [s]; `random` is from 0 to 1. */
export function wait(attempt, random) {
  return Math.min(LONGEST_S, FIRST_S * 2 ** Math.min(attempt, 10)) * (0.8 + 0.4 * random);
}
