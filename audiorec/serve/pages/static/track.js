// The cursor on the spectrogram: where what plays is, and a click goes there.

import { current, playAll, seek, trackOf } from "./player.js";

export function begin(main) {
  const shown = main.querySelector("#spectrogram");
  if (!shown) return null;
  const audio = document.getElementById("audio");
  const cursor = shown.querySelector(".cursor");
  const starts = shown.dataset.starts.split(" ").map(Number);
  const seconds = Number(shown.dataset.seconds);
  const isPlaying = () => current()?.id === shown.dataset.id && !current().preview;

  function move() {
    const now = audio.currentTime;
    const clip = starts.findIndex((start) => now >= start && now < start + seconds);
    cursor.hidden = !isPlaying() || clip < 0;
    if (!cursor.hidden) {
      const along = (clip + (now - starts[clip]) / seconds) / starts.length;
      cursor.style.left = `${(100 * along).toFixed(2)}%`;
    }
  }
  function click(event) {
    const box = shown.getBoundingClientRect();
    const along = ((event.clientX - box.left) / box.width) * starts.length;
    const clip = Math.min(Math.floor(along), starts.length - 1);
    const where = starts[clip] + (along - clip) * seconds;
    if (isPlaying()) seek(where);
    else {
      playAll([trackOf(main.querySelector(".head"))]);
      audio.addEventListener("loadedmetadata", () => seek(where), { once: true });
    }
  }
  shown.addEventListener("click", click);
  audio.addEventListener("timeupdate", move);
  return () => audio.removeEventListener("timeupdate", move);
}
