// Starting a prediction: images, box, task and categories; then its progress, and the way to stop it.

import * as api from "/static/api.js";
import { drawBox, seenBox } from "/static/box.js";
import { byId, el, say } from "/static/dom.js";
import { changed, dateOf, enter, layerOf, onChange, state } from "/static/state.js";

const TASKS = {
  segmentation: "Segmentation: what is where",
  binary_change: "Change: where it changed",
  semantic_change: "Change: what became what",
};
const ACTIVE = ["waiting", "running"];
const ASK_AGAIN_MS = 400;
const MOST_LISTED = 5;

const images = el("select", { "aria-label": "Images", onchange: () => listDates() });
const dates = el("ul", { className: "choices", role: "group", "aria-label": "Dates" });
const where = el("p", { className: "faint", id: "where" });
const task = el(
  "select",
  { "aria-label": "Task", onchange: () => listCategories() },
  Object.entries(TASKS).map(([value, text]) => el("option", { value }, text)),
);
const filter = el("input", {
  type: "search",
  placeholder: "find a category",
  "aria-label": "Find a category",
  oninput: () => narrow(),
});
const categories = el("ul", { className: "choices", role: "group", "aria-label": "Categories" });
const sensor = el("select", { "aria-label": "Sensor that took the images" });
const each = el("input", { type: "checkbox" });
const perDate = el("label", { className: "check" }, each, "one map for each date");
const button = el("button", { type: "submit", className: "strong" }, "Predict");
const form = el(
  "form",
  {
    hidden: true,
    onsubmit: (event) => {
      event.preventDefault();
      start();
    },
  },
  images,
  dates,
  sensor,
  el(
    "div",
    { className: "buttons" },
    el("button", { type: "button", onclick: async () => setBox((await drawBox()) ?? state.box) }, "Draw a box"),
    el("button", { type: "button", onclick: () => setBox(seenBox()) }, "What is seen"),
    el("button", { type: "button", onclick: () => setBox(null) }, "All"),
  ),
  where,
  task,
  perDate,
  filter,
  categories,
  button,
);
const open = el("button", { type: "button", onclick: () => prepare() }, "New prediction");
const list = el("ul", { id: "jobs" });
byId("predict").append(open, form, list);

let knows = null;

async function prepare() {
  open.disabled = true;
  open.textContent = "Loading the model …";
  try {
    knows ??= await api.model();
    sensor.replaceChildren(
      el("option", { value: "" }, "sensor: as the files say"),
      ...Object.entries(knows.sensors).map(([value, title]) => el("option", { value }, title)),
    );
    listImages();
    listCategories();
    form.hidden = false;
    open.hidden = true;
    [...form.elements].find((control) => control.offsetParent)?.focus();
  } catch (error) {
    say(error.message);
  }
  open.disabled = false;
  open.textContent = "New prediction";
}

let shown = null;
onChange(({ place, box }) => {
  if (!place) return;
  byId("predict").hidden = !place.layers.some((layer) => layer.kind === "imagery");
  const key = place.layers.map((layer) => layer.id).join();
  if (key !== shown && knows) listImages();
  shown = key;
  where.textContent = box ? "the box on the map" : "all of the images";
});

function listImages() {
  const before = images.value;
  const layers = state.place.layers.filter((layer) => layer.kind === "imagery");
  images.replaceChildren(...layers.map((layer) => el("option", { value: layer.id }, layer.title)));
  if (layers.some((layer) => layer.id === before)) images.value = before;
  images.hidden = layers.length < 2;
  if (layers.length) listDates();
}

function listDates() {
  const layer = layerOf(images.value);
  const few = layer.dates.length <= 12;
  dates.replaceChildren(
    ...layer.dates.map((date, number) => choice(date.name, number, few || number === dateOf(layer))),
  );
  dates.hidden = layer.dates.length < 2;
  sensor.hidden = layer.unknown === null;
}

function listCategories() {
  const known = knows.tasks[task.value];
  const labelled = known.filter((name) => labels().includes(name));
  const few = labelled.length > (task.value === "binary_change" ? 0 : 1); // one kind of change is a question, too
  categories.replaceChildren(...known.map((name) => choice(name, name, !few || labelled.includes(name))));
  perDate.hidden = task.value !== "segmentation" || dates.childElementCount < 2;
  filter.hidden = categories.childElementCount < 12;
  filter.value = "";
}

/** The categories that are labelled here: a map of them can be compared with the labels. */
function labels() {
  const layers = state.place.layers.filter((layer) => layer.kind === "labels");
  return layers.flatMap((layer) => layer.legend.map((entry) => entry.name));
}

function choice(text, value, checked) {
  return el("li", {}, el("label", { className: "check" }, el("input", { type: "checkbox", value, checked }), text));
}

function narrow() {
  for (const item of categories.children)
    item.hidden = !item.textContent.toLowerCase().includes(filter.value.toLowerCase());
}

const picked = (group) => [...group.querySelectorAll("input:checked")].map((box) => box.value);

function setBox(box) {
  state.box = box;
  changed();
}

async function start() {
  button.disabled = true;
  try {
    const wanted = picked(categories);
    if (!wanted.length && categories.childElementCount) throw new Error("Choose at least one category.");
    await api.start({
      layer: images.value,
      dates: picked(dates).map(Number),
      box: state.box,
      task: task.value,
      categories: wanted.length === categories.childElementCount && task.value === "binary_change" ? [] : wanted,
      per_date: !perDate.hidden && each.checked,
      sensor: sensor.hidden || !sensor.value ? null : sensor.value,
    });
    watch();
  } catch (error) {
    say(error.message);
  }
  button.disabled = false;
}

const lines = new Map(); // the number of a prediction -> its line in the list
let watching = false;
const seen = new Set();

/** Follows the predictions until none is at work. */
export async function watch() {
  if (watching) return;
  watching = true;
  try {
    for (;;) {
      const jobs = await api.jobs();
      show(jobs);
      for (const job of jobs) if (!ACTIVE.includes(job.state) && !seen.has(job.id)) await end(job);
      if (!jobs.some((job) => ACTIVE.includes(job.state))) break;
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    }
  } catch (error) {
    say(error.message);
  }
  watching = false;
}

async function end(job) {
  seen.add(job.id);
  if (job.state === "done" && job.layers.some((id) => id.startsWith(`${state.place?.id}.`))) {
    enter(await api.place(state.place.id));
  }
}

/** Lists the latest predictions. A line stays the same element: one that is replaced would lose the keyboard's focus. */
function show(jobs) {
  const latest = jobs.slice(-MOST_LISTED);
  for (const [id, line] of lines) {
    if (latest.some((job) => job.id === id)) continue;
    line.remove();
    lines.delete(id);
  }
  for (const job of latest) {
    const added = !lines.has(job.id);
    if (added) lines.set(job.id, lineOf(job.id));
    const line = lines.get(job.id);
    if (added) list.prepend(line);
    line.update(job);
    if (added && ACTIVE.includes(job.state)) line.scrollIntoView({ block: "nearest" });
  }
}

function lineOf(id) {
  const words = el("span");
  const stop = el("button", { type: "button", className: "quiet text", onclick: () => cancel(id, stop) }, "Cancel");
  const bar = el("progress", { "aria-label": "Progress" });
  const told = el("p", { className: "faint" });
  const line = el("li", {}, words, stop, bar, told);
  line.update = (job) => {
    line.dataset.state = job.state;
    words.textContent = `${job.task.replace("_", " ")}: ${wordsOf(job)}`;
    told.textContent = job.message;
    told.hidden = !job.message;
    stop.hidden = bar.hidden = !ACTIVE.includes(job.state);
    bar.max = job.total || 1;
    if (job.total && !job.stage) bar.value = job.done;
    else bar.removeAttribute("value"); // nobody knows how far it is
  };
  return line;
}

function wordsOf({ state, stage, done, total }) {
  if (state !== "running") return state;
  return stage || (total ? `${done} of ${total} tiles` : state);
}

async function cancel(id, stop) {
  stop.disabled = true;
  stop.textContent = "Cancelling …";
  try {
    await api.cancel(id);
  } catch (error) {
    say(error.message);
  }
}
