"""What all programs share: how one is registered, and how it reads its options and its input."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from k8sviz.cluster.kubelet.shell import Program, Shell, Sink

__all__ = ["PROGRAMS", "escaped", "failed", "program", "read_input", "split_options"]

PROGRAMS: dict[str, Program] = {}
"""All programs, by name."""


def program(*names: str) -> Callable[[Any], Any]:
    """Register a program under these names."""

    def register(function: Any) -> Any:
        for name in names:
            PROGRAMS[name] = function
        return function

    return register


def failed(err: Sink, name: str, path: str, error: OSError) -> int:
    """Say what the system has against a path; the exit code for that."""
    err.write(f"{name}: {path}: {error.strerror}\n")
    return 1


def split_options(args: list[str], letters: str = "") -> tuple[set[str], list[str]]:
    """Single-letter options, and the rest."""
    found: set[str] = set()
    rest = list(args)
    while rest and rest[0].startswith("-") and len(rest[0]) > 1:
        word = rest.pop(0)
        if word == "--":
            break
        found |= set(word[1:]) if not letters or set(word[1:]) <= set(letters) else {word}
    return found, rest


def escaped(text: str) -> str:
    """A text with \\n and \\t read, as `echo -e` does."""
    return re.sub(r"\\([nt\\])", lambda found: {"n": "\n", "t": "\t", "\\": "\\"}[found.group(1)], text)


def read_input(shell: Shell, names: list[str], stdin: str, err: Sink, program: str) -> str | None:
    """The files named, or the standard input; None when one cannot be read, which is then said."""
    if not names:
        return stdin
    found = []
    for name in names:
        try:
            found.append(shell.view.read(shell.path(name)).decode("utf-8", "replace"))
        except OSError as error:
            err.write(f"{program}: {name}: {error.strerror}\n")
            return None
    return "".join(found)
