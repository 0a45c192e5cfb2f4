"""Every address that depends on where the project lives, made from the one place that says so: `make links`.

That place is `repository` (and `branch`) below `[tool.k8sviz]` in pyproject.toml. Links to Binder, Colab and nbviewer
in the README, the pages and the notebooks are rewritten from it, and so are the tables between
`<!-- chapters -->` and `<!-- /chapters -->`.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["CHAPTERS", "Home", "chapters_table", "files", "fill", "home", "main"]

ROOT: Final = Path(__file__).resolve().parents[1]
# which notebooks the course has, and what one can do after each; a link is made only to those that are there
CHAPTERS: Final = {
    "00-start": "know how the course works, and whether you are ready for it",
    "06-volumes": "choose storage, follow a mount to the disk, say which volume a claim gets and why others wait",
    "07-configuration": "follow every key into the program, and say what a later change of it reaches",
    "08-pod-metadata-and-api": "tell a program about its own Pod, and let it ask the API server with few rights",
    "09-deployments": "read a rollout as it happens, choose `maxSurge` and `maxUnavailable`, stop a bad version",
    "10-statefulsets": "give each replica a name and a disk, predict the order, handle a node that fell silent",
}
_TABLE: Final = re.compile(r"(<!-- chapters -->\n).*?(<!-- /chapters -->)", re.DOTALL)


class Home(NamedTuple):
    """Where the project lives."""

    repository: str  # https://github.com/OWNER/k8sviz
    branch: str

    @property
    def slug(self) -> str:
        """OWNER/k8sviz."""
        return "/".join(self.repository.rstrip("/").split("/")[-2:])

    @property
    def site(self) -> str:
        """Where GitHub Pages serves the web site."""
        owner, name = self.slug.split("/")
        return f"https://{owner.lower()}.github.io/{name}/"

    def binder(self, notebook: str = "00-start.ipynb") -> str:
        """The address that opens a notebook in JupyterLab on mybinder.org."""
        return f"https://mybinder.org/v2/gh/{self.slug}/{self.branch}?urlpath=lab/tree/notebooks/{notebook}"

    def source(self, path: str) -> str:
        """A file's page at the repository."""
        return f"{self.repository}/blob/{self.branch}/{path}"


def home(root: Path = ROOT) -> Home:
    """What pyproject.toml says."""
    table = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["k8sviz"]
    return Home(table["repository"], table["branch"])


def fill(text: str, where: Home) -> str:
    """The text with every link made anew.

    >>> fill("https://mybinder.org/v2/gh/a/b/old?urlpath=lab", Home("https://github.com/me/mine", "main"))
    'https://mybinder.org/v2/gh/me/mine/main?urlpath=lab'
    """
    part = r"[\w.-]+"
    text = re.sub(rf"(https://mybinder\.org/v2/gh/){part}/{part}/{part}", rf"\g<1>{where.slug}/{where.branch}", text)
    for front in (r"https://nbviewer\.org/github/", r"https://colab\.research\.google\.com/github/"):
        text = re.sub(rf"({front}){part}/{part}/blob/{part}", rf"\g<1>{where.slug}/blob/{where.branch}", text)
    return _TABLE.sub(lambda found: found[1] + chapters_table(where) + found[2], text)


def chapters_table(where: Home, root: Path = ROOT) -> str:
    """The chapters that are there, each with its notebook and its Binder link."""
    rows = ["| chapter | what you can do afterwards | run it |", "|---|---|---|"]
    for name, able in CHAPTERS.items():
        if (root / "notebooks" / f"{name}.ipynb").is_file():
            number, _, word = name.partition("-")
            link = f"[{number} {word.replace('-', ' ')}](notebooks/{name}.ipynb)"
            rows.append(f"| {link} | {able} | [Binder]({where.binder(f'{name}.ipynb')}) |")
    return "\n".join(rows) + "\n"


def files(root: Path = ROOT) -> Iterator[Path]:
    """All files that may hold such links."""
    yield root / "README.md"
    yield from sorted((root / "docs").glob("*.md"))
    yield root / "binder" / "README.md"
    yield from sorted((root / "notebooks").glob("*.ipynb"))


def main() -> int:
    """Rewrite the files; with --check only name those that are out of date, and return 1 when there are any."""
    where = home()
    stale = []
    for path in files():
        text = path.read_text(encoding="utf-8")
        new = fill(text, where)
        if path.suffix == ".ipynb":
            json.loads(new)  # a link may never break a notebook
        if new != text:
            stale.append(path)
            if "--check" not in sys.argv:
                path.write_text(new, encoding="utf-8", newline="\n")
    for path in stale:
        print(path.relative_to(ROOT))
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
