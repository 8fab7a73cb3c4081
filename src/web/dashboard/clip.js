// Plays a clip: Motion-JPEG, which browsers do not play themselves. The frames' places are asked for once, their bytes in pieces
// ahead of the eye; seekable, frame by frame.

import { ask } from "./api.js";
import { button } from "./dom.js";
import { h } from "./dom.js";
import { put } from "./dom.js";

const PIECE_BYTES = 512 * 1024;
const PIECES_KEPT = 6;

/** Controls that play the event's clip in `figure`, until `signal` aborts. */
export function clipPlayer(event, figure, signal) {
  const canvas = h("canvas", { class: "frame", role: "img", "aria-label": `Clip of event ${event.id}`, hidden: true });
  figure.append(canvas);
  const seek = h("input", { type: "range", min: 0, max: 0, value: 0, "aria-label": "Place in the clip" });
  const time = h("output", { class: "time" });
  const play = button("Play clip", () => player.toggle(), { class: "primary" });
  const step = (by, label, text) => button(text, () => player.step(by), { "aria-label": label });
  const player = new Player(event, { canvas, figure, seek, time, play }, signal);
  seek.addEventListener("input", () => player.go(Number(seek.value)));
  return h("div", { class: "player" }, play, step(-1, "Frame before", "‹"), seek, step(1, "Frame after", "›"), time);
}

class Player {
  #event;
  #parts;
  #signal;
  #index = null;
  #loading = null;
  #pieces = new Map();
  #at = 0;
  #isPlaying = false;

  constructor(event, parts, signal) {
    [this.#event, this.#parts, this.#signal] = [event, parts, signal];
    signal.addEventListener("abort", () => (this.#isPlaying = false));
  }

  /** Plays, or stops playing. */
  async toggle() {
    this.#isPlaying = !this.#isPlaying;
    this.#label();
    if (!this.#isPlaying) return;
    try {
      await this.#play();
    } catch (error) {
      if (!this.#signal.aborted) put(this.#parts.time, error.status === 404 ? "The clip is gone." : "The clip cannot be read now.");
    }
    this.#isPlaying = false;
    this.#label();
  }

  /** So many frames on, or back. */
  step(by) {
    this.#isPlaying = false;
    this.#label();
    return this.go(this.#at + by);
  }

  /** Shows frame number `at`. */
  async go(at) {
    const { frames } = await this.#open();
    this.#at = Math.min(Math.max(0, at), frames.length - 1);
    await this.#show(this.#at);
  }

  async #play() {
    const { frames } = await this.#open();
    if (this.#at >= frames.length - 1) this.#at = 0;
    while (this.#isPlaying && this.#at < frames.length) {
      const [shown, began] = [this.#at, performance.now()];
      await this.#show(shown);
      if (this.#at !== shown) continue; // sought meanwhile
      if (shown === frames.length - 1) return;
      const wait = frames[shown + 1][2] - frames[shown][2] - (performance.now() - began);
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      if (this.#at === shown) this.#at += 1;
    }
  }

  // Where its frames are; the first time.
  async #open() {
    this.#loading ??= ask(`${this.#event.clip_url}/frames`, { signal: this.#signal });
    this.#index = await this.#loading;
    this.#parts.seek.max = this.#index.frames.length - 1;
    return this.#index;
  }

  async #show(at) {
    const bitmap = await createImageBitmap(new Blob([await this.#bytes(at)], { type: "image/jpeg" }));
    const { canvas, figure, seek, time } = this.#parts;
    if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
    canvas.hidden = false;
    figure.classList.add("plays");
    seek.value = at;
    canvas.dataset.shown = at;
    const { frames, duration_ms } = this.#index;
    put(time, `${(frames[at][2] / 1000).toFixed(1)} / ${(duration_ms / 1000).toFixed(1)} s`);
  }

  // A frame's bytes, out of the piece that begins with it or holds it; the next piece is fetched ahead.
  async #bytes(at) {
    const piece = this.#pieceOf(at);
    const bytes = await this.#fetch(piece);
    if (piece.last + 1 < this.#index.frames.length) this.#fetch(this.#pieceOf(piece.last + 1)).catch(() => {});
    const [offset, length] = this.#index.frames[at];
    return bytes.subarray(offset - piece.begin, offset - piece.begin + length);
  }

  // Pieces begin at fixed frames, so that seeking finds those that are there.
  #pieceOf(at) {
    const { frames } = this.#index;
    let first = 0;
    for (let n = 0; ; n++) {
      const isEnd = n === frames.length;
      if (isEnd || (n > first && frames[n][0] + frames[n][1] - frames[first][0] > PIECE_BYTES)) {
        if (at < n) return { begin: frames[first][0], end: frames[n - 1][0] + frames[n - 1][1], last: n - 1 };
        first = n;
      }
    }
  }

  #fetch({ begin, end }) {
    if (!this.#pieces.has(begin)) {
      this.#pieces.set(begin, this.#ask(begin, end).catch((error) => (this.#pieces.delete(begin), Promise.reject(error))));
      if (this.#pieces.size > PIECES_KEPT) this.#pieces.delete(this.#pieces.keys().next().value);
    }
    return this.#pieces.get(begin);
  }

  async #ask(begin, end) {
    const answer = await fetch(this.#event.clip_url, { headers: { Range: `bytes=${begin}-${end - 1}` }, signal: this.#signal });
    if (!answer.ok) throw Object.assign(new Error("no clip"), { status: answer.status });
    const bytes = new Uint8Array(await answer.arrayBuffer());
    return answer.status === 206 ? bytes : bytes.subarray(begin, end);
  }

  #label() {
    put(this.#parts.play, this.#isPlaying ? "Pause" : "Play clip");
  }
}
