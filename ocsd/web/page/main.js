// The page is put together here: the state of the site, what the reader chose, and the sections.
import { SiteState } from "./connect/site.js";
import { themeSwitch } from "./dom/choices.js";
import { listenForKeys } from "./dom/keys.js";
import { Padlock } from "./dom/padlock.js";
import { Alarms } from "./parts/alarms.js";
import { Fields } from "./parts/fields.js";
import { InstanceSection } from "./parts/instance.js";
import { Instances } from "./parts/instances.js";
import { PersonLine } from "./parts/person.js";
import { Plots } from "./parts/plots.js";
import { Requests } from "./parts/requests.js";
import { Shown } from "./parts/shown.js";
import { Verdict } from "./parts/verdict.js";
import { followViews } from "./parts/views.js";
import { Wrong } from "./parts/wrong.js";

const $ = (id) => document.getElementById(id);

const shown = new Shown();
const site = new SiteState();
const padlock = new Padlock([$("padlock")]);
new PersonLine(padlock);
new Verdict(site);
new Wrong(site, shown);
new Alarms(site, shown, padlock);
const instances = new Instances(site, shown, padlock);
new InstanceSection(site, shown, padlock);
const plots = new Plots(site, shown);
new Fields(site, shown);
new Requests(site, shown);
followViews();
themeSwitch($("theme"), () => plots.recolour());

function goTo(id) {
  $(id).scrollIntoView({ block: "start" });
  $(id).focus({ preventScroll: true });
}

for (const link of document.querySelectorAll('a[href^="#"]:not([download])')) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    goTo(link.hash.slice(1));
  });
}

const { moves } = plots;
listenForKeys([
  { key: "?", text: "these keys", act: () => $("keys").showModal() },
  { key: "1", text: "what is wrong", act: () => goTo("wrong") },
  { key: "2", text: "instances", act: () => goTo("instances") },
  { key: "3", text: "data", act: () => goTo("data") },
  { key: "4", text: "who did what", act: () => goTo("who") },
  { key: "5", text: "alarms", act: () => goTo("alarms") },
  { key: "j", text: "next instance", act: () => instances.step(1) },
  { key: "k", text: "instance before", act: () => instances.step(-1) },
  { key: "Enter", text: "open the instance that has the focus" },
  { key: "Escape", name: "Esc", text: "close the instance, leave a field", act: () => shown.set({ instance: "" }) },
  { key: "f", text: "filter the instances", act: () => $("filter").focus() },
  { key: "/", text: "search fields", act: () => $("search").focus() },
  { key: "u", text: "open or close the padlock", act: () => padlock.toggle() },
  { key: "l", text: "live", act: () => moves.live() },
  { key: "[", text: "back in time", act: () => moves.move(-0.5) },
  { key: "]", text: "forward in time", act: () => moves.move(0.5) },
  { key: "+", text: "zoom in", act: () => moves.scale(0.5, null) },
  { key: "-", text: "zoom out", act: () => moves.scale(2, null) },
  { key: "← →", text: "move in time, in a plot that has the focus; Page Up and Page Down by its whole width" },
  { key: "z", text: "UTC or local time", act: () => $("zone").click() },
  { key: "t", text: "dark, light, or as the system", act: () => $("theme").click() },
  { key: "drag", text: "zoom into what is marked; with Shift, or on the time axis: move in time" },
  { key: "wheel", text: "with Shift: move in time; with Ctrl: zoom around the pointer" },
  { key: "double click", text: "zoom out" },
], $("keys"));
$("show-keys").addEventListener("click", () => $("keys").showModal());
