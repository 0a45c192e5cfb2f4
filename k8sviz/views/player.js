/*
 * Plays a film: the pictures of a story over a History, with the lab's steps and the API server's events beside it.
 *
 * All it gets is plain data (see frames.py). Fragments of SVG come ready and escaped from Python; every other text is
 * put on the page as text. Nothing here knows Kubernetes, and nothing is loaded from anywhere.
 *
 * One module serves both places: a notebook calls `render` (anywidget), a stand-alone page calls `mount`.
 */

const SVG = "http://www.w3.org/2000/svg";
const LONGEST = 1500; // milliseconds of playing that any wait may last
const READING = 1100; // milliseconds to read a command before it has consequences
const GHOST = 1400; // milliseconds for which one still sees what is gone
const BROAD = 950; // a picture wider than this gets the whole width, and the lists go below it
const SMALLEST = 0.6; // a picture that fits the width at this scale still reads
const READABLE = 0.8; // one that does not is shown so, and scrolls
const SPEEDS = [0.5, 1, 2, 4];
const VERBS = { ADDED: "+", MODIFIED: "~", DELETED: "−" };
const ICONS = {
  play: "M7 4l13 8-13 8z",
  pause: "M6 4h4v16H6zM14 4h4v16h-4z",
  first: "M5 4h3v16H5zM20 4v16L9 12z",
  last: "M16 4h3v16h-3zM4 4l11 8-11 8z",
  stepBack: "M11 5v14l-8-7zM20 5v14l-8-7z",
  stepOn: "M4 5l8 7-8 7zM13 5l8 7-8 7z",
  changeBack: "M15.5 4l2.2 2.2L11.9 12l5.8 5.8-2.2 2.2L7.5 12z",
  changeOn: "M8.5 4L6.3 6.2 12.1 12l-5.8 5.8L8.5 20l8-8z",
  fit: "M4 4h6v2.5H6.5V10H4zM14 4h6v6h-2.5V6.5H14zM4 14h2.5v3.5H10V20H4zM17.5 14H20v6h-6v-2.5h3.5z",
  smaller: "M5 10.7h14v2.6H5z",
  larger: "M10.7 5h2.6v5.7H19v2.6h-5.7V19h-2.6v-5.7H5v-2.6h5.7z",
  theme: "M12 3a9 9 0 1 1 0 18a9 9 0 0 1 0-18zM12 5v14a7 7 0 0 0 0-14z",
};

/** What anywidget calls for each place that shows the player. Each view plays for itself. */
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

/** A payload from its compressed word. */
export async function unpack(word) {
  const bytes = Uint8Array.from(atob(word), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

// -- small helpers ------------------------------------------------------------------------------------------------

/** A sentence with its {facts} put in. */
function say(template, facts = {}) {
  return template.replace(/\{(\w+)\}/g, (_, name) => String(facts[name] ?? ""));
}

function icon(name) {
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("viewBox", "0 0 24 24");
  picture.setAttribute("aria-hidden", "true");
  picture.setAttribute("class", "kvp-icon");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  path.setAttribute("fill-rule", "evenodd");
  picture.append(path);
  return picture;
}

/** An icon button that says what it does, to eyes and ears. */
function iconButton(name, label, onclick, keys) {
  return h("button", { type: "button", class: "kvp-button", "aria-label": label, title: keys ? `${label} (${keys})` : label,
                       onclick }, icon(name));
}

function clamp(value, low, high) {
  return Math.max(low, Math.min(high, value));
}

/** The place of the last value in a sorted list that is not above `limit`, or -1. */
function lastUpTo(values, limit) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] <= limit) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function calm() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** Scroll only inside one box: an element's own scrollIntoView would move the whole notebook. */
function reveal(box, element) {
  const top = element.offsetTop; // the box is positioned, so this counts from its top
  if (top < box.scrollTop || top + element.offsetHeight > box.scrollTop + box.clientHeight) {
    box.scrollTop = top - box.clientHeight / 2 + element.offsetHeight / 2;
  }
}

/** The rectangle around several. */
function around(places) {
  return { left: Math.min(...places.map((p) => p.left)), top: Math.min(...places.map((p) => p.top)),
           right: Math.max(...places.map((p) => p.right)), bottom: Math.max(...places.map((p) => p.bottom)) };
}

// -- time ---------------------------------------------------------------------------------------------------------

/** Two clocks: the cluster's seconds, and the milliseconds of playing, in which nobody waits for long. */
class Timeline {
  constructor(film) {
    this.frames = film.frames.map((frame) => frame.t);
    this.steps = film.steps.map((step) => step.t);
    this.changes = film.changes.map((change) => change[0]);
    this.end = Math.max(film.end, this.frames.at(-1) ?? 0);
    const ended = film.steps.filter((step) => step.ended !== undefined).map((step) => step.ended);
    const marks = [...new Set([0, ...this.frames, ...this.steps, ...ended, this.end])].sort((a, b) => a - b);
    this.times = marks.filter((t) => t <= this.end);
    this.plays = [0];
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
    this.length = this.plays.at(-1);
  }

  /** Milliseconds of playing at a time in the cluster's seconds. */
  toPlay(t) {
    return this.convert(t, this.times, this.plays);
  }

  /** The cluster's seconds at a moment of playing. */
  toTime(play) {
    return this.convert(play, this.plays, this.times);
  }

  convert(value, from, to) {
    const i = clamp(lastUpTo(from, value), 0, from.length - 1);
    if (i + 1 >= from.length || value <= from[i]) return to[i];
    return to[i] + ((value - from[i]) / (from[i + 1] - from[i])) * (to[i + 1] - to[i]);
  }
}

/** For each frame, what each item shows (a fragment's number, or -1), and the words that say the same. */
function unfold(film) {
  let shown = new Int32Array(film.items.length).fill(-1);
  let lines = [];
  return film.frames.map((frame) => {
    shown = shown.slice();
    for (const [item, part] of frame.put ?? []) shown[item] = part;
    for (const item of frame.gone ?? []) shown[item] = -1;
    if (frame.text) lines = lines.toSpliced
      ? lines.toSpliced(frame.text[0], frame.text[1], ...frame.text[2])
      : [...lines.slice(0, frame.text[0]), ...frame.text[2], ...lines.slice(frame.text[0] + frame.text[1])];
    return { shown, lines, notes: frame.notes ?? [] };
  });
}

// -- the picture --------------------------------------------------------------------------------------------------

/** One SVG in which every item has its place for good; frames only fill, change and empty these places. */
class Picture {
  constructor(film, words, label) {
    this.film = film;
    this.zoom = null; // null: as large as fits and still reads well
    this.whole = false;
    this.shown = new Int32Array(film.items.length).fill(-1);
    this.leaving = new Map();
    this.aim = { left: 0, top: 0, until: 0 }; // where a smooth scroll that is under way will end
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("class", "kv kvp-svg");
    this.svg.setAttribute("viewBox", `0 0 ${film.width} ${film.height}`);
    this.svg.setAttribute("role", "img");
    this.svg.setAttribute("aria-label", label);
    this.slots = film.items.map(([layer]) => {
      const slot = document.createElementNS(SVG, "g");
      slot.setAttribute("class", `kvp-slot kvp-${layer}`);
      this.svg.append(slot);
      return slot;
    });
    this.empty = h("p", { class: "kvp-empty" }, h("strong", {}, words.empty), h("br"), words.empty_hint);
    this.box = h("div", { class: "kvp-picture", tabindex: "0", role: "group", "aria-label": words.picture }, this.svg);
    this.frame = h("div", { class: "kvp-stage" }, this.box, this.empty);
    this.box.addEventListener("pointerdown", (event) => this.drag(event));
    this.watch = new ResizeObserver(() => this.resize());
    this.watch.observe(this.box);
  }

  /** Show what a frame shows; returns which items are new, changed and gone since what was seen before. */
  show(shown, quietly = false) {
    const seen = { fresh: [], changed: [], gone: [] };
    this.settle();
    shown.forEach((part, item) => {
      const before = this.shown[item];
      if (part === before) return;
      if (part < 0) this.leave(item, quietly);
      else this.fill(item, part, before < 0 ? "kvp-new" : "kvp-changed", quietly);
      (part < 0 ? seen.gone : before < 0 ? seen.fresh : seen.changed).push(item);
    });
    this.shown = shown;
    this.empty.hidden = this.film.items.some(([layer], item) => layer === "node" && shown[item] >= 0);
    this.follow([...seen.fresh, ...seen.changed]);
    return seen;
  }

  /** Take the marks off what changed last, and what was fading away. */
  settle() {
    for (const slot of this.svg.querySelectorAll(".kvp-new, .kvp-changed")) slot.classList.remove("kvp-new", "kvp-changed");
    for (const [item, timer] of this.leaving) {
      clearTimeout(timer);
      this.clear(item);
    }
  }

  fill(item, part, mark, quietly) {
    const slot = this.slots[item];
    slot.innerHTML = this.film.parts[part]; // escaped by Python, see render/svg.py
    if (!quietly) slot.classList.add(mark);
  }

  leave(item, quietly) {
    if (quietly || calm()) return this.clear(item);
    this.slots[item].classList.add("kvp-gone");
    this.leaving.set(item, setTimeout(() => this.clear(item), GHOST));
  }

  clear(item) {
    this.leaving.delete(item);
    this.slots[item].classList.remove("kvp-gone");
    this.slots[item].replaceChildren();
  }

  /** Bring a change into sight, unless one is there already: all of it where that fits, else its first node. */
  follow(items) {
    const nodes = items.filter((item) => this.film.items[item][0] === "node");
    if (!nodes.length || !this.box.isConnected) return;
    const places = nodes.map((item) => this.place(item));
    const { clientWidth: width, clientHeight: height } = this.box;
    const { left: x, top: y } = performance.now() < this.aim.until ? this.aim : { left: this.box.scrollLeft, top: this.box.scrollTop };
    const inSight = (p) => p.left >= x && p.top >= y && p.right <= x + width && p.bottom <= y + height;
    if (places.every(inSight)) return;
    const all = around(places);
    const wanted = all.right - all.left <= width && all.bottom - all.top <= height ? all : places[0];
    if (wanted !== all && places.some(inSight)) return;
    this.aim = { left: clamp((wanted.left + wanted.right - width) / 2, 0, Math.max(this.box.scrollWidth - width, 0)),
                 top: clamp((wanted.top + wanted.bottom - height) / 2, 0, Math.max(this.box.scrollHeight - height, 0)),
                 until: performance.now() + 600 };
    this.box.scrollTo({ left: this.aim.left, top: this.aim.top, behavior: calm() ? "auto" : "smooth" });
  }

  place(item) {
    const { x, y, width, height } = this.slots[item].getBBox();
    const scale = this.scale();
    return { left: x * scale, top: y * scale, right: (x + width) * scale, bottom: (y + height) * scale };
  }

  scale() {
    const wide = (this.box.clientWidth || this.film.width) / this.film.width;
    if (this.zoom !== null) return this.zoom;
    const most = parseFloat(getComputedStyle(this.box).maxHeight) || 600;
    if (this.whole) return Math.min(wide, most / this.film.height, 1);
    return wide < SMALLEST ? READABLE : Math.min(wide, 1);
  }

  resize() {
    const scale = this.scale();
    this.svg.setAttribute("width", Math.floor(this.film.width * scale));
    this.svg.setAttribute("height", Math.floor(this.film.height * scale));
    this.box.classList.toggle("kvp-larger", this.film.width * scale > this.box.clientWidth + 1);
  }

  /** Larger or smaller by a factor; the whole picture at once is a choice of its own. */
  magnify(factor) {
    this.zoom = clamp(this.scale() * factor, 0.2, 3);
    this.whole = false;
    this.resize();
  }

  fit(whole) {
    this.zoom = null;
    this.whole = whole;
    this.resize();
  }

  /** A mouse moves the picture by dragging it; fingers scroll anyway. */
  drag(down) {
    if (down.pointerType !== "mouse" || down.button !== 0) return;
    const { scrollLeft, scrollTop } = this.box;
    const move = (event) => {
      this.box.scrollLeft = scrollLeft - (event.clientX - down.clientX);
      this.box.scrollTop = scrollTop - (event.clientY - down.clientY);
    };
    const up = () => {
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", up);
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", up);
  }
}

// -- what stands around the picture -------------------------------------------------------------------------------

/** The lab's steps: click one to see what it led to, or play it alone. */
function stepList(film, words, seek, playStep) {
  const rows = film.steps.map((step, i) => {
    const label = h("span", { class: "kvp-step-words" }, h("code", {}, step.command.split("\n")[0]),
                    step.about ? h("span", { class: "kvp-about" }, step.about) : "");
    const go = h("button", { type: "button", class: "kvp-step", onclick: () => seek(step.settled) },
                 h("span", { class: "kvp-number", "aria-hidden": "true" }, String(i + 1)), label);
    const play = iconButton("play", say(words.play_step, { step: step.id }), () => playStep(i));
    if (step.code) go.classList.add("kvp-refused");
    return h("li", {}, go, play);
  });
  const list = h("ol", { class: "kvp-list kvp-steps" }, ...rows);
  const mark = (current) => {
    rows.forEach((row, i) => {
      row.className = i < current ? "kvp-done" : i === current ? "kvp-current" : "kvp-later";
      if (i === current) row.firstChild.setAttribute("aria-current", "step");
      else row.firstChild.removeAttribute("aria-current");
    });
    if (current >= 0) reveal(list, rows[current]);
    else list.scrollTop = 0;
  };
  return { list, mark };
}

/** What the API server's watch reported, line by line; those of the picture's moment are marked. */
function changeList(film, words, seek) {
  const rows = film.changes.map(([t, verb, kind, name, what, warns]) =>
    h("li", {},
      h("button", { type: "button", class: `kvp-event${warns ? " kvp-warns" : ""}`, title: verb, onclick: () => seek(t) },
        h("span", { class: "kvp-t" }, t.toFixed(1)),
        h("span", { class: `kvp-verb kvp-${verb.toLowerCase()}`, role: "img", "aria-label": verb }, warns ? "!" : VERBS[verb] ?? ""),
        h("span", { class: "kvp-what" }, kind ? h("b", {}, `${kind} ${name} `) : "", what))));
  const list = h("ol", { class: "kvp-list kvp-events" }, ...rows);
  const mark = (from, until) => {
    rows.forEach((row, i) => {
      row.className = i > until ? "kvp-later" : i >= from ? "kvp-current" : "";
    });
    if (until >= 0) reveal(list, rows[until]);
    else list.scrollTop = 0;
  };
  return { list: rows.length ? list : h("p", { class: "kvp-none" }, words.events_none), mark };
}

/** The current step's command and output, as a terminal shows them. */
function terminal(words) {
  const screen = h("pre", { class: "kvp-screen", tabindex: "0", role: "group", "aria-label": words.terminal });
  const show = (step, ended) => {
    if (!step) return screen.replaceChildren(h("span", { class: "kvp-soft" }, words.terminal_before));
    const typed = step.command.startsWith("#")
      ? h("span", { class: "kvp-soft" }, step.command)
      : h("span", {}, h("span", { class: "kvp-prompt", "aria-hidden": "true" }, "$ "), h("b", {}, step.command));
    const output = !ended
      ? [h("span", { class: "kvp-soft" }, step.ended === undefined ? "" : words.running)]
      : [step.out, step.err ? h("span", { class: "kvp-err" }, step.err) : "",
         step.code ? h("span", { class: "kvp-code" }, `${(step.out + step.err).endsWith("\n") ? "" : "\n"}${say(words.exit_code, { code: step.code })}`) : ""];
    screen.replaceChildren(typed, "\n", ...output);
    screen.scrollTop = 0;
  };
  return { screen, show };
}

/** What is new, changed and gone, in words: the picture's marks for those who do not see them. */
function difference(film, words, seen) {
  const parts = [];
  for (const [items, label, style] of [[seen.fresh, words.now_new, "added"], [seen.changed, words.now_changed, "modified"],
                                       [seen.gone, words.now_gone, "deleted"]]) {
    if (!items.length) continue;
    const names = [...new Set(items.map((item) => film.items[item][1]).filter(Boolean))];
    const relations = items.filter((item) => film.items[item][0] === "edge").length;
    if (!names.length && relations) names.push(relations === 1 ? words.relation : say(words.relations, { n: relations }));
    const more = names.length > 4 ? ` ${say(words.more, { n: names.length - 4 })}` : "";
    parts.push(h("span", { class: `kvp-diff kvp-${style}` }, h("b", {}, `${label}: `), names.slice(0, 4).join(", ") + more, " "));
  }
  return parts;
}

/** The scrubber: a slider, and behind it the steps as fields, the changes as dots, long waits as hatching. */
function scrubber(film, line, words, onseek) {
  const length = Math.max(line.length, 1);
  const at = (play) => `${((100 * play) / length).toFixed(2)}%`;
  const piece = (name, from, to, title) => {
    const it = h("span", { class: name, title });
    it.style.left = at(from);
    if (to !== undefined) it.style.width = at(to - from);
    return it;
  };
  const fields = film.steps.map((step, i) =>
    piece("kvp-field", line.toPlay(step.t), i + 1 < film.steps.length ? line.toPlay(film.steps[i + 1].t) : line.length));
  const waits = line.waits.map((w) => piece("kvp-wait", w.from, w.to, say(words.wait, { t: w.seconds.toFixed(0) })));
  const dots = line.frames.slice(1).map((t) => piece("kvp-dot", line.toPlay(t)));
  const slider = h("input", { type: "range", class: "kvp-slider", min: "0", max: String(length), step: "1", value: "0",
                              "aria-label": words.time, oninput: () => onseek(line.toTime(Number(slider.value))) });
  const track = h("div", { class: "kvp-track", "aria-hidden": "true" }, ...fields, ...waits, ...dots);
  const show = (t) => {
    slider.value = String(line.toPlay(t));
  };
  const mark = (current, spoken) => {
    fields.forEach((field, i) => field.classList.toggle("kvp-current", i === current));
    slider.setAttribute("aria-valuetext", spoken);
  };
  return { element: h("div", { class: "kvp-scrub" }, track, slider), slider, show, mark };
}

/** The keys, for all to see. */
function keyHelp(words) {
  const row = (what, ...keys) => h("span", {}, ...keys.flatMap((key) => [h("kbd", {}, key), " "]), what);
  return h("p", { class: "kvp-keys" }, h("b", {}, `${words.keys}: `), row(words.key_space, "Space"), row(words.key_change, "←", "→"),
           row(words.key_step, "↑", "↓"), row(words.key_ends, "Home", "End"));
}

// -- light and dark -----------------------------------------------------------------------------------------------

/** Keep an element in the theme of its surroundings, until somebody chooses; returns how to choose and to stop. */
function chosenTheme(root) {
  let chosen = null;
  const stop = follow(root, () => chosen ?? surroundings());
  const toggle = () => {
    chosen = root.dataset.theme === "dark" ? "light" : "dark";
    root.dataset.theme = chosen;
  };
  return { toggle, stop };
}

// -- all of it ----------------------------------------------------------------------------------------------------

/**
 * Put a player into an element. `options.page`: the player is the whole page, so it listens to keys everywhere and
 * offers light and dark. Returns `seek(seconds)` and `destroy()`.
 */
export function mount(el, film, options = {}) {
  const words = film.words;
  const line = new Timeline(film);
  const states = unfold(film);
  const picture = new Picture(film, words, film.title);
  const number = Math.random().toString(36).slice(2); // ids of its own, also beside other copies of this module
  let now = 0;
  let frame = -1;
  let step = -2;
  let change = -2;
  let ended = null;
  let playing = false;
  let stopAt = line.end;
  let clock = 0;
  let before = 0;
  let speed = 1;

  // what there is to see
  const steps = stepList(film, words, (t) => go(t), playStep);
  const events = changeList(film, words, (t) => go(t));
  const shell = terminal(words);
  const scrub = scrubber(film, line, words, (t) => go(t, { quiet: true }));
  const live = h("p", { class: "kvp-live", role: "status", "aria-live": "polite" });
  const told = h("pre", { class: "kvp-told", tabindex: "0", role: "group", "aria-label": words.words });
  const notes = h("ul", { class: "kvp-notes" });
  const diff = h("p", { class: "kvp-now" });
  const where = h("span", { class: "kvp-where" });
  const about = h("span", { class: "kvp-about" });
  const clockFace = h("span", { class: "kvp-clock" });
  const playButton = iconButton("play", words.play, () => toggle(), "Space");
  playButton.classList.add("kvp-main");
  const bigPlay = h("button", { type: "button", class: "kvp-big", "aria-label": words.play, onclick: () => { toggle(); playButton.focus({ preventScroll: true }); } },
                    icon("play"), h("span", {}, words.play));
  const fitButton = iconButton("fit", words.fit, () => fit(!picture.whole));
  fitButton.setAttribute("aria-pressed", "false");
  const speedChoice = h("select", { class: "kvp-speed", "aria-label": words.speed, title: words.speed,
                                    onchange: () => { speed = Number(speedChoice.value); } },
                        ...SPEEDS.map((s) => h("option", { value: String(s), selected: s === 1 }, `${s}×`)));
  picture.frame.append(bigPlay);

  const titleId = `kvp-title-${number}`;
  const title = h(options.page ? "h1" : "p", { class: "kvp-title", id: titleId }, film.title);
  const panel = (label, content, name) => {
    const id = `kvp-${name}-${number}`;
    return h("div", { class: `kvp-panel kvp-panel-${name}`, role: "group", "aria-labelledby": id }, h("p", { class: "kvp-label", id }, label), content);
  };
  const zoom = h("span", { class: "kvp-zoom", role: "group", "aria-label": words.picture },
                 iconButton("smaller", words.smaller, () => magnify(1 / 1.25)), iconButton("larger", words.larger, () => magnify(1.25)), fitButton);
  const controls = h("div", { class: "kvp-controls", role: "toolbar", "aria-label": words.controls },
    h("span", { class: "kvp-buttons" },
      iconButton("first", words.first, () => go(0), "Home"),
      iconButton("stepBack", words.step_back, () => toStep(-1), "↑"),
      iconButton("changeBack", words.change_back, () => toChange(-1), "←"),
      playButton,
      iconButton("changeOn", words.change_on, () => toChange(1), "→"),
      iconButton("stepOn", words.step_on, () => toStep(1), "↓"),
      iconButton("last", words.last, () => go(line.end), "End")),
    scrub.element, clockFace, speedChoice);
  const root = h("div", { class: film.width > BROAD ? "kvp kvp-broad" : "kvp", role: "group", "aria-labelledby": titleId, "data-lm-suppress-shortcuts": "true" });
  const theme = chosenTheme(root);
  root.append(
    h("header", { class: "kvp-head" }, title, options.page ? iconButton("theme", words.theme, () => theme.toggle()) : ""),
    h("div", { class: "kvp-grid" },
      h("div", { class: "kvp-film" },
        h("p", { class: "kvp-caption" }, where, " ", about), picture.frame,
        h("div", { class: "kvp-under" }, diff, zoom), notes, controls),
      panel(words.terminal, shell.screen, "terminal"),
      h("div", { class: "kvp-side" },
        panel(words.steps, steps.list, "steps"), panel(words.events, events.list, "events"))),
    h("details", { class: "kvp-words" }, h("summary", {}, words.words), told), keyHelp(words), live);
  el.replaceChildren(root);
  const keyboard = options.page ? document : root;
  keyboard.addEventListener("keydown", onKey);
  picture.resize();
  update(clamp(film.start, 0, line.end), true);

  // -- moving in time

  /** Show the moment `t`; every part only does something when its own piece of it changed. */
  function update(t, quietly = false) {
    now = clamp(t, 0, line.end);
    scrub.show(now);
    clockFace.textContent = say(words.at, { t: now.toFixed(1) });
    const newFrame = Math.max(lastUpTo(line.frames, now), 0);
    if (newFrame !== frame) showFrame(newFrame, quietly);
    const newStep = lastUpTo(line.steps, now);
    const isEnded = newStep >= 0 && film.steps[newStep].ended <= now;
    if (newStep !== step || isEnded !== ended) showStep(newStep, isEnded);
    const newChange = lastUpTo(line.changes, now);
    if (newChange !== change) {
      change = newChange;
      const since = line.frames[frame] ?? 0;
      events.mark(Math.min(change, lastUpTo(line.changes, since - 1e-9) + 1), change);
    }
  }

  function showFrame(index, quietly) {
    frame = index;
    change = -2;
    const seen = picture.show(states[frame].shown, quietly);
    diff.replaceChildren(...(quietly ? [] : difference(film, words, seen)));
    told.textContent = states[frame].lines.map((line) => film.lines[line]).join("\n") || words.empty;
    notes.replaceChildren(...states[frame].notes.map((note) => h("li", {}, note)));
  }

  function showStep(index, isEnded) {
    if (index !== step) steps.mark(index);
    step = index;
    ended = isEnded;
    const it = film.steps[step];
    where.textContent = it ? say(words.step_of, { n: step + 1, all: film.steps.length }) : film.steps.length ? words.before : "";
    about.replaceChildren(it ? it.about || h("code", {}, it.command.split("\n")[0]) : "");
    shell.show(it, ended);
    scrub.mark(step, spoken());
  }

  function spoken() {
    const it = film.steps[step];
    return [say(words.at, { t: now.toFixed(1) }), it ? `${where.textContent}: ${it.about || it.command}` : where.textContent]
      .filter(Boolean).join(", ");
  }

  /** Say where we are to those who listen; not while playing, and not on every pixel of a drag. */
  function announce() {
    scrub.mark(step, spoken());
    live.textContent = [spoken(), diff.textContent.trim()].filter(Boolean).join(". ");
  }

  function go(t, { quiet = false } = {}) {
    pause(false);
    bigPlay.hidden = true;
    const was = frame;
    update(t);
    if (frame === was) {
      picture.settle();
      diff.textContent = words.now_same;
    }
    if (quiet) scrub.mark(step, spoken());
    else announce();
  }

  /** To what the next step led to, or what there was before this one. */
  function toStep(by) {
    const places = [0, ...film.steps.map((s) => s.settled)];
    const here = lastUpTo(places, now);
    if (by > 0) go(places[here + 1] ?? line.end);
    else go(places[now > places[here] ? here : Math.max(here - 1, 0)]);
  }

  function toChange(by) {
    go(line.frames[frame + by] ?? (by > 0 ? line.end : 0));
  }

  // -- playing

  function toggle() {
    if (playing) return pause(true);
    return play(line.end);
  }

  function play(until) {
    bigPlay.hidden = true;
    if (now >= line.end) update(0, true);
    stopAt = until;
    playing = true;
    clock = line.toPlay(now);
    before = performance.now();
    showPlaying();
    requestAnimationFrame(tick);
  }

  function playStep(i) {
    pause(false);
    update(film.steps[i].t);
    play(film.steps[i].settled);
  }

  function tick(stamp) {
    if (!playing) return;
    clock += clamp(stamp - before, 0, 100) * speed;
    before = stamp;
    if (clock < line.toPlay(stopAt)) {
      update(line.toTime(clock));
      requestAnimationFrame(tick);
    } else {
      update(stopAt);
      pause(true);
    }
  }

  function pause(aloud) {
    if (!playing) return;
    playing = false;
    showPlaying();
    if (aloud) announce();
  }

  function showPlaying() {
    const label = playing ? words.pause : words.play;
    playButton.replaceChildren(icon(playing ? "pause" : "play"));
    playButton.setAttribute("aria-label", label);
    playButton.title = `${label} (Space)`;
    root.classList.toggle("kvp-playing", playing);
  }

  // -- size and keys

  function fit(whole) {
    picture.fit(whole);
    fitButton.setAttribute("aria-pressed", String(whole));
  }

  function magnify(factor) {
    picture.magnify(factor);
    fitButton.setAttribute("aria-pressed", "false");
  }

  function onKey(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target instanceof Element ? event.target : root;
    const up = event.key === "ArrowUp" || (event.shiftKey && event.key === "ArrowLeft");
    const down = event.key === "ArrowDown" || (event.shiftKey && event.key === "ArrowRight");
    const vertical = event.key === "ArrowUp" || event.key === "ArrowDown";
    if (target.closest("select, textarea, input:not(.kvp-slider)")) return;
    if (vertical && target.closest("pre")) return; // a long output scrolls
    if (event.key === " ") {
      if (target.closest("button, summary, a")) return; // these have a meaning of their own for it
      toggle();
    } else if (up) toStep(-1);
    else if (down) toStep(1);
    else if (event.key === "ArrowLeft") toChange(-1);
    else if (event.key === "ArrowRight") toChange(1);
    else if (event.key === "Home") go(0);
    else if (event.key === "End") go(line.end);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  return {
    seek: (t) => go(t),
    destroy() {
      playing = false;
      keyboard.removeEventListener("keydown", onKey);
      picture.watch.disconnect();
      picture.settle();
      theme.stop();
    },
  };
}
