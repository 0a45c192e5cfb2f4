"""What a text says once it is decoded: each reading of it, with the way back to where it stands in the text.

Nothing here lists the forms in which a value is written. Escapes of every kind (JSON, YAML, shell, URL, HTML) are
undone together, round after round; whatever looks encoded (base64, base32, hexadecimal, compressed) is decoded at
every alignment, and read again in the same way.
"""

from __future__ import annotations

import base64
import binascii
import bz2
import html
import lzma
import re
import zlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, Final, NamedTuple, cast
from urllib.parse import unquote

__all__ = ["Reading", "dense", "peeled", "readings", "rewritten"]

Back = Callable[[int, int], tuple[int, int]]

_ROUNDS: Final = 6  # escapes within escapes
_DEPTH: Final = 6  # encodings within encodings
_LARGEST: Final = 4 << 20  # letters that one compressed piece may become
_BUDGET: Final = 48  # times a text's length, that all its readings may have together
_LEAST: Final = 2 << 20  # letters that they may have in any case
_SHORTEST: Final = 6  # letters that look encoded
_FEWEST: Final = 4  # bytes worth a look
_BINARY: Final = 0.5  # the share of bytes that no text has, from which on a decoded piece is no text

_ESCAPE: Final = re.compile(
    r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|([0-3]?[0-7]{1,2})|(.))"
    r"|(%[c-fC-F][0-9a-fA-F](?:%[89abAB][0-9a-fA-F]){1,3})|%([0-9a-fA-F]{2})|&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{1,31}));",
    re.DOTALL,
)
# \n, \t, … and YAML's own; what they stand for is white space, which nothing here looks at
_BLANKS: Final = frozenset("abfnrtv0_NLP\n\r")
# white space, control characters, all that is not seen, quotes, and how lines and strings are put together again
_UNSEEN: Final = (
    "\\s\x00-\x1a\x1c-\x1f\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff"
)
_DROPPED: Final = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)|\n[ \t]*[>#|]+[ \t]"
    rf"|[{_UNSEEN}\"'`\\]+(?:\+(?=\s{{0,9}}[\"'`]))?|\x1b"
)
_GAPS: Final = re.compile(rf"\x1b\[[0-?]*[ -/]*[@-~]|[{_UNSEEN}]+|\x1b")
_DUMP: Final = re.compile(r"(?m)^[0-9a-fA-F]{6,8}:?[ \t]+|[ \t]{2,}[|>]?[^\n]{1,20}$")
_DUMPED: Final = re.compile(r"(?m)^[0-9a-fA-F]{6,8}:?[ \t]+(?:[0-9a-fA-F]{2,4}[ \t]+){2,}")
_PAIRS: Final = re.compile(r"(?:(?:0x|\\x|#)?[0-9a-fA-F]{2}[\s:,;-]+){4,}(?:0x|\\x|#)?[0-9a-fA-F]{2}")
_BETWEEN: Final = re.compile(r"0x|\\x|[^0-9a-fA-F]+")
_BASE64: Final = re.compile(r"([A-Za-z0-9+/_-]{8,})(={0,2})")
_BASE32: Final = re.compile(r"[A-Z2-7]{16,}")
_HEX: Final = re.compile(r"[0-9a-fA-F]{8,}")
_FOR_URLS: Final = str.maketrans("-_", "+/")
_WIDE: Final = re.compile("[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_ZERO: Final = re.compile("\0+")
_NO_TEXT: Final = dict.fromkeys([9, 10, 13, 27, *range(32, 127), 0xC3])
_UNPACK: Final[tuple[tuple[bytes, Callable[[], Any]], ...]] = (
    (b"\x1f\x8b\x08", partial(zlib.decompressobj, 31)),
    *((bytes([0x78, level]), zlib.decompressobj) for level in (0x01, 0x5E, 0x9C, 0xDA)),
    (b"BZh", bz2.BZ2Decompressor),
    (b"\xfd7zXZ", partial(lzma.LZMADecompressor, memlimit=64 << 20)),
)


class Reading:
    """One reading of a text: `dense` is `text` without what is not seen; `inner` and `back` say where it stands.

    `sure` tells what reads as a text from what may be anything.
    """

    __slots__ = ("_back", "_inner", "dense", "sure", "text")

    def __init__(self, text: str, back: Back, sure: bool = True) -> None:
        self.text = text
        self.sure = sure
        self.dense = dense(text)
        self._back = back
        self._inner: Back | None = None if len(self.dense) < len(text) else _same

    def inner(self, start: int, end: int) -> tuple[int, int]:
        """Where a part of `dense` stands in `text`."""
        if self._inner is None:  # the way is only made when something was found
            self._inner = rewritten(self.text, _DROPPED, _nothing)[1]
        return self._inner(start, end)

    def back(self, start: int, end: int) -> tuple[int, int]:
        """Where a part of `text` stands in the text that was given."""
        return self._back(start, end)

    def whole(self, start: int, end: int) -> tuple[int, int]:
        """Where a part of `dense` stands in the text that was given."""
        return self._back(*self.inner(start, end))


def dense(text: str) -> str:
    r"""A text without white space, quotes, backslashes and all that is not seen.

    >>> dense("a 'b' \\\n c\u200bd")
    'abcd'
    """
    return _DROPPED.sub("", text)


def peeled(text: str) -> str:
    r"""A text with its escapes undone once.

    >>> peeled(r"correct%20horse \u0061&amp;\x62\143")
    'correct horse a&bc'
    """
    return _ESCAPE.sub(_letter, text)


def readings(text: str) -> Iterator[Reading]:
    """Every reading of a text, the text itself first. Linear in its length: what all have together is bounded."""
    yield from _Reader(max(_LEAST, _BUDGET * len(text))).read(text, _same, _DEPTH)


def _same(start: int, end: int) -> tuple[int, int]:
    return start, end


def _after(inner: Back, outer: Back) -> Back:
    if inner is _same:
        return outer
    return lambda start, end: outer(*inner(start, end))


def _nothing(_: re.Match[str]) -> str:
    return ""


def _utf8(found: re.Match[str]) -> str:
    return found[0].encode("latin-1").decode("utf-8", "replace")


def _letter(found: re.Match[str]) -> str:
    braced, four, eight, two, octal, plain, wide, percent, decimal, sixteen, name = found.groups()
    if plain is not None:
        return "\x1b" if plain == "e" else "\n" if plain in _BLANKS else plain
    if name is not None:
        return html.unescape(found[0])
    if wide is not None:
        return unquote(wide, errors="replace")
    if octal is not None:
        return chr(int(octal, 8))
    code = int(decimal) if decimal else int(braced or four or eight or two or percent or sixteen, 16)
    return chr(code) if code < 0x110000 else found[0]


def rewritten(text: str, pattern: re.Pattern[str], instead: Callable[[re.Match[str]], str]) -> tuple[str, Back]:
    """A text with all matches written anew, and the way back from places in it."""
    pieces: list[str] = []
    starts: list[int] = []
    places: list[tuple[int, int]] = []  # where a piece stood: its start, and its end when it was written anew, else -1
    done = at = 0
    for match in pattern.finditer(text):
        start, end = match.span()
        for piece, place in ((text[done:start], (done, -1)), (instead(match), (start, end))):
            if piece:
                pieces.append(piece)
                starts.append(at)
                places.append(place)
                at += len(piece)
        done = end
    if not done:
        return text, _same
    if done < len(text):
        pieces.append(text[done:])
        starts.append(at)
        places.append((done, -1))

    def back(start: int, end: int) -> tuple[int, int]:
        first, last = bisect_right(starts, start) - 1, bisect_right(starts, end - 1) - 1
        begin, whole = places[first]
        stop, until = places[last]
        return begin if whole >= 0 else begin + start - starts[first], until if until >= 0 else stop + end - starts[
            last
        ]

    return "".join(pieces), back


# -- what looks encoded ----------------------------------------------------------------------------------


class _Piece(NamedTuple):
    """Letters that look encoded, where they start, and how many of them (`width`) stand for how many bytes (`size`)."""

    at: int
    letters: str
    width: int
    size: int
    padding: int = 0

    def raw(self) -> bytes:
        """What they stand for; nothing when they stand for nothing."""
        data = self.letters
        if self.size == 1:
            return bytes.fromhex(data[: len(data) // 2 * 2])
        try:
            if self.size == 5:
                data = data[: len(data) // 8 * 8] if len(data) % 8 in (1, 3, 6) else data
                return base64.b32decode(data + "=" * (-len(data) % 8))
            data = data[:-1] if len(data) % 4 == 1 else data
            return binascii.a2b_base64(data.translate(_FOR_URLS) + "=" * (-len(data) % 4))
        except ValueError:
            return b""


def _pieces(shown: str) -> Iterator[_Piece]:
    for run in _BASE64.finditer(shown):
        padding = len(run[2])
        for shift in range(4):
            if len(run[1]) - shift >= _SHORTEST:
                yield _Piece(run.start() + shift, run[1][shift:], 4, 3, padding)
    for run in _BASE32.finditer(shown):
        for shift in range(8):
            yield _Piece(run.start() + shift, run[0][shift:], 8, 5)
    yield from _hexadecimal(shown)


def _hexadecimal(shown: str) -> Iterator[_Piece]:
    for run in _HEX.finditer(shown):
        for shift in range(2):
            yield _Piece(run.start() + shift, run[0][shift:], 2, 1)


class _Reader:
    """Reads on until nothing is left to decode, or as much was read as there is time for."""

    def __init__(self, budget: int) -> None:
        self.budget = budget

    def read(self, text: str, back: Back, depth: int, sure: bool = True) -> Iterator[Reading]:
        """The readings of a text that stands at `back`."""
        before: Counter[str] = Counter()
        for _ in range(_ROUNDS):
            self.budget -= len(text)
            reading = Reading(text, back, sure)
            yield reading
            if depth:
                before = yield from self.encoded(reading, back, depth, before)
            if "\\" not in text and "%" not in text and "&" not in text:
                return
            tight = _GAPS.sub("", text) if depth else text
            if tight != text:  # an escape may be spread, too
                yield from self.read(tight, _after(_later(text, _GAPS, _nothing), back), depth - 1, sure=False)
            further = peeled(text)
            if further == text:
                return
            text, back = _together(further, _after(_later(text, _ESCAPE, _letter), back))

    def encoded(
        self, reading: Reading, back: Back, depth: int, before: Counter[str]
    ) -> Generator[Reading, None, Counter[str]]:
        """The readings of what a text holds encoded, but of what was there `before` an escape was undone."""
        pieces = list(_pieces(reading.dense))
        now = Counter(piece.letters for piece in pieces)
        for piece in pieces:
            if now[piece.letters] != before[piece.letters]:
                yield from self.piece(piece, reading.whole, depth)
        text = reading.text
        if _DUMPED.search(text):
            plain = _DUMP.sub("", text)
            way = _after(_later(text, _DUMP, _nothing), back)
            yield from self.spread(plain, way, depth)
        for found in _PAIRS.finditer(text):
            yield from self.spread(found[0], _after(partial(_shifted, found.start()), back), depth)
        return now

    def spread(self, text: str, back: Back, depth: int) -> Iterator[Reading]:
        """The readings of hexadecimal pairs with something between them."""
        way = _after(_later(text, _BETWEEN, _nothing), back)
        for piece in _hexadecimal(_BETWEEN.sub("", text)):
            yield from self.piece(piece, way, depth)

    def piece(self, piece: _Piece, back: Back, depth: int) -> Iterator[Reading]:
        """The readings of one piece; `back` leads from where its letters stand."""
        raw = piece.raw()
        if len(raw) < _FEWEST or self.budget <= 0:
            return
        at, end = piece.at, piece.at + len(piece.letters)

        def here(start: int, stop: int) -> tuple[int, int]:
            last = min(end, at - (-stop * piece.width // piece.size))
            return back(at + start * piece.width // piece.size, last + piece.padding * (stop >= len(raw)))

        for magic, unpack in _UNPACK:
            found = raw.find(magic)
            if found >= 0:
                with suppress(zlib.error, OSError, ValueError, lzma.LZMAError, EOFError):
                    unpacker = unpack()
                    inside = unpacker.decompress(raw[found:], _LARGEST).decode("latin-1")
                    place = here(found, len(raw) - len(unpacker.unused_data))
                    yield from self.read(inside, partial(_all, place), depth - 1)
        plain, way = raw.decode("latin-1"), cast("Back", here)
        if raw.count(0) * 3 > len(raw):  # UTF-16
            plain, way = plain.replace("\0", ""), _after(_later(plain, _ZERO, _nothing), here)
        plain, way = _together(plain, way)
        if len(plain.translate(_NO_TEXT)) <= _BINARY * len(plain):
            yield from self.read(plain, way, depth - 1)
        else:
            self.budget -= len(plain)
            yield Reading(plain, way, sure=False)


def _together(text: str, back: Back) -> tuple[str, Back]:
    """A text whose letters were told byte by byte, with each letter as one."""
    wide = text if text.isascii() else _WIDE.sub(_utf8, text)
    return (text, back) if wide == text else (wide, _after(_later(text, _WIDE, _utf8), back))


def _all(place: tuple[int, int], _: int, __: int) -> tuple[int, int]:
    return place


def _shifted(by: int, start: int, end: int) -> tuple[int, int]:
    return start + by, end + by


def _later(text: str, pattern: re.Pattern[str], instead: Callable[[re.Match[str]], str]) -> Back:
    """The way back from a text that was written anew, made when it is first asked for."""
    made: list[Back] = []

    def back(start: int, end: int) -> tuple[int, int]:
        if not made:
            made.append(rewritten(text, pattern, instead)[1])
        return made[0](start, end)

    return back
