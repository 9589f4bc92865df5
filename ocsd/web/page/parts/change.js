// Up, down and restart of instances, and what becomes of them.
import { postLines } from "../connect/api.js";
import { h, say } from "../dom/build.js";
import { duration } from "../logic/words.js";

/** Ask for a change of one instance; says what comes of it, line by line of the answer. */
export async function change(verb, name) {
  say(`${name}: ${verb} requested`, "busy");
  try {
    await postLines(`instances/${verb}`, { names: [name] }, tellLine);
  } catch (error) {
    say(`${name}: ${verb} failed: ${error.message}`, "bad");
  }
}

function tellLine(line) {
  if (line.error) say(line.error.message, "bad");
  if (line.event === "notice") say(line.text, "warning");
  if (line.event === "left_out") say(`${line.instance_id}: left out: ${line.reason}`, "warning");
  if (line.event !== "result") return;
  const why = line.reason ? `: ${line.reason}` : "";
  const tone = line.ok ? "ok" : "bad";
  say(`${line.instance_id}: ${line.state} after ${duration(line.took_s)}${why}`, tone);
}

/** The three buttons of an instance; the padlock guards them. */
export function changeButtons(padlock, nameOf) {
  const button = (verb) => {
    const made = h("button.small", { type: "button", "data-changes": verb, onclick: () => act(verb, made) }, verb);
    padlock.guard(made);
    return made;
  };
  const act = async (verb, made) => {
    padlock.used();
    made.dataset.busy = "yes";
    padlock.guard(made);
    await change(verb, nameOf());
    made.dataset.busy = "";
    padlock.guard(made);
  };
  const buttons = { restart: button("restart"), up: button("up"), down: button("down") };
  return {
    elements: Object.values(buttons),
    update: ({ instance_id: id, target }) => {
      buttons.up.hidden = target === "up";
      buttons.down.hidden = target !== "up";
      for (const [verb, each] of Object.entries(buttons)) each.setAttribute("aria-label", `${verb} ${id}`);
    },
  };
}
