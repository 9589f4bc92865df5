// Links to feed viewers that have told the host about themselves, and what this server is.
import { get } from "../connect/api.js";
import { Rows, h, setText } from "../dom/build.js";
import { moment } from "../logic/words.js";

const $ = (id) => document.getElementById(id);
const AGAIN_MS = 60000;

export function followViews() {
  const rows = new Rows($("views-list"), ({ name, url }) => `${name} ${url}`, createRow);
  const ask = async () => {
    if (document.hidden) return;
    try {
      const { views } = await get("views");
      const safe = views.filter(({ url }) => isSafe(url));
      $("views").hidden = safe.length === 0;
      rows.update(safe);
      const about = await get("about");
      const since = `web since ${moment(about.since_at, true)} UTC, pid ${about.pid}`;
      const looking = `${about.viewers} looking${trendText(about.trends)}`;
      setText($("about"), `ocsd ${about.version} · ${since} · ${looking}`);
    } catch {
      // They are asked again in a minute; the first line says that web is away.
    }
  };
  setInterval(ask, AGAIN_MS);
  ask();
}

function isSafe(url) {
  try {
    return ["http:", "https:"].includes(new URL(url).protocol);
  } catch {
    return false; // it is no URL
  }
}

function trendText(trends) {
  if (!trends?.waiting) return "";
  return ` · trends: ${trends.waiting} files are waiting`;
}

function createRow() {
  const link = h("a", { target: "_blank", rel: "noopener noreferrer" });
  const text = h("span.quiet");
  return {
    element: h("li", {}, link, " ", text),
    update({ name, url, description, feed }) {
      setText(link, name);
      link.href = url;
      setText(text, [description, feed].filter(Boolean).join(" · "));
    },
  };
}
