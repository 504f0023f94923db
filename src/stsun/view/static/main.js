// The page: its parts, and the keys.

import { giveUp } from "/static/box.js";
import { byId, icon, say } from "/static/dom.js";
import "/static/layerlist.js";
import { fitPlace, map } from "/static/map.js";
import { close } from "/static/pixel.js";
import { begin } from "/static/places.js";
import { watch } from "/static/predict.js";
import { look, state } from "/static/state.js";
import * as swipe from "/static/swipe.js";
import * as theme from "/static/theme.js";
import { play, step } from "/static/timeline.js";

const help = byId("help");
const KEYS = {
  ",": () => step(-1),
  ".": () => step(1),
  p: () => state.moments.length > 1 && play(),
  c: () => swipe.toggle(),
  f: () => fitPlace(),
  d: () => theme.toggle(),
  "?": () => help.showModal(),
  Escape: () => giveUp() || close(),
};

function showOrHide(number) {
  const layer = [...state.place.layers].reverse()[number - 1];
  if (layer) look(layer.id, { visible: !state.looks.get(layer.id).visible });
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input:not([type=range]):not([type=checkbox]), select, textarea");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !state.place || help.open) return;
  if (/^[1-9]$/.test(event.key)) showOrHide(Number(event.key));
  else if (KEYS[event.key]) KEYS[event.key]();
  else return;
  event.preventDefault();
});

byId("keys").append(icon("help"));
byId("keys").addEventListener("click", () => help.showModal());
byId("fold").append(icon("fold"));
byId("fold").addEventListener("click", () => {
  const folded = document.body.classList.toggle("folded");
  byId("fold").setAttribute("aria-expanded", String(!folded));
  byId("fold").setAttribute("aria-label", folded ? "Unfold the panel" : "Fold the panel");
  map.resize();
});

begin().then(watch, (error) => say(error.message));
