// The map: zoom and pan, colours, names of regions, click plays, lasso picks.

import { say, settled, tried } from "./api.js";
import { mark, playAll, trackOf } from "./player.js";
import { Grid, pointsOn } from "./points.js";

const COLOURS = ["#4c8bd6", "#e0762d", "#3d9a57", "#cf4a53", "#8e6bc9", "#a8724a", "#d765b0", "#8a8f2a", "#2aa3b5", "#6f79ff", "#c39a1d", "#5f9f8f"];
const OTHER = "#8b9298";
const RAMP = ["#440154", "#414487", "#2a788e", "#22a884", "#7ad151", "#fde725"];
const UNKNOWN = 255;
const TOP = 254;
const MOST_PICKED = 100;
const REACH = 14; // pixels between a click and the point that it means

const bytes = (hex) => [1, 3, 5].map((from) => parseInt(hex.slice(from, from + 2), 16));

export function begin(main) {
  const box = main.querySelector("#map");
  if (!box) return null;
  const shown = new TrackMap(main, box);
  tried(() => shown.load());
  return () => shown.end();
}

class TrackMap {
  constructor(main, box) {
    Object.assign(this, { main, box, view: { x: 0, y: 0, zoom: 1 }, corners: null, asked: false });
    this.canvas = box.querySelector("#points");
    this.over = box.querySelector("#labels");
    this.pen = this.over.getContext("2d");
    this.points = pointsOn(this.canvas);
    this.regions = JSON.parse(box.dataset.regions).sort((a, b) => b.n - a.n);
    this.pointers = new Map();
    this.name = settled((row) => this.tell(row), 80);
    this.watcher = new ResizeObserver(() => this.fit());
  }

  async load() {
    const version = encodeURIComponent(this.box.dataset.version);
    const [points, ids] = await Promise.all(["points", "ids"].map(async (what) => {
      const answer = await fetch(`/map/${what}?v=${version}`);
      if (!answer.ok) throw new Error((await answer.json()).detail);
      return what === "points" ? answer.arrayBuffer() : answer.json();
    }));
    this.positions = new Float32Array(points);
    this.ids = ids;
    this.grid = new Grid(this.positions);
    this.points.place(this.positions);
    this.points.paint(new Uint8Array(4 * ids.length).fill(128));
    this.bind();
    this.watcher.observe(this.box);
    this.fit();
    this.whole();
    this.select(this.box.dataset.selected);
    await this.colour();
    this.box.dataset.ready = "yes";
  }

  end() {
    this.watcher.disconnect();
    document.removeEventListener("theme", this.redraw);
  }

  // -- the view ------------------------------------------------------------------------------

  fit() {
    this.ratio = Math.min(devicePixelRatio || 1, 2);
    for (const canvas of [this.canvas, this.over]) {
      canvas.width = Math.max(1, Math.round(this.box.clientWidth * this.ratio));
      canvas.height = Math.max(1, Math.round(this.box.clientHeight * this.ratio));
    }
    this.draw();
  }

  whole() {
    this.view = { x: 0, y: 0, zoom: 0.46 * Math.min(this.canvas.width, this.canvas.height) };
    this.draw();
  }

  select(id) {
    const row = id ? this.ids.indexOf(id) : -1;
    if (row < 0) return;
    this.selected = row;
    Object.assign(this.view, { x: this.positions[2 * row], y: this.positions[2 * row + 1] });
    this.zoomBy(4);
    this.tell(row);
  }

  zoomBy(factor, px = this.canvas.width / 2, py = this.canvas.height / 2) {
    const [x, y] = this.at(px, py);
    const least = 0.2 * Math.min(this.canvas.width, this.canvas.height);
    this.view.zoom = Math.min(Math.max(this.view.zoom * factor, least), 2000 * least);
    const [nx, ny] = this.at(px, py);
    this.move(x - nx, y - ny);
  }

  move(dx, dy) {
    const clamp = (value) => Math.min(1.2, Math.max(-1.2, value));
    this.view.x = clamp(this.view.x + dx);
    this.view.y = clamp(this.view.y + dy);
    this.draw();
  }

  /** Where on the map a pixel of the canvas is. */
  at(px, py) {
    const { x, y, zoom } = this.view;
    return [x + (px - this.canvas.width / 2) / zoom, y - (py - this.canvas.height / 2) / zoom];
  }

  pixel(x, y) {
    const { view, canvas } = this;
    return [canvas.width / 2 + (x - view.x) * view.zoom, canvas.height / 2 - (y - view.y) * view.zoom];
  }

  nearest(px, py, reach = REACH) {
    return this.grid.nearest(...this.at(px, py), (reach * this.ratio) / this.view.zoom);
  }

  // -- drawing -------------------------------------------------------------------------------

  redraw = () => this.draw();

  draw() {
    if (this.asked || !this.ids) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      const start = performance.now();
      const closeness = this.view.zoom / Math.min(this.canvas.width, this.canvas.height);
      const least = Math.min(6, Math.max(1.5, 240 / Math.sqrt(this.ids.length)));
      const size = this.ratio * Math.min(10, Math.max(least, 2.5 * Math.sqrt(closeness)));
      this.points.draw(this.view, size);
      this.label();
      this.canvas.frameTimes?.push(performance.now() - start);
    });
  }

  /** Names of regions, the largest first, where there is room; the marks and the lasso. */
  label() {
    const { pen, over, ratio } = this;
    const style = getComputedStyle(this.box);
    pen.clearRect(0, 0, over.width, over.height);
    pen.font = `600 ${Math.round(13 * ratio)}px system-ui, "Noto Sans", "DejaVu Sans", sans-serif`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.lineJoin = "round";
    pen.lineWidth = 4 * ratio;
    pen.strokeStyle = style.backgroundColor;
    pen.fillStyle = style.color;
    const taken = [];
    for (const region of this.regions) {
      if (!region.name) continue;
      const [x, y] = this.pixel(region.x, region.y);
      if (x < 0 || y < 0 || x > over.width || y > over.height) continue;
      region.short ??= region.name.length > 28 ? `${region.name.slice(0, 27)}…` : region.name;
      region.width ??= pen.measureText(region.short).width / ratio;
      const half = (region.width * ratio) / 2 + 4 * ratio;
      const high = 9 * ratio;
      if (taken.some(([tx, ty, th]) => Math.abs(tx - x) < th + half && Math.abs(ty - y) < 2 * high)) continue;
      taken.push([x, y, half]);
      pen.strokeText(region.short, x, y);
      pen.fillText(region.short, x, y);
    }
    pen.strokeStyle = style.color;
    pen.lineWidth = 2 * ratio;
    if (this.selected !== undefined) {
      const [x, y] = this.pixel(this.positions[2 * this.selected], this.positions[2 * this.selected + 1]);
      pen.beginPath();
      pen.arc(x, y, 8 * ratio, 0, 2 * Math.PI);
      pen.stroke();
    }
    if (this.canvas.matches(":focus-visible")) {
      const [x, y, arm] = [over.width / 2, over.height / 2, 9 * ratio];
      pen.beginPath();
      pen.moveTo(x - arm, y);
      pen.lineTo(x + arm, y);
      pen.moveTo(x, y - arm);
      pen.lineTo(x, y + arm);
      pen.stroke();
    }
    if (this.corners) {
      pen.beginPath();
      for (const corner of this.corners) pen.lineTo(...this.pixel(...corner));
      pen.closePath();
      pen.stroke();
    }
  }

  async colour() {
    const by = this.main.querySelector("#colour").value;
    const chooser = this.main.querySelector("#score-user");
    chooser.hidden = by !== "score" || chooser.options.length < 2;
    const query = new URLSearchParams({ by, v: this.box.dataset.version, ...(by === "score" && { user: chooser.value }) });
    const answer = await fetch(`/map/colours?${query}`);
    const table = await answer.json();
    if (!answer.ok) throw new Error(table.detail);
    const values = Uint8Array.from(atob(table.values), (letter) => letter.charCodeAt(0));
    const palette = this.palette(table);
    const colours = new Uint8Array(4 * values.length);
    for (let i = 0; i < values.length; i++) colours.set(palette[values[i]], 4 * i);
    this.points.paint(colours);
    this.legend(table);
    this.draw();
  }

  palette(table) {
    const named = (value) => bytes(COLOURS[value % COLOURS.length]);
    return Array.from({ length: 256 }, (_, value) => {
      if (value === UNKNOWN) return [...bytes(OTHER), 110];
      if (table.names) return [...named(value), 210];
      const place = (value / TOP) * (RAMP.length - 1);
      const [a, b] = [RAMP[Math.floor(place)], RAMP[Math.min(Math.floor(place) + 1, RAMP.length - 1)]].map(bytes);
      return [...a.map((part, i) => Math.round(part + (b[i] - part) * (place % 1))), 220];
    });
  }

  legend(table) {
    const line = (colour, text) => {
      const item = document.createElement("li");
      const swatch = document.createElement("span");
      swatch.className = "swatch";
      swatch.style.background = colour;
      item.append(swatch, text);
      return item;
    };
    const list = this.main.querySelector("#legend");
    if (table.kind === "region") list.replaceChildren();
    else if (table.names) list.replaceChildren(...table.names.map((name, i) => line(COLOURS[i], name)), line(OTHER, "others"));
    else {
      const item = document.createElement("li");
      const ramp = document.createElement("span");
      ramp.className = "swatch ramp";
      ramp.style.background = `linear-gradient(90deg, ${RAMP.join(", ")})`;
      item.append(`${table.low} `, ramp, table.high);
      list.replaceChildren(item, line(OTHER, "unknown"));
    }
  }

  // -- what a listener does ------------------------------------------------------------------

  bind() {
    const { main, canvas } = this;
    const click = (id, work) => main.querySelector(id).addEventListener("click", work);
    click("#zoom-in", () => this.zoomBy(1.5));
    click("#zoom-out", () => this.zoomBy(1 / 1.5));
    click("#whole", () => this.whole());
    click("#lasso", () => this.lasso(!canvas.classList.contains("lasso")));
    for (const id of ["#colour", "#score-user"]) {
      main.querySelector(id).addEventListener("change", () => tried(() => this.colour()));
    }
    main.querySelector("#region").addEventListener("change", (event) => {
      if (!event.target.value) return;
      const [x, y] = event.target.value.split(" ").map(Number);
      this.view = { x, y, zoom: 2 * Math.min(canvas.width, canvas.height) };
      this.draw();
      this.pickAround();
    });
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoomBy(1.0015 ** -event.deltaY, ...this.where(event));
    }, { passive: false });
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.moved(event));
    for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, (event) => this.up(event));
    canvas.addEventListener("keydown", (event) => this.key(event));
    for (const kind of ["focus", "blur"]) canvas.addEventListener(kind, this.redraw);
    document.addEventListener("theme", this.redraw);
  }

  where(event) {
    const box = this.canvas.getBoundingClientRect();
    return [(event.clientX - box.left) * this.ratio, (event.clientY - box.top) * this.ratio];
  }

  lasso(on) {
    this.canvas.classList.toggle("lasso", on);
    this.main.querySelector("#lasso").setAttribute("aria-pressed", String(on));
    if (on) say("Draw around the tracks that you want");
  }

  down(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, this.where(event));
    this.still = this.pointers.size === 1;
    if (this.canvas.classList.contains("lasso")) this.corners = [this.at(...this.where(event))];
  }

  moved(event) {
    const [px, py] = this.where(event);
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      this.name(this.nearest(px, py));
      return;
    }
    if (Math.hypot(px - before[0], py - before[1]) > 4 * this.ratio) this.still = false;
    if (this.still) return;
    if (this.corners) {
      this.corners.push(this.at(px, py));
      this.draw();
    } else if (this.pointers.size === 2) {
      const [other] = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
      const apart = (place) => Math.hypot(place[0] - other[0], place[1] - other[1]);
      this.zoomBy(apart([px, py]) / Math.max(apart(before), 1), (px + other[0]) / 2, (py + other[1]) / 2);
    } else this.move((before[0] - px) / this.view.zoom, (py - before[1]) / this.view.zoom);
    this.pointers.set(event.pointerId, [px, py]);
  }

  up(event) {
    const place = this.pointers.get(event.pointerId);
    this.pointers.delete(event.pointerId);
    const { corners } = this;
    this.corners = null;
    if (event.type === "pointerup" && place) {
      if (corners && corners.length > 2) this.pick(this.grid.within(corners), "Within the lasso");
      else if (this.still) this.play(this.nearest(...place));
    }
    if (corners) this.lasso(false);
    this.draw();
  }

  key(event) {
    const far = 0.15 * Math.min(this.canvas.width, this.canvas.height) / this.view.zoom;
    const moves = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, far], ArrowDown: [0, -far] };
    if (event.key in moves) this.move(...moves[event.key]);
    else if (event.key === "+" || event.key === "=") this.zoomBy(1.5);
    else if (event.key === "-") this.zoomBy(1 / 1.5);
    else if (event.key === "0") this.whole();
    else if (event.key === "Enter") this.play(this.middle());
    else return;
    event.preventDefault();
    this.name(this.middle());
  }

  middle() {
    return this.nearest(this.canvas.width / 2, this.canvas.height / 2, 60);
  }

  /** Rows of tracks as the server lists them. */
  async rows(ids) {
    const query = new URLSearchParams(ids.map((id) => ["id", id]));
    const text = await (await fetch(`/rows?${query}`)).text();
    return [...new DOMParser().parseFromString(`<ol>${text}</ol>`, "text/html").querySelectorAll(".track")];
  }

  async tell(row) {
    const under = this.box.querySelector("#under");
    if (row < 0) {
      under.textContent = "";
      return;
    }
    const [found] = await this.rows([this.ids[row]]);
    if (found) under.textContent = `${found.dataset.title} - ${found.dataset.artist}`;
  }

  async play(row) {
    if (row < 0) return;
    this.selected = row;
    this.draw();
    const [found] = await this.rows([this.ids[row]]);
    if (!found) return;
    this.box.querySelector("#under").textContent = `${found.dataset.title} - ${found.dataset.artist}`;
    playAll([trackOf(found)]);
  }

  /** The tracks about the middle of what is seen. */
  pickAround() {
    const { x, y } = this.view;
    const reach = 0.12;
    const corners = [[x - reach, y - reach], [x + reach, y - reach], [x + reach, y + reach], [x - reach, y + reach]];
    this.pick(this.grid.within(corners), "Here");
  }

  async pick(rows, title) {
    const every = Math.max(1, Math.ceil(rows.length / MOST_PICKED));
    const some = rows.filter((_, i) => i % every === 0).map((row) => this.ids[row]);
    const section = this.main.querySelector("#picked");
    section.hidden = false;
    const few = some.length < rows.length ? `, ${some.length} of them` : "";
    this.main.querySelector("#picked-title").textContent = `${title}: ${rows.length.toLocaleString()} tracks${few}`;
    const seeds = some.map((id) => ["seed", id]);
    this.main.querySelector("#picked-playlist").href = `/playlist?${new URLSearchParams([["kind", "reorder"], ...seeds])}`;
    this.main.querySelector("#picked-tracks").replaceChildren(...(some.length ? await this.rows(some) : []));
    mark();
  }
}
