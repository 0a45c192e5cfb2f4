"""What a container gets: its final environment and files, each with its origin, and its command after expansion.

Computed from the History, so that a variable has the value of the container's start and a file the one of now; what an
output of `kubectl exec` shows is told apart from what is computed. Values of Secrets stay hidden unless asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from k8sviz.history import History, Snapshot
from k8sviz.kinds import Ref
from k8sviz.letters import printable
from k8sviz.observed import FileVersion, Received, Sighting, received
from k8sviz.observed.outputs import SEEN_BY_KUBELET
from k8sviz.rules.admission import in_start_order, service_account
from k8sviz.rules.environment import Origin, expand_command
from k8sviz.rules.expansion import references as names_in
from k8sviz.rules.fields import strings, text
from k8sviz.rules.file_access import Readable, identity_of, owner_text, readable
from k8sviz.rules.files import Source, empty_folders, mode_text
from k8sviz.rules.reasons import Reason
from k8sviz.rules.references import Reference, references
from k8sviz.words import say

__all__ = ["GotFile", "GotVariable", "GotWord", "Inspection", "Use", "Users", "inspect", "users"]

Known = Literal["predicted", "observed"]
_LONGEST: Final = 70  # letters of a value in a line of text
_SECRET_SOURCES: Final = ("Secret", "ServiceAccountToken", "PodCertificate")


@dataclass(frozen=True, slots=True)
class GotVariable:
    """A variable of the container's environment.

    `value` is None where it is hidden, or known only in the container. `known` is `observed` once an output showed it
    (in `step`); `computed` is then what the rules say, where that differs. `overridden` are the origins that lost.
    """

    name: str
    value: str | None
    origin: str
    known: Known = "predicted"
    step: str = ""
    hidden: bool = False
    size: int | None = None
    computed: str | None = None
    overridden: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The variable as plain JSON."""
        found = {"name": self.name, "value": self.value, "origin": self.origin, "known": self.known}
        return found | _set(
            step=self.step,
            hidden=self.hidden,
            size=self.size if self.hidden else None,
            computed=self.computed,
            overridden=list(self.overridden),
        )


@dataclass(frozen=True, slots=True)
class GotFile:
    """A file under one of the container's mounts, links followed.

    `contents` has what it may hold: one content, or old and new ones after a change that nobody has looked at; an
    entry is None where it is hidden, no text, or not known (its size is None as well). With `absent` there may be no
    such file.
    """

    path: str
    contents: tuple[str | None, ...]
    sizes: tuple[int | None, ...]
    mode: int
    origin: str
    change: str
    known: Known = "predicted"
    step: str = ""
    hidden: bool = False
    absent: bool = False
    uid: int = 0
    gid: int = 0
    readable: Readable = "yes"  # by the container's user; depends: on the image's

    @property
    def rights(self) -> str:
        """Mode, owner and group, and a mark where the container's user cannot read it."""
        marks = {"yes": "", "no": say("inspect.text.unread-no"), "depends": say("inspect.text.unread-depends")}
        return f"{mode_text(self.mode)} {owner_text(self.uid, self.gid)} {marks[self.readable]}".rstrip()

    @property
    def settled(self) -> bool:
        """Whether there is only one thing that it may hold."""
        return len(self.contents) == 1 and not self.absent

    def to_json(self) -> dict[str, Any]:
        """The file as plain JSON."""
        found = {
            "path": self.path,
            "contents": list(self.contents),
            "sizes": list(self.sizes),
            "mode": mode_text(self.mode),
            "uid": self.uid,
            "gid": self.gid,
            "readable": self.readable,
            "origin": self.origin,
            "change": self.change,
            "known": self.known,
            "settled": self.settled,
        }
        return found | _set(step=self.step, hidden=self.hidden, absent=self.absent)


@dataclass(frozen=True, slots=True)
class GotWord:
    """One word of `command` or `args`, as written and after expansion (None: hidden, or not known)."""

    part: Literal["command", "args"]
    written: str
    value: str | None
    hidden: bool = False

    def to_json(self) -> dict[str, Any]:
        """The word as plain JSON."""
        return {"part": self.part, "written": self.written, "value": self.value} | _set(hidden=self.hidden)


@dataclass(frozen=True, slots=True)
class Inspection:
    """What one container gets at `t` seconds; `started` is when its run began, None before it does.

    `problems` are the reasons why it cannot start, as sentences.
    """

    pod: Ref
    container: str
    t: float
    started: float | None
    starts: int
    variables: tuple[GotVariable, ...]
    files: tuple[GotFile, ...]
    words: tuple[GotWord, ...]
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The inspection as plain JSON."""
        return {
            "pod": {"name": self.pod.name, "namespace": self.pod.namespace},
            "container": self.container,
            "t": self.t,
            "started": self.started,
            "starts": self.starts,
            "environment": [variable.to_json() for variable in self.variables],
            "files": [file.to_json() for file in self.files],
            "words": [word.to_json() for word in self.words],
            "problems": list(self.problems),
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def inspect(
    history: History, t: float | None, pod: Ref, container: str | None = None, *, show_secrets: bool = False
) -> Inspection:
    """What a container of a Pod gets at `t` seconds (None: the end); without a name, what the Pod's first one gets.

    Raises K8svizError when there is no such Pod or container at that time.

    >>> main = {"name": "main", "env": [{"name": "WHO", "value": "you"}], "args": ["hi $(WHO)"]}
    >>> history = History.of([{"kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [main]}}])
    >>> found = inspect(history, None, Ref("Pod", "p"))
    >>> [(v.name, v.value) for v in found.variables][:1], found.words[0].value
    ([('WHO', 'you')], 'hi you')
    """
    moment = history.end if t is None else t
    obj = history.at(moment).require(pod)
    name = container or next((text(found, "name") for found, role in in_start_order(obj) if role == "main"), "")
    got = received(history, moment, pod, name)
    return _Inspector(got, history.about.secret_values, moment, show_secrets).inspection()


class _Inspector:
    """Turns what a container received into what may be told of it."""

    def __init__(self, got: Received, secret_values: str, t: float, show: bool) -> None:
        self.got, self.t, self.show, self.secret_values = got, t, show, secret_values
        self.declared = {variable.name: variable for variable in got.environment.variables}
        self.secret = got.secret_names

    def inspection(self) -> Inspection:
        got, run = self.got, self.got.run
        notes = [say("inspect.text.note-image")]
        if self.secret_values == "redacted":  # noqa: S105 - the header's word
            notes.append(say("inspect.text.note-redacted"))
        for mount in empty_folders(got.mounted):
            facts = {"path": mount.path, "sub_path": mount.sub_path, "volume": mount.volume}
            if not self.secret or self.show:  # a subPathExpr may have put a Secret's value in
                notes.append(say("inspect.text.note-empty-folder", **facts))
        return Inspection(
            got.ref,
            text(got.container, "name"),
            self.t,
            run.t if run else None,
            run.number + 1 if run else 0,
            tuple(self.variable(name) for name in self.names()),
            tuple(self.file(path, versions) for path, versions in got.files.items()),
            tuple(self.words()),
            tuple(self.problem(reason) for reason in got.problems),
            tuple(notes),
        )

    def names(self) -> list[str]:
        """The Pod's own variables in the order of their declaration, then those of Services."""
        own = list(dict.fromkeys(variable.name for variable in self.got.environment.variables))
        return [*own, *(name for name in self.got.environment.services if name not in self.declared)]

    def seen(self, what: str, name: str) -> Sighting | None:
        found = [sighting for sighting in self.got.seen if sighting.what == what and sighting.name == name]
        return found[-1] if found else None

    def variable(self, name: str) -> GotVariable:
        environment = self.got.environment
        computed = environment.all_values().get(name)
        variable = self.declared.get(name)
        origin = origin_words(variable.origin) if variable else say("inspect.origin.service")
        lost = tuple(origin_words(v.origin) for v in environment.variables if v.name == name and v.overridden_by)
        made = GotVariable(name, computed, origin, overridden=lost)
        sighting = self.seen("variable", name)
        if sighting is not None:
            shown = (sighting.content or b"").decode()
            # an output of lines cannot show a value's own last line breaks
            agrees = computed is not None and computed.rstrip("\n") == shown.rstrip("\n")
            differs = computed if computed is not None and not agrees else None
            made = replace(
                made, value=computed if agrees else shown, known="observed", step=sighting.step, computed=differs
            )
        if name in self.secret and not self.show:
            size = len(made.value.encode()) if made.value is not None else None
            return replace(made, value=None, computed=None, hidden=True, size=size)
        return made

    def file(self, path: str, versions: Sequence[FileVersion]) -> GotFile:
        known = [version.file for version in versions if version.file is not None]
        file = known[-1]
        sighting, listed_file = self.seen("file", path), self.seen("listed", path)
        contents = [file.content for file in known]
        partly = SEEN_BY_KUBELET.encode() in (contents[-1] or b"")  # a line that only the node knows
        observed = sighting is not None and len(versions) == 1 and (partly or sighting.content == contents[0])
        if observed and sighting is not None:
            contents = [sighting.content]
        hidden = file.source.kind in _SECRET_SOURCES and not self.show
        mode = listed_file.mode if listed_file is not None and listed_file.mode is not None else file.mode
        return GotFile(
            path,
            tuple(None if hidden else _plain(content) for content in contents),
            tuple(None if content is None else len(content) for content in contents),
            mode,
            self.file_origin(file.source, file.volume),
            say(f"inspect.change.{_change(file.source, file.update)}"),
            "observed" if observed else "predicted",
            sighting.step if observed and sighting else "",
            hidden,
            absent=len(known) < len(versions),
            uid=file.uid,
            gid=file.gid,
            readable=readable(identity_of(self.got.pod, self.got.container), file.uid, file.gid, mode),
        )

    def file_origin(self, source: Source, volume: str) -> str:
        account = service_account(self.got.pod) if source.kind == "ServiceAccountToken" else source.name
        kind = "Pod-resource" if source.kind == "Pod" and source.container else source.kind
        origin = say(
            f"inspect.origin.{kind}", key=source.key, name=account, path=source.path, container=source.container
        )
        return say("inspect.origin.in-volume", origin=origin, volume=volume)

    def words(self) -> Iterator[GotWord]:
        values = self.got.environment.all_values()
        for sighting in self.got.seen:  # what only the node knew
            if sighting.what == "variable" and sighting.name in values and values[sighting.name] is None:
                values[sighting.name] = (sighting.content or b"").decode()
        parts: tuple[Literal["command", "args"], ...] = ("command", "args")
        expanded = dict(zip(parts, expand_command(self.got.container, values), strict=True))
        for part in parts:
            for written, made in zip(strings(self.got.container, part), expanded[part], strict=True):
                hidden = not self.show and not self.secret.isdisjoint(names_in(written))
                yield GotWord(part, written, None if hidden else made, hidden)

    def problem(self, reason: Reason) -> str:
        facts = dict(reason.facts)
        if "sub_path" in facts and self.secret and not self.show:
            facts["sub_path"] = say("inspect.text.hidden-unknown")  # a subPathExpr may have put a Secret's value in
        return say(f"rules.pod.{reason.code}", **facts)


def origin_words(origin: Origin) -> str:
    """Where a variable comes from, in words."""
    code = "envFrom-prefix" if origin.mechanism == "envFrom" and origin.prefix else origin.mechanism
    return say(
        f"inspect.origin.{code}",
        kind=origin.kind,
        name=origin.name,
        key=origin.key,
        prefix=origin.prefix,
        path=origin.path,
        container=origin.container,
    )


def _change(source: Source, update: str) -> str:
    if update == "frozen":
        return "frozen"
    return {"Pod": "at-once", "ServiceAccountToken": "token", "PodCertificate": "token"}.get(source.kind, "live")


def _plain(content: bytes | None) -> str | None:
    """A file's content as text; None where it is none."""
    try:
        return None if content is None else content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _set(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, "", False, [])}


# -- as text ---------------------------------------------------------------------------------------


def value_words(variable: GotVariable) -> str:
    """A variable's value in one line."""
    if variable.hidden:
        return _hidden(variable.size)
    return say("inspect.text.unknown") if variable.value is None else _line(variable.value)


def content_words(file: GotFile) -> str:
    """A file's content in one line, or what it may be."""
    shown = []
    for content, size in zip(file.contents, file.sizes, strict=True):
        if file.hidden:
            shown.append(_hidden(size))
        elif content is not None:
            shown.append(_line(content))
        else:
            shown.append(say("inspect.text.unknown") if size is None else say("inspect.text.binary", size=size))
    if file.absent:
        shown.insert(0, say("inspect.text.absent"))
    joined = say("inspect.text.or").center(3).join(shown)
    return joined if len(shown) == 1 else say("inspect.text.either", values=joined)


def known_words(found: GotVariable | GotFile) -> str:
    """How it is known: computed, or seen in which step's output."""
    words = say("inspect.text.predicted")
    if found.known == "observed":
        words = say("inspect.text.observed", step=found.step)
    if isinstance(found, GotVariable) and found.computed is not None:
        words += "; " + say("inspect.text.differs", value=_line(found.computed))
    return words


def word_words(word: GotWord) -> str:
    """One word of the command or arguments after expansion, in one line."""
    if word.hidden:
        return say("inspect.text.hidden-unknown")
    return say("inspect.text.unknown") if word.value is None else _line(word.value)


def _hidden(size: int | None) -> str:
    return say("inspect.text.hidden-unknown") if size is None else say("inspect.text.hidden", size=size)


def _line(value: str) -> str:
    """A value as one line, its line breaks visible, a long one cut."""
    shown = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t") if "\n" in value else value
    shown = printable(shown)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 10]}…"


def _lines(found: Inspection) -> Iterator[str]:
    moment = say("inspect.text.moment", t=f"{found.t:.1f}")
    if found.started is None:
        yield say("inspect.text.title-now", container=found.container, pod=found.pod)
    else:
        yield say("inspect.text.title", container=found.container, pod=found.pod, t=moment)
        yield "  " + say("inspect.text.started", t=f"{found.started:.1f}", number=found.starts)
    if found.problems:
        yield say("inspect.text.problems")
        yield from (f"  {problem}" for problem in found.problems)
    variables = [(v.name, value_words(v), v.origin, known_words(v)) for v in found.variables]
    yield from _table(say("inspect.text.variables"), variables)
    for variable in found.variables:
        for lost in variable.overridden:
            yield "  " + say("inspect.text.overridden", name=variable.name, origin=lost)
    files = [(f.path, content_words(f), f.rights, f.origin, f.change, known_words(f)) for f in found.files]
    yield from _table(say("inspect.text.files"), files)
    words = [(word.part, _line(word.written), word_words(word)) for word in found.words]
    yield from _table(say("inspect.text.command"), words)
    yield from found.notes


def _table(title: str, rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    yield title
    if not rows:
        yield "  " + say("inspect.text.none")
        return
    widths = [min(max(len(row[i]) for row in rows), 48) for i in range(len(rows[0]) - 1)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, (*widths, 0), strict=True))
        yield "  " + "  ".join(cells).rstrip()


# -- who uses it -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a ConfigMap or Secret, or of one of its keys, by a Pod."""

    pod: Ref
    reference: Reference

    def to_json(self) -> dict[str, Any]:
        """The use as plain JSON."""
        it = self.reference
        found = {"pod": self.pod.name, "namespace": self.pod.namespace, "way": it.way}
        return found | _set(
            container=it.container,
            key=it.key,
            target=it.target,
            volume=it.volume,
            subPath=it.sub_path,
            optional=it.optional,
            frozen=it.frozen,
        )

    def __str__(self) -> str:
        it = self.reference
        code = "envFrom-prefix" if it.way == "envFrom" and it.target else it.way
        words = [say(f"inspect.users.{code}", target=it.target, container=it.container, volume=it.volume)]
        words += [say("inspect.users.key", key=it.key)] if it.key else []
        if it.container:
            words.append(say("inspect.users.frozen" if it.frozen else "inspect.users.live"))
        words += [say("inspect.users.optional")] if it.optional and it.container else []
        return f"{self.pod}: " + " · ".join(words)


@dataclass(frozen=True, slots=True)
class Users:
    """All uses of one ConfigMap or Secret, or of one of its keys."""

    ref: Ref
    key: str
    uses: tuple[Use, ...]

    def __iter__(self) -> Iterator[Use]:
        return iter(self.uses)

    def __len__(self) -> int:
        return len(self.uses)

    def to_json(self) -> dict[str, Any]:
        """The uses as plain JSON."""
        return (
            {"of": str(self.ref), "namespace": self.ref.namespace}
            | _set(key=self.key)
            | {"uses": [use.to_json() for use in self.uses]}
        )

    def __str__(self) -> str:
        what = f"{self.ref}/{self.key}" if self.key else str(self.ref)
        if not self.uses:
            return say("inspect.users.nobody", what=what)
        return "\n".join((say("inspect.users.title", what=what), *(f"  {use}" for use in self.uses)))


def users(snapshot: Snapshot, ref: Ref, key: str = "") -> Users:
    """Who uses this ConfigMap or Secret, or this key of it. It need not exist: Pods may wait for it.

    >>> volume = {"name": "v", "configMap": {"name": "c"}}
    >>> main = {"name": "main", "volumeMounts": [{"name": "v", "mountPath": "/etc/c"}]}
    >>> pod = {"kind": "Pod", "metadata": {"name": "p"}, "spec": {"volumes": [volume], "containers": [main]}}
    >>> print(users(History.of([pod]).at(), Ref("ConfigMap", "c"), "a"))
    Who uses configmap/c/a
      pod/p: /etc/c in container main, volume v · follows changes
    """
    found: list[Use] = []
    for pod in snapshot.objects("Pod", namespace=ref.namespace or None):
        meta: Mapping[str, Any] = pod.get("metadata") or {}
        home = Ref("Pod", text(meta, "name"), text(meta, "namespace"))
        mine = (each for each in references(pod) if (each.kind, each.name) == (ref.kind, ref.name))
        found += (Use(home, each) for each in mine if key in ("", each.key or key))
    return Users(ref, key, tuple(found))
