// Choosing the place: one of a few, or by a search where a data set has many samples.

import * as api from "/static/api.js";
import { byId, el, say } from "/static/dom.js";
import { fitPlace, measure } from "/static/map.js";
import { close } from "/static/pixel.js";
import { enter } from "/static/state.js";

const FEW = 12;
const select = el("select", { "aria-label": "Place", onchange: () => go(select.value) });
const search = el("input", {
  type: "search",
  "aria-label": "Find a place",
  placeholder: "find a place",
  oninput: () => look(),
});
const total = el("p", { className: "faint" });
let waiting = 0;
let going = null;

/** Lists the places and goes to the first. */
export async function begin() {
  byId("places").append(search, select, total);
  const first = await list("");
  search.hidden = total.hidden = first.total <= FEW;
  select.hidden = first.total === 1;
  await go(select.value);
}

async function list(find) {
  const found = await api.places(find);
  select.replaceChildren(...found.places.map(({ id, title }) => el("option", { value: id }, title)));
  total.textContent =
    found.total > found.places.length
      ? `${found.places.length} of ${found.total} places; search for others`
      : `${found.total} place${found.total === 1 ? "" : "s"}`;
  return found;
}

function look() {
  clearTimeout(waiting);
  waiting = setTimeout(async () => {
    try {
      const found = await list(search.value);
      if (found.total) await go(select.value);
    } catch (error) {
      say(error.message);
    }
  }, 250);
}

async function go(id) {
  const wanted = (going = id);
  busy(true);
  try {
    const place = await api.place(id);
    if (going !== wanted) return;
    close();
    measure(place);
    enter(place);
    fitPlace();
    document.title = `${place.title} – STSUN viewer`;
  } catch (error) {
    say(error.message);
  } finally {
    if (going === wanted) busy(false);
  }
}

/** Dims what is seen of the place before while another one is opened, which takes its time with large samples. */
function busy(now) {
  document.body.classList.toggle("going", now);
  byId("map").setAttribute("aria-busy", String(now));
}
