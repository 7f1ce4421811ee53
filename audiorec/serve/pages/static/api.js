// Talk with the server, and say what came of it.

export const user = () => document.querySelector('meta[name="user"]').content;
const token = () => document.querySelector('meta[name="csrf"]').content;

/** Ask the API; an error is one that says what the server said. */
export async function api(path, { method, body, keepalive = false } = {}) {
  const options = { method: method ?? (body ? "POST" : "GET"), keepalive, headers: {} };
  if (options.method !== "GET") options.headers["X-CSRF-Token"] = token();
  if (body) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  const answer = await fetch(`/api/v1/${path}`, options);
  if (answer.ok) return answer;
  let detail = answer.statusText;
  try {
    detail = (await answer.json()).detail ?? detail;
  } catch { /* no JSON: its status says it */ }
  throw new Error(detail);
}

let silence;
/** A line for everybody, screen readers too; gone after a while. */
export function say(text) {
  const line = document.getElementById("said");
  line.textContent = text;
  clearTimeout(silence);
  silence = setTimeout(() => { line.textContent = ""; }, 6000);
}

/** Run what may fail, and say why it did. */
export async function tried(work) {
  try {
    return await work();
  } catch (error) {
    say(error.message);
    return undefined;
  }
}

/** Part of a page: the element of that id, as the server makes it now. */
export async function part(url, id) {
  const answer = await fetch(url, { headers: { Accept: "text/html" } });
  const text = await answer.text();
  return new DOMParser().parseFromString(text, "text/html").getElementById(id);
}

/** Call at most once in so many milliseconds, after the last call; `cancel` lets go of it. */
export function settled(work, wait) {
  let timer;
  const soon = (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...values), wait);
  };
  soon.cancel = () => clearTimeout(timer);
  return soon;
}

export function clock(seconds) {
  if (!Number.isFinite(seconds)) return "";
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
