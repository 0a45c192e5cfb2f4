/*
 * Shows what the containers of a Pod get: choose a container, filter the rows. It needs no kernel, and all text is put
 * on the page as text, never as markup.
 */

import { fill, follow, h } from "./common.js";
import "./named.js";

/**
 * @typedef {{title: string, columns: string[], rows: string[][], levels: string[]}} Table
 * @typedef {{name: string, head: string, problems: string[], notes: string[], tables: Table[]}} Container
 */

/** What anywidget calls for each place that shows the inspector. @param {{model: any, el: HTMLElement}} place */
function render({ model, el }) {
  return mount(el, model.get("content"));
}
export default { render };

/** @type {Record<string, string>} */
const MARKS = { seen: "✓", either: "◔" };

/**
 * One table; `narrow(words)` hides the rows that do not hold all words and returns how many are left.
 * @param {Table} given
 */
function table({ title, columns, rows, levels }) {
  const lines = rows.map((row, i) => {
    const [first, ...rest] = row;
    const cells = rest.map((cell, j) => {
      const mark = j === rest.length - 1 && MARKS[levels[i]];
      const parts = mark ? [h("span", { "aria-hidden": "true" }, `${mark} `), cell] : [cell];
      return h("td", { "data-column": columns[j + 1] }, ...parts);
    });
    return h("tr", { class: levels[i] ? `kvi-${levels[i]}` : undefined }, h("th", { scope: "row" }, first), ...cells);
  });
  const head = h("tr", {}, ...columns.map((name) => h("th", { scope: "col" }, name)));
  const element = h("table", {}, h("caption", {}, title), h("thead", {}, head), h("tbody", {}, ...lines));
  const narrow = (/** @type {string[]} */ words) => {
    let shown = 0;
    rows.forEach((row, i) => {
      const text = row.join(" ").toLowerCase();
      const fits = words.every((word) => text.includes(word));
      lines[i].hidden = !fits;
      shown += fits ? 1 : 0;
    });
    element.hidden = shown === 0;
    return shown;
  };
  return { element, narrow, size: rows.length };
}

/** @param {HTMLElement} el @param {{words: Record<string, string>, containers: Container[]}} content */
export function mount(el, content) {
  const { words, containers } = content;
  const id = `kvi-${Math.random().toString(36).slice(2)}`;
  const panels = containers.map(({ name, head, problems, notes, tables }) => {
    const made = tables.map(table);
    const element = h("div", { class: "kvi-panel", hidden: true, tabindex: "0" },
      h("p", { class: "kvi-head" }, head),
      ...(problems.length ? [h("ul", { class: "kvi-problems" }, ...problems.map((line) => h("li", {}, line)))] : []),
      ...made.map((one) => one.element),
      ...notes.map((line) => h("p", { class: "kvi-note" }, line)));
    return { name, element, made };
  });
  const count = h("span", { class: "kvi-count", role: "status", "aria-live": "polite" });
  const update = () => {
    const asked = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    panels.forEach(({ element, made }, i) => {
      const chosen = panels.length < 2 || String(i) === choose.value;
      element.hidden = !chosen;
      if (!chosen) return;
      const shown = made.reduce((sum, one) => sum + one.narrow(asked), 0);
      const all = made.reduce((sum, one) => sum + one.size, 0);
      count.textContent = shown ? fill(words.count, { shown, all }) : words.empty;
    });
  };
  const choose = /** @type {HTMLSelectElement} */ (h("select", { id: `${id}-c`, onchange: update },
    ...panels.map(({ name }, i) => h("option", { value: String(i) }, name))));
  const filter = /** @type {HTMLInputElement} */ (
    h("input", { id: `${id}-f`, type: "search", placeholder: words["filter-hint"], oninput: update }));
  const picker = panels.length > 1 ? [h("label", { for: `${id}-c` }, words.container), choose] : [];
  const bar = h("div", { class: "kvi-bar" }, ...picker, h("label", { for: `${id}-f` }, words.filter), filter, count);
  const root = h("section", { class: "kvi" }, bar, ...panels.map(({ element }) => element));
  // typing belongs to the filter, not to the notebook's shortcuts
  root.setAttribute("data-lm-suppress-shortcuts", "true");
  for (const name of ["keydown", "keyup"]) bar.addEventListener(name, (event) => event.stopPropagation());
  const stop = follow(root);
  update();
  el.append(root);
  return () => {
    stop();
    root.remove();
  };
}
