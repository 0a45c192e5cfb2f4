"""Letters that hide, steer a terminal or turn the reading direction around: one answer for all that is shown.

Pictures, errors, terminals and JSON ask here, so that a name from a cluster looks the same everywhere.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any, Final

__all__ = ["json_text", "on_screen", "printable", "visible"]

_FOR_HIDDEN: Final = "\ufffd"
# letters and marks by category that show nothing all the same (Default_Ignorable_Code_Point, and a blank of Braille)
_BLANK: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0d\uffa0\U000e0100-\U000e01ef]"
)

_UNUSUAL: Final = re.compile(r"[^\n\t -~]")


def printable(text: str) -> str:
    """The text on one line, with nothing in it that hides or turns the reading direction around.

    >>> printable("a\\u202eb\\x00c\\nd\\u3164")
    'a\\ufffdb\\ufffdc d\\ufffd'
    """
    return text if text.isprintable() and not _BLANK.search(text) else text.translate(_SHOWN)


def visible(text: str) -> str:
    """The text line by line, with nothing in it that hides; a tab is four spaces."""
    return "\n".join(printable(line.replace("\t", "    ")) for line in text.split("\n"))


def on_screen(text: str) -> str:
    r"""The text with its lines and tabs, and nothing else in it that steers a terminal.

    >>> on_screen("a\tb\n\x1b[2J\r")
    'a\tb\n\ufffd[2J\ufffd'
    """
    return text.translate(_ON_SCREEN) if _UNUSUAL.search(text) else text


def json_text(value: Any, *, indent: int | None = 2) -> str:
    r"""JSON that people can read, in which letters that hide are written as JSON writes them.

    >>> print(json_text({"name": "中\u202e\x1b\ud800"}, indent=None))
    {"name": "中\u202e\u001b\ud800"}
    """
    written = json.dumps(value, ensure_ascii=False, indent=indent, default=str)
    return written.translate(_IN_JSON) if _UNUSUAL.search(written) else written


def _hides(letter: str) -> bool:
    return (unicodedata.category(letter)[0] in "CZ" and letter not in " \u3000") or bool(_BLANK.match(letter))


class _Letters(dict[int, str]):
    """What stands for a letter, worked out when it is first met."""

    def __init__(self, kept: str = "", space: str = "", escaped: bool = False) -> None:
        super().__init__({**{ord(c): c for c in kept}, **{ord(c): " " for c in space}})
        self._escaped = escaped

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        if _hides(letter):
            letter = json.dumps(letter)[1:-1] if self._escaped else _FOR_HIDDEN
            letter = f"\\u{code:04x}" if letter == "\x7f" else letter
        self[code] = letter
        return letter


_SHOWN: Final = _Letters(space="\n\r\t")
_ON_SCREEN: Final = _Letters(kept="\n\t")
_IN_JSON: Final = _Letters(kept="\n", escaped=True)
