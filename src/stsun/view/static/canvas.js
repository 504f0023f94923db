// One map and the pictures on it, each made of tiles or of polygons.

import * as maplibregl from "/static/vendor/maplibre-gl/maplibre-gl.mjs";

const LINE = ["coalesce", ["get", "color"], "#e4572e"];
const FILLED = 0.12;

const idsOf = (picture) => (picture.data ? [picture.id, `${picture.id} line`] : [picture.id]);

/** A map whose stack of pictures can be changed. */
export class Canvas {
  constructor(container, paper) {
    const background = { id: "paper", type: "background", paint: { "background-color": paper } };
    this.map = new maplibregl.Map({
      container,
      style: { version: 8, sources: {}, layers: [background] },
      center: [0, 0],
      zoom: 1,
      maxZoom: 23.5,
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      renderWorldCopies: false,
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.keyboard.disableRotation();
    this.ready = new Promise((resolve) => this.map.once("load", resolve));
    this.shown = [];
    this.leaving = [];
    this.map.on("idle", () => this.tidy());
    this.map.on("zoomend", () => this.sharpen());
  }

  /** True when all that is wanted is seen. */
  get settled() {
    return this.wanted === this.shown && this.leaving.length === 0 && this.map.areTilesLoaded();
  }

  /** Shows a stack of pictures, the lowest first; those that it replaces stay until the new ones are there. */
  async show(stack) {
    this.wanted = stack;
    await this.ready;
    if (this.wanted !== stack) return;
    for (const [place, picture] of stack.entries()) {
      if (!this.map.getSource(picture.id)) this.add(picture);
      const above = stack.slice(place + 1).find(({ id }) => this.map.getLayer(id));
      for (const id of idsOf(picture)) this.map.moveLayer(id, above?.id);
      this.dress(picture);
    }
    const kept = new Set(stack.map((picture) => picture.id));
    this.leaving = [...this.leaving, ...this.shown].filter((picture) => !kept.has(picture.id));
    this.shown = stack;
    this.sharpen();
    this.map.triggerRepaint(); // so that the map becomes idle, even if nothing changes
  }

  add({ id, data, tiles, bounds, maxzoom }) {
    if (data) {
      this.map.addSource(id, { type: "geojson", data });
      this.map.addLayer({ id, type: "fill", source: id, paint: { "fill-color": LINE } });
      const paint = { "line-color": LINE, "line-width": 1.6 };
      this.map.addLayer({ id: `${id} line`, type: "line", source: id, paint });
      return;
    }
    this.map.addSource(id, { type: "raster", tiles: [tiles], tileSize: 256, bounds, maxzoom });
    this.map.addLayer({ id, type: "raster", source: id, paint: { "raster-fade-duration": 120 } });
  }

  dress({ id, data, opacity, hollow }) {
    if (!data) return this.map.setPaintProperty(id, "raster-opacity", opacity);
    this.map.setPaintProperty(id, "fill-opacity", hollow ? 0 : FILLED * opacity);
    return this.map.setPaintProperty(`${id} line`, "line-opacity", opacity);
  }

  /** Shows stored pixels as squares as soon as they are larger than the screen's. */
  sharpen() {
    for (const { id, data, classes, maxzoom } of this.shown) {
      if (data) continue;
      const large = classes || this.map.getZoom() + 1 > maxzoom;
      this.map.setPaintProperty(id, "raster-resampling", large ? "nearest" : "linear");
    }
  }

  /** Takes away what has been replaced. */
  tidy() {
    for (const picture of this.leaving) {
      for (const id of idsOf(picture)) this.map.removeLayer(id);
      this.map.removeSource(picture.id);
    }
    this.leaving = [];
  }

  async color(paper) {
    await this.ready;
    this.map.setPaintProperty("paper", "background-color", paper);
  }
}
