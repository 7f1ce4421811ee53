// The playlist page: made anew with every wish; tracks dropped, replaced, wished for and refused.

import { api, part, say, settled, tried } from "./api.js";
import { mark } from "./player.js";

export function begin(main) {
  const form = main.querySelector("#wishes");
  const dropped = [];
  let dragged = null;
  let newest = 0; // of the makings: an older one's answer that comes late is left
  const rows = () => [...main.querySelectorAll("#made-tracks .track")];
  const ids = () => rows().map((row) => row.dataset.id);

  async function make() {
    makeSoon.cancel();
    const turn = ++newest;
    const wishes = [...new FormData(form)].filter(([, value]) => value !== "");
    const url = `/playlist?${new URLSearchParams(wishes)}`;
    main.querySelector("#made").classList.add("busy");
    const page = await tried(() => part(url, "main"));
    if (turn !== newest) return;
    const shown = main.querySelector("#made");
    shown.classList.remove("busy");
    if (!page?.querySelector("#made")) return;
    history.replaceState({}, "", url);
    shown.replaceWith(page.querySelector("#made"));
    const chosen = main.querySelector("#chosen");
    const focus = document.activeElement?.id;
    for (const list of page.querySelectorAll("#chosen [data-list]")) {
      chosen.querySelector(`[data-list="${list.dataset.list}"]`).replaceWith(list);
    }
    for (const field of chosen.querySelectorAll("[data-suggest]")) field.value = "";
    if (focus) document.getElementById(focus)?.focus();
    mark();
  }
  const makeSoon = settled(make, 250);

  /** Put a track among the seeds, or among those not wanted. */
  function choose(id, where) {
    for (const chip of form.querySelectorAll(".chip")) if (chip.dataset.id === id) chip.remove();
    const field = document.createElement("input");
    Object.assign(field, { type: "checkbox", name: where, value: id, checked: true });
    const chip = document.createElement("li");
    chip.className = "chip";
    chip.append(field);
    form.querySelector(`[data-list="${where}"]`).append(chip);
    make();
  }

  async function swap(row) {
    const all = rows();
    const position = all.indexOf(row);
    const body = { track_ids: ids(), position, dropped };
    const hit = await (await api("playlist/replacement", { body })).json();
    dropped.push(row.dataset.id);
    const query = new URLSearchParams({ id: hit.track_id, style: "playlist", reason: `in place of ${row.dataset.title}` });
    const text = await (await fetch(`/rows?${query}`)).text();
    const fresh = new DOMParser().parseFromString(`<ol>${text}</ol>`, "text/html").querySelector(".track");
    row.replaceWith(fresh);
    fresh.querySelector('[data-do="swap"]').focus();
    say(`${hit.title} in place of ${row.dataset.title}`);
  }

  function drop(row) {
    const beside = row.nextElementSibling ?? row.previousElementSibling;
    dropped.push(row.dataset.id);
    row.remove();
    beside?.querySelector('[data-do="drop"]')?.focus();
    say(`${row.dataset.title} removed`);
  }

  async function download() {
    const name = main.querySelector("#file-name").value.trim() || "playlist";
    const format = main.querySelector("#format").value;
    const answer = await api("playlist/file", { body: { track_ids: ids(), format, name } });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = `${name}.${format}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  async function save() {
    const name = main.querySelector("#file-name").value.trim() || "playlist";
    const request = JSON.parse(main.querySelector("#made").dataset.request);
    await api("recipes", { body: { name, format: main.querySelector("#format").value, request } });
    say(`Recipe ${name} is saved; refresh it on the Library page`);
  }

  main.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do]");
    const row = button?.closest(".track");
    const what = button?.dataset.do;
    if (what === "swap") tried(() => swap(row));
    else if (what === "drop") drop(row);
    else if (what === "more") choose(row.dataset.id, "seed");
    else if (what === "less") choose(row.dataset.id, "not");
    else if (what === "move") choose(button.closest(".chip").dataset.id, button.dataset.to);
    else if (what === "save-recipe") tried(save);
  });
  main.addEventListener("submit", (event) => {
    event.preventDefault();
    if (event.target.id === "download") tried(download);
    else make();
  });
  form.addEventListener("change", makeSoon);

  main.addEventListener("dragstart", (event) => {
    dragged = event.target.closest?.("[draggable]");
    if (!dragged) return;
    dragged.classList.add("dragged");
    event.dataTransfer.effectAllowed = "copyMove";
    event.dataTransfer.setData("text/plain", dragged.dataset.id);
  });
  main.addEventListener("dragend", () => {
    dragged?.classList.remove("dragged");
    dragged = null;
  });
  for (const target of main.querySelectorAll("[data-drop]")) {
    target.addEventListener("dragover", (event) => {
      if (!dragged) return;
      event.preventDefault();
      target.classList.add("over");
    });
    target.addEventListener("dragleave", () => target.classList.remove("over"));
    target.addEventListener("drop", (event) => {
      event.preventDefault();
      target.classList.remove("over");
      if (dragged) choose(dragged.dataset.id, target.dataset.drop);
    });
  }
  return null;
}
