"""The one way to a terminal: whatever a command prints passes here, and nothing from a cluster steers the terminal."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from k8sviz.letters import on_screen

__all__ = ["screens", "steer"]


class _Screen:
    """A text stream that shows what hides; everything else is the stream's own."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write the text with control characters and the like made visible."""
        self.stream.write(on_screen(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextlib.contextmanager
def screens() -> Iterator[None]:
    """While it lasts, standard output and standard error show what hides. A stream that is closed stays as it is."""
    before = sys.stdout, sys.stderr
    for stream in before:  # a terminal or pipe that cannot write ✓ or 中 shows its number instead
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.stdout, sys.stderr = (stream and _Screen(stream) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def steer(stream: TextIO, sequence: str) -> None:
    """Send a terminal a sequence of our own; to anything else than a terminal, nothing."""
    if stream.isatty():
        getattr(stream, "stream", stream).write(sequence)
