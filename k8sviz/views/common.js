// What several views need. Python puts this text before a view's own: there is no build step and no second file to load.

/** An element with attributes and children; strings become text, never markup. A child undefined or empty is none. */
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== undefined && child !== ""));
  return element;
}

/** Text whose pieces in `backticks` are set as code. */
function prose(text) {
  return text.split("`").map((piece, i) => (i % 2 ? h("code", {}, piece) : piece));
}

/** What comes in a form that nobody reads by accident. */
function unlock(key) {
  const bytes = Uint8Array.from(atob(key), (letter) => letter.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

/** The theme of the place we are in: JupyterLab's, VS Code's, a Sphinx site's, or what the system prefers. */
function surroundings() {
  const jupyter = document.body.dataset.jpThemeLight;
  if (jupyter) return jupyter === "false" ? "dark" : "light";
  if (document.body.classList.contains("vscode-dark")) return "dark";
  if (document.body.classList.contains("vscode-light")) return "light";
  const site = document.documentElement.dataset.theme ?? document.body.dataset.theme;
  if (site === "dark" || site === "light") return site;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** Keep an element in the theme of its surroundings, or in another; returns how to stop. */
function follow(root, theme = surroundings) {
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
