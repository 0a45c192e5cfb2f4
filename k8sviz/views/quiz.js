/*
 * Asks one question: pick an answer, check it, read why. It needs no kernel: the key comes with the question, in a
 * form that nobody reads by accident. All text is put on the page as text, never as markup.
 *
 * One module serves both places: a notebook calls `render` (anywidget), a stand-alone page calls `mount`.
 */

const LETTERS = "ABCDE";
let questions = 0; // gives each question on a page ids of its own

/** What anywidget calls for each place that shows the question. All of them show the same answer. */
function render({ model, el }) {
  const keep = (tried) => {
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

/**
 * Arrows and Enter belong to the question while it has the focus, not to the notebook around it, which would move to
 * another cell. With Shift, Ctrl, Alt or Meta held they are the notebook's again: Shift+Enter runs the next cell.
 */
function ownKeys(root) {
  const own = (event) => {
    const theirs = event.shiftKey || event.ctrlKey || event.altKey || event.metaKey;
    root.toggleAttribute("data-lm-suppress-shortcuts", !theirs);
    if (!theirs) event.stopPropagation();
  };
  root.toggleAttribute("data-lm-suppress-shortcuts", true);
  for (const name of ["keydown", "keyup", "focusin"]) root.addEventListener(name, own);
}

// -- parts --------------------------------------------------------------------------------------------------------

/** One answer to pick: a native radio button, its letter, its text, and the mark that it gets when it was checked. */
function choice(text, place, group, words) {
  const input = h("input", { type: "radio", name: group, value: String(place), class: "kvq-radio" });
  const mark = h("span", { class: "kvq-mark" });
  const letter = h("span", { class: "kvq-letter", "aria-hidden": "true" }, LETTERS[place]);
  const label = h("label", { class: "kvq-option" }, input, letter, h("span", { class: "kvq-text" }, ...prose(text)), mark);
  const show = (state) => {
    label.dataset.state = state;
    mark.textContent = { right: "✓", wrong: "✗" }[state] ?? "";
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

/** What the other answers would have taught. */
function others(options, key, words) {
  const rows = options.map((text, i) => [text, i]).filter(([, i]) => i !== key.right).map(([text, i]) =>
    h("li", {}, h("span", { class: "kvq-letter", "aria-hidden": "true" }, LETTERS[i]),
      h("span", { class: "kvq-text" }, h("span", { class: "kvq-soft" }, ...prose(text)), " ", ...prose(key.why[i]))));
  return h("details", { class: "kvq-others", hidden: true }, h("summary", {}, words.others), h("ul", {}, ...rows));
}

// -- all of it ----------------------------------------------------------------------------------------------------

/**
 * Put a question into an element. `options.tried` are the places of answers checked before, `options.keep` is told
 * when there is a new one. Returns `show(tried)` and `destroy()`.
 */
export function mount(el, content, options = {}) {
  const { words } = content;
  const key = unlock(content.key);
  const group = `kvq-${++questions}-${Math.random().toString(36).slice(2)}`;
  const choices = content.options.map((text, i) => choice(text, i, group, words));
  const more = others(content.options, key, words);
  const said = h("div", { class: "kvq-said", role: "status", "aria-live": "polite" });
  const button = h("button", { type: "submit", class: "kvq-check" }, words.check);
  let tried = [];

  const chosen = () => choices.findIndex(({ input }) => input.checked);
  const say = (state, head, text) => {
    said.dataset.state = state;
    said.replaceChildren(...(head ? [h("b", { class: "kvq-verdict" }, head), " "] : []), ...prose(text));
  };
  const tell = (place) => {
    const right = place === key.right;
    say(right ? "right" : "wrong", right ? words.right : words.wrong, key.why[place]);
  };
  const show = (now) => {
    tried = [...now];
    choices.forEach(({ show: mark }, i) => mark(tried.includes(i) ? (i === key.right ? "right" : "wrong") : ""));
    const solved = tried.includes(key.right);
    root.dataset.solved = String(solved);
    more.hidden = !solved;
    if (!tried.length) return say("", "", "");
    choices[tried.at(-1)].input.checked = true;
    tell(tried.at(-1));
  };
  const check = (event) => {
    event.preventDefault();
    const place = chosen();
    if (place < 0) return say("", "", words.choose);
    show([...tried.filter((other) => other !== place), place]);
    options.keep?.(tried);
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
  ownKeys(root);
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
