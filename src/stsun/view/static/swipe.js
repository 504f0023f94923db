// Comparing two layers: one on the left of a divider that can be dragged, one on the right.

import { byId, el } from "/static/dom.js";
import { changed, layerOf, onChange, state } from "/static/state.js";

const on = el("input", { type: "checkbox", id: "swipe-on", onchange: () => toggle() });
const sides = { left: chooser("Left"), right: chooser("Right") };
const choices = el("div", { className: "pair" }, sides.left, sides.right);
byId("swipe").append(el("label", { className: "check", htmlFor: "swipe-on" }, on, "swipe between two layers"), choices);

const divider = byId("divider");
let shown = null;

function chooser(name) {
  const side = name.toLowerCase();
  return el("select", {
    "aria-label": `${name} side`,
    onchange: (event) => {
      state.swipe[side] = JSON.parse(event.target.value);
      changed();
    },
  });
}

/** Every date of every layer, as two numbers to choose by. */
function entriesOf(place) {
  return place.layers
    .filter((layer) => layer.dates.length)
    .flatMap((layer) =>
      layer.dates.map((date, number) => ({
        value: JSON.stringify({ layer: layer.id, date: number }),
        text: layer.dates.length > 1 || date.name !== layer.title ? `${layer.title}, ${date.name}` : layer.title,
      })),
    );
}

/** Compares, or stops comparing. */
export function toggle() {
  const { swipe, place } = state;
  const entries = entriesOf(place).map((entry) => JSON.parse(entry.value));
  if (!swipe.on && entries.length < 2) {
    changed();
    return;
  }
  swipe.on = !swipe.on;
  if (swipe.on && !swipe.left) {
    const image = place.layers.find((layer) => layer.kind === "imagery" && layer.dates.length > 1);
    swipe.left = image ? { layer: image.id, date: 0 } : entries[0];
    swipe.right = image ? { layer: image.id, date: image.dates.length - 1 } : entries.at(-1);
  }
  changed();
}

onChange(({ place, swipe }) => {
  if (!place) return;
  const key = place.layers.map((layer) => layer.id).join();
  if (key !== shown) {
    for (const side of Object.values(sides))
      side.replaceChildren(...entriesOf(place).map(({ value, text }) => el("option", { value }, text)));
    shown = key;
  }
  on.checked = swipe.on;
  on.disabled = sides.left.options.length < 2;
  choices.hidden = !swipe.on;
  byId("sides").hidden = !swipe.on;
  for (const side of ["left", "right"]) if (swipe[side]) sides[side].value = JSON.stringify(swipe[side]);
  if (swipe.on) {
    const [left, right] = byId("sides").children;
    left.textContent = nameOf(swipe.left);
    right.textContent = nameOf(swipe.right);
    divider.setAttribute("aria-valuenow", Math.round(100 * swipe.share));
  }
});

const nameOf = ({ layer, date }) => `${layerOf(layer).title}, ${layerOf(layer).dates[date].name}`;

function move(share) {
  state.swipe.share = Math.max(0, Math.min(1, share));
  byId("over").style.setProperty("--share", state.swipe.share);
  divider.style.setProperty("--share", state.swipe.share);
  divider.setAttribute("aria-valuenow", Math.round(100 * state.swipe.share));
}

divider.addEventListener("pointerdown", (event) => {
  divider.setPointerCapture(event.pointerId);
  event.preventDefault();
  divider.focus();
});
divider.addEventListener("pointermove", (event) => {
  if (!divider.hasPointerCapture(event.pointerId)) return;
  const box = divider.parentElement.getBoundingClientRect();
  move((event.clientX - box.left) / box.width);
});
divider.addEventListener("keydown", (event) => {
  const by = { ArrowLeft: -0.02, ArrowRight: 0.02, PageDown: -0.2, PageUp: 0.2, Home: -1, End: 1 }[event.key];
  if (by === undefined) return;
  event.preventDefault();
  move(state.swipe.share + by);
});
