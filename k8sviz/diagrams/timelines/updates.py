"""A hot update on a time axis: when a key changed, when the volume's file followed, and what stayed.

All from a History: the change is a watch event; that a file is still old or already new is what outputs of commands
show, so that its arrival has bounds, narrowed where a listing shows the kubelet's time-stamped directory.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from k8sviz.diagrams.timelines.lives import Tick
from k8sviz.history import History
from k8sviz.kinds import Ref
from k8sviz.observed import FileVersion, Received, Sighting, received
from k8sviz.rules.admission import in_start_order
from k8sviz.rules.fields import text
from k8sviz.rules.objects import contents_of
from k8sviz.words import say

__all__ = ["Change", "Stretch", "Track", "Updates", "updates", "updates_text"]

_LONGEST: Final = 40


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `start` to `end` seconds it was version `number` of its source (None: that one or an earlier one)."""

    start: float
    end: float
    value: str
    number: int | None


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a source, at `t` seconds."""

    t: float
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Track:
    """One row of the chart: a source, or a variable or file that is made of it.

    `arrived` are the bounds, in seconds, between which a live file followed each change (None: not seen to); `seen` is
    the last output that shows it, as (seconds, step).
    """

    label: str
    part: Literal["source", "live", "frozen", "variable"]
    stretches: tuple[Stretch, ...]
    changes: tuple[Change, ...] = ()
    arrived: tuple[tuple[float, float] | None, ...] = ()
    seen: tuple[float, str] | None = None
    source: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Updates:
    """The rows for one container, sources first, each followed by what is made of it."""

    pod: Ref
    container: str
    start: float
    end: float
    tracks: tuple[Track, ...]
    ticks: tuple[Tick, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What it is about."""
        return say("updates.text.title", what=f"{self.pod}, {self.container}")

    def __str__(self) -> str:
        return updates_text(self)


def updates(history: History, pod: Ref, container: str | None = None, *, show_secrets: bool = False) -> Updates:
    """What changed of all that a container is given, and what of it arrived when; without a name, of the Pod's first.

    Values of Secrets are hidden unless `show_secrets`. Raises K8svizError when the Pod is not there at the end, or has
    no such container.
    """
    obj = history.at().require(pod)
    name = container or next((text(c, "name") for c, role in in_start_order(obj) if role == "main"), "")
    got = received(history, history.end, pod, name)
    tracks = tuple(_Tracker(history, got, show_secrets).tracks())
    ticks = tuple(Tick(step.t, i, step.id) for i, step in enumerate(history.steps, 1))
    kinds = {track.kind for track in tracks}
    notes = [say("updates.text.why-key")] if kinds & {"ConfigMap", "Secret"} else []
    notes += [say("updates.text.why-field")] if "Pod" in kinds else []
    start = got.run.set_up if got.run else history.end
    return Updates(pod, name, start, history.end, tracks, ticks, tuple(notes))


@dataclass(frozen=True, slots=True)
class _Source:
    """A key of a ConfigMap or Secret, or a field of the Pod."""

    kind: str
    name: str
    key: str


class _Tracker:
    """Finds what changed and follows it into one container."""

    def __init__(self, history: History, got: Received, show: bool) -> None:
        self.history, self.got, self.show = history, got, show
        self.end = history.end

    def tracks(self) -> Iterator[Track]:
        if self.got.run is None:
            return
        for source in self.sources():
            versions = self.versions(source)
            if len(versions) > 1:
                yield self.source_track(source, versions)
                yield from self.variable_tracks(source, versions)
                yield from self.file_tracks(source)

    def sources(self) -> list[_Source]:
        found: dict[_Source, None] = {}
        for variable in self.got.environment.variables:
            if variable.origin.kind in ("ConfigMap", "Secret") and variable.overridden_by is None:
                found[_Source(variable.origin.kind, variable.origin.name, variable.origin.key)] = None
        for versions in self.got.versions.values():
            for version in versions:
                if version.file is not None and version.file.source.kind in ("ConfigMap", "Secret", "Pod"):
                    it = version.file.source
                    found[_Source(it.kind, it.name, it.path if it.kind == "Pod" else it.key)] = None
        return list(found)

    def versions(self, source: _Source) -> list[tuple[float, bytes | None]]:
        """What the source held since the volumes were set up: time and content, one entry a change."""
        run = self.got.run
        if run is None:
            return []
        rows: list[tuple[float, bytes | None]] = []
        if source.kind == "Pod":
            files = (v for v in self.got.versions.values() if any(_is(version, source) for version in v))
            rows = [(v.t, v.file.content if v.file else None) for v in next(files, ())]
        else:
            namespace = text(self.got.pod, "metadata", "namespace")
            for event in self.history.versions(source.kind, source.name, namespace):
                held: Mapping[str, Any] = {} if event.type == "DELETED" else event.object
                rows.append((event.t, contents_of(held).get(source.key)))
        before = [row for row in rows if row[0] <= run.set_up][-1:]
        rows = before + [row for row in rows if row[0] > run.set_up]
        return [row for i, row in enumerate(rows) if i == 0 or row[1] != rows[i - 1][1]]

    def shown(self, content: bytes | None, source: _Source) -> str:
        if content is None:
            return say("updates.text.absent")
        if source.kind == "Secret" and not self.show:
            return say("updates.text.hidden", size=len(content))
        words = " ".join(content.decode("utf-8", "replace").split())
        return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"

    def label(self, source: _Source) -> str:
        if source.kind == "Pod":
            return say("updates.text.field", path=source.key)
        return say("updates.text.source", kind=source.kind, name=source.name, key=source.key)

    def source_track(self, source: _Source, versions: Sequence[tuple[float, bytes | None]]) -> Track:
        ends = [t for t, _ in versions[1:]] + [self.end]
        stretches = tuple(
            Stretch(t, end, self.shown(content, source), i)
            for i, ((t, content), end) in enumerate(zip(versions, ends, strict=True))
        )
        changes = tuple(
            Change(after.start, before.value, after.value) for before, after in itertools.pairwise(stretches)
        )
        return Track(self.label(source), "source", stretches, changes, source=self.label(source), kind=source.kind)

    # -- what is made of it ------------------------------------------------------------------------

    def variable_tracks(self, source: _Source, versions: Sequence[tuple[float, bytes | None]]) -> Iterator[Track]:
        run = self.got.run
        for variable in self.got.environment.variables:
            origin = variable.origin
            if run is None or (origin.kind, origin.name, origin.key) != (source.kind, source.name, source.key):
                continue
            if variable.overridden_by is None:
                content = None if variable.value is None else variable.value.encode()
                number = next((i for i, (_, held) in enumerate(versions) if held == content), 0)
                whole = Stretch(run.t, self.end, self.shown(content, source), number)
                label = say("updates.row.variable", name=variable.name)
                yield Track(
                    label,
                    "variable",
                    (whole,),
                    seen=self.last_seen("variable", variable.name),
                    source=self.label(source),
                    kind=source.kind,
                )

    def last_seen(self, what: str, name: str) -> tuple[float, str] | None:
        found = [s for s in self.got.seen if s.what == what and s.name == name]
        return (found[-1].until, found[-1].step) if found else None

    def file_tracks(self, source: _Source) -> Iterator[Track]:
        for path, versions in self.got.versions.items():
            file = next((v.file for v in reversed(versions) if v.file is not None), None)
            if file is None or not any(_is(version, source) for version in versions):
                continue
            if file.update == "frozen":
                yield self.frozen_track(path, source)
            else:
                yield self.live_track(path, versions, source)

    def frozen_track(self, path: str, source: _Source) -> Track:
        run = self.got.run
        kept = self.got.files.get(path, ())
        content = kept[-1].file.content if kept and kept[-1].file else None
        held = [content_ for _, content_ in self.versions(source)]
        number = held.index(content) if content in held else 0
        start = run.t if run else 0.0
        whole = Stretch(start, self.end, self.shown(content, source), number if len(kept) < 2 else None)
        label = say("updates.row.frozen", path=path)
        return Track(
            label, "frozen", (whole,), seen=self.last_seen("file", path), source=self.label(source), kind=source.kind
        )

    def live_track(self, path: str, versions: Sequence[FileVersion], source: _Source) -> Track:
        looks = _looks(versions, [s for s in self.got.seen if s.what == "file" and s.name == path])
        written = [s for s in self.got.seen if s.what == "written" and path.startswith(f"{s.name}/")]
        looks += _stamped(versions, looks, written, alone=self.changes_alone(path, versions))
        marks = {t for version in versions for t in (version.t,)}
        marks |= {t for look in looks for t in (look.since, look.until) if versions[0].t < t < self.end}
        times = sorted(marks | {self.end})
        stretches: list[Stretch] = []
        for start, end in itertools.pairwise(times):
            number = _known((start + end) / 2, versions, looks)
            value = say("updates.state.either") if number is None else self.shown(_content(versions[number]), source)
            if stretches and stretches[-1].number == number:
                stretches[-1] = Stretch(stretches[-1].start, end, value, number)
            else:
                stretches.append(Stretch(start, end, value, number))
        arrived = tuple(_arrival(i, versions, looks) for i in range(1, len(versions)))
        label = say("updates.row.file", path=path)
        return Track(
            label,
            "live",
            tuple(stretches),
            arrived=arrived,
            seen=self.last_seen("file", path),
            source=self.label(source),
            kind=source.kind,
        )

    def changes_alone(self, path: str, versions: Sequence[FileVersion]) -> bool:
        """Whether no other file of the volume changed: then the volume was written anew for this one."""
        volume = next((v.file.volume for v in versions if v.file is not None), "")
        times = {v.t for v in versions[1:]}
        for other, others in self.got.versions.items():
            same = any(v.file is not None and v.file.volume == volume for v in others)
            if same and other != path and not {v.t for v in others[1:]} <= times:
                return False
        return len(times) == 1


@dataclass(frozen=True, slots=True)
class _Look:
    """Some moment from `since` to `until` at which a file was version `low` at least and `high` at most."""

    since: float
    until: float
    low: int
    high: int


def _looks(versions: Sequence[FileVersion], seen: Sequence[Sighting]) -> list[_Look]:
    found: list[_Look] = []
    for sighting in seen:
        fit = [i for i, v in enumerate(versions) if v.t <= sighting.until and _content(v) == sighting.content]
        if fit:
            found.append(_Look(sighting.since, sighting.until, fit[0], fit[-1]))
    return found


def _stamped(
    versions: Sequence[FileVersion], looks: Sequence[_Look], written: Sequence[Sighting], *, alone: bool
) -> list[_Look]:
    """What the time-stamped directory adds: the file was new by then, and old before if it alone changed."""
    found: list[_Look] = []
    for stamp in written:
        listed = next((look for look in looks if look.until >= stamp.until and look.low == len(versions) - 1), None)
        if listed is None or stamp.until < versions[-1].t:
            continue
        found.append(_Look(stamp.until, stamp.until, listed.low, listed.high))
        if alone and stamp.since > versions[-1].t:
            found.append(_Look(stamp.since, stamp.since, 0, listed.low - 1))
    return found


def _known(t: float, versions: Sequence[FileVersion], looks: Sequence[_Look]) -> int | None:
    """Which version a file is at `t` seconds; None where that is open. A file never goes back to an older one."""
    low = max((look.low for look in looks if look.until <= t), default=0)
    high = max(i for i, version in enumerate(versions) if version.t <= t)
    high = min([high, *(look.high for look in looks if look.since >= t)])
    return low if low >= high else None


def _arrival(number: int, versions: Sequence[FileVersion], looks: Sequence[_Look]) -> tuple[float, float] | None:
    """Between which seconds a file became this version or a newer one; None when nobody saw it."""
    until = min((look.until for look in looks if look.low >= number), default=None)
    if until is None:
        return None
    return max([versions[number].t, *(look.since for look in looks if look.high < number)]), until


def _is(version: FileVersion, source: _Source) -> bool:
    if version.file is None:
        return False
    it = version.file.source
    return (it.kind, it.name, it.path if it.kind == "Pod" else it.key) == (source.kind, source.name, source.key)


def _content(version: FileVersion) -> bytes | None:
    return version.file.content if version.file is not None else None


def updates_text(told: Updates) -> str:
    """The same in words: each change, what followed it when, and what stayed."""
    lines = [told.title]
    changes: tuple[Change, ...] = ()
    for track in told.tracks:
        if track.part == "source":
            changes = track.changes
            lines.append(track.label)
            lines += ["  " + say("updates.text.changed", t=f"{c.t:.1f}", old=c.old, new=c.new) for c in changes]
        else:
            lines += ["    " + line for line in _track_lines(track, changes)]
    if not told.tracks:
        lines.append(say("updates.text.nothing", what=told.pod))
    return "\n".join((*lines, *told.notes))


def _track_lines(track: Track, changes: Sequence[Change]) -> Iterator[str]:
    if track.part in ("variable", "frozen"):
        value = track.stretches[-1].value
        if track.seen is None:
            yield say("updates.text.stays", label=track.label, value=value)
        else:
            t, step = track.seen
            yield say("updates.text.stays-seen", label=track.label, value=value, t=f"{t:.1f}", step=step)
        return
    for change, bounds in zip(changes, track.arrived, strict=False):
        if bounds is None:
            after = max(s.start for s in track.stretches if s.number is None)
            yield say("updates.text.waits", label=track.label, after=f"{after:.1f}")
        else:
            after, until = bounds
            yield say(
                "updates.text.followed",
                label=track.label,
                after=f"{after:.1f}",
                until=f"{until:.1f}",
                least=f"{after - change.t:.1f}",
                most=f"{until - change.t:.1f}",
            )
