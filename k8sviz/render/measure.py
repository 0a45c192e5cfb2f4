"""How wide text is, without asking a font: the page that shows a picture has fonts we cannot know.

Latin letters have DejaVu Sans' widths, the widest of the usual sans-serif fonts, so text fits in all of them;
East Asian wide letters take a full square, as Unicode's tables say (some Graphviz builds guess half of that).
"""

from __future__ import annotations

import unicodedata
from typing import Final

__all__ = ["shorten", "text_width"]

# hundredths of the font size, for the letters from space to tilde
_REGULAR: Final = (
    32,
    40,
    46,
    84,
    64,
    95,
    78,
    27,
    39,
    39,
    50,
    84,
    32,
    36,
    32,
    34,
    64,
    64,
    64,
    64,
    64,
    64,
    64,
    64,
    64,
    64,
    34,
    34,
    84,
    84,
    84,
    53,
    100,
    68,
    69,
    70,
    77,
    63,
    58,
    77,
    75,
    29,
    29,
    66,
    56,
    86,
    75,
    79,
    60,
    79,
    69,
    63,
    61,
    73,
    68,
    99,
    69,
    61,
    69,
    39,
    34,
    39,
    84,
    50,
    50,
    61,
    63,
    55,
    63,
    62,
    35,
    63,
    63,
    28,
    28,
    58,
    28,
    97,
    63,
    61,
    63,
    63,
    41,
    52,
    39,
    63,
    59,
    82,
    59,
    59,
    52,
    64,
    34,
    64,
    84,
)
_BOLD: Final = 1.11
_OTHER: Final = 66
_ASCII: Final = (*[_OTHER] * 32, *_REGULAR, _OTHER)


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """The width of one line of text in pixels, for a font of `size` pixels; a little more than it needs.

    >>> text_width("volume", 10) < text_width("卷和声明和类", 10)
    True
    """
    if text.isascii():  # most are, and this is five times as fast
        hundredths = sum([_ASCII[code] for code in text.encode()])
    else:
        hundredths = sum(map(_width, text))
    return hundredths * size / 100 * (_BOLD if bold else 1)


def _width(letter: str) -> int:
    if letter.isascii():
        return _ASCII[ord(letter)]
    if unicodedata.combining(letter):
        return 0
    if letter == "\ufffd":  # it stands for every letter that hides
        return 103
    return 100 if unicodedata.east_asian_width(letter) in "WF" else _OTHER


def shorten(text: str, most: int) -> str:
    """At most that many letters, with the middle left out: both ends of a generated name tell it apart.

    >>> shorten("pvc-53d49d3c-65f3-416b-97cb-9c162081f41a", 20)
    'pvc-53d49d3…62081f41a'
    """
    if len(text) <= most:
        return text
    tail = (most - 1) * 4 // 9 + 1
    return text[: most - tail] + "…" + text[-tail:]
