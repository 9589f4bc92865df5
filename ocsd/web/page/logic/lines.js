// Lines of a log that is asked again and again: which of an answer are new.

const isSame = (one, other) => one.at === other.at && one.text === other.text;

/** The lines of an answer behind those that are shown already, whatever part of them it repeats. */
export function newLines(shown, answer) {
  for (let count = Math.min(shown.length, answer.length); count > 0; count -= 1) {
    const tail = shown.slice(-count);
    if (tail.every((line, i) => isSame(line, answer[i]))) return answer.slice(count);
  }
  return answer;
}

/** The time from which to ask again: that of the last line that has one. */
export function lastTime(lines) {
  return lines.findLast(({ at }) => at)?.at;
}
