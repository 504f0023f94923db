// Drawing a box on the map with a pointer.

import { byId, el } from "/static/dom.js";
import { map } from "/static/map.js";

const sheet = byId("draw");
const frame = el("div", { className: "frame" });
sheet.append(frame);
let finish = null;

/** A box that the user draws: west, south, east, north; null if they give up. */
export function drawBox() {
  sheet.hidden = false;
  frame.hidden = true;
  return new Promise((resolve) => {
    finish = resolve;
  });
}

/** Ends drawing; says whether there was any. */
export function giveUp(box = null) {
  const drawing = finish !== null;
  sheet.hidden = true;
  finish?.(box);
  finish = null;
  return drawing;
}

/** The box that is seen. */
export function seenBox() {
  const seen = map.getBounds();
  return [seen.getWest(), seen.getSouth(), seen.getEast(), seen.getNorth()];
}

let start = null;

const at = (event) => {
  const box = sheet.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
};

sheet.addEventListener("pointerdown", (event) => {
  sheet.setPointerCapture(event.pointerId);
  start = at(event);
});
sheet.addEventListener("pointermove", (event) => {
  if (!start) return;
  const [x, y] = at(event);
  frame.hidden = false;
  for (const [side, value] of [
    ["left", Math.min(x, start[0])],
    ["top", Math.min(y, start[1])],
    ["width", Math.abs(x - start[0])],
    ["height", Math.abs(y - start[1])],
  ]) {
    frame.style.setProperty(side, `${value}px`);
  }
});
sheet.addEventListener("pointerup", (event) => {
  if (!start) return;
  const end = at(event);
  const [one, other] = [map.unproject(start), map.unproject(end)];
  const large = Math.abs(end[0] - start[0]) > 4 && Math.abs(end[1] - start[1]) > 4;
  start = null;
  giveUp(
    large
      ? [
          Math.min(one.lng, other.lng),
          Math.min(one.lat, other.lat),
          Math.max(one.lng, other.lng),
          Math.max(one.lat, other.lat),
        ]
      : null,
  );
});
