// What every page does: changes of the page without a reload, keys, and the buttons of tracks.

import { part, say, settled, tried, user } from "./api.js";
import * as library from "./library.js";
import * as map from "./map.js";
import * as player from "./player.js";
import * as playlist from "./playlist.js";
import * as track from "./track.js";

const PAGES = { home: { begin: library.watchJobs }, track, playlist, map, library };
const PATHS = ["/", "/track", "/why", "/playlist", "/listener", "/map", "/library", "/evaluation"];
const main = () => document.getElementById("main");
let end = null; // of the page that is shown
let going = 0;

function begin() {
  end?.();
  end = PAGES[main().dataset.page]?.begin?.(main()) ?? null;
  for (const image of main().querySelectorAll("img.cover")) {
    const none = () => image.classList.add("none");
    if (image.complete && !image.naturalWidth) none();
    image.addEventListener("error", none);
  }
  suggest(main());
  player.mark();
}

/** Show another page: the player goes on. */
async function go(url, { push = true } = {}) {
  const mine = ++going;
  main().classList.add("busy");
  let answer;
  try {
    answer = await fetch(url, { headers: { Accept: "text/html" } });
  } catch {
    say("the server does not answer");
    main().classList.remove("busy");
    return;
  }
  const there = new URL(answer.url);
  if (there.pathname === "/login") {
    location.assign(there);
    return;
  }
  const text = await answer.text();
  if (mine !== going) return;
  const page = new DOMParser().parseFromString(text, "text/html");
  const shown = page.getElementById("main");
  if (push) history.pushState({}, "", there);
  document.title = page.title;
  document.querySelector("header ul").replaceWith(page.querySelector("header ul"));
  main().replaceWith(shown);
  begin();
  shown.focus({ preventScroll: true });
  scrollTo(0, 0);
}

const isOurs = (url) => url.origin === location.origin && PATHS.includes(url.pathname);

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (link && !event.defaultPrevented && event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey) {
    const url = new URL(link.href);
    if (isOurs(url) && !link.hasAttribute("download") && !link.target && !link.getAttribute("href").startsWith("#")) {
      event.preventDefault();
      go(url);
      return;
    }
  }
  const button = event.target.closest("[data-do]");
  if (button) act(button);
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "get" || !form.closest("main")) return;
  const url = new URL(form.action);
  if (!isOurs(url)) return;
  event.preventDefault();
  url.search = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
  go(url);
});

addEventListener("popstate", () => go(location.href, { push: false }));

const rowsNear = (button) => [...(button.closest("section")?.querySelectorAll(".tracks .track") ?? [])];

function act(button) {
  const row = button.closest(".track");
  const what = button.dataset.do;
  if (what === "play") {
    const rows = row.closest(".tracks") ? [...row.closest(".tracks").querySelectorAll(".track")] : [row];
    player.playAll(rows.map(player.trackOf), rows.indexOf(row));
  } else if (what === "add") player.enqueue([player.trackOf(row)]);
  else if (what === "like" || what === "dislike") tried(() => player.opine(row.dataset.id, what, row.dataset.title));
  else if (what === "play-all") player.playAll(rowsNear(button).map(player.trackOf));
  else if (what === "queue-all") player.enqueue(rowsNear(button).map(player.trackOf));
}

document.addEventListener("opinion", ({ detail }) => {
  for (const row of document.querySelectorAll(".track")) {
    if (row.dataset.id !== detail.id) continue;
    row.querySelector('[data-do="like"]')?.setAttribute("aria-pressed", String(detail.liked));
    row.querySelector('[data-do="dislike"]')?.setAttribute("aria-pressed", String(detail.disliked));
  }
});

// Search as one types.
const search = settled(async (text) => {
  const url = text ? `/?q=${encodeURIComponent(text)}` : "/";
  const results = await tried(() => part(url, "results"));
  if (!results || document.getElementById("q")?.value.trim() !== text) return;
  document.getElementById("results").replaceWith(results);
  history.replaceState({}, "", url);
  player.mark();
}, 150);

document.addEventListener("input", (event) => {
  if (event.target.id === "q") search(event.target.value.trim());
});

/** Names of tracks under fields that take one. */
function suggest(root) {
  const list = root.querySelector("#suggested");
  if (!list) return;
  const fill = settled(async (text) => {
    if (text.length < 2) return;
    const answer = await fetch(`/api/v1/find?limit=12&q=${encodeURIComponent(text)}`);
    if (!answer.ok) return;
    const { results } = await answer.json();
    list.replaceChildren(...results.map((found) => {
      const option = document.createElement("option");
      option.value = found.artist && found.title ? `${found.artist} - ${found.title}` : found.track_id;
      return option;
    }));
  }, 200);
  for (const field of root.querySelectorAll("[data-suggest]")) {
    field.addEventListener("input", () => fill(field.value.trim()));
  }
}

// Keys. They can be turned off: who speaks to the machine would press them unawares.
const KEYS_ON = "audiorec-keys";
const keys = {
  k: player.toggle,
  n: player.next,
  p: player.previous,
  l: () => player.opineCurrent("like"),
  d: () => player.opineCurrent("dislike"),
  "/": focusSearch,
  "?": () => document.getElementById("keys").showModal(),
};

async function focusSearch() {
  if (!document.getElementById("q")) await go(new URL("/", location.href));
  document.getElementById("q")?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector("dialog[open]")) return;
  const field = event.target.closest?.("input:not([type=checkbox], [type=range]), select, textarea, [role=application]");
  if (field && !(field.matches("[role=application]") && event.key in keys)) return;
  if ((event.key === "ArrowDown" || event.key === "ArrowUp") && event.target.closest?.(".tracks")) {
    event.preventDefault();
    step(event.target, event.key === "ArrowDown" ? 1 : -1);
    return;
  }
  if (localStorage.getItem(KEYS_ON) === "off" || !(event.key in keys)) return;
  event.preventDefault();
  keys[event.key]();
});

/** From a row of a list to the one below or above it, to the same button. */
function step(from, by) {
  const row = from.closest(".track");
  const other = by > 0 ? row.nextElementSibling : row.previousElementSibling;
  const what = from.closest("[data-do]")?.dataset.do;
  (other?.querySelector(what ? `[data-do="${what}"]` : "a") ?? other?.querySelector("a"))?.focus();
}

const keysOn = document.getElementById("keys-on");
keysOn.checked = localStorage.getItem(KEYS_ON) !== "off";
keysOn.addEventListener("change", () => localStorage.setItem(KEYS_ON, keysOn.checked ? "on" : "off"));
document.getElementById("help").addEventListener("click", () => document.getElementById("keys").showModal());

const THEME = "audiorec-theme";
function paint() {
  const theme = localStorage.getItem(THEME);
  if (theme) document.documentElement.dataset.theme = theme;
}
document.getElementById("theme").addEventListener("click", () => {
  const dark = document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  localStorage.setItem(THEME, dark ? "light" : "dark");
  paint();
  document.dispatchEvent(new CustomEvent("theme"));
});
paint();
if (user()) player.begin();
begin();
