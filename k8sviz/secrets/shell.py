"""What a command line hands over to Secrets: literals, patches, files, and what is written into such files."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from typing import Final

from k8sviz.secrets.documents import in_documents
from k8sviz.secrets.layers import rewritten
from k8sviz.secrets.names import JUDGE, holds

__all__ = ["files_handed_over", "handed_over", "settings", "unquoted", "written_to"]

_WORD: Final[str] = JUDGE["pairs"]["parts"]["WORD"]
_MAKES: Final = re.compile(rf"(?s)\bcreate\s+(?:-\S+\s+)*secrets?\b(?:(?:[ \t]|\\\n)+{_WORD})*")
_LITERAL: Final = re.compile(rf"(?<![\w-])--from-literal(?:=|\s)\s*({_WORD})")
_PASSWORD: Final = re.compile(rf"(?<![\w-])--docker-(?:password|email)(?:=|\s)\s*({_WORD})")
_FILE: Final = re.compile(rf"{JUDGE['commands']['files']}({_WORD})")
_CHANGES: Final = re.compile(r"\b(?:patch|edit|replace|apply|set)\b[^\n;|&]*\bsecrets?\b")
_QUOTED: Final = re.compile(r"'([^']*)'|\"((?:[^\"\\]|\\.)*)\"")
_ESCAPED: Final = re.compile(r"\\([\"\\$`\n])")
_WRITES: Final = re.compile(
    rf"\b(?:echo|printf|print)\s+(?:-\w+\s+)*({_WORD}(?:[ \t]+{_WORD})*?)\s*"
    rf"(?:>>?|\|\s*(?:sudo\s+)?tee\s+(?:-a\s+)?)\s*({_WORD})"
)
_HEREDOC: Final = re.compile(r"<<-?\s*([\"']?)(\w+)\1[^\n]*\n(.*?)\n[ \t]*\2[ \t]*(?=\n|\Z)", re.DOTALL)
_TARGET: Final = re.compile(rf"(?:>>?|\btee\s+(?:-a\s+)?)\s*({_WORD})")
_SETTING: Final = re.compile(r"(?m)^[ \t]*(?:export[ \t]+)?[\w.-]+[ \t]*[=:][ \t]*([^\n]+)$")
_LONGEST: Final = 10_000  # letters of a word in quotes

Span = tuple[int, int, str]


def handed_over(command: str) -> Iterator[Span]:
    """Where values for Secrets stand in a command line, and what they say.

    >>> [v for *_, v in handed_over("kubectl create secret generic s --from-literal 'pin=4711' --from-literal=a=$A")]
    ['4711']
    """
    for made in _MAKES.finditer(command):
        for match in _LITERAL.finditer(command, *made.span()):
            key, equals, _ = match[1].partition("=")
            value = unquoted(match[1]).partition("=")[2]
            if value and not value.startswith(("$", "`")) and equals:
                yield (
                    match.start(1) + len(key) + 1,
                    match.end(1) - (match[1][-1] in "\"'" and match[1][0] in "\"'"),
                    value,
                )
        for match in _PASSWORD.finditer(command, *made.span()):
            if holds(unquoted(match[1])):
                yield *match.span(1), unquoted(match[1])
    changes = _CHANGES.search(command) is not None
    for match in _QUOTED.finditer(command):
        written, at = (match[1], match.start(1)) if match[1] is not None else (match[2], match.start(2))
        if ":" not in written:
            continue
        plain, back = (written, None) if match[1] is not None else rewritten(written, _ESCAPED, lambda found: found[1])
        for start, end, value in in_documents(plain, secret=changes):
            first, last = back(start, end) if back else (start, end)
            yield at + first, at + last, value


def files_handed_over(command: str) -> list[str]:
    """The files that a command makes a Secret of.

    >>> files_handed_over("kubectl create secret generic s --from-file=key=a.txt --from-env-file .env")
    ['a.txt', '.env']
    """
    made = [match for one in _MAKES.finditer(command) for match in _FILE.finditer(command, *one.span())]
    return [unquoted(match[1]).rpartition("=")[2].removeprefix("./") for match in made]


def written_to(command: str, files: Iterable[str]) -> Iterator[Span]:
    """What a command writes into one of these files, word by word and in heredocs.

    >>> [v for *_, v in written_to("echo -n geheim > ./pw.txt; echo x > other", ["pw.txt"])]
    ['geheim']
    >>> [v for *_, v in written_to("cat > a.env <<EOF\\nPIN=4711\\nEOF", ["a.env"])]
    ['PIN=4711', '4711']
    """
    wanted = set(files)
    for match in _WRITES.finditer(command):
        if unquoted(match[2]).removeprefix("./") in wanted:
            yield *match.span(1), unquoted(match[1])
    for match in _HEREDOC.finditer(command):
        line = command[command.rfind("\n", 0, match.start()) + 1 : command.index("\n", match.start())]
        if any(unquoted(found[1]).removeprefix("./") in wanted for found in _TARGET.finditer(line)):
            yield *match.span(3), match[3]
            for value in settings(match[3]):
                yield *match.span(3), value


def settings(text: str) -> list[str]:
    """The values of a file of settings, `KEY=value` on each line."""
    return [found[1].strip().strip("\"'") for found in _SETTING.finditer(text)]


def unquoted(word: str) -> str:
    """A shell's word as the shell reads it."""
    if len(word) > _LONGEST or not re.search(r"[\"'\\]", word):  # shlex takes the square of a word's length
        return word.strip("\"'")
    try:
        return "".join(shlex.split(word))
    except ValueError:
        return word.strip("\"'")
