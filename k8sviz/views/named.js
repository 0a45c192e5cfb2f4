/*
 * JupyterLab puts pictures on the page without their alternative texts, its sliders without names, and what is too wide
 * where no key reaches it. Where a view of ours is on such a page, each gets the words that it carries itself: a
 * drawing those of its aria-label and desc, a chart the Description in its PNG, a slider the label beside it; and what
 * scrolls can be reached. Elsewhere this does nothing.
 */

/** What a drawing calls itself, and all that it says. */
function wordsOfSvg(source) {
  const root = new DOMParser().parseFromString(decodeURIComponent(source), "image/svg+xml").documentElement;
  return [root.getAttribute("aria-label"), root.querySelector(":scope > desc")?.textContent];
}

/** The Description of a PNG, which stands before the picture itself. */
function wordsOfPng(source) {
  const bytes = Uint8Array.from(atob(source.slice(0, 1 << 16)), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const latin = (part) => new TextDecoder("latin1").decode(part);
  for (let at = 8; at + 12 < bytes.length; at += 12 + view.getUint32(at)) {
    const kind = latin(bytes.subarray(at + 4, at + 8));
    if (kind === "IDAT") break;
    const body = bytes.subarray(at + 8, at + 8 + view.getUint32(at));
    const end = body.indexOf(0);
    if (latin(body.subarray(0, end)) !== "Description") continue;
    if (kind === "tEXt") return [latin(body.subarray(end + 1))];
    if (kind !== "iTXt") continue;
    const language = body.indexOf(0, end + 3); // two bytes, a language and a translated keyword come first
    return [new TextDecoder().decode(body.subarray(body.indexOf(0, language + 1) + 1))];
  }
  return [];
}

const READERS = { "data:image/svg+xml,": wordsOfSvg, "data:image/png;base64,": wordsOfPng };

/** Name what has no name yet, and let keys scroll what scrolls. */
function nameAll(looked) {
  for (const picture of document.querySelectorAll(".jp-OutputArea-output img:not([alt])")) {
    const start = Object.keys(READERS).find((one) => picture.src.startsWith(one));
    if (!start || looked.has(picture)) continue;
    looked.add(picture);
    const [name, more] = READERS[start](picture.src.slice(start.length));
    if (name) picture.alt = name;
    if (more) picture.setAttribute("aria-description", more);
  }
  for (const slider of document.querySelectorAll(".widget-slider [role=slider]:not([aria-label])")) {
    const label = slider.closest(".widget-slider").querySelector(".widget-label")?.textContent;
    if (label) slider.setAttribute("aria-label", label);
  }
  for (const output of document.querySelectorAll(":is(.jp-OutputArea-output, .jp-RenderedMarkdown):not([tabindex])")) {
    if (output.scrollWidth > output.clientWidth + 1) output.tabIndex = 0;
  }
}

/** Once a page, whichever view comes first. */
function keepNamed() {
  if (document.body?.dataset.jpThemeLight === undefined || window.k8svizNames) return;
  const looked = new WeakSet();
  let soon = 0;
  const again = () => {
    clearTimeout(soon);
    soon = setTimeout(nameAll, 100, looked);
  };
  window.k8svizNames = new MutationObserver(again);
  window.k8svizNames.observe(document.body, { childList: true, subtree: true });
  addEventListener("resize", again);
  again();
}
keepNamed();
