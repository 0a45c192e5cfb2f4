"""The storage story holds every object and relation that the API's state holds, and none that it does not.

What is expected is derived here a second time, from the lines of the recordings and the fields of the objects, with
nothing of the package's: no History, no Builder, no rules.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from k8sviz.diagrams.kit.limits import LIMIT
from k8sviz.diagrams.kit.model import Diagram, Node
from k8sviz.diagrams.stories.storage import storage
from k8sviz.errors import K8svizError
from k8sviz.history import About, History, Snapshot
from k8sviz.kinds import Ref
from k8sviz.render.text import text as as_text
from k8sviz.sources import recording

DATA = Path(__file__).resolve().parents[1] / "data" / "labs"
LABS = sorted(path.parent.name for path in DATA.glob("*/recording.jsonl"))
Obj = dict[str, Any]
State = dict[tuple[str, str, str], Obj]  # by kind, namespace, name
Thing = tuple[str, ...]
Relation = tuple[Thing, str, Thing, str]


# -- the second derivation -----------------------------------------------------------------------


@cache
def rows(lab: str) -> list[Obj]:
    lines = (DATA / lab / "recording.jsonl").read_text("utf-8").splitlines()[1:]
    return sorted(map(json.loads, lines), key=lambda row: row["t"])


def settled(lab: str) -> Iterator[tuple[str, State]]:
    """Each step with the state just before the next one begins, or at the end."""
    steps = [row for row in rows(lab) if row["type"] == "STEP"]
    for i, step in enumerate(steps):
        before = steps[i + 1]["t"] if i + 1 < len(steps) else float("inf")
        yield step["id"], state_of(row for row in rows(lab) if row["t"] < before)


def state_of(lines: Any) -> State:
    state: State = {}
    for row in lines:
        if "object" in row:
            meta = row["object"]["metadata"]
            key = row["object"]["kind"], meta.get("namespace", ""), meta["name"]
            state.pop(key, None)
            if row["type"] != "DELETED":
                state[key] = row["object"]
    return state


def meta(obj: Obj, name: str) -> Any:
    return obj["metadata"].get(name, "")


def containers(pod: Obj) -> list[Obj]:
    spec = pod["spec"]
    return [*spec.get("initContainers", []), *spec.get("containers", []), *spec.get("ephemeralContainers", [])]


def sources(volume: Obj) -> list[tuple[str, str]]:
    """The ConfigMaps and Secrets that fill a volume."""
    found = [("ConfigMap", volume["configMap"].get("name"))] if "configMap" in volume else []
    found += [("Secret", volume["secret"].get("secretName"))] if "secret" in volume else []
    for part in volume.get("projected", {}).get("sources", []):
        found += [
            (kind, part[key]["name"]) for key, kind in (("configMap", "ConfigMap"), ("secret", "Secret")) if key in part
        ]
    return found


def relations_of_pod(pod: Obj) -> Iterator[Relation]:
    here = meta(pod, "namespace"), meta(pod, "name")
    for container in containers(pod):
        me = ("container", *here, container["name"])
        for mount in container.get("volumeMounts", []):
            yield me, "mounts", ("volume", *here, mount["name"]), mount["mountPath"]
        for device in container.get("volumeDevices", []):
            yield me, "device", ("volume", *here, device["name"]), device["devicePath"]
    for volume in pod["spec"].get("volumes", []):
        me = ("volume", *here, volume["name"])
        if "persistentVolumeClaim" in volume:
            yield me, "claim", ("PersistentVolumeClaim", here[0], volume["persistentVolumeClaim"]["claimName"]), ""
        if "ephemeral" in volume:
            yield me, "claim", ("PersistentVolumeClaim", here[0], f"{here[1]}-{volume['name']}"), ""
        if "hostPath" in volume and pod["spec"].get("nodeName"):
            yield me, "on-node", ("Node", "", pod["spec"]["nodeName"]), ""
        for kind, name in sources(volume):
            yield me, "from", (kind, here[0], name), ""


def names_claim(volume: Obj, claim: Obj) -> bool:
    ref = volume["spec"].get("claimRef", {})
    return (ref.get("namespace"), ref.get("name")) == (meta(claim, "namespace"), meta(claim, "name"))


def relations_of_claim(claim: Obj, state: State) -> Iterator[Relation]:
    me = ("PersistentVolumeClaim", meta(claim, "namespace"), meta(claim, "name"))
    wanted = claim["spec"].get("volumeName")
    for volume in (o for (kind, _, _), o in state.items() if kind == "PersistentVolume"):
        it = ("PersistentVolume", "", meta(volume, "name"))
        if not names_claim(volume, claim) or meta(volume, "name") == wanted:
            continue
        uid = volume["spec"]["claimRef"].get("uid")
        yield me, "reserved" if uid in (None, "", meta(claim, "uid")) else "remembers", it, ""
    if wanted:
        volume = state.get(("PersistentVolume", "", wanted))
        mutual = volume and names_claim(volume, claim)
        mutual = mutual and volume["spec"]["claimRef"].get("uid") in (None, "", meta(claim, "uid"))
        yield me, "bound" if mutual else "asks-by-name", ("PersistentVolume", "", wanted), ""
    if claim["spec"].get("storageClassName"):
        yield me, "class", ("StorageClass", "", claim["spec"]["storageClassName"]), ""


def reaches(volume: Obj, machine: Obj) -> bool:
    terms = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    labels = machine["metadata"]["labels"]
    for term in terms:
        assert set(term) == {"matchExpressions"}, "the recordings hold no other"
        assert all(e["operator"] == "In" for e in term["matchExpressions"]), "the recordings hold no other"
        if all(labels.get(e["key"]) in e["values"] for e in term["matchExpressions"]):
            return True
    return False


def relations_of_volume(volume: Obj, state: State) -> Iterator[Relation]:
    me, spec = ("PersistentVolume", "", meta(volume, "name")), volume["spec"]
    ref = spec.get("claimRef")
    if ref and ("PersistentVolumeClaim", ref["namespace"], ref["name"]) not in state:
        yield ("PersistentVolumeClaim", ref["namespace"], ref["name"]), "remembers", me, ""
    if spec.get("storageClassName"):
        yield me, "class", ("StorageClass", "", spec["storageClassName"]), ""
    if "nodeAffinity" in spec:
        for (kind, _, name), machine in state.items():
            if kind == "Node" and reaches(volume, machine):
                yield me, "reaches", ("Node", "", name), ""


def expected(state: State) -> tuple[set[Thing], set[Relation], set[Thing]]:
    """All things, all relations, all frames."""
    things: set[Thing] = set()
    relations: set[Relation] = set()
    frames = {key for key in state if key[0] == "Pod"}
    for key, obj in state.items():
        if key[0] == "Pod":
            things |= {("container", *key[1:], c["name"]) for c in containers(obj)}
            things |= {("volume", *key[1:], v["name"]) for v in obj["spec"].get("volumes", [])}
            relations |= set(relations_of_pod(obj))
        elif key[0] == "PersistentVolumeClaim":
            relations |= set(relations_of_claim(obj, state))
        elif key[0] == "PersistentVolume":
            relations |= set(relations_of_volume(obj, state))
        elif key[0] == "StorageClass":
            relations |= {(key, "provisioner", ("provisioner", obj["provisioner"]), "")}
        if key[0] in ("PersistentVolumeClaim", "PersistentVolume", "StorageClass"):
            things.add(key)
    return things | {end for r in relations for end in (r[0], r[2])}, relations, frames


# -- what the story says, in the same terms --------------------------------------------------------


def thing(node: Node, diagram: Diagram) -> Thing:
    if node.ref is not None:
        return node.ref.kind, node.ref.namespace, node.ref.name
    if node.kind == "Provisioner":
        return "provisioner", node.name
    pod = next(g.ref for g in diagram.groups if g.id == node.group)
    assert pod is not None
    return "volume" if node.kind == "Volume" else "container", pod.namespace, pod.name, node.name


def told(diagram: Diagram) -> tuple[set[Thing], set[Relation], set[Thing]]:
    of = {node.id: thing(node, diagram) for node in diagram.nodes}
    assert len(set(of.values())) == len(diagram.nodes), "nothing is drawn twice"
    relations = {(of[e.source], e.relation, of[e.target], e.key) for e in diagram.edges}
    assert len(relations) == len(diagram.edges), "no relation is drawn twice"
    return set(of.values()), relations, {(g.ref.kind, g.ref.namespace, g.ref.name) for g in diagram.groups if g.ref}


@cache
def history(lab: str) -> History:
    return recording.read(DATA / lab / "recording.jsonl")


def at_steps(lab: str) -> Iterator[tuple[str, State, Snapshot]]:
    for step, state in settled(lab):
        yield step, state, history(lab).at(history(lab).settled(step))


@pytest.mark.parametrize("lab", LABS)
def test_every_step_shows_exactly_what_the_objects_say(lab: str) -> None:
    steps = 0
    for step, state, snapshot in at_steps(lab):
        diagram = storage(snapshot)
        assert len(diagram.nodes) <= LIMIT, "else things are summed up, and another test speaks of that"
        for what, found, wanted in zip(("things", "relations", "frames"), told(diagram), expected(state), strict=True):
            assert found == wanted, f"{step}: {what}"
        steps += 1
    assert steps > 0


def is_silent(node: Obj) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "Unknown" for c in node["status"]["conditions"])


@pytest.mark.parametrize("lab", LABS)
def test_what_is_there_has_its_state_and_what_is_not_there_says_so(lab: str) -> None:
    for step, state, snapshot in at_steps(lab):
        for node in storage(snapshot).nodes:
            if node.ref is None:
                continue
            obj = state.get((node.ref.kind, node.ref.namespace, node.ref.name))
            where = f"{step}: {node.ref}"
            if obj is None:
                assert node.level in ("bad", "unknown", "off"), f"{where} is a ghost"
                assert node.state in ("not found", "deleted", "no such object, only a name"), f"{where} is a ghost"
                assert not node.facts, f"{where}: nothing is known of it"
            elif node.kind in ("PersistentVolumeClaim", "PersistentVolume"):
                ending = "deletionTimestamp" in obj["metadata"]
                assert node.state == ("Terminating" if ending else obj.get("status", {}).get("phase", "")), where
                assert (node.level == "ending") == ending, where
            else:
                silent = node.kind == "Node" and is_silent(obj)
                assert node.state == ("silent: Ready is Unknown" if silent else ""), where


@pytest.mark.parametrize("lab", LABS)
def test_volumes_and_claims_tell_their_fields(lab: str) -> None:
    for step, state, snapshot in at_steps(lab):
        for node in storage(snapshot).nodes:
            obj = state.get((node.ref.kind, node.ref.namespace, node.ref.name)) if node.ref else None
            if obj is None or node.kind not in ("PersistentVolumeClaim", "PersistentVolume"):
                continue
            facts, spec = "\n".join(node.facts), obj["spec"]
            wanted = [finalizer.rpartition("/")[2] for finalizer in obj["metadata"].get("finalizers", [])]
            wanted += [
                {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}[
                    mode
                ]
                for mode in spec["accessModes"]
            ]
            wanted += ["Block"] if spec.get("volumeMode") == "Block" else []
            if node.kind == "PersistentVolume":
                wanted += [spec["capacity"]["storage"], spec["persistentVolumeReclaimPolicy"]]
                wanted += [f"claimRef {spec['claimRef']['namespace']}/"] if "claimRef" in spec else []
            else:
                wanted += [spec["resources"]["requests"]["storage"]]
                if obj["status"]["phase"] == "Bound":
                    wanted += [f"has {obj['status']['capacity']['storage']}"]
            missing = [word for word in wanted if word not in facts]
            assert not missing, f"{step}: {node.ref} says {node.facts}"


# -- what kubectl printed at the time --------------------------------------------------------------

COLUMNS = {
    "Pod": ("NAME", "READY", "STATUS", "RESTARTS"),
    "PersistentVolumeClaim": ("NAME", "STATUS", "VOLUME"),
    "PersistentVolume": ("NAME", "CAPACITY", "ACCESS", "MODES", "RECLAIM", "POLICY", "STATUS"),
}


def printed(output: str) -> Iterator[tuple[str, str, str]]:
    """Kind, name and STATUS of each row of the tables that `kubectl get` printed."""
    kind, column = "", 0
    for line in output.splitlines():
        words = line.split()
        if words[:1] == ["NAME"]:
            kind = next((k for k, columns in COLUMNS.items() if tuple(words[: len(columns)]) == columns), "")
            column = line.find("STATUS")
        elif kind and line[:1].strip() and words[0].islower() and len(words) > 3 and column < len(line):
            status = line[column:].split("  ")[0].strip()
            if line[column - 1] == " " and status:
                yield kind, words[0].rpartition("/")[2], status
        else:
            kind = ""


def states(lab: str, kind: str, name: str, since: float, until: float) -> set[str]:
    """Every state in which the story shows an object between two times."""
    moments = {since, until} | {e.t for e in history(lab).between(since, until) if e.object["kind"] == kind}
    found = set()
    for t in moments:
        diagram = storage(history(lab).at(t))
        found |= {
            x.state for x in (*diagram.nodes, *diagram.groups) if x.ref and (x.ref.kind, x.ref.name) == (kind, name)
        }
    return found


def test_states_are_the_words_that_kubectl_printed() -> None:
    compared: dict[str, int] = {}
    for lab in [name for name in LABS if name.startswith(("ch06", "ch07", "ch10-static"))]:
        for step in history(lab).steps:
            for kind, name, status in printed(step.result.stdout if step.result else ""):
                seen = states(lab, kind, name, step.t, step.result.t if step.result else step.t)
                assert status in seen, f"{lab}, {step.id}: kubectl printed {status} for {kind} {name}, not {seen}"
                compared[kind] = compared.get(kind, 0) + 1
    assert all(compared.get(kind, 0) >= 10 for kind in COLUMNS), f"too little was compared: {compared}"


# -- one claim among all volumes -------------------------------------------------------------------

UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


def size(text: str) -> int:
    return int(text[:-2]) * UNITS[text[-2:]]


def misfits(claim: Obj, volume: Obj) -> set[str]:
    """Why a claim cannot have a volume, by four of the rules, in words that the line must hold."""
    want, have = claim["spec"], volume["spec"]
    found = (
        {"too small"} if size(want["resources"]["requests"]["storage"]) > size(have["capacity"]["storage"]) else set()
    )
    found |= set() if set(want["accessModes"]) <= set(have["accessModes"]) else {"offers only"}
    found |= {"class "} if want.get("storageClassName", "") != have.get("storageClassName", "") else set()
    mode = want.get("volumeMode", "Filesystem"), have.get("volumeMode", "Filesystem")
    return found | ({f"is {mode[1]}"} if mode[0] != mode[1] else set())


@pytest.mark.parametrize("lab", [name for name in LABS if name.startswith("ch06")])
def test_a_claim_in_focus_sees_every_volume_with_the_reason(lab: str) -> None:
    claims = 0
    for step, state, snapshot in at_steps(lab):
        volumes = {name: o for (kind, _, name), o in state.items() if kind == "PersistentVolume"}
        for (kind, namespace, name), claim in state.items():
            if kind != "PersistentVolumeClaim":
                continue
            claims += 1
            diagram = storage(snapshot, Ref(kind, name, namespace))
            me = next(n.id for n in diagram.nodes if n.ref == Ref(kind, name, namespace))
            drawn = {n.ref.name: n.id for n in diagram.nodes if n.kind == "PersistentVolume" and n.ref}
            assert set(drawn) >= set(volumes), f"{step}: {name} sees all volumes"
            for volume, obj in volumes.items():
                lines = [e for e in diagram.edges if (e.source, e.target) == (me, drawn[volume])]
                assert lines, f"{step}: {name} has a line to {volume}"
                bound = claim["spec"].get("volumeName")
                by_itself = (
                    claim["metadata"].get("annotations", {}).get("pv.kubernetes.io/bound-by-controller") != "yes"
                )
                if bound and bound != volume and by_itself:
                    continue  # it names its volume: the one reason that counts is that
                if bound == volume:
                    continue
                said = "\n".join(e.label for e in lines)
                missing = [word for word in misfits(claim, obj) if word not in said]
                assert not missing, f"{step}: {name} cannot have {volume}, and the line says {said!r}"
                assert not any(e.relation == "refused" and not e.label for e in lines)
                if misfits(claim, obj):
                    assert any(e.relation == "refused" for e in lines), f"{step}: {name} cannot have {volume}"
    assert claims or lab in ("ch06-emptydir", "ch06-hostpath-gitrepo")


def test_the_claims_of_the_binding_lab_get_the_volumes_that_the_cluster_gave() -> None:
    snapshot = history("ch06-binding-choice").at(history("ch06-binding-choice").settled("list-all"))
    said = as_text(storage(snapshot, Ref("PersistentVolumeClaim", "too-large", "demo")))
    assert said.count("too small: ") >= 5
    assert "bound" not in said


# -- made-up clusters ------------------------------------------------------------------------------


def named(kind: str, name: str, namespace: str = "", **fields: Any) -> Obj:
    where = {"namespace": namespace} if namespace else {}
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, **where}, **fields}


def pod(name: str = "p", *volumes: Obj, namespace: str = "demo", mounts: Any = (), **more: Any) -> Obj:
    container = {"name": "main", "image": "busybox:1.36", "volumeMounts": list(mounts)}
    spec = {"containers": [container], "volumes": list(volumes), "nodeName": "n1", **more}
    return named("Pod", name, namespace, spec=spec, status={"phase": "Running"})


def claim(name: str, namespace: str = "demo", phase: str = "Pending", **spec: Any) -> Obj:
    full = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, **spec}
    return named("PersistentVolumeClaim", name, namespace, spec=full, status={"phase": phase})


def volume(name: str, phase: str = "Available", **spec: Any) -> Obj:
    full = {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}, "hostPath": {"path": "/x"}, **spec}
    return named("PersistentVolume", name, spec=full, status={"phase": phase})


def draw(*objects: Obj, focus: Ref | None = None, partial: bool = False, **options: Any) -> Diagram:
    made = History.of(objects, About(namespace="demo"))
    made.partial = partial
    return storage(made.at(), focus, **options)


def card(diagram: Diagram, kind: str, name: str) -> Node:
    (found,) = [n for n in diagram.nodes if (n.kind, n.name) == (kind, name)]
    return found


def lines(diagram: Diagram) -> set[tuple[str, str, str]]:
    names = {n.id: n.name for n in diagram.nodes}
    return {(names[e.source], e.relation, names[e.target]) for e in diagram.edges}


TYPES: dict[str, tuple[Obj, list[str]]] = {
    "emptyDir": ({"emptyDir": {}}, ["lives as long as the Pod"]),
    "emptyDir in memory": ({"emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"}}, ["in memory", "at most 16Mi"]),
    "emptyDir with a limit": ({"emptyDir": {"sizeLimit": "1Gi"}}, ["lives as long as the Pod", "at most 1Gi"]),
    "hostPath": ({"hostPath": {"path": "/var/log", "type": "Directory"}}, ["/var/log", "must be: Directory"]),
    "gitRepo": (
        {"gitRepo": {"repository": "https://x/y.git", "revision": "v1", "directory": "."}},
        ["https://x/y.git", "revision v1", "into .", "switched off"],
    ),
    "configMap": ({"configMap": {"name": "cm"}}, []),
    "secret": ({"secret": {"secretName": "sec"}}, []),
    "downwardAPI": ({"downwardAPI": {"items": []}}, []),
    "projected": (
        {
            "projected": {
                "sources": [
                    {"configMap": {"name": "cm"}},
                    {"secret": {"name": "sec"}},
                    {"serviceAccountToken": {"expirationSeconds": 600, "path": "t"}},
                    {"clusterTrustBundle": {"name": "roots", "path": "r"}},
                ]
            }
        },
        ["600 s", "roots"],
    ),
    "csi": (
        {"csi": {"driver": "disk.csi.example.org", "nodePublishSecretRef": {"name": "sec"}}},
        ["disk.csi.example.org"],
    ),
    "nfs": ({"nfs": {"server": "10.0.0.1", "path": "/export"}}, ["10.0.0.1:/export"]),
    "ephemeral": ({"ephemeral": {"volumeClaimTemplate": {"spec": {}}}}, []),
    "image": ({"image": {"reference": "registry.example.org/data:1"}}, ["registry.example.org/data:1"]),
    "persistentVolumeClaim": ({"persistentVolumeClaim": {"claimName": "c"}}, []),
    "iscsi": (
        {"iscsi": {"targetPortal": "10.0.0.2", "lun": 3, "readOnly": True, "secretRef": {"name": "sec"}}},
        ["targetPortal 10.0.0.2", "lun 3", "readOnly true"],
    ),
    "fooVolume": ({"fooVolume": {"bar": "baz", "deep": {"x": 1}}}, ["bar baz"]),
}
TIES = {
    "hostPath": {("v", "on-node", "n1")},
    "configMap": {("v", "from", "cm")},
    "secret": {("v", "from", "sec")},
    "projected": {("v", "from", "cm"), ("v", "from", "sec")},
    "csi": {("v", "from", "sec")},
    "ephemeral": {("v", "claim", "p-v")},
    "persistentVolumeClaim": {("v", "claim", "c")},
    "iscsi": {("v", "from", "sec")},
}


@pytest.mark.parametrize("case", TYPES)
def test_a_volume_of_each_type_tells_what_it_is(case: str) -> None:
    source, words = TYPES[case]
    kind = next(iter(source))
    mounts = [{"name": "v", "mountPath": "/a", "readOnly": True}, {"name": "v", "mountPath": "/b", "subPath": "s"}]
    diagram = draw(
        pod("p", {"name": "v", **source}, mounts=mounts),
        named("ConfigMap", "cm", "demo", data={"k": "v"}),
        named("Secret", "sec", "demo"),
        named("Node", "n1"),
        claim("c"),
        claim("p-v"),
    )
    node = card(diagram, "Volume", "v")
    assert node.facts[0] == kind, "the type comes first, as Kubernetes writes it"
    missing = [word for word in words if word not in "\n".join(node.facts)]
    assert not missing, f"{node.facts}"
    assert node.level == ("off" if kind == "gitRepo" else ""), "only gitRepo is switched off"
    assert {line for line in lines(diagram) if line[0] == "v"} == TIES.get(kind, set())
    mounted = {e.key: e.label for e in diagram.edges if e.relation == "mounts"}
    assert set(mounted) == {"/a", "/b"}, "one volume mounted twice has two lines"
    assert "read-only" in mounted["/a"]
    assert "subPath s" in mounted["/b"]


@pytest.mark.parametrize("odd", [{}, {"emptyDir": None}, {"configMap": None, "emptyDir": {}}])
def test_a_volume_that_names_no_type_is_an_empty_dir_as_for_the_api_server(odd: Obj) -> None:
    assert card(draw(pod("p", {"name": "v", **odd})), "Volume", "v").facts[0] == "emptyDir"


@pytest.mark.parametrize("odd", [3, "x", [], [1], {"a": {"b": [None]}}, True])
@pytest.mark.parametrize("field", ["volumes", "containers", "nodeName"])
def test_fields_of_the_wrong_type_do_not_end_in_a_traceback(field: str, odd: Any) -> None:
    thing = pod("p", {"name": "v", "emptyDir": {}}, mounts=[{"name": "v", "mountPath": "/a"}])
    thing["spec"][field] = odd
    other = volume("pv", capacity=odd, claimRef=odd, nodeAffinity=odd, accessModes=odd)
    diagram = draw(
        thing,
        other,
        claim("c", resources=odd, selector=odd, volumeName=odd),
        named("Node", "n1"),
        named("StorageClass", "s", provisioner=odd, parameters=odd),
    )
    assert card(diagram, "PersistentVolume", "pv")
    draw(thing, other, claim("c", selector=odd), focus=Ref("PersistentVolumeClaim", "c", "demo"))


def test_what_is_named_and_not_there_is_a_ghost_that_says_so() -> None:
    objects = pod(
        "p",
        {"name": "a", "persistentVolumeClaim": {"claimName": "gone"}},
        {"name": "b", "configMap": {"name": "no-cm"}},
        {"name": "c", "secret": {"secretName": "no-sec", "optional": True}},
    )
    diagram = draw(objects)
    assert (card(diagram, "PersistentVolumeClaim", "gone").level, card(diagram, "ConfigMap", "no-cm").level) == (
        "bad",
    ) * 2
    assert card(diagram, "Secret", "no-sec").level == "unknown", "an optional one is no error"
    assert {n.state for n in diagram.nodes if n.ref} == {"not found"}
    assert {e.level for e in diagram.edges if e.relation in ("claim", "from")} == {"bad", "unknown"}
    among = draw(objects, partial=True)
    assert {(n.state, n.level) for n in among.nodes if n.ref} == {("not among these", "unknown")}, (
        "manifests are not the whole cluster: what they do not hold may exist"
    )


def test_a_mount_of_a_volume_that_the_pod_does_not_have_is_drawn_as_missing() -> None:
    diagram = draw(pod("p", mounts=[{"name": "typo", "mountPath": "/a"}]))
    assert (card(diagram, "Volume", "typo").state, card(diagram, "Volume", "typo").level) == ("not found", "bad")
    assert ("main", "mounts", "typo") in lines(diagram)


def test_a_kind_that_could_not_be_read_is_not_called_missing() -> None:
    made = History.of([pod("p", {"name": "s", "secret": {"secretName": "sec"}})])
    made.unread["Secret"] = "forbidden"
    node = card(storage(made.at()), "Secret", "sec")
    assert (node.state, node.level) == ("could not be read", "unknown")


def test_a_namespace_keeps_what_is_cluster_scoped_and_leaves_out_the_rest() -> None:
    objects = [
        pod("mine", {"name": "v", "persistentVolumeClaim": {"claimName": "c"}}),
        claim("c", volumeName="pv"),
        pod("theirs", {"name": "v", "persistentVolumeClaim": {"claimName": "d"}}, namespace="other"),
        claim("d", "other", volumeName="pv2"),
        volume("pv"),
        named("StorageClass", "sc", provisioner="x/y"),
        volume("pv2", claimRef={"namespace": "other", "name": "d"}),
    ]
    diagram = draw(*objects, namespace="demo")
    assert [g.name for g in diagram.groups] == ["mine"]
    assert [n.name for n in diagram.nodes if n.kind == "PersistentVolumeClaim"] == ["c"]
    assert {n.name for n in diagram.nodes if n.kind in ("PersistentVolume", "StorageClass")} == {"pv", "pv2", "sc"}
    everything = draw(*objects)
    assert {g.name for g in everything.groups} == {"mine", "theirs"}
    assert ("c", "asks-by-name", "pv") in lines(everything)


def test_a_pod_in_focus_shows_what_it_reaches_and_nothing_else() -> None:
    objects = [
        pod("p", {"name": "v", "persistentVolumeClaim": {"claimName": "c"}}),
        claim("c", volumeName="pv"),
        volume("pv", claimRef={"namespace": "demo", "name": "c"}, storageClassName="s"),
        named("StorageClass", "s", provisioner="x/y"),
        pod("q", {"name": "w", "emptyDir": {}}),
        volume("pv-other"),
        named("StorageClass", "t", provisioner="x/z"),
    ]
    diagram = draw(*objects, focus=Ref("Pod", "p", "demo"))
    assert {n.name for n in diagram.nodes} == {"main", "v", "c", "pv", "s", "x/y"}
    assert [g.name for g in diagram.groups] == ["p"]
    backwards = draw(*objects, focus=Ref("PersistentVolume", "pv"))
    assert {"v", "c", "s"} <= {n.name for n in backwards.nodes}, "who uses a volume is found from the volume"
    with pytest.raises(K8svizError, match="no pod/r here; known: p, q"):
        draw(*objects, focus=Ref("Pod", "r", "demo"))


def test_an_empty_story_says_that_it_is_empty() -> None:
    said = "No volumes, claims or classes here"
    assert said in draw().notes
    assert said in draw(named("Service", "s", "demo"), focus=Ref("Service", "s", "demo")).notes
    assert said not in draw(volume("pv")).notes


def test_the_token_volume_can_be_left_out() -> None:
    token = {"name": "kube-api-access-x2b", "projected": {"sources": [{"configMap": {"name": "kube-root-ca.crt"}}]}}
    mount = {"name": "kube-api-access-x2b", "mountPath": "/var/run/secrets"}
    objects = pod("p", {"name": "v", "emptyDir": {}}, token, mounts=[{"name": "v", "mountPath": "/a"}, mount])
    assert {n.name for n in draw(objects).nodes} == {"main", "v", "kube-api-access-x2b", "kube-root-ca.crt"}
    without = draw(objects, token=False)
    assert {n.name for n in without.nodes} == {"main", "v"}
    assert [e.key for e in without.edges] == ["/a"]


def test_a_selector_is_written_as_kubectl_takes_it() -> None:
    wanted = {
        "matchLabels": {"disk": "ssd"},
        "matchExpressions": [{"key": "zone", "operator": "In", "values": ["a", "b"]}],
    }
    assert (
        "selects disk=ssd, zone in (a,b)" in card(draw(claim("c", selector=wanted)), "PersistentVolumeClaim", "c").facts
    )


def test_a_released_volume_remembers_the_claim_that_it_had() -> None:
    ref = {"namespace": "demo", "name": "c", "uid": "old"}
    again = claim("c")
    again["metadata"]["uid"] = "new"
    diagram = draw(again, volume("pv", "Released", claimRef=ref))
    assert ("c", "remembers", "pv") in lines(diagram), "another claim of the same name is not its claim"
    gone = draw(volume("pv", "Released", claimRef=ref))
    assert card(gone, "PersistentVolumeClaim", "c").state == "deleted"


# -- summing up ------------------------------------------------------------------------------------


def crowd(count: int, owner: str = "set") -> Iterator[Obj]:
    """The Pods of a StatefulSet with their claims and volumes, and one in ten that waits."""
    template = {"metadata": {"name": "data"}}
    yield named("StatefulSet", "kubia", "demo", spec={"volumeClaimTemplates": [template]})
    yield named("StorageClass", "fast", provisioner="x/y")
    for i in range(count):
        one = pod(
            f"kubia-{i}",
            {"name": "data", "persistentVolumeClaim": {"claimName": f"data-kubia-{i}"}},
            mounts=[{"name": "data", "mountPath": "/data"}],
        )
        one["metadata"]["ownerReferences"] = [
            {"kind": "StatefulSet", "name": "kubia", "uid": owner, "controller": True}
        ]
        one["status"] = {"phase": "Pending" if i % 10 == 0 else "Running"}
        yield one
        ref = {"namespace": "demo", "name": f"data-kubia-{i}"}
        yield claim(f"data-kubia-{i}", phase="Bound", volumeName=f"pv-{i}", storageClassName="fast")
        yield volume(f"pv-{i}", "Bound", claimRef=ref, storageClassName="fast")


def test_five_hundred_pods_are_a_few_cards_with_exact_counts() -> None:
    diagram = draw(*crowd(500))
    assert len(diagram.nodes) <= 12, [f"{n.kind} {n.name}" for n in diagram.nodes]
    counts = sorted((n.kind, n.state, n.count) for n in diagram.nodes)
    assert counts == [
        ("Container", "", 50),
        ("Container", "", 450),
        ("PersistentVolume", "Bound", 500),
        ("PersistentVolumeClaim", "Bound", 500),
        ("Provisioner", "", 1),
        ("StorageClass", "", 1),
        ("Volume", "", 50),
        ("Volume", "", 450),
    ]
    assert sorted((g.state, g.count) for g in diagram.groups) == [("Pending", 50), ("Running", 450)]
    assert {(r, k) for _, r, k in lines(diagram)} >= {("bound", "pv-…"), ("claim", "data-kubia-…"), ("class", "fast")}
    assert any("2002 things are drawn as 8" in note for note in diagram.notes), diagram.notes


def test_what_is_not_alike_is_not_summed_up() -> None:
    odd = pod("web", {"name": "www", "emptyDir": {}})
    odd["spec"]["containers"][0]["image"] = "nginx"
    many = [pod(f"job-{i}", {"name": "tmp", "emptyDir": {}}) for i in range(100)]
    missing = [pod(f"lost-{i}", {"name": "d", "persistentVolumeClaim": {"claimName": f"no-{i}"}}) for i in range(60)]
    diagram = draw(*many, odd, *missing)
    assert sorted((g.name, g.count) for g in diagram.groups) == [("job-…", 100), ("lost-…", 60), ("web", 1)]
    assert [(n.name, n.count) for n in diagram.nodes if n.kind == "PersistentVolumeClaim"] == [("no-…", 60)]


def test_up_to_the_limit_each_thing_is_drawn() -> None:
    few = [pod(f"p-{i}", {"name": "tmp", "emptyDir": {}}) for i in range(LIMIT // 2)]
    diagram = draw(*few)
    assert (len(diagram.nodes), len(diagram.groups), diagram.notes) == (LIMIT, LIMIT // 2, ())
    assert {n.count for n in diagram.nodes} == {1}


# -- how it reads ------------------------------------------------------------------------------------

GOLDEN = [
    ("ch06-emptydir", "after-restart", None),
    ("ch06-hostpath-gitrepo", "typed-events", None),
    ("ch06-static-binding", "pod-running", None),
    ("ch06-dynamic", "wait-consumer", None),
    ("ch06-binding-choice", "list-all", None),
    ("ch06-binding-choice", "list-all", "too-large"),
    ("ch06-binding-choice", "list-all", "wrong-mode"),
    ("ch10-static-volumes", "waiting", None),
]


@pytest.mark.parametrize(("lab", "step", "name"), GOLDEN, ids=lambda part: part or "all")
def test_pictures_read_as_they_were_read_by_a_person(
    lab: str, step: str, name: str | None, golden: Callable[[str, str], None]
) -> None:
    focus = Ref("PersistentVolumeClaim", name, "demo") if name else None
    diagram = storage(history(lab).at(history(lab).settled(step)), focus)
    golden("-".join(filter(None, ("storage", lab, step, name))), as_text(diagram))


def test_the_text_of_a_picture_has_no_line_that_nobody_could_read() -> None:
    for lab in LABS:
        for _, _, snapshot in at_steps(lab):
            said = as_text(storage(snapshot))
            assert not re.search(r"[\x00-\x09\x0b-\x1f\ufffd]|  $| None| \{", said)


def test_why_a_bound_claim_did_not_get_the_others() -> None:
    """The controller writes spec.volumeName when it binds: that is no reason against the other volumes."""
    end = history("ch06-binding-choice").at()
    bound = as_text(storage(end, Ref("PersistentVolumeClaim", "want-1500mi", "demo")))
    assert "too small: 1Gi < 1500Mi" in bound
    assert "is Block" in bound
    assert "not the one it names" not in bound
    named = as_text(storage(end, Ref("PersistentVolumeClaim", "want-named", "demo")))
    assert named.count("not the one it names") == len(end.objects("PersistentVolume")) - 1


@pytest.mark.parametrize("lab", LABS)
def test_a_container_that_is_stopped_with_its_pod_is_no_error(lab: str) -> None:
    seen = history(lab)
    for t in seen.times(["Pod"]):
        going = {p["metadata"]["name"] for p in seen.at(t).objects("Pod") if "deletionTimestamp" in p["metadata"]}
        for node in storage(seen.at(t)).nodes if going else ():
            if node.kind == "Container" and node.group.rsplit("/", 1)[-1] in going and "(" in node.state:
                assert node.level in ("ending", "off"), (t, node)


@pytest.mark.parametrize("annotation", ["storageclass", "storageclass.beta"])
def test_a_default_class_is_drawn_as_one_by_either_annotation(annotation: str) -> None:
    meta = {"name": "fast", "annotations": {f"{annotation}.kubernetes.io/is-default-class": "true"}}
    cls = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": meta, "provisioner": "x"}
    plain = {**cls, "metadata": {"name": "slow"}}
    facts = {node.name: node.facts for node in storage(History.of([cls, plain]).at()).nodes}
    assert "default class" in facts["fast"]
    assert "default class" not in facts["slow"]
