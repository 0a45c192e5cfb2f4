/*
 * Plays a film: the pictures of a story over a History, with the lab's steps and the API server's events beside it.
 *
 * All it gets is plain data (see frames.py). Fragments of SVG come ready and escaped from Python; every other text is
 * put on the page as text. Nothing here knows Kubernetes, and nothing is loaded from anywhere.
 *
 * One module serves both places: a notebook calls `render` (anywidget), a stand-alone page calls `mount`.
 */

import { chosenTheme, fill, h } from "./common.js";
import "./named.js";
import { changeList, difference, icon, iconButton, keyHelp, scrubber, stepList, terminal } from "./player-parts.js";
import { Picture } from "./player-picture.js";
import { clamp, lastUpTo, Timeline, unfold } from "./player-time.js";

/** @typedef {import("./player-time.js").Film} Film */

const BROAD = 950; // a picture wider than this gets the whole width, and the lists go below it
const SPEEDS = [0.5, 1, 2, 4];

/**
 * What anywidget calls for each place that shows the player. Each view plays for itself.
 * @param {{model: any, el: HTMLElement}} place
 */
async function render({ model, el }) {
  const view = mount(el, await unpack(model.get("packed")));
  const seek = () => view.seek(model.get("at"));
  model.on("change:at", seek);
  return () => {
    model.off("change:at", seek);
    view.destroy();
  };
}
export default { render };

/** A payload from its compressed word. @param {string} word @returns {Promise<Film>} */
export async function unpack(word) {
  const bytes = Uint8Array.from(atob(word), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

/**
 * Put a player into an element. `options.page`: the player is the whole page, so it listens to keys everywhere and
 * offers light and dark. Returns `seek(seconds)` and `destroy()`.
 * @param {HTMLElement} el @param {Film} film @param {{page?: boolean}} options
 */
export function mount(el, film, options = {}) {
  const player = new Player(film, options.page ?? false);
  el.replaceChildren(player.root);
  player.begin();
  return { seek: (/** @type {number} */ t) => player.go(t), destroy: () => player.destroy() };
}

/** Moves time over frames, steps and changes. Each part of the page only does something when its own piece changed. */
class Player {
  /** @param {Film} film @param {boolean} page */
  constructor(film, page) {
    this.film = film;
    this.words = film.words;
    this.line = new Timeline(film);
    this.states = unfold(film);
    this.now = 0; // the cluster's seconds
    this.frame = -1;
    this.step = -2;
    this.change = -2;
    /** @type {boolean | null} whether the step's command has ended */
    this.ended = null;
    this.playing = false;
    this.stopAt = this.line.end;
    this.clock = 0; // milliseconds of playing
    this.before = 0; // the last tick
    this.speed = 1;
    this.picture = new Picture(film, film.title);
    this.steps = stepList(film, (t) => this.go(t), (i) => this.playStep(i));
    this.events = changeList(film, (t) => this.go(t));
    this.shell = terminal(this.words);
    this.scrub = scrubber(film, this.line, (t) => this.go(t, { quiet: true }));
    const { words } = film;
    this.live = h("p", { class: "kvp-live", role: "status", "aria-live": "polite" });
    this.told = h("pre", { class: "kvp-told", tabindex: "0", role: "group", "aria-label": words.words });
    this.notes = h("ul", { class: "kvp-notes" });
    this.diff = h("p", { class: "kvp-now" });
    this.where = h("span", { class: "kvp-where" });
    this.about = h("span", { class: "kvp-about" });
    this.clockFace = h("span", { class: "kvp-clock" });
    this.playButton = iconButton("play", words.play, () => this.toggle(), "Space");
    this.playButton.classList.add("kvp-main");
    this.bigPlay = this.bigButton();
    this.fitButton = iconButton("fit", words.fit, () => this.fit(!this.picture.whole));
    this.fitButton.setAttribute("aria-pressed", "false");
    this.picture.frame.append(this.bigPlay);
    this.root = h("div", { class: film.width > BROAD ? "kvp kvp-broad" : "kvp", role: "group", "data-lm-suppress-shortcuts": "true" });
    this.theme = chosenTheme(this.root);
    this.lay(page);
    this.keyboard = page ? document : this.root;
    this.onKey = (/** @type {Event} */ event) => this.key(/** @type {KeyboardEvent} */ (event));
  }

  /** Put the parts in their places. @param {boolean} page */
  lay(page) {
    const { words, picture, film } = this;
    const number = Math.random().toString(36).slice(2); // ids of its own, also beside other copies of this module
    const titleId = `kvp-title-${number}`;
    const title = h(page ? "h1" : "p", { class: "kvp-title", id: titleId }, film.title);
    const panel = (/** @type {string} */ label, /** @type {HTMLElement} */ content, /** @type {string} */ name) => {
      const id = `kvp-${name}-${number}`;
      return h("div", { class: `kvp-panel kvp-panel-${name}`, role: "group", "aria-labelledby": id },
        h("p", { class: "kvp-label", id }, label), content);
    };
    this.root.setAttribute("aria-labelledby", titleId);
    this.root.append(
      h("header", { class: "kvp-head" }, title, page ? iconButton("theme", words.theme, () => this.theme.toggle()) : ""),
      h("div", { class: "kvp-grid" },
        h("div", { class: "kvp-film" },
          h("p", { class: "kvp-caption" }, this.where, " ", this.about), picture.frame,
          h("div", { class: "kvp-under" }, this.diff, this.zoomButtons()), this.notes, this.controls()),
        panel(words.terminal, this.shell.screen, "terminal"),
        h("div", { class: "kvp-side" },
          panel(words.steps, this.steps.list, "steps"), panel(words.events, this.events.list, "events"))),
      h("details", { class: "kvp-words" }, h("summary", {}, words.words), this.told), keyHelp(words), this.live);
  }

  bigButton() {
    const press = () => {
      this.toggle();
      this.playButton.focus({ preventScroll: true });
    };
    const { play } = this.words;
    return h("button", { type: "button", class: "kvp-big", "aria-label": play, onclick: press }, icon("play"), h("span", {}, play));
  }

  zoomButtons() {
    const { words } = this;
    return h("span", { class: "kvp-zoom", role: "group", "aria-label": words.picture },
      iconButton("smaller", words.smaller, () => this.magnify(1 / 1.25)),
      iconButton("larger", words.larger, () => this.magnify(1.25)), this.fitButton);
  }

  controls() {
    const { words } = this;
    const speed = /** @type {HTMLSelectElement} */ (h("select", {
      class: "kvp-speed", "aria-label": words.speed, title: words.speed,
      onchange: () => { this.speed = Number(speed.value); },
    }, ...SPEEDS.map((s) => h("option", { value: String(s), selected: s === 1 }, `${s}×`))));
    return h("div", { class: "kvp-controls", role: "toolbar", "aria-label": words.controls },
      h("span", { class: "kvp-buttons" },
        iconButton("first", words.first, () => this.go(0), "Home"),
        iconButton("stepBack", words.step_back, () => this.toStep(-1), "↑"),
        iconButton("changeBack", words.change_back, () => this.toChange(-1), "←"),
        this.playButton,
        iconButton("changeOn", words.change_on, () => this.toChange(1), "→"),
        iconButton("stepOn", words.step_on, () => this.toStep(1), "↓"),
        iconButton("last", words.last, () => this.go(this.line.end), "End")),
      this.scrub.element, this.clockFace, speed);
  }

  /** Once the root is on the page. */
  begin() {
    this.keyboard.addEventListener("keydown", this.onKey);
    this.picture.resize();
    this.update(clamp(this.film.start, 0, this.line.end), true);
  }

  destroy() {
    this.playing = false;
    this.keyboard.removeEventListener("keydown", this.onKey);
    this.picture.watch.disconnect();
    this.picture.settle();
    this.theme.stop();
  }

  // -- moving in time

  /** Show the moment `t`. @param {number} t */
  update(t, quietly = false) {
    const { line } = this;
    this.now = clamp(t, 0, line.end);
    this.scrub.show(this.now);
    this.clockFace.textContent = fill(this.words.at, { t: this.now.toFixed(1) });
    const frame = Math.max(lastUpTo(line.frames, this.now), 0);
    if (frame !== this.frame) this.showFrame(frame, quietly);
    const step = lastUpTo(line.steps, this.now);
    const ended = step >= 0 && (this.film.steps[step].ended ?? Infinity) <= this.now;
    if (step !== this.step || ended !== this.ended) this.showStep(step, ended);
    const change = lastUpTo(line.changes, this.now);
    if (change !== this.change) {
      this.change = change;
      const since = line.frames[this.frame] ?? 0;
      this.events.mark(Math.min(change, lastUpTo(line.changes, since - 1e-9) + 1), change);
    }
  }

  /** @param {number} index @param {boolean} quietly */
  showFrame(index, quietly) {
    this.frame = index;
    this.change = -2;
    const { shown, lines, notes } = this.states[index];
    const seen = this.picture.show(shown, quietly);
    this.diff.replaceChildren(...(quietly ? [] : difference(this.film, seen)));
    this.told.textContent = lines.map((line) => this.film.lines[line]).join("\n") || this.words.empty;
    this.notes.replaceChildren(...notes.map((note) => h("li", {}, note)));
  }

  /** @param {number} index @param {boolean} ended */
  showStep(index, ended) {
    if (index !== this.step) this.steps.mark(index);
    this.step = index;
    this.ended = ended;
    const { steps } = this.film;
    const it = steps[index];
    const before = steps.length ? this.words.before : "";
    this.where.textContent = it ? fill(this.words.step_of, { n: index + 1, all: steps.length }) : before;
    this.about.replaceChildren(it ? it.about || h("code", {}, it.command.split("\n")[0]) : "");
    this.shell.show(it, ended);
    this.scrub.mark(index, this.spoken());
  }

  spoken() {
    const it = this.film.steps[this.step];
    const { textContent: where } = this.where;
    return [fill(this.words.at, { t: this.now.toFixed(1) }), it ? `${where}: ${it.about || it.command}` : where]
      .filter(Boolean).join(", ");
  }

  /** Say where we are to those who listen; not while playing, and not on every pixel of a drag. */
  announce() {
    this.scrub.mark(this.step, this.spoken());
    this.live.textContent = [this.spoken(), this.diff.textContent?.trim()].filter(Boolean).join(". ");
  }

  /** @param {number} t */
  go(t, { quiet = false } = {}) {
    this.pause(false);
    this.bigPlay.hidden = true;
    const was = this.frame;
    this.update(t);
    if (this.frame === was) {
      this.picture.settle();
      this.diff.textContent = this.words.now_same;
    }
    if (quiet) this.scrub.mark(this.step, this.spoken());
    else this.announce();
  }

  /** To what the next step led to, or what there was before this one. @param {number} by */
  toStep(by) {
    const places = [0, ...this.film.steps.map((step) => step.settled)];
    const here = lastUpTo(places, this.now);
    if (by > 0) this.go(places[here + 1] ?? this.line.end);
    else this.go(places[this.now > places[here] ? here : Math.max(here - 1, 0)]);
  }

  /** @param {number} by */
  toChange(by) {
    this.go(this.line.frames[this.frame + by] ?? (by > 0 ? this.line.end : 0));
  }

  // -- playing

  toggle() {
    if (this.playing) this.pause(true);
    else this.play(this.line.end);
  }

  /** @param {number} until */
  play(until) {
    this.bigPlay.hidden = true;
    if (this.now >= this.line.end) this.update(0, true);
    this.stopAt = until;
    this.playing = true;
    this.clock = this.line.toPlay(this.now);
    this.before = performance.now();
    this.showPlaying();
    requestAnimationFrame((stamp) => this.tick(stamp));
  }

  /** @param {number} i */
  playStep(i) {
    const step = this.film.steps[i];
    this.pause(false);
    this.update(step.t);
    this.play(step.settled);
  }

  /** @param {number} stamp */
  tick(stamp) {
    if (!this.playing) return;
    this.clock += clamp(stamp - this.before, 0, 100) * this.speed;
    this.before = stamp;
    if (this.clock < this.line.toPlay(this.stopAt)) {
      this.update(this.line.toTime(this.clock));
      requestAnimationFrame((next) => this.tick(next));
    } else {
      this.update(this.stopAt);
      this.pause(true);
    }
  }

  /** @param {boolean} aloud */
  pause(aloud) {
    if (!this.playing) return;
    this.playing = false;
    this.showPlaying();
    if (aloud) this.announce();
  }

  showPlaying() {
    const label = this.playing ? this.words.pause : this.words.play;
    this.playButton.replaceChildren(icon(this.playing ? "pause" : "play"));
    this.playButton.setAttribute("aria-label", label);
    this.playButton.title = `${label} (Space)`;
    this.root.classList.toggle("kvp-playing", this.playing);
  }

  // -- size and keys

  /** @param {boolean} whole */
  fit(whole) {
    this.picture.fit(whole);
    this.fitButton.setAttribute("aria-pressed", String(whole));
  }

  /** @param {number} factor */
  magnify(factor) {
    this.picture.magnify(factor);
    this.fitButton.setAttribute("aria-pressed", "false");
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target instanceof Element ? event.target : this.root;
    if (target.closest("select, textarea, input:not(.kvp-slider)")) return;
    const vertical = event.key === "ArrowUp" || event.key === "ArrowDown";
    if (vertical && target.closest("pre")) return; // a long output scrolls
    if (event.key === " " && target.closest("button, summary, a")) return; // these have a meaning of their own for it
    /** @type {Record<string, () => void>} */
    const keys = {
      " ": () => this.toggle(),
      ArrowUp: () => this.toStep(-1),
      ArrowDown: () => this.toStep(1),
      ArrowLeft: () => (event.shiftKey ? this.toStep(-1) : this.toChange(-1)),
      ArrowRight: () => (event.shiftKey ? this.toStep(1) : this.toChange(1)),
      Home: () => this.go(0),
      End: () => this.go(this.line.end),
    };
    if (!Object.hasOwn(keys, event.key)) return;
    keys[event.key]();
    event.preventDefault();
    event.stopPropagation();
  }
}
