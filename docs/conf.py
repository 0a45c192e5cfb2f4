"""How Sphinx makes the web site. `make site` gathers its pages first: see tools/make_site.py."""

from k8sviz import __version__

project = "k8sviz"
author = "the k8sviz authors"
copyright = "the k8sviz authors. Texts: CC BY 4.0; code: MIT"  # noqa: A001 - Sphinx's name for it
version = release = __version__
language = "en"

extensions = ["myst_nb", "sphinx_copybutton"]
exclude_patterns = ["**.ipynb_checkpoints"]
myst_heading_anchors = 4
myst_heading_slug_func = "tools.site_pages.slug"
nb_execution_mode = "off"  # the notebooks carry their outputs
nb_merge_streams = True
copybutton_selector = "div.cell_input pre, div.highlight-console pre, div.highlight-sh pre"
copybutton_exclude = ".linenos, .gp, .go"

html_theme = "furo"
html_title = "k8sviz"
html_static_path = ["_static"]
html_extra_path = ["_extra"]
html_css_files = ["widgets.css", "site.css"]
html_js_files = [("widgets.js", {"defer": "defer"}), ("site.js", {"defer": "defer"})]
html_copy_source = html_show_sourcelink = False
html_last_updated_fmt = ""
_SANS = "system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, 'Noto Sans', 'Noto Sans CJK SC', sans-serif"
html_theme_options = {
    "light_css_variables": {
        "font-stack": _SANS,
        "color-brand-primary": "#00639c",
        "color-brand-content": "#00639c",
        "color-foreground-muted": "#565e69",
        "color-background-secondary": "#f7f8fa",
    },
    "dark_css_variables": {
        "color-brand-primary": "#56b4e9",
        "color-brand-content": "#7cc4ee",
        "color-foreground-muted": "#b4bcc7",
        "color-background-primary": "#15181d",
        "color-background-secondary": "#1a1e24",
    },
    "footer_icons": [],
}


def _captions(app, page, template, context, doctree):  # noqa: ARG001 - Sphinx's five
    """A heading needs a level, which Sphinx leaves out in the list of chapters."""
    if "furo_navigation_tree" in context:
        context["furo_navigation_tree"] = context["furo_navigation_tree"].replace(
            'role="heading"', 'role="heading" aria-level="2"'
        )


def setup(app):
    """After the theme has made its tree."""
    app.connect("html-page-context", _captions, priority=900)
