"""Builds the course's web site from the executed notebooks: `make site`.

It gathers the pages below one folder, laid out as the repository is, so that a link that works on GitHub works here:
`notebooks/` in the site's form, `docs/` as it stands, the start page, and a film of every lab as a file of its own.
Then Sphinx runs over it, and any warning is an error.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # `tools` is a folder of programs and no package that is installed

from k8sviz import play  # noqa: E402 - after the path is set
from k8sviz.render.palette import DARK, LIGHT  # noqa: E402
from k8sviz.render.svg import style  # noqa: E402
from k8sviz.show import film_page  # noqa: E402
from k8sviz.sources.labs import lab_names, load_lab  # noqa: E402
from k8sviz.views.page import save_page  # noqa: E402
from tools.links import Home, home  # noqa: E402
from tools.site_pages import Assets, SiteError, chapter, widget  # noqa: E402

__all__ = ["gather", "main"]

_FILM: Final = re.compile(r"^<!-- film: (?P<story>\S+) (?P<lab>\S+)(?: start=(?P<start>\S+))? -->$", re.MULTILINE)
_CHAPTERS: Final = "<!-- chapter cards -->"
_FILMS: Final = "<!-- films -->"
_HEAD: Final = (
    '<p class="kx-head"><a class="kx-button" href="{binder}">Run it in Binder</a>'
    '<a class="kx-plain" href="{source}">The notebook</a>'
    "<span>Films and questions on this page work as they are.</span></p>"
)


def gather(target: Path, where: Home) -> None:
    """Put together all that Sphinx reads."""
    assets = Assets()
    (target / "notebooks").mkdir(parents=True)
    for path in _notebooks():
        head = _HEAD.format(
            binder=escape(where.binder(path.name)), source=escape(where.source(f"notebooks/{path.name}"))
        )
        page = chapter(
            path.name, json.loads(path.read_text("utf-8")), assets, binder=where.binder(path.name), head=head
        )
        (target / "notebooks" / path.name).write_text(json.dumps(page), encoding="utf-8")
    _pages(target, assets, where)
    _films(target / "_extra" / "films")
    _statics(target / "_static", assets)
    shutil.copyfile(ROOT / "docs" / "conf.py", target / "conf.py")


def _notebooks() -> list[Path]:
    return sorted((ROOT / "notebooks").glob("*.ipynb"))


def _pages(target: Path, assets: Assets, where: Home) -> None:
    (target / "docs").mkdir()
    for path in sorted((ROOT / "docs").glob("*.md")):
        place = target if path.stem == "index" else target / "docs"
        (place / path.name).write_text(_page(path.read_text("utf-8"), assets, where), encoding="utf-8")


def _page(text: str, assets: Assets, where: Home) -> str:
    text = _FILM.sub(lambda found: _film(assets, **found.groupdict()), text)
    text = text.replace(_CHAPTERS, "".join(_cards())).replace(_FILMS, "\n".join(_film_list()))
    return text.replace("BINDER", where.binder()).replace("REPOSITORY", where.repository)


def _film(assets: Assets, story: str, lab: str, start: str | None) -> str:
    player = play(story, lab, start=start or 0.0)
    words = f"<p>{escape(player.title)}</p>{player.still}"
    return widget(assets, player.get_state(), words)


def _cards() -> Iterator[str]:
    """Each chapter as a card: its number, its name, what the notebook itself says of it."""
    yield '<ul class="kx-cards">'
    for path in _notebooks():
        cells = json.loads(path.read_text("utf-8"))["cells"]
        title = "".join(cells[0]["source"]).splitlines()[0].lstrip("# ")
        number, word = path.stem.split("-", 1)
        name, _, rest = title.rpartition("·")[2].strip().partition(":")
        label = "Start here" if number == "00" else f"Chapter {int(number)}"
        title, about = ("How the course works", name) if number == "00" else (name, rest.strip() or word)
        words = f"<span>{label}</span><b>{escape(title)}</b>{escape(about)}"
        yield f'<li><a href="notebooks/{path.stem}.html">{words}</a></li>'
    yield "</ul>"


def _film_list() -> Iterator[str]:
    number = ""
    for name in lab_names():
        if name[2:4] != number:
            number = name[2:4]
            yield f"\n## Chapter {int(number)}\n"
        yield f'- <a href="../films/{name}.html">{escape(load_lab(name).title)}</a>'


def _films(target: Path) -> None:
    target.mkdir(parents=True)
    for name in lab_names():
        save_page(film_page(name, None, None), target / f"{name}.html")


def _statics(target: Path, assets: Assets) -> None:
    shutil.copytree(ROOT / "docs" / "_static", target)
    (target / "pictures").mkdir()
    for name, data in assets.pictures.items():
        (target / "pictures" / name).write_bytes(data)
    (target / "widgets.js").write_text(assets.script(), encoding="utf-8")
    (target / "widgets.css").write_text(assets.css() + _drawings(), encoding="utf-8")


def _drawings() -> str:
    """The looks of drawings, which follow the page from light to dark."""
    dark = style(DARK, 'body[data-theme="dark"] .kx-drawing')
    system = style(DARK, 'body[data-theme="auto"] .kx-drawing')
    return f"\n{style(LIGHT, '.kx-drawing')}\n{dark}\n@media (prefers-color-scheme: dark) {{ {system} }}\n"


def main() -> int:
    """Build into build/site, or into the folder that is named; returns Sphinx's exit code."""
    target = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build" / "site").resolve()
    with tempfile.TemporaryDirectory(prefix="k8sviz-site-") as folder:
        try:
            gather(Path(folder) / "pages", home())
        except SiteError as error:
            print(error, file=sys.stderr)
            return 1
        shutil.rmtree(target, ignore_errors=True)
        command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
        command += ["-d", f"{folder}/doctrees", f"{folder}/pages", str(target)]
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
    if code == 0:
        print(f"open {target / 'index.html'}")
    return code


if __name__ == "__main__":
    sys.exit(main())
