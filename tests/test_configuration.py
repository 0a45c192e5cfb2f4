"""The configuration story's edges are those that the Pod specs give, found by other code here: for labs, at random."""

import base64
import time
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8sviz.diagrams.kit.model import Diagram
from k8sviz.diagrams.stories.config import config
from k8sviz.errors import K8svizError
from k8sviz.history import History
from k8sviz.kinds import Ref
from k8sviz.render.picture import render
from k8sviz.sources.labs import data_dir
from k8sviz.sources.recording import read

LABS = sorted(path.parent.name for path in data_dir().glob("labs/*/recording.jsonl"))


@cache
def recorded(lab: str) -> History:
    return read(data_dir() / "labs" / lab / "recording.jsonl")


# -- the edges that a spec gives, derived on their own ---------------------------------------------------

KINDS = {"configMap": "ConfigMap", "secret": "Secret"}


def keys_of(objects: dict, kind: str, namespace: str, name: str) -> list[str] | None:
    obj = objects.get((kind, namespace, name))
    return None if obj is None else sorted({*(obj.get("data") or {}), *(obj.get("binaryData") or {})})


def derived(objects: dict, pod: dict, *, token: bool) -> set[tuple]:
    """(source, relation, target) of everything that the Pod's spec refers to."""
    namespace = pod["metadata"].get("namespace", "")
    home = (namespace, pod["metadata"]["name"])
    spec = pod["spec"]
    found: set[tuple] = set()
    volumes = {volume["name"]: volume for volume in spec.get("volumes", ())}
    for container in [*spec.get("initContainers", ()), *spec["containers"]]:
        at = (*home, container["name"])
        found |= from_variables(objects, namespace, container, at)
        for mount in container.get("volumeMounts", ()):
            found |= from_mount(objects, namespace, volumes[mount["name"]], mount, container, at, token, spec)
    for secret in spec.get("imagePullSecrets", ()):
        for key in keys_of(objects, "Secret", namespace, secret["name"]) or ["*"]:
            found.add((("Secret", secret["name"], key), "imagePullSecrets", ("image", *home)))
    return found


def names_in(words: str) -> set[str]:
    return {part.split(")")[0] for part in words.replace("$$", "").split("$(")[1:] if ")" in part}


def from_variables(  # noqa: C901 - one rule after the other, to be read beside the documentation
    objects: dict, namespace: str, container: dict, at: tuple
) -> set[tuple]:
    found, known = set(), {}
    for source in container.get("envFrom", ()):
        for ref, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
            if ref in source:
                name, prefix = source[ref]["name"], source.get("prefix", "")
                keys = keys_of(objects, kind, namespace, name)
                for key in ["*"] if keys is None else keys:
                    target = f"{prefix}…" if keys is None else prefix + key
                    found.add(((kind, name, key), "envFrom", ("variable", *at, target)))
                    known |= {target: True} if keys is not None else {}
    services = ("HOST", "PORT", "PORT_HTTPS")
    known |= {f"KUBERNETES_SERVICE_{part}": True for part in services}
    entries = container.get("env", ())
    for entry in entries:
        value_from = entry.get("valueFrom") or {}
        for ref, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
            if ref in value_from:
                it = value_from[ref]
                found.add(((kind, it["name"], it["key"]), "env", ("variable", *at, entry["name"])))
                if it["key"] in (keys_of(objects, kind, namespace, it["name"]) or ()):
                    known[entry["name"]] = True
        if "value" in entry or "fieldRef" in value_from or "resourceFieldRef" in value_from:
            known[entry["name"]] = True
    for entry in entries:
        for name in names_in(entry.get("value", "")) & known.keys():
            found.add((("variable", *at, name), "expands", ("variable", *at, entry["name"])))
    for part in ("command", "args"):
        for i, word in enumerate(container.get(part, ())):
            for name in names_in(word) & known.keys():
                found.add((("variable", *at, name), "expands", ("argument", *at, f"{part}[{i}]")))
    return found


def sources_of(volume: dict) -> list[tuple[str, str, dict]]:
    """(relation, kind, definition) of each ConfigMap or Secret that the volume is filled from."""
    found = [("volume", KINDS[part], volume[part]) for part in KINDS if part in volume]
    for source in (volume.get("projected") or {}).get("sources", ()):
        found += [("projected", KINDS[part], source[part]) for part in KINDS if part in source]
    return found


def from_mount(  # noqa: C901
    objects: dict, namespace: str, volume: dict, mount: dict, container: dict, at: tuple, token: bool, spec: dict
) -> set[tuple]:
    automatic = volume["name"].startswith("kube-api-access")
    if automatic and not token:
        return set()
    there, missing, empty = [], [], []
    fails = False
    values = {entry["name"]: entry.get("value", "") for entry in container.get("env", ())}
    wanted = mount.get("subPath", "")
    used = names_in(mount.get("subPathExpr", ""))
    for name in used:
        wanted = mount["subPathExpr"].replace(f"$({name})", values[name])
    for relation, kind, definition in sources_of(volume):
        name = definition.get("name") or definition.get("secretName")
        keys = keys_of(objects, kind, namespace, name)
        items = [(item["key"], item["path"]) for item in definition.get("items", ())]
        if keys is not None and not items and wanted and wanted not in keys:
            empty.append(((kind, name, wanted), relation))
        for key, path in items or [(key, key) for key in keys or ()]:
            (there if key in (keys or ()) else missing).append(((kind, name, key), relation, path))
        if keys is None and not items:
            missing.append(((kind, name, None), relation, None))
        lost = keys is None or any(key not in keys for key, _ in items)
        fails |= lost and not definition.get("optional", False)
    tokens = [
        source["serviceAccountToken"]["path"]
        for source in (volume.get("projected") or {}).get("sources", ())
        if "serviceAccountToken" in source
    ]
    folder = mount["mountPath"].rstrip("/")
    found = set()

    def below(path: str) -> str | None:
        if not wanted:
            return f"{folder}/{path}"
        if path == wanted:
            return folder
        return f"{folder}/{path.removeprefix(wanted + '/')}" if path.startswith(f"{wanted}/") else None

    for source, relation, path in there:  # of a volume that fails they are drawn as held back
        target = below(path)
        if target:
            found.add((source, relation, ("file", *at, target)))
            found |= {(("variable", *at, name), "sub-path", ("file", *at, target)) for name in used if not fails}
    anything = not fails and any(below(path) for path in [*(path for *_, path in there), *tokens])
    for (kind, name, key), relation, path in missing:
        if path is None and wanted and anything:
            continue  # another source of the volume has what the subPath names
        if path is None:
            key, target = (wanted, folder) if wanted else ("*", f"{folder}/…")
        else:
            target = below(path)
        if target:
            found.add(((kind, name, key), relation, ("file", *at, target)))
    for source, relation in [] if fails or anything else empty:
        found.add((source, relation, ("file", *at, folder)))
    for path in [] if fails else tokens:
        target = below(path)
        if target:
            account = ("ServiceAccount", spec.get("serviceAccountName", "default"))
            found.add((account, "token", ("file", *at, target)))
    return found


def drawn(diagram: Diagram) -> set[tuple]:
    """The Diagram's edges in the same words, from what its nodes and frames are."""
    nodes = {node.id: node for node in diagram.nodes}
    groups = {group.id: group for group in diagram.groups}

    def end(node_id: str) -> tuple:
        node = nodes[node_id]
        group = groups.get(node.group)
        if node.kind == "Key":
            assert group is not None
            return (group.kind, group.name, "*" if node.name == "every key" else node.name)
        if node.kind == "ServiceAccount":
            return ("ServiceAccount", node.name)
        assert group is not None
        if node.kind == "Image":
            assert group.ref is not None
            return ("image", group.ref.namespace, group.ref.name)
        outer = groups[group.parent].ref
        assert outer is not None
        return (node.kind.lower(), outer.namespace, outer.name, group.name, node.name)

    return {(end(edge.source), edge.relation, end(edge.target)) for edge in diagram.edges}


def objects_in(snapshot: object) -> dict:
    return {(o["kind"], o["metadata"].get("namespace", ""), o["metadata"]["name"]): o for o in snapshot}  # type: ignore[attr-defined]


@pytest.mark.parametrize("token", [False, True])
@pytest.mark.parametrize("lab", LABS)
def test_edges_of_every_lab(lab: str, token: bool) -> None:
    history = recorded(lab)
    for step in history.steps:
        snapshot = history.at(history.settled(step.id))
        objects = objects_in(snapshot)
        pods = [pod for pod in snapshot.objects("Pod") if not pod["metadata"].get("deletionTimestamp")]
        for pod in pods:
            focus = Ref("Pod", pod["metadata"]["name"], pod["metadata"]["namespace"])
            diagram = config(snapshot, focus, token=token)
            mine = {edge for edge in drawn(diagram) if edge[2][1:3] == (focus.namespace, focus.name)}
            assert mine == derived(objects, pod, token=token)
            # what a container got at its start has the same edges, while nothing it refers to goes
            assert {e[2] for e in drawn(config(snapshot, focus, token=token, history=history))} <= {
                e[2] for e in derived(objects, pod, token=token)
            }


# -- Pods at random, with every form of reference -------------------------------------------------------


@st.composite
def clusters(draw: st.DrawFn) -> tuple[list[dict], dict]:  # noqa: C901
    """Some ConfigMaps and Secrets, and a Pod that refers to those and to missing ones in every way."""
    objects = []
    for kind in ("ConfigMap", "Secret"):
        for name in draw(st.sets(st.sampled_from(["one", "two"]), max_size=2)):
            keys = draw(st.sets(st.sampled_from(["a", "b", "c"]), max_size=3))
            value = base64.b64encode(b"hush").decode() if kind == "Secret" else "text"
            data = {f"{name}-{kind[0]}-{key}": value for key in keys}
            objects.append(
                {"kind": kind, "apiVersion": "v1", "metadata": {"name": name, "namespace": "demo"}, "data": data}
            )
    names = st.sampled_from(["one", "two", "gone"])
    optional = st.sampled_from([{}, {"optional": True}])

    def key(kind: str, name: str) -> str:
        return f"{name}-{kind[0]}-{draw(st.sampled_from('abcx'))}"

    def definition(kind: str, place: str, counter: list[int]) -> dict:
        name = draw(names)
        made = {("secretName" if kind == "Secret" and place == "volume" else "name"): name, **draw(optional)}
        if draw(st.booleans()):
            made["items"] = []
            for folder in draw(st.lists(st.sampled_from(["", "in/"]), min_size=1, max_size=2)):
                counter[0] += 1
                made["items"].append({"key": key(kind, name), "path": f"{folder}item{counter[0]}"})
        return made

    env = []
    for i in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from(["ConfigMap", "Secret"]))
        name = draw(names)
        part = "configMapKeyRef" if kind == "ConfigMap" else "secretKeyRef"
        env.append({"name": f"V{i}", "valueFrom": {part: {"name": name, "key": key(kind, name), **draw(optional)}}})
    env += [
        {"name": f"L{i}", "value": v}
        for i, v in enumerate(
            draw(st.lists(st.sampled_from(["$(V0) $(L0)", "plain", "$$(V1)", "$(V1)$(NOBODY)"]), max_size=2))
        )
    ]
    env_from = []
    for i in range(draw(st.integers(0, 2))):
        part = draw(st.sampled_from(["configMapRef", "secretRef"]))
        env_from.append({part: {"name": draw(names), **draw(optional)}, "prefix": f"P{i}_"})
    volumes, mounts = [], []
    for i in range(draw(st.integers(0, 3))):
        counter = [0]
        form = draw(st.sampled_from(["configMap", "secret", "projected"]))
        if form == "projected":
            parts = draw(st.lists(st.sampled_from(["configMap", "secret"]), unique=True, max_size=2))
            sources = [{part: definition(KINDS[part], "projected", counter)} for part in parts]
            if draw(st.booleans()):
                sources.append({"serviceAccountToken": {"path": "token", "expirationSeconds": 600}})
            volume = {"projected": {"sources": sources}}
        else:
            volume = {form: definition(KINDS[form], "volume", counter)}
        volumes.append({"name": f"v{i}", **volume})
        for j in range(draw(st.integers(0, 2))):
            mount = {"name": f"v{i}", "mountPath": f"/m{i}{j}"}
            way = draw(st.sampled_from(["whole", "sub", "expr"]))
            wanted = draw(st.sampled_from(["item1", "in/item1", "in", "one-C-a", "two-S-b"]))
            if way == "sub":
                mount["subPath"] = wanted
            elif way == "expr" and all(s.get("items") for _, _, s in sources_of(volumes[-1])):
                env.append({"name": f"S{i}{j}", "value": wanted})
                mount["subPathExpr"] = f"$(S{i}{j})"
            mounts.append(mount)
    words = draw(st.lists(st.sampled_from(["$(V0)", "-x", "$(P0_one-C-a) $(L1)", "$$(V0)"]), max_size=3))
    container = {"name": "main", "env": env, "envFrom": env_from, "args": words, "volumeMounts": mounts}
    spec = {
        "containers": [container],
        "volumes": volumes,
        "imagePullSecrets": [{"name": name} for name in draw(st.sets(names, max_size=1))],
    }
    return objects, {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p", "namespace": "demo"}, "spec": spec}


@settings(max_examples=150, deadline=None)
@given(clusters())
def test_edges_of_any_pod(cluster: tuple[list[dict], dict]) -> None:
    objects, pod = cluster
    history = History.of([*objects, pod])
    diagram = config(history.at())
    known = {(o["kind"], "demo", o["metadata"]["name"]): o for o in objects}
    expected = derived(known, pod, token=False)
    failing = {edge for edge in expected if edge[1] == "sub-path" and edge not in drawn(diagram)}
    # a missing object under a subPathExpr is not told apart from the others of its volume
    exprs = {m["mountPath"] for m in pod["spec"]["containers"][0]["volumeMounts"] if "subPathExpr" in m}

    def outside(edges: set[tuple]) -> set[tuple]:
        return {e for e in edges if e[2][0] != "file" or not any(f"{e[2][4]}/".startswith(f"{x}/") for x in exprs)}

    assert outside(drawn(diagram)) == outside(expected)
    resolved = {e for e in expected - failing if e[0][0] in KINDS.values() and e[0][2] in keys_known(known, e[0])}
    assert resolved <= drawn(diagram)
    for format_ in ("svg", "dot", "mermaid", "text"):
        drawing = render(diagram, format_)
        assert "hush" not in str(drawing)
        assert base64.b64encode(b"hush").decode() not in str(drawing)


def keys_known(known: dict, source: tuple) -> list[str]:
    return keys_of(known, source[0], "demo", source[1]) or []


# -- what a change reaches ------------------------------------------------------------------------------


def states(diagram: Diagram) -> dict[str, tuple[str, str]]:
    return {node.name: (node.state, node.level) for node in diagram.nodes if node.kind in ("Variable", "File")}


def at(lab: str, step: str, **more: object) -> Diagram:
    history = recorded(lab)
    return config(history.at(history.settled(step)), history=history, **more)  # type: ignore[arg-type]


def test_before_and_after_the_update() -> None:
    pod = Ref("Pod", "demo-configmap-volume", "demo")
    assert states(at("ch07-configmap-volume", "files", focus=pod)) == {
        "GZIP": ("frozen at start", ""),
        "/etc/conf.d/gzip.conf": ("follows the key", "ok"),
        "/etc/passwd.d/gzip.conf": ("frozen at start", ""),
        "/etc/all/gzip.conf": ("follows the key", "ok"),
        "/etc/all/sleep-interval": ("follows the key", "ok"),
    }
    changed = states(at("ch07-configmap-volume", "update", focus=pod))
    assert changed["/etc/conf.d/gzip.conf"] == changed["/etc/all/gzip.conf"] == ("old or new", "wait")
    assert changed["GZIP"] == changed["/etc/passwd.d/gzip.conf"] == ("frozen: the key has changed", "off")
    assert states(at("ch07-configmap-volume", "poll", focus=pod))["/etc/conf.d/gzip.conf"] == ("follows the key", "ok")


def test_the_mechanism_and_what_follows_stand_on_the_edge() -> None:
    diagram = at("ch07-configmap-volume", "files", focus=Ref("Pod", "demo-configmap-volume", "demo"))
    labels = {edge.target.rpartition("//")[2]: (edge.label, edge.level) for edge in diagram.edges}
    assert labels["etc/conf.d/gzip.conf"] == ("volume config\nlive", "ok")
    assert labels["etc/passwd.d/gzip.conf"] == ("volume config\nsubPath gzip.conf\nfrozen", "off")
    assert labels["etc/all/gzip.conf"] == ("volume all, whole\nlive", "ok")
    assert ("env valueFrom\nfrozen", "off") in labels.values()


def test_prefix_override_and_optional() -> None:
    diagram = at("ch07-configmap-env", "envfrom", focus=Ref("Pod", "demo-envfrom", "demo"))
    labels = {edge.label for edge in diagram.edges}
    assert labels == {"envFrom\nprefix CONFIG_\nfrozen", "envFrom\nfrozen", "envFrom\nfrozen\noverridden"}
    diagram = at("ch07-configmap-env", "env", focus=Ref("Pod", "demo-env-configmap", "demo"))
    assert states(diagram)["MAYBE"] == ("not set", "unknown")
    assert [g.state for g in diagram.groups if g.name == "no-such-config"] == ["not found"]


def test_required_and_missing_is_an_error_until_it_comes() -> None:
    pod = Ref("Pod", "waits-for-config", "demo")
    assert states(at("ch07-configmap-env", "config-error", focus=pod)) == {"COLOR": ("missing", "bad")}
    assert states(at("ch07-configmap-env", "recovers", focus=pod)) == {"COLOR": ("frozen at start", "")}


def test_arguments_through_variables() -> None:
    diagram = at("ch07-args-env", "env")
    facts = {node.name: (node.facts, node.state) for node in diagram.nodes if node.kind == "Argument"}
    assert facts == {
        "args[1]": (("$(INTERVAL)", "→ 30"), "frozen at start"),
        "args[2]": (("$(INTERVAL_DESC)", "→ 30 seconds"), "frozen at start"),
        "args[3]": (("$(NOT_SET)", "→ $(NOT_SET)"), "stays as written"),
        "args[4]": (("$$(INTERVAL)", "→ $(INTERVAL)"), "escaped by $$"),
    }
    assert ("$(LATER)\ndefined too late", "unknown") in {(edge.label, edge.level) for edge in diagram.edges}


def test_immutable_types_and_sizes() -> None:
    groups = {group.name: group.facts for group in at("ch07-configmap-volume", "change-immutable").groups}
    assert groups["frozen"] == ("immutable",)
    diagram = at("ch07-secret", "describe")
    assert {g.name: g.facts for g in diagram.groups}["fortune-tls"] == ("kubernetes.io/tls",)
    sizes = {n.name: n.facts[0] for n in diagram.nodes if n.kind == "Key" and "fortune-https/" in n.id}
    printed = recorded("ch07-secret").step("describe").result
    assert printed is not None
    for line in printed.stdout.splitlines()[-3:]:
        name, size, _ = line.split()
        assert sizes[name.rstrip(":")] == f"••• {size} bytes, hidden"
    shown = at("ch07-secret", "describe", show_secrets=True)
    assert "= bar" in {fact for node in shown.nodes for fact in node.facts}


def test_focus_on_one_key_and_on_an_account() -> None:
    diagram = at(
        "ch07-configmap-volume", "after", focus=Ref("ConfigMap", "fortune-config", "demo"), key="sleep-interval"
    )
    assert {node.name for node in diagram.nodes} == {"sleep-interval", "/etc/all/sleep-interval"}
    diagram = at("ch07-secret", "sa-token", focus=Ref("ServiceAccount", "default", "demo"))
    assert {edge.relation for edge in diagram.edges} == {"token"}
    diagram = at("ch07-configmap-env", "config-error", focus=Ref("ConfigMap", "later-config", "demo"))
    assert "COLOR" in {node.name for node in diagram.nodes}  # not there, and waited for


@pytest.mark.parametrize(
    ("focus", "key", "wanted"),
    [
        (Ref("ConfigMap", "fortune-confi", "demo"), "", "did you mean fortune-config"),
        (Ref("ConfigMap", "fortune-config", "demo"), "gzip.con", "did you mean gzip.conf"),
    ],
)
def test_a_miss_names_the_nearest(focus: Ref, key: str, wanted: str) -> None:
    with pytest.raises(K8svizError, match=wanted):
        at("ch07-configmap-volume", "after", focus=focus, key=key)


@pytest.mark.parametrize("lab", [lab for lab in LABS if lab.startswith(("ch07", "ch08"))])
def test_a_story_fits_a_notebook(lab: str) -> None:
    drawing = str(render(config(recorded(lab).at(), history=recorded(lab))))
    assert int(drawing.split('width="')[1].split('"')[0]) <= 1300


def test_manifests_do_not_call_missing_what_may_be_elsewhere() -> None:
    pod = {
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "main", "envFrom": [{"configMapRef": {"name": "elsewhere"}}]}]},
    }
    history = History.of([pod])
    history.partial = True
    diagram = config(history.at())
    assert [(node.name, node.level) for node in diagram.nodes if node.kind == "Key"] == [("every key", "unknown")]


def test_a_hundred_replicas_are_drawn_once() -> None:
    objects: list[dict] = [{"kind": "ConfigMap", "metadata": {"name": "c", "namespace": "demo"}, "data": {"a": "1"}}]
    for i in range(100):
        owner = {"kind": "ReplicaSet", "name": "web", "uid": "owner", "controller": True}
        meta = {"name": f"web-{i:03}", "namespace": "demo", "ownerReferences": [owner]}
        main = {"name": "main", "envFrom": [{"configMapRef": {"name": "c"}}]}
        objects.append({"kind": "Pod", "apiVersion": "v1", "metadata": meta, "spec": {"containers": [main]}})
    diagram = config(History.of(objects).at())
    assert len(diagram.nodes) == 2
    assert [group.count for group in diagram.groups if group.kind == "Pod"] == [100]
    assert diagram.notes == ("100 Pods are drawn as 1: what is alike stands once, with its count",)


def test_a_config_map_that_goes_leaves_the_files_as_they_are() -> None:
    history = History.of([])
    settings = {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"name": "c", "namespace": "demo"},
        "data": {"a": "1"},
    }
    state = {"name": "main", "restartCount": 0, "state": {"running": {"startedAt": ""}}}
    main = {"name": "main", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    spec = {"containers": [main], "volumes": [{"name": "v", "configMap": {"name": "c"}}]}
    history.append(0.0, "ADDED", settings)
    history.append(
        1.0,
        "ADDED",
        {
            "kind": "Pod",
            "apiVersion": "v1",
            "metadata": {"name": "p", "namespace": "demo"},
            "spec": spec,
            "status": {"containerStatuses": [state]},
        },
    )
    history.append(5.0, "DELETED", settings)
    diagram = config(history.at(), history=history)
    file = next(node for node in diagram.nodes if node.kind == "File")
    assert file.facts == ("mode 0644", "= 1")
    assert [(node.name, node.level) for node in diagram.nodes if node.kind == "Key"] == [("a", "unknown")]


def crowded(keys: int, pods: int, containers: int = 1) -> list[dict[str, Any]]:
    """A ConfigMap of many keys in many Pods, each key as a variable and as a file of each container."""
    settings = {f"k{i}": "v" * 20 for i in range(keys)}
    made: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "demo"}, "data": settings}
    ]
    for number in range(pods):
        each = [
            {
                "name": f"m{i}",
                "envFrom": [{"configMapRef": {"name": "c"}}, {"prefix": "P_", "configMapRef": {"name": "gone"}}],
                "volumeMounts": [{"name": "v", "mountPath": "/c"}],
            }
            for i in range(containers)
        ]
        spec = {"containers": each, "volumes": [{"name": "v", "configMap": {"name": "c"}}]}
        made.append({"kind": "Pod", "metadata": {"name": f"p{number}", "namespace": "demo"}, "spec": spec})
    return made


@pytest.mark.parametrize(("keys", "pods", "containers"), [(1_000, 20, 1), (10_000, 3, 1), (40, 300, 1), (100, 2, 500)])
def test_much_configuration_is_counted_before_it_is_drawn(keys: int, pods: int, containers: int) -> None:
    snapshot = History.of(crowded(keys, pods, containers)).at()
    began = time.process_time()
    drawn = config(snapshot)
    assert time.process_time() - began < 2
    counts = {node.count for node in drawn.nodes if node.kind in ("Key", "Variable", "File")}
    assert counts >= {keys}, counts
    assert len(drawn.nodes) < 100
    assert [group.count for group in drawn.groups if group.kind == "Pod"] == [pods]
    assert any("summed up" in note for note in drawn.notes)
    missing = [node for node in drawn.nodes if node.kind == "Variable" and node.level == "bad"]
    assert missing, "what keeps the containers from starting is still told"


def test_one_key_of_very_many_is_found_or_its_absence_told() -> None:
    snapshot = History.of(crowded(1_000, 20)).at()
    ref = Ref("ConfigMap", "c", "demo")
    assert config(snapshot, ref, key="k7").nodes
    with pytest.raises(K8svizError, match="no key 'k1000'"):
        config(snapshot, ref, key="k1000")
