// Moving in time: drag with Shift or on the time axis, wheel with Shift or Ctrl, fingers, keys.

import { pinch } from "../logic/span.js";

const WHEEL = 0.0012;

export function listenForMoves(plot) {
  const { box, moves } = plot;
  box.addEventListener("wheel", (event) => wheeled(plot, event), { passive: false });
  box.addEventListener("dblclick", () => moves.scale(3, null));
  const fingers = new Map();
  box.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch") fingers.set(event.pointerId, event);
    dragged(plot, fingers, event);
  });
  box.addEventListener("keydown", (event) => {
    const act = {
      ArrowLeft: () => moves.move(-0.25), ArrowRight: () => moves.move(0.25),
      PageUp: () => moves.move(-1), PageDown: () => moves.move(1), End: () => moves.live(),
    }[event.key];
    if (!act || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    act();
  });
}

function wheeled({ moves, view, uplot }, event) {
  const along = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
  if (event.ctrlKey) {
    event.preventDefault();
    const box = uplot.over.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    moves.scale(Math.exp(event.deltaY * WHEEL * 2), view.since + share * (view.until - view.since));
  } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
    event.preventDefault();
    moves.move(along * WHEEL);
  }
}

function dragged(plot, fingers, event) {
  const { box, uplot, moves } = plot;
  const isOnAxis = !uplot.over.contains(event.target);
  if (event.pointerType !== "touch" && !event.shiftKey && !isOnAxis) return;
  const width = uplot.over.clientWidth;
  let last = event.clientX;
  const move = (next) => {
    if (next.pointerId !== event.pointerId) return;
    if (fingers.size > 1) {
      last = next.clientX;
      pinched(plot, fingers, next);
      return;
    }
    const share = (last - next.clientX) / width;
    if (Math.abs(share) * width < 1) return;
    last = next.clientX;
    moves.move(share);
  };
  const end = (ended) => {
    if (ended.pointerId !== event.pointerId) return;
    fingers.delete(event.pointerId);
    box.removeEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel"]) removeEventListener(name, end);
  };
  box.setPointerCapture(event.pointerId);
  box.addEventListener("pointermove", move);
  for (const name of ["pointerup", "pointercancel"]) addEventListener(name, end);
}

/** Two fingers scale the time around the place between them; a live plot stays live. */
function pinched({ uplot, moves, view, shown }, fingers, next) {
  const before = [...fingers.values()];
  if (before.length !== 2 || !fingers.has(next.pointerId)) return;
  fingers.set(next.pointerId, next);
  const { factor, middle } = pinch(before, [...fingers.values()]);
  const box = uplot.over.getBoundingClientRect();
  const share = Math.min(1, Math.max(0, (middle - box.left) / box.width));
  moves.scale(factor, shown.view.live ? null : view.since + share * (view.until - view.since));
}
