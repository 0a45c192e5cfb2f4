// What several views need. Python puts what a module imports before it (assets.py): a page loads one file.

export const SVG = "http://www.w3.org/2000/svg";

/**
 * An element with attributes and children; strings become text, never markup. A child undefined or empty is none.
 * @param {string} tag @param {Record<string, any>} attributes @param {(Node | string | undefined)[]} children
 * @returns {HTMLElement}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flatMap((child) => (child === undefined || child === "" ? [] : [child])));
  return element;
}

/** A sentence with its {facts} put in. @param {string} template @param {Record<string, any>} facts */
export function fill(template, facts = {}) {
  return template.replace(/\{(\w+)\}/g, (_, name) => String(facts[name] ?? ""));
}

/** Text whose pieces in `backticks` are set as code. @param {string} text */
export function prose(text) {
  return text.split("`").map((piece, i) => (i % 2 ? h("code", {}, piece) : piece));
}

/** What comes in a form that nobody reads by accident. @param {string} key */
export function unlock(key) {
  const bytes = Uint8Array.from(atob(key), (letter) => letter.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

/** The theme of the place we are in: JupyterLab's, VS Code's, a Sphinx site's, or what the system prefers. */
export function surroundings() {
  const jupyter = document.body.dataset.jpThemeLight;
  if (jupyter) return jupyter === "false" ? "dark" : "light";
  if (document.body.classList.contains("vscode-dark")) return "dark";
  if (document.body.classList.contains("vscode-light")) return "light";
  const site = document.documentElement.dataset.theme ?? document.body.dataset.theme;
  if (site === "dark" || site === "light") return site;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** Keep an element in the theme of its surroundings, or in another; returns how to stop. @param {HTMLElement} root @param {() => string} theme */
export function follow(root, theme = surroundings) {
  const set = () => {
    root.dataset.theme = theme();
  };
  const system = matchMedia("(prefers-color-scheme: dark)");
  const watch = new MutationObserver(set);
  for (const element of [document.documentElement, document.body]) {
    watch.observe(element, { attributes: true, attributeFilter: ["class", "data-jp-theme-light", "data-theme"] });
  }
  system.addEventListener("change", set);
  set();
  return () => {
    watch.disconnect();
    system.removeEventListener("change", set);
  };
}

/** Keep an element in the theme of its surroundings, until somebody chooses. @param {HTMLElement} root */
export function chosenTheme(root) {
  /** @type {"light" | "dark" | null} */
  let chosen = null;
  const stop = follow(root, () => chosen ?? surroundings());
  const toggle = () => {
    chosen = root.dataset.theme === "dark" ? "light" : "dark";
    root.dataset.theme = chosen;
  };
  return { toggle, stop };
}

/**
 * Keys belong to a view while it has the focus, not to the notebook around it, which would run or move cells; but for
 * those that `theirs` says are the notebook's.
 * @param {HTMLElement} root @param {(event: KeyboardEvent) => boolean} theirs
 */
export function ownKeys(root, theirs) {
  const own = (/** @type {Event} */ event) => {
    const leave = theirs(/** @type {KeyboardEvent} */ (event));
    root.toggleAttribute("data-lm-suppress-shortcuts", !leave);
    if (!leave) event.stopPropagation();
  };
  root.toggleAttribute("data-lm-suppress-shortcuts", true);
  for (const name of ["keydown", "keyup", "focusin"]) root.addEventListener(name, own);
}
