// The date that is seen: a slider over all dates of the place, with steps and a slow play.

import { byId, el, icon, iconButton } from "/static/dom.js";
import { onChange, setMoment, state } from "/static/state.js";

const PAUSE_MS = 1100;
let playing = 0;

const label = el("output", { className: "moment" });
const slider = el("input", {
  type: "range",
  min: 0,
  "aria-label": "Date",
  oninput: () => setMoment(Number(slider.value)),
});
const player = iconButton("play", "Play the dates", () => play());
const ticks = el("div", { className: "ticks", "aria-hidden": "true" });
byId("timeline").append(
  iconButton("earlier", "Earlier date", () => step(-1)),
  player,
  iconButton("later", "Later date", () => step(1)),
  el("div", { className: "track" }, ticks, slider),
  label,
);

export function step(by) {
  setMoment(state.moment + by);
}

/** Shows one date after the other until it is called again. */
export function play() {
  if (playing) clearInterval(playing);
  playing = playing ? 0 : setInterval(() => setMoment((state.moment + 1) % state.moments.length), PAUSE_MS);
  player.replaceChildren(icon(playing ? "pause" : "play"));
  player.setAttribute("aria-label", playing ? "Stop playing" : "Play the dates");
}

onChange(({ place, moments, moment }) => {
  const bar = byId("timeline");
  bar.hidden = !place || moments.length === 0 || (moments.length === 1 && !moments[0].name);
  bar.classList.toggle("single", moments.length < 2);
  if (moments.length < 2 && playing) play();
  slider.max = Math.max(0, moments.length - 1);
  slider.value = moment;
  const name = moments[moment]?.name ?? "";
  slider.setAttribute("aria-valuetext", name);
  label.textContent = name;
  if (ticks.childElementCount !== moments.length) ticks.replaceChildren(...moments.map(() => el("i")));
});
