"""The one error that people see: one line that says what to do next, never a traceback."""

from __future__ import annotations

from collections.abc import Iterable

from k8sviz.letters import printable

__all__ = ["K8svizError", "nearest"]


class K8svizError(Exception):
    """Something a person can mend. Its text is one line; the command line prints it and exits with 2."""

    def __str__(self) -> str:
        """One line, whatever names from files and clusters stand in it; nothing in it steers a terminal.

        >>> str(K8svizError("no pod/a\\nb\\x1b[2J"))
        'no pod/a b\ufffd[2J'
        """
        return printable(super().__str__())

    def _render_traceback_(self) -> list[str]:
        """What IPython prints in place of a traceback: the one line."""
        return [f"{type(self).__name__}: {self}"]


def nearest(wanted: str, known: Iterable[str]) -> str:
    """Words that name the closest known names, for the end of an error's line.

    >>> nearest("pv-lat", ["pv-late", "pv-early"])
    'did you mean pv-late?'
    >>> nearest("zebra", ["pv-late", "pv-early"])
    'known: pv-early, pv-late'
    >>> nearest("zebra", [])
    'there are none'
    """
    import difflib  # here: nobody wants to wait for it who has made no mistake

    names = sorted(set(known))
    close = difflib.get_close_matches(wanted, names, n=3, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(close)}?"
    if not names:
        return "there are none"
    shown = ", ".join(names[:12])
    return f"known: {shown}" + (f" and {len(names) - 12} more" if len(names) > 12 else "")
