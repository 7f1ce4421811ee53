// Work of the server as it goes on, and the rules that hide tracks.

import { api, part, tried } from "./api.js";

/** Follow the jobs that run; give back what ends that. */
export function watchJobs(main) {
  const sources = [];
  for (const job of main.querySelectorAll('[data-job][data-state="running"]')) {
    const source = new EventSource(`/api/v1/jobs/events?id=${encodeURIComponent(job.dataset.job)}`);
    const lines = job.querySelector(".lines");
    let fresh = true; // the server tells from the beginning
    source.addEventListener("line", (event) => {
      if (fresh) lines.textContent = "";
      fresh = false;
      const { line } = JSON.parse(event.data);
      lines.textContent = [...lines.textContent.split("\n").filter(Boolean), line].slice(-8).join("\n");
    });
    source.addEventListener("end", () => {
      source.close();
      refresh(main, "jobs");
    });
    sources.push(source);
  }
  const cancel = (event) => {
    const button = event.target.closest('[data-do="cancel-job"]');
    if (button) tried(() => api("jobs/cancel", { body: { id: button.closest("[data-job]").dataset.job } }));
  };
  main.addEventListener("click", cancel);
  return () => {
    main.removeEventListener("click", cancel);
    sources.forEach((source) => source.close());
  };
}

async function refresh(main, id) {
  const now = await part(location.href, id);
  if (now && main.isConnected) main.querySelector(`#${id}`)?.replaceWith(now);
}

export function begin(main) {
  let end = watchJobs(main);
  const kind = main.querySelector("#job-kind");
  const folder = main.querySelector("#job-folder");
  kind.addEventListener("change", () => { folder.hidden = kind.value !== "scan"; });
  main.querySelector("#start-job").addEventListener("submit", (event) => {
    event.preventDefault();
    tried(async () => {
      const body = { kind: kind.value };
      if (kind.value === "scan") body.folder = folder.value;
      await api("jobs", { body });
      await refresh(main, "jobs");
      end();
      end = watchJobs(main);
    });
  });
  main.querySelector("#exclude").addEventListener("submit", (event) => {
    event.preventDefault();
    tried(async () => {
      const value = main.querySelector("#out-value");
      await api("exclusions", { body: { kind: main.querySelector("#out-kind").value, value: value.value } });
      value.value = "";
      await refresh(main, "exclusions");
    });
  });
  main.addEventListener("click", (event) => {
    const button = event.target.closest('[data-do="include"]');
    if (!button) return;
    tried(async () => {
      const rule = new URLSearchParams({ kind: button.dataset.kind, value: button.dataset.value });
      await api(`exclusions?${rule}`, { method: "DELETE" });
      await refresh(main, "exclusions");
    });
  });
  return () => end();
}
