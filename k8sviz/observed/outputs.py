"""What the recorded output of commands says about a container's variables and files: seen, not computed.

An output is only believed where all of it can be told apart: every part of the command is known or free, and a file's
content is one that the file could have. Whatever else a command printed says nothing.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal

from k8sviz.history import History, Step
from k8sviz.kinds import Ref
from k8sviz.observed.runs import clock
from k8sviz.observed.shell import Cat, Each, Echo, Environ, Exec, Line, Listing, Part, Template, inside, read_command
from k8sviz.rules.fields import listed, text

__all__ = ["SEEN_BY_KUBELET", "Sighting", "sightings"]

SEEN_BY_KUBELET: Final = 'kubernetes.io/config.seen="…"'
"""The line of an annotations file that only the node knows."""

_MOST_OUTPUT: Final = 50_000  # letters; a longer output is no look at a few files
_MOST_FREE: Final = 4  # parts of any length in one command: each multiplies the ways to read the rest
_ANY: Final = r"(?:[^\n]*\n)*?(?:[^\n]+\Z)?"
_LISTED: Final = re.compile(r"-([rwxsStT-]{9})[.+@]?\s+\d+\s+\S+\s+\S+\s+(\d+)\s.*?\s(\S+)\Z")
_WRITTEN: Final = re.compile(r"l\S+\s.*\s\.\.data -> \.\.(\d{4}_\d\d_\d\d_\d\d_\d\d_\d\d)\.\d+\Z")
_LOOP: Final = re.compile(r"\bfor (\w+) in \$\(seq (\d+) (\d+) \d+\)")
_SHELL_NAME: Final = re.compile(r"\$\{(\w+)\}|\$(\w+)")


@dataclass(frozen=True, slots=True)
class Sighting:
    """One thing that an output shows, true at some moment between `since` and `until` (seconds), and the step's id.

    `what` is `variable` (value in `content`), `file` (`content`), `listed` (`mode` and `size` of a file) or `written`
    (the kubelet wrote the volume at the folder `name` anew then, as its time-stamped directory says).
    """

    what: Literal["variable", "file", "listed", "written"]
    name: str
    since: float
    until: float
    step: str
    content: bytes | None = None
    mode: int | None = None
    size: int | None = None

    def __repr__(self) -> str:
        """Without the content, which may be a Secret's."""
        return f"<Sighting of {self.what} {self.name} in {self.step}, {self.since:.1f} to {self.until:.1f} s>"


def sightings(
    history: History,
    ref: Ref,
    pod: Mapping[str, Any],
    container: str,
    contents: Mapping[str, Sequence[bytes]],
    *,
    after: float,
    until: float,
) -> list[Sighting]:
    """What outputs printed between `after` and `until` seconds show of one container, in order of time.

    `contents` are the files that it may have, each with the contents that it may have had.
    """
    namespace = history.about.namespace
    found: list[Sighting] = []
    for step in history.steps:
        if step.result is None or not after <= step.result.t <= until or "exec" not in step.command:
            continue
        if namespace and ref.namespace and namespace != ref.namespace:
            continue  # a lab's commands speak of its own namespace
        found += _Reader(history, step, ref.name, pod, container, contents).read()
    return sorted(found, key=lambda sighting: (sighting.until, sighting.since))


class _Reader:
    """Reads one step's output as one container's."""

    def __init__(
        self,
        history: History,
        step: Step,
        name: str,
        pod: Mapping[str, Any],
        container: str,
        contents: Mapping[str, Sequence[bytes]],
    ) -> None:
        self.history, self.step, self.name, self.container, self.contents = history, step, name, container, contents
        annotation = text(pod, "metadata", "annotations", "kubectl.kubernetes.io/default-container")
        first = next((text(each, "name") for each in listed(pod, "spec", "containers")), "")
        self.is_default = container == (annotation or first)
        self.result = step.result

    def read(self) -> list[Sighting]:
        if self.result is None or len(self.result.stdout) > _MOST_OUTPUT:
            return []
        prints = read_command(self.step.command)
        found = [sighting for each in prints if isinstance(each, Template) for sighting in self.lines(each)]
        if found or any(isinstance(each, Template) for each in prints):
            return found
        return self.whole([self.part_of(each) for each in prints if not isinstance(each, Template)])

    def mine(self, run: Exec) -> bool:
        return run.pod == self.name and (run.container == self.container or (not run.container and self.is_default))

    def part_of(self, run: object) -> Part | None:
        """What this container prints; None for anything that says nothing about it."""
        return run.part if isinstance(run, Exec) and self.mine(run) else None

    def sighting(self, what: Literal["variable", "file"], name: str, content: str) -> Sighting:
        assert self.result is not None  # noqa: S101 - read() looked
        return Sighting(what, name, self.step.t, self.result.t, self.step.id, content.encode())

    # -- one output after the other ----------------------------------------------------------------

    def whole(self, parts: Sequence[Part | None]) -> list[Sighting]:
        assert self.result is not None  # noqa: S101 - read() looked
        plan = [each for part in parts for each in self.unrolled(part)]
        patterns = [self.pattern(part) for part in plan]
        free = sum(
            pattern == _ANY for pattern, before in zip(patterns, ["", *patterns], strict=False) if before != _ANY
        )
        if free > _MOST_FREE or not any(plan):
            return []
        match = re.fullmatch("".join(f"({pattern})" for pattern in patterns), self.result.stdout)
        if match is None:
            return []
        found: list[Sighting] = []
        for part, shown in zip(plan, match.groups(), strict=True):
            found += self.seen(part, shown)
        return found

    def unrolled(self, part: Part | None) -> Iterator[Part | None]:
        """A loop over a folder's files, as the shell runs it."""
        if not isinstance(part, Each):
            yield part
            return
        for path in sorted(self.contents):
            if posixpath.dirname(path) == part.folder.rstrip("/"):
                file = shlex.quote(posixpath.basename(path))
                body = "; ".join(part.body).replace(f"'${part.name}'", file).replace(f"${part.name}", file)
                yield from inside(f"cd {part.folder}; {body}")

    def pattern(self, part: Part | None) -> str:
        match part:
            case Environ():
                return r"(?:[^\n=]+=[^\n]*\n)+"
            case Echo():
                return r"[^\n]*\n"
            case Line(words):
                return re.escape(words) + r"\n"
            case Cat(path) if self.contents.get(path):
                # of two contents that begin alike, the longer one is tried first
                return "|".join(map(_content_pattern, sorted(self.contents[path], key=len, reverse=True)))
        return _ANY

    def seen(self, part: Part | None, shown: str) -> Iterator[Sighting]:
        match part:
            case Environ():
                for line in shown.splitlines():
                    name, _, value = line.partition("=")
                    yield self.sighting("variable", name, value)
            case Echo(name):
                yield self.sighting("variable", name, shown.removesuffix("\n"))
            case Cat(path) if self.contents.get(path):
                yield self.sighting("file", path, shown)
            case Listing(paths):
                yield from self.listing(paths, shown)

    def listing(self, paths: Sequence[str], shown: str) -> Iterator[Sighting]:
        """Modes and sizes of the files that `ls -l` shows, and when the kubelet wrote the folder."""
        folder = paths[0] if len(paths) == 1 else ""
        for line in shown.splitlines():
            if line.startswith("/") and line.endswith(":"):
                folder = line[:-1]
            elif (file := _LISTED.match(line)) is not None and folder:
                path = _plain_path(f"{folder}/{file[3]}")
                if path in self.contents:
                    one = self.sighting("file", path, "")
                    yield replace(one, what="listed", content=None, mode=_mode(file[1]), size=int(file[2]))
            elif (stamp := _WRITTEN.match(line)) is not None and folder:
                yield from self.written(_plain_path(folder), stamp[1])

    def written(self, folder: str, stamp: str) -> Iterator[Sighting]:
        """pkg/volume/util/atomic_writer.go names each new directory by the time in UTC, in whole seconds."""
        zero = clock(self.history)
        if zero is not None:
            at = datetime.strptime(stamp, "%Y_%m_%d_%H_%M_%S").replace(tzinfo=UTC).timestamp() - zero
            one = self.sighting("file", folder, "")
            yield replace(one, what="written", content=None, since=max(at, 0.0), until=min(at + 1, one.until))

    # -- lines of one form -------------------------------------------------------------------------

    def lines(self, template: Template) -> Iterator[Sighting]:
        """Lines that a loop printed, with what commands inside the container had printed put into each."""
        assert self.result is not None  # noqa: S101 - read() looked
        held = {name: run for name, run in template.holds if self.mine(run)}
        pattern, names = _template_pattern(template.text)
        rows = [match for line in self.result.stdout.splitlines() if (match := pattern.fullmatch(line))]
        times = self.times([dict(zip(names, row.groups(), strict=True)) for row in rows])
        for row, (since, until) in zip(rows, times, strict=True):
            for name, shown in zip(names, row.groups(), strict=True):
                if name in held:
                    for sighting in self.held(held[name].part, shown):
                        yield replace(sighting, since=since, until=until)

    def held(self, part: Part, shown: str) -> Iterator[Sighting]:
        """What `$( )` kept, which is the output without its last line breaks."""
        if isinstance(part, Echo):
            yield self.sighting("variable", part.name, shown)
        elif isinstance(part, Cat):
            for content in self.contents.get(part.path, ()):
                if content.rstrip(b"\n") == shown.encode():
                    yield replace(self.sighting("file", part.path, shown), content=content)

    def times(self, rows: Sequence[Mapping[str, str]]) -> list[tuple[float, float]]:
        """When each line was printed, as closely as the loop's own sleeping tells: no line comes before its sleeps."""
        assert self.result is not None  # noqa: S101 - read() looked
        loop = _LOOP.search(self.step.command)
        start, end = self.step.t, self.result.t
        if loop is None or f"sleep {loop[3]}" not in self.step.command:
            return [(start, end) for _ in rows]
        slept = [int(row[loop[1]]) - int(loop[2]) if row.get(loop[1], "").isdigit() else 0 for row in rows]
        last = max(slept, default=0)
        return [(start + each, end - (last - each)) for each in slept]


def _template_pattern(words: str) -> tuple[re.Pattern[str], list[str]]:
    """A line of this form, and the names of the variables in it, one a group."""
    pattern, names, at = "", [], 0
    for found in _SHELL_NAME.finditer(words):
        pattern += re.escape(words[at : found.start()]) + "(.*?)"
        names.append(found[1] or found[2])
        at = found.end()
    return re.compile(pattern + re.escape(words[at:])), names


def _content_pattern(content: bytes) -> str:
    escaped = re.escape(content.decode("utf-8", "replace"))
    return escaped.replace(re.escape(SEEN_BY_KUBELET), r'kubernetes\.io/config\.seen="[^"\n]*"')


def _plain_path(path: str) -> str:
    """The path that links lead to the file by: without `..data` and the time-stamped directory."""
    return posixpath.normpath("/".join(part for part in path.split("/") if not part.startswith("..")) or "/")


def _mode(letters: str) -> int:
    """`rw-r-----` as a number."""
    return int("".join("0" if letter in "-ST" else "1" for letter in letters), 2)
