// Keys of the whole page, and the list of them. A key that is typed into a field is text.

const TEXT = "input:not([type=checkbox]), textarea, select, [contenteditable]";

/** `actions` is a list of {key, text, act}; keys without `act` are listed only. */
export function listenForKeys(actions, dialog) {
  const byKey = new Map(actions.filter(({ act }) => act).map((each) => [each.key, each.act]));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && event.target.matches(TEXT)) event.target.blur();
    if (event.target.matches(TEXT) || dialog.open) return;
    const act = byKey.get(event.key);
    if (!act || event.defaultPrevented) return;
    event.preventDefault();
    act(event);
  });
  const list = dialog.querySelector("dl");
  for (const { key, name, text } of actions) {
    const term = document.createElement("dt");
    const word = document.createElement("kbd");
    word.textContent = name ?? key;
    term.append(word);
    const meaning = document.createElement("dd");
    meaning.textContent = text;
    list.append(term, meaning);
  }
}
