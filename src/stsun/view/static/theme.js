// Dark or light: as the system has it until the user says otherwise.

import { byId, icon } from "/static/dom.js";
import { paint } from "/static/map.js";

const system = matchMedia("(prefers-color-scheme: dark)");
const now = () => localStorage.getItem("theme") ?? (system.matches ? "dark" : "light");

function apply() {
  document.documentElement.dataset.theme = now();
  paint(now());
}

export function toggle() {
  localStorage.setItem("theme", now() === "dark" ? "light" : "dark");
  apply();
}

byId("theme").append(icon("theme"));
byId("theme").addEventListener("click", toggle);
system.addEventListener("change", apply);
apply();
