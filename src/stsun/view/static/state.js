// What is shown: the place, the date, and how each layer looks. Whoever changes it calls `changed`.

const NEUTRAL = ["unchanged", "background"];
const OPACITY = { imagery: 1, labels: 0.75, categories: 0.75, probability: 0.85, polygons: 1 };

export const state = {
  place: null,
  moments: [], // { when, name }, the earliest first
  moment: 0,
  looks: new Map(), // layer id -> { visible, opacity, look, each, hidden }
  box: null, // west, south, east, north: where to predict; null = everywhere
  swipe: { on: false, left: null, right: null, share: 0.5 }, // sides: { layer, date }
};

const listeners = [];

/** Calls a function now and after every change. */
export function onChange(listener) {
  listeners.push(listener);
}

export function changed() {
  for (const listener of listeners) listener(state);
}

/** Takes over a place; layers that were there before keep their looks. */
export function enter(place) {
  const same = state.place?.id === place.id;
  if (!same) state.looks = new Map();
  const mapped = place.layers.some((layer) => layer.kind === "categories");
  for (const layer of place.layers) {
    if (!state.looks.has(layer.id)) state.looks.set(layer.id, firstLook(layer, same, mapped, place.layers));
  }
  state.place = place;
  const before = state.moments[state.moment]?.when;
  state.moments = momentsOf(place.layers);
  const kept = state.moments.findIndex((moment) => moment.when === before);
  state.moment = same && kept >= 0 ? kept : state.moments.length - 1;
  if (!same) state.box = null;
  if (!same) state.swipe = { on: false, left: null, right: null, share: 0.5 };
  changed();
}

function firstLook(layer, added, mapped, layers) {
  const plainest = layers.filter((one) => one.kind === layer.kind).sort((a, b) => a.legend.length - b.legend.length)[0];
  const first = plainest === layer;
  const visible =
    layer.kind === "imagery" ||
    (layer.kind === "categories" && (first || added)) ||
    (layer.kind === "labels" && !mapped);
  const neutral = layer.legend.filter((entry) => NEUTRAL.includes(entry.name)).map((entry) => entry.value);
  const hidden = new Set(layer.kind === "probability" || neutral.length === layer.legend.length ? [] : neutral);
  return { visible, opacity: OPACITY[layer.kind], look: layer.looks[0]?.key ?? null, each: false, hidden };
}

function momentsOf(layers) {
  const shown = layers.filter((layer) => layer.kind === "imagery");
  const names = new Map();
  for (const layer of shown.length ? shown : layers) {
    for (const date of layer.dates) if (!names.has(date.when)) names.set(date.when, date.name);
  }
  return [...names].map(([when, name]) => ({ when, name })).sort((a, b) => a.when - b.when);
}

/** The date of a layer that is seen at the present moment: the latest until then, else its first. */
export function dateOf(layer) {
  const now = state.moments[state.moment]?.when ?? Infinity;
  let found = 0;
  layer.dates.forEach((date, number) => {
    if (date.when <= now && date.when >= layer.dates[found].when) found = number;
  });
  return found;
}

export function setMoment(number) {
  state.moment = Math.max(0, Math.min(state.moments.length - 1, number));
  changed();
}

/** Changes how a layer looks. */
export function look(id, change) {
  Object.assign(state.looks.get(id), change);
  changed();
}

export const layerOf = (id) => state.place?.layers.find((layer) => layer.id === id);
