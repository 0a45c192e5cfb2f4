/*
 * An exercise: the task, a place to write the answer, and what the check said. Hints and the solution come with it and
 * need no kernel; the check asks the kernel, and says so when nobody answers. All text is put on the page as text.
 *
 * A notebook calls `render` (anywidget); a test's page calls `mount` with an `ask` of its own.
 */

import { fill, follow, h, ownKeys, prose, unlock } from "./common.js";
import "./named.js";

/**
 * @typedef {Record<string, string>} Words
 * @typedef {{line: number, field: string, text: string, error: boolean}} Finding
 * @typedef {{want: string, state: "yes" | "no" | "open", said: string}} Goal
 * @typedef {{solved: boolean, lesson: string, message: string, findings: Finding[], goals: Goal[], hint?: string,
 *            note?: string}} Verdict
 */

const PATIENCE = 8000; // milliseconds to wait for the kernel; a check takes a few
const EDITING = new Set(["enter", "a", "c", "v", "x", "z", "y", "home", "end", "control", "meta"]);

/**
 * What anywidget calls for each place that shows the exercise. All of them show the same text and the same verdict.
 * @param {{model: any, el: HTMLElement}} place
 */
function render({ model, el }) {
  const view = mount(el, model.get("content"), {
    answer: model.get("answer"),
    verdict: model.get("verdict"),
    hints: model.get("hints_shown"),
    keep(changes) {
      for (const [name, value] of Object.entries(changes)) model.set(name, value);
      try {
        model.save_changes();
      } catch {
        // without a kernel there is nobody to keep it
      }
    },
    // a state and no message: it is kept until a kernel that is busy or not yet ready has time for it
    ask(text) {
      model.set("asked", { text, count: (model.get("asked").count ?? 0) + 1 });
      model.save_changes();
    },
  });
  const listen = {
    "change:verdict": () => view.judge(model.get("verdict")),
    "change:answer": () => view.write(model.get("answer")),
    "change:hints_shown": () => view.hint(model.get("hints_shown")),
  };
  for (const [name, heard] of Object.entries(listen)) model.on(name, heard);
  return () => {
    for (const [name, heard] of Object.entries(listen)) model.off(name, heard);
    view.destroy();
  };
}
export default { render };

// -- the editor ---------------------------------------------------------------------------------------------------

/** Replace what is selected, so that the browser's own undo knows of it. @param {HTMLTextAreaElement} area @param {string} text */
function insert(area, text) {
  if (!document.execCommand?.("insertText", false, text)) {
    area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

/** The start of the line that a position is in. @param {string} text @param {number} position */
const lineStart = (text, position) => text.lastIndexOf("\n", position - 1) + 1;

/** Two spaces more or fewer before the selected lines. @param {HTMLTextAreaElement} area @param {boolean} deeper */
function indent(area, deeper) {
  const { value, selectionStart: from, selectionEnd: to } = area;
  if (deeper && from === to) {
    insert(area, "  ");
    return;
  }
  const start = lineStart(value, from);
  const block = value.slice(start, to);
  const moved = deeper ? block.replace(/^/gm, "  ") : block.replace(/^ {1,2}/gm, "");
  if (moved === block) return;
  area.setSelectionRange(start, to);
  insert(area, moved);
  const begin = from === to ? Math.max(start, from + moved.length - block.length) : start;
  area.setSelectionRange(begin, start + moved.length);
}

/** A new line as deep as this one. @param {HTMLTextAreaElement} area */
function newline(area) {
  const before = area.value.slice(lineStart(area.value, area.selectionStart), area.selectionStart);
  insert(area, `\n${(/^ *(- +)?/.exec(before)?.[0] ?? "").replace("-", " ")}`);
}

/**
 * A text area with line numbers. `mark` shows which lines have a problem.
 * @param {string} text @param {Words} words @param {{check: () => void, input: (text: string) => void}} on
 */
function editor(text, words, on) {
  const id = `kvx-${Math.random().toString(36).slice(2)}`;
  const gutter = h("div", { class: "kvx-gutter", "aria-hidden": "true" });
  const area = /** @type {HTMLTextAreaElement} */ (h("textarea", {
    class: "kvx-area", id, spellcheck: "false", autocapitalize: "off", autocomplete: "off", autocorrect: "off",
    wrap: "off", "aria-describedby": `${id}-help`,
  }));
  /** @type {Record<number, string>} */
  let bad = {};
  let free = false; // after Escape, Tab leaves the field
  const number = () => {
    const count = area.value.split("\n").length;
    area.rows = Math.min(Math.max(count + 1, 6), 34);
    gutter.replaceChildren(...Array.from({ length: count }, (_, i) =>
      h("div", { class: bad[i + 1] ? "kvx-bad" : undefined, title: bad[i + 1] }, bad[i + 1] ? `✗ ${i + 1}` : `${i + 1}`)));
    gutter.scrollTop = area.scrollTop;
  };
  const write = (/** @type {string} */ value) => {
    if (area.value === value) return;
    area.value = value;
    number();
  };
  const mark = (/** @type {Record<number, string>} */ lines) => {
    bad = lines;
    number();
  };
  const keys = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      on.check();
    } else if (event.key === "Escape") free = true;
    else if (event.key === "Tab" && !free && !event.ctrlKey && !event.altKey && !event.metaKey) {
      event.preventDefault();
      indent(area, !event.shiftKey);
    } else if (event.key === "Enter" && !event.shiftKey && !event.altKey && !event.isComposing) {
      event.preventDefault();
      newline(area);
    } else if (event.key !== "Tab" && event.key !== "Shift") free = false;
  };
  area.addEventListener("keydown", keys);
  area.addEventListener("blur", () => {
    free = false;
  });
  area.addEventListener("scroll", () => {
    gutter.scrollTop = area.scrollTop;
  });
  area.addEventListener("input", () => {
    number();
    on.input(area.value);
  });
  /** Put the cursor on a line. @param {number} line */
  const go = (line) => {
    const start = area.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    area.focus();
    area.setSelectionRange(start, area.value.indexOf("\n", start) < 0 ? area.value.length : area.value.indexOf("\n", start));
  };
  const element = h("div", { class: "kvx-editor" },
    h("label", { class: "kvx-label", for: id }, words.editor),
    h("div", { class: "kvx-paper" }, gutter, area),
    h("p", { class: "kvx-soft kvx-help", id: `${id}-help` }, words.editor_help));
  write(text);
  number();
  return { element, area, write, mark, go };
}

// -- what was found -----------------------------------------------------------------------------------------------

const MARKS = { yes: "✓", no: "✗", open: "·" };

/** @param {Goal[]} list @param {Words} words */
function goals(list, words) {
  return h("ul", { class: "kvx-goals" }, ...list.map(({ want, state, said }) =>
    h("li", { "data-state": state },
      h("span", { class: "kvx-mark", role: "img", "aria-label": words[`goal_${state}`] }, MARKS[state]),
      h("div", {}, h("span", {}, ...prose(want)), ...(said ? [h("div", { class: "kvx-said" }, said)] : [])))));
}

/** @param {Finding[]} list @param {Words} words @param {(line: number) => void} go */
function findings(list, words, go) {
  return h("ul", { class: "kvx-findings" }, ...list.map(({ line, field, text, error }) =>
    h("li", { "data-error": String(error) },
      h("button", { type: "button", class: "kvx-line", onclick: () => go(line) }, fill(words.line, { line })),
      h("div", {}, ...(field ? [h("code", {}, field), " "] : []), ...(error ? [] : [`${words.warning} `]), ...prose(text)))));
}

/**
 * The panel below the buttons: the verdict's head, what is wrong line by line, the goals, the hint.
 * @param {Verdict} it @param {Words} words @param {(line: number) => void} go
 */
function verdict(it, words, go) {
  const head = it.solved ? words.solved : words.not_yet;
  return [
    h("p", { class: "kvx-head" }, h("b", { class: "kvx-verdict" }, head), " ", ...prose(it.solved ? it.lesson : it.message)),
    ...(it.findings.length ? [findings(it.findings, words, go)] : []),
    ...(it.goals.length ? [goals(it.goals, words)] : []),
    ...(it.hint ? [h("p", { class: "kvx-advice" }, ...prose(it.hint))] : []),
    ...(it.note ? [h("p", { class: "kvx-soft" }, it.note)] : []),
  ];
}

// -- all of it ----------------------------------------------------------------------------------------------------

/**
 * Put an exercise into an element. `options.ask(text)` asks for a verdict, which comes by `judge`; `options.keep` is
 * told what changed. Returns `judge`, `write`, `hint` and `destroy`.
 * @param {HTMLElement} el @param {any} content
 * @param {{answer?: string, verdict?: Verdict, hints?: number, keep?: (changes: Record<string, any>) => void,
 *          ask?: (text: string) => unknown}} options
 */
export function mount(el, content, options = {}) {
  const { words } = content;
  /** @type {{hints: string[], solution: string}} */
  const secret = unlock(content.key);
  const keep = (/** @type {Record<string, any>} */ changes) => options.keep?.(changes);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  let shown = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let typing;

  const result = h("div", { class: "kvx-result", role: "status", "aria-live": "polite" });
  const hints = h("ol", { class: "kvx-hints", hidden: true, "aria-live": "polite" });
  const solution = h("div", { class: "kvx-solution", hidden: true }, h("pre", { tabindex: "0" }, secret.solution));

  const settle = () => {
    clearTimeout(waiting);
    check.disabled = false;
    check.textContent = words.check;
  };
  const tell = (/** @type {string} */ text) => {
    result.dataset.state = "";
    result.replaceChildren(h("p", { class: "kvx-soft" }, text));
  };
  const judge = (/** @type {Verdict | undefined} */ it) => {
    settle();
    if (!it?.goals) {
      result.replaceChildren();
      return;
    }
    result.dataset.state = it.solved ? "solved" : "open";
    root.dataset.solved = String(it.solved);
    paper.mark(Object.fromEntries(it.findings.filter((f) => f.error).map((f) => [f.line, f.text])));
    result.replaceChildren(...verdict(it, words, paper.go));
  };
  const ask = async () => {
    if (check.disabled) return;
    clearTimeout(typing);
    check.disabled = true;
    check.textContent = words.checking;
    waiting = setTimeout(() => {
      settle();
      tell(words.no_answer);
    }, content.patience ?? PATIENCE);
    try {
      await options.ask?.(paper.area.value);
    } catch {
      settle();
      tell(words.no_answer);
    }
  };
  const forget = () => {
    settle();
    root.removeAttribute("data-solved");
    result.dataset.state = "";
    result.replaceChildren();
    paper.mark({});
    hint(0);
    if (!solution.hidden) reveal();
    keep({ verdict: {}, hints_shown: 0 });
  };
  const hint = (/** @type {number} */ count) => {
    shown = Math.min(count, secret.hints.length);
    hints.replaceChildren(...secret.hints.slice(0, shown).map((text) => h("li", {}, ...prose(text))));
    hints.hidden = shown === 0;
    more.disabled = shown === secret.hints.length;
    more.textContent = shown === 0 ? words.hint : more.disabled ? words.no_more_hints : words.more_hints;
  };
  const reveal = () => {
    solution.hidden = !solution.hidden;
    show.setAttribute("aria-expanded", String(!solution.hidden));
    show.textContent = solution.hidden ? words.solution : words.hide_solution;
  };

  const paper = editor(options.answer ?? content.start, words, {
    check: ask,
    // what people type is kept when they pause
    input(text) {
      clearTimeout(typing);
      typing = setTimeout(() => keep({ answer: text }), 400);
    },
  });
  const button = (/** @type {string} */ text, /** @type {() => void} */ click, extra = {}) => /** @type {HTMLButtonElement} */ (
    h("button", { type: "button", class: "kvx-button", onclick: click, ...extra }, text));
  const check = button(words.check, ask, { class: "kvx-check" });
  const more = button(words.hint, () => {
    hint(shown + 1);
    keep({ hints_shown: shown });
  });
  const show = button(words.solution, reveal, { "aria-expanded": "false" });
  const reset = button(words.reset, () => {
    paper.area.focus();
    paper.area.select();
    insert(paper.area, content.start);
    paper.area.setSelectionRange(0, 0);
    paper.area.scrollTop = 0;
    forget();
  });

  const given = content.given
    ? [h("details", { class: "kvx-given", open: true }, h("summary", {}, words.given), h("pre", { tabindex: "0" }, content.given))]
    : [];
  const root = h("section", { class: "kvx", "data-exercise": content.id, "aria-label": `${words.kind}: ${content.title}` },
    h("p", { class: "kvx-kind" }, `${words.kind} · ${words[content.level]}`, ...(content.done ? [` · ✓ ${words.done_before}`] : [])),
    h("p", { class: "kvx-title" }, content.title),
    ...content.task.map((/** @type {string} */ text) => h("p", {}, ...prose(text))),
    h("ul", { class: "kvx-wanted", "aria-label": words.goals }, ...content.goals.map((/** @type {string} */ text) => h("li", {}, ...prose(text)))),
    ...given, paper.element,
    h("div", { class: "kvx-buttons" }, check, more, show, reset),
    result, hints, solution);
  // saving and the other commands with Ctrl or Meta are the notebook's, but for those that edit text or check
  ownKeys(root, (event) => Boolean((event.ctrlKey || event.metaKey) && event.key && !EDITING.has(event.key.toLowerCase())
    && !event.key.startsWith("Arrow")));
  const stop = follow(root);
  hint(options.hints ?? 0);
  if (options.verdict?.goals) judge(options.verdict);
  el.append(root);
  return {
    judge,
    hint,
    write: (/** @type {string} */ text) => document.activeElement !== paper.area && paper.write(text),
    destroy() {
      clearTimeout(waiting);
      clearTimeout(typing);
      stop();
      root.remove();
    },
  };
}
