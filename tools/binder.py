"""Writes binder/requirements.txt: of requirements.lock, only what a notebook needs to run: `make binder`.

No resolver and no network: the lock says of every package which others asked for it.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["LEFT_OUT", "Locked", "locked", "main", "needed", "requirements"]

ROOT: Final = Path(__file__).resolve().parents[1]
TARGET: Final = ROOT / "binder" / "requirements.txt"
# what the project depends on and a reader in Binder does not use, with the reason
LEFT_OUT: Final = {
    "kubernetes": "only a live cluster needs it, and Binder has none",
    "jupyterlab": "Binder's own image brings it",
    "nbformat": "only `k8sviz course` needs it, which Binder replaces",
}
_NAME: Final = re.compile(r"[A-Za-z0-9][\w.-]*")


class Locked(NamedTuple):
    """A line of the lock, and who asked for the package."""

    line: str
    asked_by: frozenset[str]


def locked(text: str) -> dict[str, list[Locked]]:
    """The lock by the packages' names; one may stand there several times, for several systems.

    >>> lock = "a==1\\n    # via b\\nc==2 ; x\\n    # via\\n    #   a\\n    #   k8sviz (pyproject.toml)\\n"
    >>> sorted(locked(lock)["c"][0].asked_by)
    ['a', 'k8sviz']
    """
    found: dict[str, list[Locked]] = {}
    for block in re.split(r"^(?=\S)", text, flags=re.MULTILINE):
        line, _, comment = block.partition("\n")
        if match := _NAME.match(line):
            words = re.findall(r"#\s+(?:via\s+)?([A-Za-z0-9][\w.-]*)", comment)
            askers = frozenset(name(word) for word in words if word != "via")
            found.setdefault(name(match[0]), []).append(Locked(line.strip(), askers))
    return found


def name(word: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", word).lower()


def needed(lock: dict[str, list[Locked]], wanted: set[str]) -> list[str]:
    """Of the lock, the lines of these packages and of all that they ask for."""
    within = wanted & set(lock)
    while more := {one for one in lock if one not in within and any(e.asked_by & within for e in lock[one])}:
        within |= more
    return [entry.line for one in sorted(within) for entry in lock[one]]


def requirements(root: Path = ROOT) -> str:
    """The text of binder/requirements.txt."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["course"]]
    wanted = {name(match[0]) for one in asked if (match := _NAME.match(one))} - set(LEFT_OUT)
    lines = needed(locked((root / "requirements.lock").read_text(encoding="utf-8")), wanted)
    head = [
        "# Written by `make binder` from pyproject.toml and requirements.lock; a test fails when they drift.",
        *(f"# left out: {package} ({reason})" for package, reason in LEFT_OUT.items()),
    ]
    return "\n".join([*head, *lines]) + "\n"


def main() -> int:
    """Write the file."""
    TARGET.write_text(requirements(), encoding="utf-8", newline="\n")
    print(TARGET.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
