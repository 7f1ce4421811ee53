// The queue and the player at the foot. Both outlive changes of the page; the queue a reload, too.

import { api, clock, say, tried, user } from "./api.js";

const $ = (id) => document.getElementById(id);
const audio = $("audio");
const KEY = `audiorec-queue-${user()}`;
const MOST = 1000;
let queue = [];
let at = -1;
let heard = 0; // seconds of the track that plays, jumps left out
let last = 0;
let began = 0;
let reported = true;

export const current = () => queue[at];

/** What a row of a list says of its track. */
export function trackOf(row) {
  const { id, title, artist, duration, type, playable } = row.dataset;
  return { id, title, artist, duration: Number(duration), type, playable: playable === "yes" };
}

/** Play tracks in place of the queue, from one of them on. */
export function playAll(tracks, from = 0) {
  if (!tracks.length) return;
  finish();
  queue = tracks.slice(0, MOST);
  start(Math.min(from, queue.length - 1));
}

/** Put tracks at the end of the queue. */
export function enqueue(tracks) {
  const before = queue.length;
  queue = queue.concat(tracks).slice(0, MOST);
  say(queue.length - before === 1 ? `${tracks[0].title} is in the queue` : `${queue.length - before} tracks are in the queue`);
  if (at < 0) load(0);
  show();
}

export function toggle() {
  if (!current()) return;
  if (audio.paused) tried(() => audio.play());
  else audio.pause();
}

export function next() {
  finish();
  if (at + 1 < queue.length) start(at + 1);
  else audio.pause();
}

export function previous() {
  if (audio.currentTime > 5 || at < 1) audio.currentTime = 0;
  else {
    finish();
    start(at - 1);
  }
}

/** Go to a second of the track that plays. */
export function seek(seconds) {
  audio.currentTime = seconds;
}

/** Say what the listener thinks of a track; said again, it is taken back. */
export async function opine(id, kind, title) {
  const now = await (await api(`listening?id=${encodeURIComponent(id)}`)).json();
  const had = kind === "like" ? now.liked : now.disliked;
  const answer = await api("listening", { body: { kind: had ? "clear" : kind, id } });
  const said = await answer.json();
  say(`${title}: ${said.liked ? "liked" : said.disliked ? "disliked" : "no opinion"}`);
  document.dispatchEvent(new CustomEvent("opinion", { detail: { id, ...said } }));
  return said;
}

function start(number) {
  load(number);
  audio.play().catch((error) => {
    if (error.name !== "AbortError" && error.name !== "NotSupportedError") say(error.message);
  });
}

function source(track) {
  const id = encodeURIComponent(track.id);
  const whole = track.playable && audio.canPlayType(track.type) !== "";
  return whole ? `/api/v1/audio?id=${id}` : `/api/v1/preview?id=${id}&seconds=30`;
}

function load(number) {
  at = number;
  const track = current();
  [heard, last, began, reported] = [0, 0, 0, false];
  track.preview = !source(track).startsWith("/api/v1/audio");
  audio.src = source(track);
  show();
  describe(track);
}

/** Store for how long the track was played, once. */
function finish() {
  const track = current();
  if (!track || reported || heard < 1 || track.preview) return;
  reported = true;
  const body = { kind: "play", id: track.id, seconds: Math.round(heard * 10) / 10, at: began };
  tried(() => api("listening", { body, keepalive: true }));
}

function show() {
  $("player").hidden = !queue.length;
  document.body.classList.toggle("playing-bar", queue.length > 0);
  const track = current();
  if (track) {
    $("now").href = `/track?id=${encodeURIComponent(track.id)}`;
    $("now").querySelector(".title").textContent = track.title;
    $("now").querySelector(".by").textContent = track.preview ? `${track.artist} (30 s preview)` : track.artist;
    $("cover").hidden = true;
    $("cover").src = `/api/v1/cover?id=${encodeURIComponent(track.id)}&size=64`;
    $("total").textContent = clock(track.duration);
  }
  $("queued").replaceChildren(...queue.map(entry));
  $("queue-playlist").href = `/playlist?${new URLSearchParams(queue.slice(0, 50).map((t) => ["seed", t.id]))}`;
  localStorage.setItem(KEY, JSON.stringify({ queue, at }));
  mark();
}

function entry(track, number) {
  const line = document.createElement("li");
  if (number === at) line.setAttribute("aria-current", "true");
  const play = document.createElement("button");
  play.type = "button";
  play.textContent = `${track.title} - ${track.artist}`;
  play.addEventListener("click", () => {
    finish();
    start(number);
  });
  const drop = document.createElement("button");
  drop.type = "button";
  drop.textContent = "×";
  drop.setAttribute("aria-label", `Remove from the queue: ${track.title}`);
  drop.addEventListener("click", () => remove(number));
  line.append(play, drop);
  return line;
}

function remove(number) {
  if (number === at) finish();
  queue.splice(number, 1);
  if (number < at) at -= 1;
  else if (number === at) {
    audio.pause();
    at = Math.min(at, queue.length - 1);
    if (at >= 0) load(at);
  }
  show();
}

/** Show in lists which track plays. */
export function mark() {
  const id = current()?.id;
  for (const row of document.querySelectorAll(".tracks .track")) {
    row.classList.toggle("playing", row.dataset.id === id);
  }
}

async function describe(track) {
  pressed({ liked: false, disliked: false });
  await tried(async () => {
    const said = await (await api(`listening?id=${encodeURIComponent(track.id)}`)).json();
    if (current() === track) pressed(said);
  });
  if ("mediaSession" in navigator) {
    navigator.mediaSession.metadata = new MediaMetadata({ title: track.title, artist: track.artist });
  }
}

function pressed(said) {
  $("like").setAttribute("aria-pressed", String(said.liked));
  $("dislike").setAttribute("aria-pressed", String(said.disliked));
}

function restore() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    if (Array.isArray(kept.queue) && kept.queue.every((t) => typeof t?.id === "string")) {
      queue = kept.queue;
      if (queue.length) load(Math.min(Math.max(kept.at, 0), queue.length - 1));
    }
  } catch {
    localStorage.removeItem(KEY);
  }
}

export function begin() {
  audio.addEventListener("timeupdate", () => {
    const step = audio.currentTime - last;
    if (step > 0 && step < 2) heard += step;
    last = audio.currentTime;
    $("elapsed").textContent = clock(audio.currentTime);
    if (document.activeElement !== $("seek")) $("seek").value = audio.currentTime;
  });
  audio.addEventListener("durationchange", () => {
    const length = Number.isFinite(audio.duration) ? audio.duration : (current()?.duration ?? 0);
    $("seek").max = length || 1;
    $("total").textContent = clock(length);
  });
  audio.addEventListener("play", () => {
    began ||= Math.floor(Date.now() / 1000);
    if (reported) [heard, began, reported] = [0, Math.floor(Date.now() / 1000), false];
    $("player").classList.add("plays");
    $("toggle").setAttribute("aria-label", "Pause");
    mark();
  });
  audio.addEventListener("pause", () => {
    $("player").classList.remove("plays");
    $("toggle").setAttribute("aria-label", "Play");
  });
  audio.addEventListener("ended", next);
  audio.addEventListener("error", () => {
    const track = current();
    if (!track) return;
    if (!track.preview) {
      track.playable = false; // the browser cannot play it after all
      say(`${track.title} cannot be played here: trying a preview`);
      start(at);
    } else say(`${track.title} cannot be played: its file is gone, or holds no audio`);
  });
  $("seek").addEventListener("input", () => seek(Number($("seek").value)));
  $("volume").addEventListener("input", () => { audio.volume = Number($("volume").value); });
  $("cover").addEventListener("load", () => { $("cover").hidden = false; });
  $("toggle").addEventListener("click", toggle);
  $("next").addEventListener("click", next);
  $("previous").addEventListener("click", previous);
  for (const kind of ["like", "dislike"]) $(kind).addEventListener("click", () => opineCurrent(kind));
  $("show-queue").addEventListener("click", () => {
    $("queue").hidden = !$("queue").hidden;
    $("show-queue").setAttribute("aria-expanded", String(!$("queue").hidden));
  });
  $("clear-queue").addEventListener("click", () => {
    finish();
    audio.pause();
    [queue, at] = [[], -1];
    show();
  });
  document.addEventListener("opinion", ({ detail }) => {
    if (detail.id === current()?.id) pressed(detail);
  });
  addEventListener("pagehide", finish);
  for (const [name, work] of Object.entries({ nexttrack: next, previoustrack: previous })) {
    navigator.mediaSession?.setActionHandler(name, work);
  }
  restore();
}

export function opineCurrent(kind) {
  const track = current();
  if (track) tried(() => opine(track.id, kind, track.title));
}
