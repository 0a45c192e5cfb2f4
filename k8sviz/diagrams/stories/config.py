"""The configuration story: a key of a ConfigMap or Secret → the variable or file that it becomes in a container.

The mechanism stands on the line. What a later change of the key reaches can be seen on both ends: a file of a whole
mount follows it, a variable and a file under a subPath are frozen until the container starts again.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from k8sviz.diagrams.kit.builder import Builder
from k8sviz.diagrams.kit.limits import LIMIT
from k8sviz.diagrams.kit.model import Diagram, Level
from k8sviz.diagrams.kit.pods import PodFrame
from k8sviz.diagrams.kit.summary import sum_up
from k8sviz.diagrams.stories.config_summed import MOST, config_summed, keys_of, things_in
from k8sviz.errors import K8svizError, nearest
from k8sviz.history import History, Object, Snapshot, ref_of
from k8sviz.kinds import Ref
from k8sviz.observed import FileVersion
from k8sviz.rules.admission import in_start_order, service_account
from k8sviz.rules.environment import Variable
from k8sviz.rules.expansion import expand
from k8sviz.rules.expansion import references as names_in
from k8sviz.rules.fields import JSON, flag, listed, mapped, strings, text
from k8sviz.rules.file_access import identity_of, owner_text, readable, user_text
from k8sviz.rules.files import File, mode_text
from k8sviz.rules.objects import contents_of
from k8sviz.rules.references import Reference, is_token_volume, references
from k8sviz.words import say

__all__ = ["config"]

_KINDS: Final = ("ConfigMap", "Secret")
_ROOT_CA: Final = "kube-root-ca.crt"
_LONGEST: Final = 30  # letters of a value on a card
_ANY: Final = "*"  # no key can be called so


def config(
    snapshot: Snapshot,
    focus: Ref | None = None,
    *,
    namespace: str | None = None,
    key: str = "",
    show_secrets: bool = False,
    token: bool = False,
    history: History | None = None,
) -> Diagram:
    """The configuration story of a Snapshot: all of it, or what hangs together with one object or one of its keys.

    `key` is a key of the ConfigMap or Secret in focus. With the `history` that the Snapshot is of, variables are those
    of the container's start, and a file after a change is old or new until a recorded output settles it; without it
    everything is as if each container started now. `token` adds the volume that Kubernetes gives each Pod for its API
    token. Values of Secrets are hidden unless `show_secrets`.

    Raises K8svizError when the object or the key in focus is not there and no Pod names it.

    >>> variable = {"name": "WHO", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "who"}}}
    >>> pod = {"kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "main", "env": [variable]}]}}
    >>> settings = {"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"who": "you"}}
    >>> [(edge.relation, edge.label) for edge in config(History.of([pod, settings]).at()).edges]
    [('env', 'env valueFrom\\nfrozen')]
    """
    token = token or (focus is not None and (focus.kind == "ServiceAccount" or focus.name == _ROOT_CA))
    if things_in(snapshot, namespace) > MOST:
        return _summed(snapshot, focus, namespace, key, token)
    story = _Story(Builder(snapshot, namespace), history, show_secrets, token)
    for kind in _KINDS:
        for obj in story.b.objects(kind):
            if token or ref_of(obj).name != _ROOT_CA:
                story.holder(obj)
    for pod in story.b.pods():
        story.pod(pod)
    diagram = _unused(story.b.diagram("configuration", _title(story.b, focus, key)))
    if focus is not None:
        return _around(diagram, snapshot, focus, key)
    if not diagram.nodes:
        diagram = diagram._replace(notes=(*diagram.notes, say("stories.config.nothing")))
    if len(diagram.nodes) > LIMIT:
        diagram = _replicas_once(diagram)
    return sum_up(diagram, LIMIT)


def _summed(snapshot: Snapshot, focus: Ref | None, namespace: str | None, key: str, token: bool) -> Diagram:
    """The story of more than can be drawn one by one; a key in focus is drawn as its object is."""
    if key and focus is not None:
        keys = keys_of(snapshot.require(focus))
        if key not in keys:
            raise K8svizError(f"{focus} has no key {key!r}; {nearest(key, keys)}")
    roots = {ref_of(obj) for obj in snapshot.objects("ConfigMap", namespace=namespace) if not token}
    hidden = frozenset(ref for ref in roots if ref.name == _ROOT_CA)
    diagram = _unused(config_summed(snapshot, namespace, _title(Builder(snapshot, namespace), focus, ""), hidden))
    if focus is not None:
        return sum_up(_around(diagram, snapshot, focus, ""), LIMIT)
    return sum_up(_replicas_once(diagram), LIMIT)


def _replicas_once(diagram: Diagram) -> Diagram:
    """Pods of one owner that are given the same are drawn once, with their count."""
    parents = {group.id: group.parent for group in diagram.groups}
    inside: dict[str, list[tuple[object, ...]]] = {}
    for node in diagram.nodes:
        home = parents.get(node.group) or node.group
        frame = node.group.rpartition("/")[2] if home != node.group else ""  # its container
        inside.setdefault(home, []).append((frame, node.kind, node.name, node.facts, node.state))
    alike: dict[tuple[object, ...], list[str]] = {}
    pods = [group for group in diagram.groups if group.kind == "Pod"]
    for pod in pods:
        alike.setdefault((pod.alike or pod.id, frozenset(inside.get(pod.id, ()))), []).append(pod.id)
    counts = {members[0]: len(members) for members in alike.values()}
    left_out = {pod.id for pod in pods} - counts.keys()
    left_out |= {inner for inner, outer in parents.items() if outer in left_out}
    nodes = tuple(node for node in diagram.nodes if node.group not in left_out)
    here = {node.id for node in nodes}
    groups = (g._replace(count=counts.get(g.id, 1)) for g in diagram.groups if g.id not in left_out)
    note = say("configuration.note.alike", pods=len(pods), drawn=len(counts))
    return diagram._replace(
        nodes=nodes,
        groups=tuple(groups),
        edges=tuple(edge for edge in diagram.edges if edge.source in here and edge.target in here),
        notes=(*diagram.notes, note) if len(counts) < len(pods) else diagram.notes,
    )


def _title(b: Builder, focus: Ref | None, key: str) -> str:
    return b.title("config", f"{focus}/{key}" if key else str(focus or ""))


def _unused(diagram: Diagram) -> Diagram:
    """A key that nobody uses says so, and what is given nothing is not drawn."""
    tied = {edge.source for edge in diagram.edges}
    state = say("configuration.state.nobody")
    nodes = (n._replace(state=state, level="off") if n.kind == "Key" and n.id not in tied else n for n in diagram.nodes)
    return diagram._replace(nodes=tuple(nodes)).without_empty_frames()


def _around(diagram: Diagram, snapshot: Snapshot, focus: Ref, key: str) -> Diagram:
    """Only what leads to the focus and what follows from it."""
    standing = set(diagram.standing_for(focus))
    mine = [node for node in diagram.nodes if node.id in standing]
    if not mine:
        snapshot.require(focus)
    if key:
        named = [node for node in mine if node.kind == "Key" and node.name == key]
        if not named:
            names = [node.name for node in mine if node.kind == "Key"]
            raise K8svizError(f"{focus} has no key {key!r}; {nearest(key, names)}")
        mine = named
    kept = diagram.around(*(node.id for node in mine))
    return kept if kept.nodes else kept._replace(notes=(*kept.notes, say("stories.config.nothing")))


@dataclass(frozen=True, slots=True)
class _Change:
    """What a later change of a key reaches, as the word and level of a node and of the line to it."""

    state: str
    level: Level
    word: str
    line: Level


_LIVE: Final = _Change("live", "ok", "live", "ok")
_EITHER: Final = _Change("either", "wait", "live", "wait")
_FROZEN: Final = _Change("frozen", "", "frozen", "off")
_STALE: Final = _Change("stale", "off", "frozen", "off")


class _Story:
    """Draws objects with their keys, and Pods with what their containers receive."""

    def __init__(self, builder: Builder, history: History | None, show: bool, token: bool) -> None:
        self.b, self.history, self.show, self.token = builder, history, show, token
        self.read: dict[Ref, dict[str, bytes]] = {}
        self.redacted = builder.snapshot.about.secret_values == "redacted"  # noqa: S105 - the header's word

    def contents(self, ref: Ref) -> dict[str, bytes]:
        """What an object's keys hold, read once; nothing where there is no such object."""
        if ref not in self.read:
            self.read[ref] = contents_of(self.b.snapshot.find(ref))
        return self.read[ref]

    # -- ConfigMaps and Secrets --------------------------------------------------------------------

    def holder(self, obj: Object) -> None:
        """Reads data, binaryData, stringData, immutable and type: a frame with a node for each key."""
        ref = ref_of(obj)
        facts = [say("configuration.fact.immutable")] if flag(obj, "immutable") else []
        kind = text(obj, "type")
        if kind and kind != "Opaque":
            facts.append(say("configuration.fact.type", type=kind))
        frame = self.b.group(ref, facts, alike=f"{ref.kind} {' '.join(facts)}")
        for key, content in sorted(contents_of(obj).items()):
            hidden = ref.kind == "Secret"
            fact = self.value(content, hidden)
            self.b.node("Key", key, _key_id(ref, key), [fact], group=frame, alike=f"{ref.kind} {key}")

    def ghost_key(self, ref: Ref, key: str, optional: bool) -> tuple[str, Level]:
        """A key that something names and that is not there, with its object's frame if that is missing too."""
        level: Level = "unknown" if optional else "bad"
        if self.b.snapshot.find(ref) is None:
            missing = self.b.snapshot.missing(ref.kind)
            level = level if missing == "absent" else "unknown"
            self.b.group(ref, state=say(f"configuration.state.{missing}"), level=level)
        name = say("configuration.name.any") if key == _ANY else key
        state = say("configuration.state.nothing" if optional else "configuration.state.absent")
        node = _key_id(ref, key)
        self.b.node("Key", name, node, state=state, level=level, group=self.b.id_of(ref))
        return node, level

    def value(self, content: bytes | None, hidden: bool) -> str:
        """A value as one short fact; of a Secret only its size."""
        if content is None:
            return say("configuration.value.hidden-unknown" if hidden else "configuration.value.unknown")
        if hidden and not self.show:
            if self.redacted:
                return say("configuration.fact.redacted")
            return say("configuration.value.hidden", size=len(content))
        try:
            shown = content.decode("utf-8")
        except UnicodeDecodeError:
            return say("configuration.value.binary", size=len(content))
        return say("configuration.value.text", value=_short(shown)) if shown else say("configuration.value.empty")

    # -- Pods --------------------------------------------------------------------------------------

    def pod(self, pod: Object) -> None:
        """Reads all of a Pod's references, and what its containers received."""
        uses = [use for use in references(pod) if self.token or not _is_root_ca(use)]
        frame = PodFrame(self.b, pod)
        for container, role in in_start_order(pod):
            _Container(self, frame, container, role, uses).draw()
        for use in uses:
            if use.way in ("imagePullSecrets", "driver"):
                self.whole(frame, use)

    def whole(self, frame: PodFrame, use: Reference) -> None:
        """A Secret that no container sees: to pull images, or for a volume's driver."""
        ref = Ref(use.kind, use.name, frame.ref.namespace)
        found = self.b.snapshot.find(ref)
        keys = sorted(contents_of(found)) if found is not None else []
        if use.way == "imagePullSecrets":
            images = dict.fromkeys(text(c, "image") for c, _ in in_start_order(frame.pod.json))
            facts = [say("configuration.fact.images", image=image) for image in images]
            node = frame.put("Image", say("configuration.name.images"), facts)
        else:
            node = frame.put("Volume", use.volume)
        label = say(f"configuration.edge.{use.way}")
        for key in keys or [_ANY]:
            source, level = _key_id(ref, key), ""
            if not keys:
                source, level = self.ghost_key(ref, key, use.optional)
            self.b.edge(source, node, use.way, label, level)  # type: ignore[arg-type]


class _Container:
    """Draws one container: its variables, its files, its words with `$(VAR)`, and the lines to them."""

    def __init__(self, story: _Story, frame: PodFrame, container: JSON, role: str, uses: Sequence[Reference]) -> None:
        self.story, self.b, self.home, self.role = story, story.b, frame, role
        self.pod, self.ref, self.name = frame.pod.json, frame.ref, text(container, "name")
        self.got = frame.received(self.name, story.history)
        self.uses = [use for use in uses if use.container == self.name]
        self.secret = self.got.secret_names
        self.values = self.got.environment.all_values()
        self.current = {v.name: v for v in self.got.environment.variables if v.overridden_by is None}

    def draw(self) -> None:
        """The container's frame and everything in it."""
        covered = ", ".join(self.covered())
        facts = [say("configuration.fact.covers", paths=covered)] if covered else []
        self.frame = self.home.container({"name": self.name}, self.role, facts)
        self.variables()
        self.files()
        self.tokens()
        self.words()

    def covered(self) -> list[str]:
        """The directories in which only a volume's files are to be seen, not the image's own."""
        volumes = {use.volume for use in self.uses if use.volume}
        mounts = [mount for mount in listed(self.got.container, "volumeMounts") if text(mount, "name") in volumes]
        return [text(m, "mountPath") for m in mounts if not text(m, "subPath") and not text(m, "subPathExpr")]

    def put(self, kind: str, name: str, facts: Iterable[str], change: str, level: Level) -> str:
        """A node in the container's frame."""
        state = say(f"configuration.state.{change}") if change else ""
        return self.home.put(kind, name, facts, of=self.name, group=self.frame, state=state, level=level)

    def node_id(self, kind: str, name: str) -> str:
        return self.home.at(kind.lower(), self.name, name)

    def key_ref(self, kind: str, name: str) -> Ref:
        return Ref(kind, name, self.ref.namespace)

    def now(self, kind: str, name: str, key: str) -> bytes | None:
        """What the key holds at this moment."""
        return self.story.contents(self.key_ref(kind, name)).get(key)

    # -- variables ---------------------------------------------------------------------------------

    def variables(self) -> None:
        drawn: set[str] = set()
        for variable in self.got.environment.variables:
            if variable.origin.kind in _KINDS:
                drawn.add(variable.name)
        drawn |= self.through_names(drawn)
        for name in self.values:
            if name in drawn:
                self.variable(name)
        for variable in self.got.environment.variables:
            if variable.origin.kind in _KINDS:
                self.variable_edge(variable)
        self.expansions(drawn)
        for use in self.uses:
            if use.way in ("env", "envFrom"):
                self.missing_variable(use)

    def through_names(self, drawn: set[str]) -> set[str]:
        """Variables that take part by `$(VAR)`: in each other, in the command, in arguments, in a subPathExpr."""
        written = list(self.got.container_words())
        written += [text(entry, "value") for entry in listed(self.got.container, "env")]
        written += [text(mount, "subPathExpr") for mount in listed(self.got.container, "volumeMounts")]
        named = {name for words in written for name in names_in(words)}
        makers = {text(e, "name") for e in listed(self.got.container, "env") if names_in(text(e, "value"))}
        return {name for name in named | makers if name in self.values} - drawn

    def variable(self, name: str) -> None:
        value = self.values[name]
        content = None if value is None else value.encode()
        change = _FROZEN
        variable = self.current.get(name)
        if variable is not None and variable.origin.kind in _KINDS and self.got.run is not None:
            origin = variable.origin
            if self.now(origin.kind, origin.name, origin.key) != content:
                change = _STALE
        fact = self.story.value(content, name in self.secret)
        self.put("Variable", name, [fact], change.state, change.level)

    def variable_edge(self, variable: Variable) -> None:
        origin = variable.origin
        way = "envFrom" if origin.mechanism == "envFrom" else "env"
        code = "envFrom-prefix" if origin.prefix else way
        words = [say(f"configuration.edge.{code}", prefix=origin.prefix), say("configuration.edge.frozen")]
        if any(use.optional and _makes(use, variable) for use in self.uses):
            words.append(say("configuration.edge.optional"))
        if variable.overridden_by is not None:
            words.append(say("configuration.edge.overridden"))
        ref = self.key_ref(origin.kind, origin.name)
        source = _key_id(ref, origin.key)
        if self.now(origin.kind, origin.name, origin.key) is None:
            source, _ = self.story.ghost_key(ref, origin.key, optional=True)
        self.b.edge(source, self.node_id("Variable", variable.name), way, "\n".join(words), "off", key=origin.prefix)

    def missing_variable(self, use: Reference) -> None:
        """A reference that gave nothing: the variable is not set, or keeps the container from starting."""
        if any(_makes(use, variable) for variable in self.got.environment.variables):
            return
        ref = self.key_ref(use.kind, use.name)
        found = self.b.snapshot.find(ref)
        key = use.key or _ANY
        here = found is not None and (not use.key or use.key in contents_of(found))
        if here and not use.key:
            return  # an object without keys
        label = say(
            f"configuration.edge.{'envFrom-prefix' if use.way == 'envFrom' and use.target else use.way}",
            prefix=use.target,
        )
        if use.optional:
            label += "\n" + say("configuration.edge.optional")
        level: Level = "unknown" if use.optional else "bad"
        source = _key_id(ref, key)
        if not here:
            source, level = self.story.ghost_key(ref, key, use.optional)
        name = use.target if use.way == "env" else say("configuration.name.any-variable", prefix=use.target)
        target = self.node_id("Variable", name)
        if use.way == "envFrom" or name not in self.values:
            target = self.put("Variable", name, [], "unset" if use.optional else "required", level)
        self.b.edge(source, target, use.way, label, level, key=use.target if use.way == "envFrom" else "")

    def expansions(self, drawn: set[str]) -> None:
        """`$(VAR)` of one variable in another: only those defined before it are found."""
        before: set[str] = set(self.got.environment.services)
        before |= {v.name for v in self.got.environment.variables if v.origin.mechanism == "envFrom"}
        for entry in listed(self.got.container, "env"):
            name = text(entry, "name")
            for used in dict.fromkeys(names_in(text(entry, "value"))):
                if name in drawn and used in drawn:
                    late = used not in before
                    label = say(f"configuration.edge.{'too-late' if late else 'expands'}", name=used)
                    ends = self.node_id("Variable", used), self.node_id("Variable", name)
                    self.b.edge(*ends, "expands", label, "unknown" if late else "")
            before.add(name)

    # -- files -------------------------------------------------------------------------------------

    def files(self) -> None:
        drawn: set[Reference] = set()
        for path, versions in self.got.files.items():
            file = next(version.file for version in reversed(versions) if version.file is not None)
            use = self.use_of(path, file)
            if use is not None:
                drawn.add(use)
                self.file(path, versions, file, use)
        for use in self.uses:
            if use.way in ("volume", "projected") and use not in drawn:
                self.missing_file(use)

    def use_of(self, path: str, file: File) -> Reference | None:
        """The reference that makes the file: an item of its own before the whole object."""
        source = file.source
        fit = [
            use
            for use in self.uses
            if (use.kind, use.name, use.volume) == (source.kind, source.name, file.volume)
            and use.key in ("", source.key)
            and _reaches(use, path)
        ]
        return max(fit, key=lambda use: (bool(use.item), len(use.target)), default=None)

    def file(self, path: str, versions: Sequence[FileVersion], file: File, use: Reference) -> None:
        """One file: its mode and content, what a change reaches, and the line from its key."""
        source = file.source
        change = _LIVE if file.update == "live" else _FROZEN
        now = self.now(source.kind, source.name, source.key)
        if file.update == "live" and len(versions) > 1:
            change = _EITHER
        elif file.update == "frozen" and self.got.run is not None and now != file.content:
            change = _STALE
        contents = [version.file.content if version.file else None for version in versions]
        hidden = source.kind == "Secret"
        facts = self.rights(file)
        facts += [
            self.story.value(content, hidden) if content is not None else say("configuration.state.no-file")
            for content in contents
        ]
        unread = readable(identity_of(self.pod, self.got.container), file.uid, file.gid, file.mode) == "no"
        node = self.put("File", path, facts, change.state, "bad" if unread else change.level)
        ref = self.key_ref(source.kind, source.name)
        key = _key_id(ref, source.key)
        if now is None:
            key, _ = self.story.ghost_key(ref, source.key, optional=True)
        self.b.edge(key, node, use.way, _file_label(use, change.word), change.line, key=use.volume)
        if use.expression:
            self.sub_path_edges(use, node)

    def rights(self, file: File) -> list[str]:
        """A file's mode; its owner, too, where the container's user cannot read it."""
        mode = say("configuration.fact.mode", mode=mode_text(file.mode).rjust(4, "0"))
        who = identity_of(self.pod, self.got.container)
        if readable(who, file.uid, file.gid, file.mode) != "no":
            return [mode]
        owner = owner_text(file.uid, file.gid)
        return [f"{mode} {owner}", say("configuration.fact.unread", user=user_text(who))]

    def sub_path_edges(self, use: Reference, node: str) -> None:
        for name in dict.fromkeys(names_in(use.sub_path)):
            if name in self.values:
                label = say("configuration.edge.subPathExpr", path=f"$({name})")
                self.b.edge(self.node_id("Variable", name), node, "sub-path", label, "off")

    def missing_file(self, use: Reference) -> None:
        """A reference of a volume that finds no object or no key; of anything else nothing is drawn."""
        ref = self.key_ref(use.kind, use.name)
        found = self.b.snapshot.find(ref)
        held = any(reason.facts.get("volume") == use.volume for reason in self.got.blocked)
        if found is not None and (not use.key or use.key in contents_of(found)):
            if held:  # else covered by another mount
                self.held_back(use, ref)
            return
        part = bool(use.sub_path) and not use.item  # one key of a whole object, asked for by its path only
        if part and any(path == use.target or path.startswith(f"{use.target}/") for path in self.got.files):
            return  # another source of the volume has it
        change = "unset" if use.optional else "required"
        if part and found is not None:
            if held:
                return
            change = "empty-folder"
        optional = use.optional or change == "empty-folder"
        source, level = self.story.ghost_key(ref, use.key or _ANY, optional)
        folder = not use.key and not use.item
        path = say("configuration.name.any-file", path=use.target.rstrip("/")) if folder else use.target
        target = self.node_id("File", path)
        if path not in self.got.files:
            self.put("File", path, [], change, level)
        self.b.edge(source, target, use.way, _file_label(use, ""), level, key=use.volume)

    def held_back(self, use: Reference, ref: Ref) -> None:
        """What is there, and waits with its volume for what is missing beside it."""
        for key in [use.key] if use.key else sorted(self.story.contents(ref)):
            path = use.target if use.key else posixpath.join(use.target, key)
            if self.node_id("File", path) not in self.b.states():
                self.put("File", path, [], "held-back", "wait")
            self.b.edge(
                _key_id(ref, key), self.node_id("File", path), use.way, _file_label(use, ""), "wait", key=use.volume
            )

    def tokens(self) -> None:
        """Tokens of the ServiceAccount and trust bundles, in projected volumes."""
        automatic = {text(v, "name") for v in listed(self.pod, "spec", "volumes") if is_token_volume(v)}
        volumes = {text(v, "name"): v for v in listed(self.pod, "spec", "volumes")}
        for path, versions in self.got.files.items():
            file = versions[-1].file
            if file is None or (file.volume in automatic and not self.story.token):
                continue
            mode = self.rights(file)
            if file.source.kind == "ServiceAccountToken":
                node = self.put("File", path, mode, "token", "ok")
                account = Ref("ServiceAccount", service_account(self.pod), self.ref.namespace)
                label = say("configuration.edge.token", seconds=_token_seconds(volumes.get(file.volume, {}), path))
                self.b.edge(self.outside(account), node, "token", label, "ok", key=path)
            elif file.source.kind == "ClusterTrustBundle":
                node = self.put("File", path, mode, "live", "ok")
                bundle = Ref("ClusterTrustBundle", file.source.name)
                self.b.edge(self.outside(bundle), node, "bundle", say("configuration.edge.bundle"), "ok", key=path)

    def outside(self, ref: Ref) -> str:
        """An object that is neither ConfigMap nor Secret: there, or missing."""
        if self.b.snapshot.find(ref) is not None:
            return self.b.object(ref)
        return self.b.ghost(ref, say(f"configuration.state.{self.b.snapshot.missing(ref.kind)}"))

    # -- the command and its arguments ---------------------------------------------------------------

    def words(self) -> None:
        """Words of `command` and `args` that `$(VAR)` puts something into, or that escape it."""
        for part in ("command", "args"):
            for i, written in enumerate(strings(self.got.container, part)):
                # a shell's own $(command) looks alike, and nobody means it as a variable
                used = [name for name in dict.fromkeys(names_in(written)) if name in self.values or " " not in name]
                if used or "$$(" in written:
                    self.word(say("configuration.name.word", part=part, index=i), written, used)

    def word(self, name: str, written: str, used: Sequence[str]) -> None:
        known = [each for each in used if each in self.values]
        hidden = not self.story.show and not self.secret.isdisjoint(used)
        value = None if hidden else expand(written, self.values)
        becomes = say("configuration.value.hidden-unknown" if hidden else "configuration.value.unknown")
        if value is not None:
            becomes = _short(value)
        facts = [
            say("configuration.fact.written", written=_short(written)),
            say("configuration.fact.becomes", value=becomes),
        ]
        if known:
            node = self.put("Argument", name, facts, "frozen", "")
        else:
            node = self.put("Argument", name, facts, "as-written" if used else "escaped", "unknown" if used else "")
        for each in known:
            label = say("configuration.edge.expands", name=each)
            self.b.edge(self.node_id("Variable", each), node, "expands", label)


# -- small things ------------------------------------------------------------------------------------


def _key_id(ref: Ref, key: str) -> str:
    return f"key/{ref.kind}/{ref.namespace}/{ref.name}/{key}"


def _short(value: str) -> str:
    """The first line of a value, cut."""
    first, more, _ = value.strip("\n").partition("\n")
    cut = first if len(first) <= _LONGEST else first[: _LONGEST - 1]
    return f"{cut}…" if more or cut != first else cut


def _is_root_ca(use: Reference) -> bool:
    """The certificate that every Pod is given beside its token."""
    return use.name == _ROOT_CA and use.volume.startswith("kube-api-access")


def _makes(use: Reference, variable: Variable) -> bool:
    """Whether this reference is the one that the variable was made from."""
    origin = variable.origin
    if (use.kind, use.name) != (origin.kind, origin.name):
        return False
    if use.way == "envFrom":
        return origin.mechanism == "envFrom" and origin.prefix == use.target
    return use.way == "env" and (use.key, use.target) == (origin.key, variable.name) and origin.mechanism != "envFrom"


def _reaches(use: Reference, path: str) -> bool:
    """Whether a mount of this reference may have a file at the path."""
    if use.item and not use.expression:
        return use.target == path
    return path == use.target or path.startswith(f"{use.target.rstrip('/')}/")


def _file_label(use: Reference, word: str) -> str:
    """The mechanism as it stands on the line: volume, item, mode, subPath."""
    code = "projected" if use.way == "projected" else "volume" if use.item or use.sub_path else "volume-whole"
    words = [say(f"configuration.edge.{code}", volume=use.volume)]
    if use.item and use.item != use.key:
        words.append(say("configuration.edge.item", item=use.item))
    if use.mode is not None:
        words.append(say("configuration.edge.mode", mode=mode_text(use.mode).rjust(4, "0")))
    if use.sub_path:
        words.append(say(f"configuration.edge.{'subPathExpr' if use.expression else 'subPath'}", path=use.sub_path))
    last = [say(f"configuration.edge.{word}")] if word else []
    last += [say("configuration.edge.optional")] if use.optional else []
    return "\n".join((*words, " · ".join(last))).rstrip("\n")


def _token_seconds(volume: JSON, path: str) -> int:
    """`expirationSeconds` of the token that stands at this path; 3600 where it says none."""
    for source in listed(volume, "projected", "sources"):
        token = mapped(source, "serviceAccountToken")
        if token is not None and path.endswith(posixpath.join("/", text(token, "path"))):
            seconds = token.get("expirationSeconds")
            return seconds if isinstance(seconds, int) else 3600
    return 3600
