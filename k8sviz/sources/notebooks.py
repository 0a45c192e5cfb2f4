"""The course's notebooks as data: which chapters there are, and what they are called."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Chapter", "chapters"]


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter: its two digits, its notebook's file, and its title as the notebook's first heading has it."""

    number: str
    file: str
    title: str


@functools.cache
def chapters(folder: Path | None = None) -> tuple[Chapter, ...]:
    """The chapters in order, from the checkout's notebooks or the wheel's; none where there are no notebooks.

    >>> [chapter.number for chapter in chapters()][:2]
    ['00', '06']
    """
    package = Path(__file__).resolve().parents[1]
    places = [folder] if folder else [package / "_notebooks", package.parent / "notebooks"]
    paths = next((found for place in places if (found := sorted(place.glob("[0-9][0-9]-*.ipynb")))), [])
    return tuple(Chapter(path.name[:2], path.name, _title(path)) for path in paths)


def _title(path: Path) -> str:
    try:
        cells = json.loads(path.read_bytes())["cells"]
        lines = (
            line for cell in cells if cell["cell_type"] == "markdown" for line in "".join(cell["source"]).splitlines()
        )
        return next((line[2:].strip() for line in lines if line.startswith("# ")), path.stem)
    except (OSError, ValueError, KeyError, TypeError):
        return path.stem
