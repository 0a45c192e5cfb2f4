/*
 * Asks one question: pick an answer, check it, read why. It needs no kernel: the key comes with the question, in a
 * form that nobody reads by accident. All text is put on the page as text, never as markup.
 *
 * One module serves both places: a notebook calls `render` (anywidget), a stand-alone page calls `mount`.
 */

import { follow, h, ownKeys, prose, unlock } from "./common.js";
import "./named.js";

/**
 * @typedef {Record<string, string>} Words
 * @typedef {{right: number, why: string[]}} Key
 * @typedef {{id: string, kind: string, prompt: string, code?: string, options: string[], key: string, words: Words}} Content
 */

const LETTERS = "ABCDE";
let questions = 0; // gives each question on a page ids of its own

/**
 * What anywidget calls for each place that shows the question. All of them show the same answer.
 * @param {{model: any, el: HTMLElement}} place
 */
function render({ model, el }) {
  const keep = (/** @type {number[]} */ tried) => {
    model.set("tried", tried);
    model.save_changes();
  };
  const view = mount(el, model.get("content"), { tried: model.get("tried"), keep });
  const show = () => view.show(model.get("tried"));
  model.on("change:tried", show);
  return () => {
    model.off("change:tried", show);
    view.destroy();
  };
}
export default { render };

// -- parts --------------------------------------------------------------------------------------------------------

/**
 * One answer to pick: a native radio button, its letter, its text, and the mark that it gets when it was checked.
 * @param {string} text @param {number} place @param {string} group @param {Words} words
 */
function choice(text, place, group, words) {
  const input = /** @type {HTMLInputElement} */ (
    h("input", { type: "radio", name: group, value: String(place), class: "kvq-radio" }));
  const mark = h("span", { class: "kvq-mark" });
  const letter = h("span", { class: "kvq-letter", "aria-hidden": "true" }, LETTERS[place]);
  const label = h("label", { class: "kvq-option" }, input, letter, h("span", { class: "kvq-text" }, ...prose(text)), mark);
  const show = (/** @type {"" | "right" | "wrong"} */ state) => {
    label.dataset.state = state;
    mark.textContent = { right: "✓", wrong: "✗", "": "" }[state];
    // an image without a name is worse than none
    if (state) {
      mark.setAttribute("role", "img");
      mark.setAttribute("aria-label", state === "right" ? words.mark_right : words.mark_wrong);
    } else {
      for (const name of ["role", "aria-label"]) mark.removeAttribute(name);
    }
  };
  return { label, input, show };
}

/** What the other answers would have taught. @param {string[]} options @param {Key} key @param {Words} words */
function others(options, key, words) {
  const rows = options.flatMap((text, i) => (i === key.right ? [] : [{ text, i }])).map(({ text, i }) =>
    h("li", {}, h("span", { class: "kvq-letter", "aria-hidden": "true" }, LETTERS[i]),
      h("span", { class: "kvq-text" }, h("span", { class: "kvq-soft" }, ...prose(text)), " ", ...prose(key.why[i]))));
  return h("details", { class: "kvq-others", hidden: true }, h("summary", {}, words.others), h("ul", {}, ...rows));
}

// -- all of it ----------------------------------------------------------------------------------------------------

/**
 * Put a question into an element. `options.tried` are the places of answers checked before, `options.keep` is told
 * when there is a new one. Returns `show(tried)` and `destroy()`.
 * @param {HTMLElement} el @param {Content} content
 * @param {{tried?: number[], keep?: (tried: number[]) => void}} options
 */
export function mount(el, content, options = {}) {
  const { words } = content;
  /** @type {Key} */
  const key = unlock(content.key);
  const group = `kvq-${++questions}-${Math.random().toString(36).slice(2)}`;
  const choices = content.options.map((text, i) => choice(text, i, group, words));
  const more = others(content.options, key, words);
  const said = h("div", { class: "kvq-said", role: "status", "aria-live": "polite" });
  const button = h("button", { type: "submit", class: "kvq-check" }, words.check);
  /** @type {number[]} */
  let tried = [];

  const chosen = () => choices.findIndex(({ input }) => input.checked);
  const say = (/** @type {string} */ state, /** @type {string} */ head, /** @type {string} */ text) => {
    said.dataset.state = state;
    said.replaceChildren(...(head ? [h("b", { class: "kvq-verdict" }, head), " "] : []), ...prose(text));
  };
  const tell = (/** @type {number} */ place) => {
    const right = place === key.right;
    say(right ? "right" : "wrong", right ? words.right : words.wrong, key.why[place]);
  };
  const show = (/** @type {number[]} */ now) => {
    tried = [...now];
    choices.forEach(({ show: mark }, i) => mark(tried.includes(i) ? (i === key.right ? "right" : "wrong") : ""));
    const solved = tried.includes(key.right);
    root.dataset.solved = String(solved);
    more.hidden = !solved;
    if (!tried.length) {
      say("", "", "");
      return;
    }
    const last = tried[tried.length - 1];
    choices[last].input.checked = true;
    tell(last);
  };
  const check = (/** @type {Event} */ event) => {
    event.preventDefault();
    const place = chosen();
    if (place < 0) say("", "", words.choose);
    else {
      show([...tried.filter((other) => other !== place), place]);
      options.keep?.(tried);
    }
  };
  // another answer is picked: what was said belongs to the one before
  const pick = () => {
    const place = chosen();
    if (tried.includes(place)) tell(place);
    else say("", "", tried.length && !tried.includes(key.right) ? words.again : "");
  };

  const question = h("legend", { class: "kvq-legend" }, h("span", { class: "kvq-kind" }, words[content.kind]),
                     h("span", { class: "kvq-prompt" }, ...prose(content.prompt)));
  const code = content.code ? [h("pre", { class: "kvq-code", tabindex: "0" }, content.code)] : [];
  const list = h("div", { class: "kvq-options", onchange: pick }, ...choices.map(({ label }) => label));
  const form = h("form", { onsubmit: check, novalidate: true },
                 h("fieldset", {}, question, ...code, list),
                 h("div", { class: "kvq-answer" }, button, said));
  const root = h("section", { class: "kvq", "data-question": content.id }, form, more);
  // with Shift, Ctrl, Alt or Meta held keys are the notebook's: Shift+Enter runs the next cell
  ownKeys(root, (event) => event.shiftKey || event.ctrlKey || event.altKey || event.metaKey);
  const stop = follow(root);
  show(options.tried ?? []);
  el.append(root);
  return {
    show,
    destroy() {
      stop();
      root.remove();
    },
  };
}
