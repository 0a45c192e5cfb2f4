"""Where secret values stand in a text: in the Secrets among its manifests, in what a command hands over, in variables.

YAML is read event by event, so that no alias, depth or broken line stops it; where it is no YAML (an output that was
cut off, a manifest among other words), the lines after `data:` are taken by their look.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import shlex
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import yaml

from k8sviz.sources._documents import DEEPEST

__all__ = [
    "APPLIED",
    "MASK",
    "PARTS",
    "SAYS_SECRET",
    "SECRET_KINDS",
    "Found",
    "credentials",
    "decoded",
    "files_handed_over",
    "handed_over",
    "in_manifests",
    "written_to",
]

MASK: Final = "REDACTED"
APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
SECRET_KINDS: Final = (
    "secret",
    "secretlist",
)  # a manifest with a kind that is written wrongly is refused, not harmless
PARTS: Final = ("data", "stringData")
# a variable, a flag or a field whose name says what it holds
_NAMED: Final = (
    r"(?:pass(?:word|wd|phrase)|(?<![a-z])pass|(?<=[_-])pwd|token|secret|credential|(?:api|private|access)[-_]?key"
    r"|(?<![a-z])auth)s?"
)
SAYS_SECRET: Final = re.compile(rf"(?i){_NAMED}$")

_KIND: Final = re.compile(r"(?i)\bkind\b[\\\"']*\s*:\s*[\\\"']*Secret(?:List)?\b|secretGenerator")
_TELLING: Final = re.compile(rf"(?i)\bname[\"']*:\s*[\"']?[\w.-]{{0,100}}{_NAMED}\b")
_SECTION: Final = re.compile(
    r"""^([ \t]*)["']?(?:data|stringData)["']?:[ \t]*(?:\#[^\n]*)?\n((?:\1[ \t]+[^\n]*(?:\n|\Z)|[ \t]*\n)*)""",
    re.MULTILINE | re.VERBOSE,
)
_KEY: Final = re.compile(r"[ \t]*(?:[\"']?[\w.-]+[\"']?:(?=\s|$))?[ \t]*")
_BLOCK: Final = re.compile(r"[|>][-+0-9]*")
_BRACES: Final = re.compile(r"""\b(?:data|stringData)\b\\*["']?\s*:\s*\{([^{}]*)""")
_IN_BRACES: Final = re.compile(r""":\s*(\\*"(?:[^"\\]|\\(?!").)*\\*"|'[^']*'|[^\s,}"'\\]+)""")

_WORD: Final = r"""(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\;|&<>()])+"""
_FLAG: Final = re.compile(rf"(?i)(?<![\w-])--(?:docker-)?(?:email|client-key-data|{_NAMED})[= ]\s*({_WORD})")
_LOGIN: Final = re.compile(rf"\bcurl\b[^|;&\n]{{0,300}}?\s(?:-u|--user)[= ]?\s*({_WORD})")
_LITERAL: Final = re.compile(rf"(?<![\w-])--from-literal[= ]\s*({_WORD})")
_FILE: Final = re.compile(rf"(?<![\w-])--(?:from-file|from-env-file|key|cert)[= ]\s*({_WORD})")
_WRITES: Final = re.compile(rf"\b(?:echo|printf)\s+(?:-\w+\s+)*({_WORD})\s*>\s*({_WORD})")
_MAKES: Final = re.compile(r"\bcreate\s+(secrets?\b)?")
_CHANGES: Final = re.compile(r"\b(?:patch|edit|replace)\s+secrets?\b")
_PATCHED: Final = re.compile(r"""["']value\\*["']\s*(:[^\n]*)""")
_VARIABLE: Final = re.compile(rf"(?<![\w$.-])([A-Z_][A-Z0-9_]*)=({_WORD})")
_VARIABLE_LINE: Final = re.compile(r"^([A-Z_][A-Z0-9_]*)=(\S[^\n]*)$", re.MULTILINE)
_PATH: Final = re.compile(r"(?:/[a-z.-]+)+/?")
_FIELD: Final = re.compile(rf"""(?i){_NAMED}["']?\s*[:=]\s*(?:"([^"\n]+)"|'([^'\n]+)'|([^\s"',;}}&]+))""")
_URL: Final = re.compile(r"\b[a-z][a-z0-9+.-]{0,20}://[^\s/:@\"']{0,200}:([^\s/@\"']{1,500})@")
_LONGEST: Final = 10_000  # letters of a word in quotes
_MOST: Final = 1_000_000  # scalars that aliases may stand for


class Found(NamedTuple):
    """A secret value in a text: where it stands, what it says, and what to write there."""

    start: int
    end: int
    values: tuple[str, ...]
    instead: str = MASK


# -- manifests -----------------------------------------------------------------------------------------


def in_manifests(text: str) -> list[Found]:
    """The values of the Secrets, and of the variables with a telling name, in the YAML or JSON of a text.

    >>> [f.values for f in in_manifests("{kind: Secret, data: {pin: NDcxMQ==}, stringData: {word: geheim}}")]
    [('NDcxMQ==', '4711'), ('geheim',)]
    """
    secrets = _KIND.search(text)
    if not secrets and not _TELLING.search(text):
        return []
    walk = _Walk(text)
    return walk.found + (list(_by_look(text)) if walk.broken and secrets else [])


class _Frame:
    """An open mapping or list, and what may be secret in it until its kind is known."""

    __slots__ = ("anchor", "first", "key", "kind", "mapping", "name", "secrets", "value", "wants_key")

    def __init__(self, mapping: bool, anchor: str | None, first: int) -> None:
        self.mapping = self.wants_key = mapping
        self.anchor, self.first = anchor, first  # its scalars begin there
        self.key, self.kind, self.name = "", "", ""
        self.value: Found | None = None
        self.secrets: dict[int, Found] = {}  # of its data, and of what is in it and names no kind


class _Walk:
    """Reads the events of a text, as far as it is YAML."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.mark = 1 if text.startswith("\ufeff") else 0  # libyaml does not count it
        self.found: list[Found] = []
        self.scalars: list[Found] = []
        self.stack: list[_Frame] = []
        self.anchors: dict[str, list[Found]] = {}
        self.broken = False
        self.left = _MOST
        clean = text.encode("utf-8", "replace").decode("utf-8")
        loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(clean)
        try:
            while (event := loader.get_event()) is not None:
                self.take(event)
        except (yaml.YAMLError, ValueError):
            self.broken = True
        finally:
            loader.dispose()

    def take(self, event: Any) -> None:
        if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            mapping = isinstance(event, yaml.MappingStartEvent)
            self.stack.append(_Frame(mapping, event.anchor, len(self.scalars)))
            if len(self.stack) > DEEPEST:
                raise ValueError
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self.close(self.stack.pop())
        elif isinstance(event, yaml.AliasEvent) and self.stack:
            self.put(self.anchors.get(event.anchor or "", []))
            self.turn("")
        elif isinstance(event, yaml.ScalarEvent) and self.stack:
            self.scalar(event)

    def scalar(self, event: Any) -> None:
        frame, place = self.stack[-1], self.place(event)
        if event.anchor:
            self.anchors[event.anchor] = [place]
        if frame.wants_key:
            self.turn(event.value)
            return
        self.scalars.append(place)
        if frame.key == "kind":
            frame.kind = event.value.lower()
        elif frame.key == "name":
            frame.name = event.value
        elif frame.key == "value":
            frame.value = place
        elif frame.key == APPLIED and _KIND.search(event.value):
            self.found.append(place)
        self.put([place])
        if "=" in event.value and any(f.key == "secretGenerator" for f in self.stack):
            key, _, value = event.value.partition("=")
            self.found.append(place._replace(values=(value,), instead=json.dumps(f"{key}={MASK}")))
        self.turn("")

    def turn(self, key: str) -> None:
        """A mapping's key was read, and a value is next; or the other way round."""
        frame = self.stack[-1]
        if frame.mapping:
            frame.key = key if frame.wants_key else frame.key
            frame.wants_key = not frame.wants_key

    def put(self, places: list[Found]) -> None:
        """Remember what stands in anybody's data."""
        for frame in self.stack:
            if frame.key in PARTS:
                self.left -= len(places)
                if self.left < 0:
                    raise ValueError
                frame.secrets.update((place.start, place) for place in places)

    def place(self, event: Any) -> Found:
        start, end = event.start_mark.index + self.mark, event.end_mark.index + self.mark
        plain = decoded(event.value)
        instead = MASK + "\n" if self.text[start:end].endswith("\n") else MASK
        return Found(start, end, (event.value, plain) if plain else (event.value,), instead)

    def close(self, frame: _Frame) -> None:
        if frame.anchor:
            self.anchors[frame.anchor] = self.scalars[frame.first :]
        if frame.kind in SECRET_KINDS:
            self.found += frame.secrets.values()
        elif self.stack and not frame.kind:  # an item of a SecretList says no kind of its own
            self.stack[-1].secrets.update(frame.secrets)
        if frame.value and SAYS_SECRET.search(frame.name):
            self.found.append(frame.value)
        if self.stack:
            self.turn("")


def _by_look(text: str) -> Iterator[Found]:
    """The values below `data:` and `stringData:`, and within the braces after them, in what is no YAML as a whole."""
    for section in _SECTION.finditer(text):
        start = section.start(2)
        for line in section[2].splitlines(keepends=True):
            at = _KEY.match(line).end()  # type: ignore[union-attr]
            written = line[at:].rstrip()
            if written and not _BLOCK.fullmatch(written):
                yield _shown(start + at, start + at + len(written), written)
            start += len(line)
    for section in _BRACES.finditer(text):
        for value in _IN_BRACES.finditer(text, *section.span(1)):
            yield _shown(value.start(1), value.end(1), value[1])


def _shown(start: int, end: int, written: str) -> Found:
    value = written.lstrip("\\").strip("\"'").rstrip("\\")
    quotes = written[: len(written) - len(written.lstrip("\\\"'"))]
    bare = value.partition(" #")[0].rstrip().rstrip("\"'")  # without a comment
    return Found(start, end, tuple({value, bare, _unescaped(value), decoded(bare)} - {""}), quotes + MASK + quotes)


def _unescaped(value: str) -> str:
    try:
        return str(json.loads(f'"{value}"'))
    except ValueError:
        return value


# -- command lines -------------------------------------------------------------------------------------


def handed_over(command: str) -> list[Found]:
    """What a command line hands over: literals of Secrets, passwords and tokens of flags, manifests in it.

    >>> [f.values for f in handed_over("kubectl create secret generic s --from-literal 'pin=4711' --from-literal=a=$A")]
    [('4711',)]
    """
    found = in_variables(command)
    made = [(m.start(), m[1]) for m in _MAKES.finditer(command)]
    for match in _LITERAL.finditer(command) if made else ():
        before = bisect_left(made, (match.start(),))
        if before and made[before - 1][1]:
            key, _, value = _unquoted(match[1]).partition("=")
            found += _given(match, 1, value, f"{key}={MASK}")
    for match in _FLAG.finditer(command):
        found += _given(match, 1, _unquoted(match[1]), MASK)
    for match in _LOGIN.finditer(command):
        user, _, value = _unquoted(match[1]).partition(":")
        found += _given(match, 1, value, f"{user}:{MASK}")
    patches = _CHANGES.search(command)
    if patches or _KIND.search(command):
        found += _by_look(command)
    for match in _PATCHED.finditer(command) if patches else ():
        found += [_shown(*value.span(1), value[1]) for value in _IN_BRACES.finditer(command, *match.span(1))]
    return found


def in_variables(text: str) -> list[Found]:
    """The values of variables whose name says what they hold, as a shell sets and `env` prints them.

    >>> [f.values for f in in_variables("export DB_PASSWORD=geheim TOKEN=$(cat token) AUTHOR=me")]
    [('geheim',)]
    """
    found = [f for m in _VARIABLE.finditer(text) if SAYS_SECRET.search(m[1]) for f in _given(m, 2, _unquoted(m[2]))]
    lines = [m for m in _VARIABLE_LINE.finditer(text) if SAYS_SECRET.search(m[1])]
    return found + [f for m in lines for f in _given(m, 2, m[2]) if not re.search(r"\s-|[;|&]", m[2])]


def _given(match: re.Match[str], group: int, value: str, instead: str = MASK) -> list[Found]:
    if not value or value.startswith(("$", "`", MASK)) or _PATH.fullmatch(value):
        return []
    return [Found(*match.span(group), (value,), instead)]


def files_handed_over(command: str) -> list[str]:
    """The files that a command makes a Secret of.

    >>> files_handed_over("kubectl create secret generic s --from-file=key=a.txt --from-env-file .env")
    ['a.txt', '.env']
    """
    if not any(m[1] for m in _MAKES.finditer(command)):
        return []
    return [_unquoted(match[1]).rpartition("=")[2].removeprefix("./") for match in _FILE.finditer(command)]


def written_to(command: str, files: Iterable[str]) -> list[Found]:
    """What a command writes into one of these files.

    >>> [f.values for f in written_to("echo -n geheim > ./pw.txt; echo x > other", ["pw.txt"])]
    [('geheim',)]
    """
    wanted = set(files)
    found = [m for m in _WRITES.finditer(command) if _unquoted(m[2]).removeprefix("./") in wanted]
    return [f for m in found for f in _given(m, 1, _unquoted(m[1]))]


def _unquoted(word: str) -> str:
    if len(word) > _LONGEST or not re.search(r"[\"'\\]", word):  # shlex takes the square of a word's length
        return word.strip("\"'")
    try:
        return "".join(shlex.split(word))
    except ValueError:
        return word.strip("\"'")


# -- within a value ------------------------------------------------------------------------------------


def credentials(text: str) -> Iterator[str]:
    """The passwords within a value: a docker configuration, a URL, a file of settings.

    >>> sorted(credentials('{"auths": {"r.io": {"auth": "bWU6Z2VoZWlt"}}}'))
    ['bWU6Z2VoZWlt', 'geheim', 'me:geheim']
    >>> list(credentials("url=postgres://me:geheim@db/x\\nspring.password = 4711\\n"))
    ['geheim', '4711']
    """
    found = _json(text)
    if isinstance(found, dict | list):
        named = list(_leaves(found, ""))
    else:
        named = [m[1] for m in _URL.finditer(text)] + [m[1] or m[2] or m[3] for m in _FIELD.finditer(text)]
    for value in named:
        yield value
        plain = decoded(value)
        if ":" in plain:  # a docker configuration's auth
            yield plain
            yield plain.partition(":")[2]


def _leaves(found: Any, key: str) -> Iterable[str]:
    if isinstance(found, dict):
        for name, value in found.items():
            yield from _leaves(value, str(name))
    elif isinstance(found, list):
        for value in found:
            yield from _leaves(value, key)
    elif isinstance(found, str) and SAYS_SECRET.search(key):
        yield found


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def decoded(value: str) -> str:
    """What base64 says, where it is text; else ''."""
    try:
        return base64.b64decode("".join(value.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
