// Who is logged in at a closed site, and what that person may do.
import { get, post } from "../connect/api.js";
import { say, setText } from "../dom/build.js";

const $ = (id) => document.getElementById(id);
const AGAIN_MS = 60000;

export class PersonLine {
  constructor(padlock) {
    this.padlock = padlock;
    $("log-out").addEventListener("click", () => this.leave());
    document.addEventListener("visibilitychange", () => this.ask());
    setInterval(() => this.ask(), AGAIN_MS);
    this.ask();
  }

  async ask() {
    if (document.hidden) return;
    try {
      this.show(await get("me"));
    } catch {
      // The verdict says that the process does not answer.
    }
  }

  show({ closed, person, role, roles, can_log_out: canLogOut }) {
    $("person").hidden = !closed;
    if (!closed) return;
    if (person === null) {
      location.reload(); // the form comes in the place of the page
      return;
    }
    setText($("person-name"), `${person}, ${role}`);
    $("log-out").hidden = !canLogOut;
    this.padlock.forbid(roles.includes("operator") ? "" : "Look only");
  }

  async leave() {
    try {
      await post("logout", {});
      location.reload();
    } catch (error) {
      say(error.message, "bad");
    }
  }
}
