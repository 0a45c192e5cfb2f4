/* A film's two clocks, and what each of its frames shows. */

/**
 * @typedef {{t: number, id: string, command: string, about: string, settled: number, ended?: number, out: string,
 *            err: string, code: number}} Step
 * @typedef {{t: number, put?: [number, number][], gone?: number[], text?: [number, number, number[]], notes?: string[]}} Frame
 * @typedef {[number, string, string, string, string, boolean]} Change  time, verb, kind, name, what changed, is a warning
 * @typedef {{title: string, width: number, height: number, start: number, end: number, items: [string, string][],
 *            parts: string[], lines: string[], frames: Frame[], steps: Step[], changes: Change[],
 *            words: Record<string, string>}} Film
 */

const LONGEST = 1500; // milliseconds of playing that any wait may last
const READING = 1100; // milliseconds to read a command before it has consequences

/** @param {number} value @param {number} low @param {number} high */
export function clamp(value, low, high) {
  return Math.max(low, Math.min(high, value));
}

/** The place of the last value in a sorted list that is not above `limit`, or -1. @param {number[]} values @param {number} limit */
export function lastUpTo(values, limit) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] <= limit) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Two clocks: the cluster's seconds, and the milliseconds of playing, in which nobody waits for long. */
export class Timeline {
  /** @param {Film} film */
  constructor(film) {
    this.frames = film.frames.map((frame) => frame.t);
    this.steps = film.steps.map((step) => step.t);
    this.changes = film.changes.map((change) => change[0]);
    this.end = Math.max(film.end, this.frames.at(-1) ?? 0);
    const ended = film.steps.flatMap((step) => (step.ended === undefined ? [] : [step.ended]));
    const marks = [...new Set([0, ...this.frames, ...this.steps, ...ended, this.end])].sort((a, b) => a - b);
    this.times = marks.filter((t) => t <= this.end);
    this.plays = [0];
    /** @type {{from: number, to: number, seconds: number}[]} */
    this.waits = [];
    const commands = new Set(this.steps);
    const shortest = clamp(60000 / Math.max(this.frames.length, 1), 60, 450);
    for (let i = 1; i < this.times.length; i++) {
      const seconds = this.times[i] - this.times[i - 1];
      const least = commands.has(this.times[i - 1]) ? READING : shortest;
      const length = clamp(seconds * 1000, least, LONGEST);
      if (seconds > 3) this.waits.push({ from: this.plays[i - 1], to: this.plays[i - 1] + length, seconds });
      this.plays.push(this.plays[i - 1] + length);
    }
    this.length = this.plays.at(-1) ?? 0;
  }

  /** Milliseconds of playing at a time in the cluster's seconds. @param {number} t */
  toPlay(t) {
    return this.convert(t, this.times, this.plays);
  }

  /** The cluster's seconds at a moment of playing. @param {number} play */
  toTime(play) {
    return this.convert(play, this.plays, this.times);
  }

  /** @param {number} value @param {number[]} from @param {number[]} to */
  convert(value, from, to) {
    const i = clamp(lastUpTo(from, value), 0, from.length - 1);
    if (i + 1 >= from.length || value <= from[i]) return to[i];
    return to[i] + ((value - from[i]) / (from[i + 1] - from[i])) * (to[i + 1] - to[i]);
  }
}

/**
 * For each frame, what each item shows (a fragment's number, or -1), and the words that say the same.
 * @param {Film} film
 */
export function unfold(film) {
  let shown = new Int32Array(film.items.length).fill(-1);
  /** @type {number[]} */
  let lines = [];
  return film.frames.map((frame) => {
    shown = shown.slice();
    for (const [item, part] of frame.put ?? []) shown[item] = part;
    for (const item of frame.gone ?? []) shown[item] = -1;
    if (frame.text) {
      const [from, count, fresh] = frame.text;
      lines = [...lines.slice(0, from), ...fresh, ...lines.slice(from + count)];
    }
    return { shown, lines, notes: frame.notes ?? [] };
  });
}
