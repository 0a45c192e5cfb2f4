/* What stands around a film's picture: steps, changes, the terminal, the scrubber, buttons. */

import { fill, h, SVG } from "./common.js";

/**
 * @typedef {import("./player-time.js").Film} Film
 * @typedef {Record<string, string>} Words
 */

/** @type {Record<string, string>} */
const VERBS = { ADDED: "+", MODIFIED: "~", DELETED: "−" };
/** @type {Record<string, string>} */
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

/** @param {string} name */
export function icon(name) {
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

/**
 * An icon button that says what it does, to eyes and ears.
 * @param {string} name @param {string} label @param {() => void} onclick @param {string} [keys]
 */
export function iconButton(name, label, onclick, keys) {
  return h("button", { type: "button", class: "kvp-button", "aria-label": label, title: keys ? `${label} (${keys})` : label,
                       onclick }, icon(name));
}

/**
 * Scroll only inside one box: an element's own scrollIntoView would move the whole notebook.
 * @param {HTMLElement} box @param {HTMLElement} element
 */
function reveal(box, element) {
  const top = element.offsetTop; // the box is positioned, so this counts from its top
  if (top < box.scrollTop || top + element.offsetHeight > box.scrollTop + box.clientHeight) {
    box.scrollTop = top - box.clientHeight / 2 + element.offsetHeight / 2;
  }
}

/**
 * The lab's steps: click one to see what it led to, or play it alone.
 * @param {Film} film @param {(t: number) => void} seek @param {(step: number) => void} playStep
 */
export function stepList(film, seek, playStep) {
  const { words } = film;
  const rows = film.steps.map((step, i) => {
    const label = h("span", { class: "kvp-step-words" }, h("code", {}, step.command.split("\n")[0]),
                    step.about ? h("span", { class: "kvp-about" }, step.about) : "");
    const go = h("button", { type: "button", class: "kvp-step", onclick: () => seek(step.settled) },
                 h("span", { class: "kvp-number", "aria-hidden": "true" }, String(i + 1)), label);
    const play = iconButton("play", fill(words.play_step, { step: step.id }), () => playStep(i));
    if (step.code) go.classList.add("kvp-refused");
    return h("li", {}, go, play);
  });
  const list = h("ol", { class: "kvp-list kvp-steps" }, ...rows);
  /** @param {number} current */
  const mark = (current) => {
    rows.forEach((row, i) => {
      row.className = i < current ? "kvp-done" : i === current ? "kvp-current" : "kvp-later";
      if (i === current) row.firstElementChild?.setAttribute("aria-current", "step");
      else row.firstElementChild?.removeAttribute("aria-current");
    });
    if (current >= 0) reveal(list, rows[current]);
    else list.scrollTop = 0;
  };
  return { list, mark };
}

/**
 * What the API server's watch reported, line by line; those of the picture's moment are marked.
 * @param {Film} film @param {(t: number) => void} seek
 */
export function changeList(film, seek) {
  const { words } = film;
  const rows = film.changes.map(([t, verb, kind, name, what, warns]) =>
    h("li", {},
      h("button", { type: "button", class: `kvp-event${warns ? " kvp-warns" : ""}`, title: verb, onclick: () => seek(t) },
        h("span", { class: "kvp-t" }, t.toFixed(1)),
        h("span", { class: `kvp-verb kvp-${verb.toLowerCase()}`, role: "img", "aria-label": verb }, warns ? "!" : VERBS[verb] ?? ""),
        h("span", { class: "kvp-what" }, kind ? h("b", {}, `${kind} ${name} `) : "", what))));
  const list = h("ol", { class: "kvp-list kvp-events" }, ...rows);
  /** @param {number} from @param {number} until */
  const mark = (from, until) => {
    rows.forEach((row, i) => {
      row.className = i > until ? "kvp-later" : i >= from ? "kvp-current" : "";
    });
    if (until >= 0) reveal(list, rows[until]);
    else list.scrollTop = 0;
  };
  return { list: rows.length ? list : h("p", { class: "kvp-none" }, words.events_none), mark };
}

/** The current step's command and output, as a terminal shows them. @param {Words} words */
export function terminal(words) {
  const screen = h("pre", { class: "kvp-screen", tabindex: "0", role: "group", "aria-label": words.terminal });
  /** @param {import("./player-time.js").Step | undefined} step @param {boolean} ended */
  const show = (step, ended) => {
    if (!step) return screen.replaceChildren(h("span", { class: "kvp-soft" }, words.terminal_before));
    const typed = step.command.startsWith("#")
      ? h("span", { class: "kvp-soft" }, step.command)
      : h("span", {}, h("span", { class: "kvp-prompt", "aria-hidden": "true" }, "$ "), h("b", {}, step.command));
    const output = !ended
      ? [h("span", { class: "kvp-soft" }, step.ended === undefined ? "" : words.running)]
      : [step.out, step.err ? h("span", { class: "kvp-err" }, step.err) : "",
         step.code ? h("span", { class: "kvp-code" }, `${(step.out + step.err).endsWith("\n") ? "" : "\n"}${fill(words.exit_code, { code: step.code })}`) : ""];
    screen.replaceChildren(typed, "\n", ...output);
    screen.scrollTop = 0;
  };
  return { screen, show };
}

/**
 * What is new, changed and gone, in words: the picture's marks for those who do not see them.
 * @param {Film} film @param {Record<"fresh" | "changed" | "gone", number[]>} seen
 */
export function difference(film, seen) {
  const { words } = film;
  const parts = [];
  /** @type {[number[], string, string][]} */
  const kinds = [[seen.fresh, words.now_new, "added"], [seen.changed, words.now_changed, "modified"],
                 [seen.gone, words.now_gone, "deleted"]];
  for (const [items, label, style] of kinds) {
    if (!items.length) continue;
    const names = [...new Set(items.map((item) => film.items[item][1]).filter(Boolean))];
    const relations = items.filter((item) => film.items[item][0] === "edge").length;
    if (!names.length && relations) names.push(relations === 1 ? words.relation : fill(words.relations, { n: relations }));
    const more = names.length > 4 ? ` ${fill(words.more, { n: names.length - 4 })}` : "";
    parts.push(h("span", { class: `kvp-diff kvp-${style}` }, h("b", {}, `${label}: `), names.slice(0, 4).join(", ") + more, " "));
  }
  return parts;
}

/**
 * The scrubber: a slider, and behind it the steps as fields, the changes as dots, long waits as hatching.
 * @param {Film} film @param {import("./player-time.js").Timeline} line @param {(t: number) => void} onseek
 */
export function scrubber(film, line, onseek) {
  const { words } = film;
  const length = Math.max(line.length, 1);
  /** @param {number} play */
  const at = (play) => `${((100 * play) / length).toFixed(2)}%`;
  /** @param {string} name @param {number} from @param {number} [to] @param {string} [title] */
  const piece = (name, from, to, title) => {
    const it = h("span", { class: name, title });
    it.style.left = at(from);
    if (to !== undefined) it.style.width = at(to - from);
    return it;
  };
  const fields = film.steps.map((step, i) =>
    piece("kvp-field", line.toPlay(step.t), i + 1 < film.steps.length ? line.toPlay(film.steps[i + 1].t) : line.length));
  const waits = line.waits.map((w) => piece("kvp-wait", w.from, w.to, fill(words.wait, { t: w.seconds.toFixed(0) })));
  const dots = line.frames.slice(1).map((t) => piece("kvp-dot", line.toPlay(t)));
  const slider = /** @type {HTMLInputElement} */ (h("input", { type: "range", class: "kvp-slider", min: "0", max: String(length), step: "1", value: "0",
                              "aria-label": words.time, oninput: () => onseek(line.toTime(Number(slider.value))) }));
  const track = h("div", { class: "kvp-track", "aria-hidden": "true" }, ...fields, ...waits, ...dots);
  /** @param {number} t */
  const show = (t) => {
    slider.value = String(line.toPlay(t));
  };
  /** @param {number} current @param {string} spoken */
  const mark = (current, spoken) => {
    fields.forEach((field, i) => field.classList.toggle("kvp-current", i === current));
    slider.setAttribute("aria-valuetext", spoken);
  };
  return { element: h("div", { class: "kvp-scrub" }, track, slider), slider, show, mark };
}

/** The keys, for all to see. @param {Words} words */
export function keyHelp(words) {
  /** @param {string} what @param {string[]} keys */
  const row = (what, ...keys) => h("span", {}, ...keys.flatMap((key) => [h("kbd", {}, key), " "]), what);
  return h("p", { class: "kvp-keys" }, h("b", {}, `${words.keys}: `), row(words.key_space, "Space"), row(words.key_change, "←", "→"),
           row(words.key_step, "↑", "↓"), row(words.key_ends, "Home", "End"));
}
