"""A film shows at every time what the story says of that time, in one layout, and lets nothing dangerous through."""

from __future__ import annotations

import base64
import json
import math
import random
import subprocess
import sys
import zlib
from collections.abc import Iterator
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8sviz.diagrams.kit.model import Diagram, Edge, Group, Node
from k8sviz.diagrams.stories.storage import storage
from k8sviz.errors import K8svizError
from k8sviz.history import About, History, Result, Snapshot, Step
from k8sviz.kinds import Ref
from k8sviz.render.cards import card
from k8sviz.render.svg import edge_svg, group_svg, node_svg
from k8sviz.render.text import text
from k8sviz.secrets.found import hider
from k8sviz.sources.labs import data_dir
from k8sviz.sources.recording import read
from k8sviz.views.changes import changes, describe
from k8sviz.views.frames import HIDDEN, Film, Item, film, pack
from k8sviz.views.page import film_page

LABS = ("ch06-static-binding", "ch06-dynamic", "ch09-rolling-update")
ATTACKS = (
    "</script><script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=1>",
    "\"'><svg/onload=window.hacked=1>",
    "\u202egnp.exe\u2066",
    "<!--<script>",
    "]]>&lt;b&gt;",
    "javascript:window.hacked=1//",
    "{title}{0}%s\x00\x1b[31m",
)


def pod(name: str, phase: str = "Pending", **meta: object) -> dict:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "demo", **meta},
        "spec": {},
        "status": {"phase": phase},
    }


def tiny(snapshot: Snapshot) -> Diagram:
    """Pods in their namespace's frame, each with a line to its phase."""
    pods = snapshot.objects("Pod")
    phases = sorted({p["status"]["phase"] for p in pods})
    nodes = [
        Node(
            f"pod/{p['metadata']['name']}",
            "Pod",
            p["metadata"]["name"],
            tuple(p["metadata"].get("labels", ())),
            p["status"]["phase"],
            group="ns",
        )
        for p in pods
    ]
    nodes += [Node(f"phase/{phase}", "Phase", phase) for phase in phases]
    edges = [Edge(f"pod/{p['metadata']['name']}", f"phase/{p['status']['phase']}", "is", "is") for p in pods]
    groups = (Group("ns", "Namespace", "demo"),) if pods else ()
    return Diagram("tiny", "Pods", tuple(nodes), tuple(edges), groups)


def slots(snapshot: Snapshot) -> Diagram:
    """Pods sit in three slots that are used again."""
    pods = [p["metadata"]["name"] for p in snapshot.objects("Pod")]
    return Diagram("slots", "Slots", tuple(Node(f"slot/{i}", "Pod", name) for i, name in enumerate(pods[:3])))


def fragments(made: Film, diagram: Diagram) -> dict[Item, str]:
    """What a frame has to show, drawn here a second time."""
    ids = {n.id for n in diagram.nodes}
    at = made.layout
    return (
        {Item("group", g.id): group_svg(g, at.groups[g.id]) for g in diagram.groups if g.id in at.groups}
        | {Item("edge", e.id): edge_svg(e, at.edges[e.id]) for e in diagram.edges if {e.source, e.target} <= ids}
        | {Item("node", n.id): node_svg(n, at.nodes[n.id]) for n in diagram.nodes}
    )


def unfold(payload: dict) -> Iterator[tuple[float, dict[int, str], str]]:
    """What the page makes of a payload: for each frame its time, its fragments by item, its words."""
    shown: dict[int, str] = {}
    lines: list[int] = []
    for frame in payload["frames"]:
        shown = shown | {item: payload["parts"][part] for item, part in frame.get("put", ())}
        shown = {item: part for item, part in shown.items() if item not in frame.get("gone", ())}
        if "text" in frame:
            start, drop, new = frame["text"]
            lines = lines[:start] + new + lines[start + drop :]
        yield frame["t"], shown, "\n".join(payload["lines"][line] for line in lines)


def check(history: History, story) -> Film:
    """The film, its payload and the story agree at every time at which anything happened, and in between."""
    made = film(history, story)
    payload = json.loads(json.dumps(made.payload()))
    played = list(unfold(payload))
    number = {item: i for i, item in enumerate(made.items)}
    for t in {0.0, *history.times(), *(s.t for s in history.steps), history.end}:
        diagram = story(history.at(t))
        wanted = fragments(made, diagram)
        assert made.at(t).shown == wanted
        _, shown, words = max((row for row in played if row[0] <= t), key=lambda row: row[0])
        assert shown == {number[item]: part for item, part in wanted.items()}
        assert words == (text(diagram) if diagram.nodes else "")
    return made


# -- frames ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("lab", LABS)
def test_frames_are_the_story_at_every_time(lab: str) -> None:
    made = check(read(data_dir() / "labs" / lab / "recording.jsonl"), storage)
    assert len(made.frames) > 5


@pytest.mark.parametrize("lab", LABS)
def test_only_pictures_that_differ_are_kept(lab: str) -> None:
    made = film(read(data_dir() / "labs" / lab / "recording.jsonl"), storage)
    for before, after in zip(made.frames, made.frames[1:], strict=False):
        assert before.t < after.t
        assert before.diagram != after.diagram


@pytest.mark.parametrize("lab", LABS)
def test_differences_are_what_appeared_changed_and_went(lab: str) -> None:
    made = film(read(data_dir() / "labs" / lab / "recording.jsonl"), storage)
    for before, after in zip(made.frames, made.frames[1:], strict=False):
        assert set(after.appeared) == after.shown.keys() - before.shown.keys()
        assert set(after.gone) == before.shown.keys() - after.shown.keys()
        assert set(after.changed) == {i for i in after.shown if before.shown.get(i, after.shown[i]) != after.shown[i]}


@pytest.mark.parametrize("lab", LABS)
def test_the_layout_has_room_for_every_card(lab: str) -> None:
    made = film(read(data_dir() / "labs" / lab / "recording.jsonl"), storage)
    for frame in made.frames:
        for node in frame.diagram.nodes:
            it, box = card(node), made.layout.nodes[node.id]
            assert it.width <= box.width + 0.6
            assert it.height <= box.height + 0.6
            assert box.x >= 0 <= box.y
            assert box.x + box.width <= made.layout.width
            assert box.y + box.height <= made.layout.height


phases = st.sampled_from(["Pending", "Running", "Succeeded", "A phase with a long name that nobody knows 中文"])
moves = st.lists(
    st.tuples(
        st.floats(0, 50, allow_nan=False),
        st.sampled_from(["put", "put", "delete"]),
        st.integers(0, 5),
        phases,
        st.lists(st.sampled_from(["app", "tier", "a-rather-long-label-name"]), max_size=3, unique=True),
    ),
    max_size=25,
)


@given(moves)
@settings(max_examples=25, deadline=None)
def test_any_history(rows: list) -> None:
    history = History(About(namespace="demo"))
    for t, verb, number, phase, labels in rows:
        kind = "DELETED" if verb == "delete" else "MODIFIED"
        history.append(t, kind, pod(f"p{number}", phase, labels=dict.fromkeys(labels, "x")))
    made = check(history, tiny)
    assert made.layout == film(history, tiny).layout


def test_slots_are_used_again() -> None:
    history = History()
    for i in range(30):
        history.append(i, "ADDED", pod(f"web-{i:02}"))
        if i >= 3:
            history.append(i, "DELETED", pod(f"web-{i - 3:02}"))
    made = check(history, slots)
    assert len(made.items) == 3
    assert any(Item("node", "slot/0") in frame.changed for frame in made.frames)


def test_nothing_at_all() -> None:
    made = check(History(), tiny)
    payload = made.payload()
    assert len(payload["frames"]) == 1
    assert payload["items"] == payload["steps"] == payload["changes"] == []
    assert made.still().startswith("<svg")


def test_a_story_about_what_is_not_there_yet_shows_nothing_until_it_is() -> None:
    history = read(data_dir() / "labs" / "ch06-static-binding" / "recording.jsonl")
    ref = Ref("Pod", "fortune-for-pvc", "demo")
    made = film(history, lambda snapshot: storage(snapshot, ref))
    assert not made.frames[0].diagram.nodes
    assert made.telling().diagram.nodes
    with pytest.raises(K8svizError, match="nobody"):
        film(history, lambda snapshot: storage(snapshot, Ref("Pod", "nobody", "demo")))


def test_the_telling_frame() -> None:
    history = read(data_dir() / "labs" / "ch06-static-binding" / "recording.jsonl")
    made = film(history, storage)
    most = max(len(frame.diagram.edges) for frame in made.frames)
    assert len(made.telling().diagram.edges) == most
    assert made.telling("apply-pvc") is made.at(history.settled("apply-pvc"))
    assert made.telling(0.0) is made.frames[0]
    with pytest.raises(K8svizError, match="apply-pvc"):
        made.telling("apply-pvcs")
    assert "after step" in made.still("apply-pod")


# -- steps and events -----------------------------------------------------------------------------


def test_steps_come_with_their_command_output_and_settled_time() -> None:
    history = read(data_dir() / "labs" / "ch06-static-binding" / "recording.jsonl")
    steps = film(history, storage).payload()["steps"]
    assert [s["id"] for s in steps] == [s.id for s in history.steps]
    for row, step in zip(steps, history.steps, strict=True):
        assert row["settled"] == history.settled(step.id)
        assert (row["t"], row["command"], row["about"]) == (step.t, step.command, step.about)
        assert (row["ended"], row["code"], row["out"]) == (step.result.t, step.result.exit_code, step.result.stdout)


def test_a_step_without_a_result_and_one_run_twice() -> None:
    history = History()
    history.append(0.0, "ADDED", pod("a"))
    history.begin_step(Step(1.0, "get", "kubectl get pod"))
    history.end_step("get", Result(1.5, 0, "a\n"))
    history.begin_step(Step(2.0, "get", "kubectl get pod"))
    first, second = film(history, tiny).payload()["steps"]
    assert first["settled"] == math.nextafter(2.0, 0)
    assert "ended" not in second
    assert second["settled"] == history.end == 2.0


@pytest.mark.parametrize("lab", LABS)
def test_every_watch_event_has_its_line(lab: str) -> None:
    history = read(data_dir() / "labs" / lab / "recording.jsonl")
    rows = changes(history)
    later = [e for e in history if not (e.t == 0 and e.type == "ADDED")]
    assert [(r.t, r.verb) for r in rows[1:]] == [(e.t, e.type) for e in later]
    assert rows[0].what.startswith("there from the start: ")
    assert all(row.what for row in rows if row.verb != "ADDED")


def test_what_changed_in_a_few_words() -> None:
    rows = changes(read(data_dir() / "labs" / "ch06-static-binding" / "recording.jsonl"))
    said = {(r.kind, r.name): [] for r in rows}
    for r in rows:
        said[r.kind, r.name].append(r.what)
    claim = "; ".join(said["PersistentVolumeClaim", "demo-pvc"])
    assert "bound to demo-pv" in claim
    assert "deletion asked for" in claim
    assert "phase Pending → Bound" in claim
    volume = "; ".join(said["PersistentVolume", "demo-pv"])
    assert "phase Bound → Released" in volume
    assert "claimRef removed" in volume
    assert "reserved for pvc/demo-pvc" in volume
    assert any("placed on" in w for w in said["Pod", "fortune-for-pvc"])
    assert any(r.warns and r.what.startswith("FailedScheduling: ") for r in rows)


def test_fields_that_nobody_knows_are_named_and_not_shown() -> None:
    old = {"apiVersion": "x/v1", "kind": "Robot", "metadata": {"name": "r"}, "spec": {"arms": 1, "code": "s3cret"}}
    new = {**old, "spec": {"arms": 2, "code": "other-s3cret"}, "metadata": {"name": "r", "resourceVersion": "2"}}
    assert describe("MODIFIED", new, old) == "spec.arms, spec.code"
    assert (
        describe("MODIFIED", {**old, "metadata": {"name": "r", "resourceVersion": "3"}}, old)
        == "seen by its controller"
    )
    template = {"spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "a", "image": "a:2"}]}}}}
    before = {"spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "a", "image": "a:1"}]}}}}
    assert describe("MODIFIED", template, before) == "wanted 1 → 2; image a:1 → a:2"


# -- what must not get out ------------------------------------------------------------------------


def secret(**data: str) -> dict:
    encoded = {k: base64.b64encode(v.encode()).decode() for k, v in data.items()}
    note = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps({"data": encoded})}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": "demo", "annotations": note},
        "data": encoded,
    }


def secretive() -> tuple[History, list[str]]:
    config = json.dumps({"auths": {"registry": {"password": "MARKER-in-json"}}})
    values = {"a": "MARKER-plain", "b": "first line MARKER-1\nsecond line MARKER-2", "c": config}
    history = History(About(namespace="demo"))
    history.append(1.0, "ADDED", secret(**values))
    history.append(2.0, "MODIFIED", secret(**values, d="MARKER-later"))
    encoded = list(secret(**values, d="MARKER-later")["data"].values())
    history.append(
        2.5,
        "ADDED",
        {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": "e", "namespace": "demo"},
            "type": "Warning",
            "reason": "Failed",
            "message": "cannot use MARKER-plain",
            "involvedObject": {"kind": "Secret", "name": "s"},
        },
    )
    history.begin_step(Step(3.0, "show", "echo MARKER-plain | base64", about="prints MARKER-later"))
    history.end_step("show", Result(4.0, 1, "\n".join(encoded), "MARKER-1? second line MARKER-2! 'MARKER-in-json'"))
    return history, [*encoded, "MARKER-plain", "line MARKER-2", "MARKER-in-json", "MARKER-later"]


def test_values_of_secrets_never_travel() -> None:
    history, markers = secretive()
    for story in (tiny, storage):
        payload = film(history, story).payload()
        plain = json.dumps(payload, ensure_ascii=False)
        for marker in markers:
            assert marker not in plain
        assert HIDDEN in payload["steps"][0]["out"]
    assert "MARKER-plain" in json.dumps(film(history, tiny).payload(secrets=True))


def test_the_veil_hides_words_and_not_letters() -> None:
    history = History()
    history.append(0.0, "ADDED", secret(word="bar", letter="a"))
    hide = hider(history, HIDDEN)
    assert hide("bar barrel a rebar 'bar' FOO=bar") == f"{HIDDEN} barrel a rebar '{HIDDEN}' FOO={HIDDEN}"


class Reader(HTMLParser):
    """Every element of a page, and what stands inside script elements."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.scripts and self.cdata_elem == "script":
            self.scripts[-1] += data


def hostile() -> History:
    """Attacks wherever a cluster or a lab can put words."""
    history = History(About(name=ATTACKS[0], title=ATTACKS[0], namespace="demo"))
    for i, words in enumerate(ATTACKS):
        history.append(i, "ADDED", pod(words, ATTACKS[-1 - i], labels={words: words}))
        history.append(
            i + 0.5,
            "ADDED",
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": f"e{i}", "namespace": "demo"},
                "reason": words,
                "message": words,
                "involvedObject": {"kind": words, "name": words},
            },
        )
        history.begin_step(Step(i + 0.6, words, words, about=words))
        history.end_step(words, Result(i + 0.7, 1, words, words))
        history.append(i + 0.8, "MODIFIED", {**pod(words, words), "spec": {words: 1, "nodeName": words}})
    return history


ALLOWED = {"g", "title", "rect", "path", "text", "circle"}


@pytest.mark.parametrize("story", [tiny, storage])
def test_hostile_words_stay_words(story) -> None:
    made = film(hostile(), story)
    payload = made.payload(title=ATTACKS[0])
    for part in payload["parts"]:
        for element in ElementTree.fromstring(part).iter():
            assert element.tag in ALLOWED
            assert not any(name.startswith("on") or name == "href" for name in element.attrib)
    rest = json.dumps({k: v for k, v in payload.items() if k != "parts"}, ensure_ascii=False)
    for sly in "\u202e\u2066\x00\x1b":
        assert sly not in json.dumps(payload, ensure_ascii=False)
        assert sly not in rest


def test_a_page_with_hostile_words_has_two_scripts_of_its_own_and_no_address() -> None:
    html = film_page(film(hostile(), tiny), title=ATTACKS[0])
    reader = Reader()
    reader.feed(html)
    assert [attrs.get("type") for tag, attrs in reader.tags if tag == "script"] == ["application/json", "module"]
    assert json.loads(reader.scripts[0])["format"] == "k8sviz.player/v1"
    assert "<" not in reader.scripts[0]
    for tag, attrs in reader.tags:
        assert tag not in {"img", "iframe", "object", "embed", "base", "form", "a"}
        assert "src" not in attrs
        assert not any(name.startswith("on") for name in attrs)
    assert [attrs["href"] for tag, attrs in reader.tags if tag == "link"] == ["data:,"]


# -- size -----------------------------------------------------------------------------------------


def crowd(pods: int, events: int) -> History:
    """Many Pods that change often."""
    rng = random.Random(7)
    history = History(About(namespace="demo", title="A crowd"))
    for i in range(events):
        name = f"web-{rng.randrange(pods):02}"
        history.append(i / 10, "MODIFIED", pod(name, rng.choice(["Pending", "Running", "Failed"]), uid=name))
        if i % 50 == 0:
            history.begin_step(Step(i / 10 + 0.05, f"step-{i}", "kubectl get pod"))
    return history


def test_forty_pods_and_a_thousand_changes_stay_small() -> None:
    made = film(crowd(40, 1000), tiny)
    payload = made.payload()
    assert len(made.frames) > 500
    assert len(json.dumps(payload)) < 600_000
    packed = pack(payload)
    assert len(packed) < 60_000
    assert json.loads(zlib.decompress(base64.b64decode(packed))) == json.loads(json.dumps(payload))


# -- in a notebook --------------------------------------------------------------------------------


def test_a_notebook_gets_the_widget_the_picture_and_the_words() -> None:
    from k8sviz.views.player import Player

    history = read(data_dir() / "labs" / "ch06-static-binding" / "recording.jsonl")
    player = Player(history, storage, start="apply-pvc", telling="apply-pod")
    data, metadata = player._repr_mimebundle_()
    assert set(data) == {"application/vnd.jupyter.widget-view+json", "image/svg+xml", "text/plain"}
    ElementTree.fromstring(data["image/svg+xml"])
    assert data["text/plain"] == text(player.film.telling("apply-pod").diagram)
    assert metadata["image/svg+xml"]["alt"] == player.title
    assert player.at == history.settled("apply-pvc")
    player.seek("apply-pod")
    assert player.at == history.settled("apply-pod")
    assert len(json.dumps([player.get_state(), data])) < 300_000
    player.close()


def test_only_the_widget_pays_for_anywidget() -> None:
    code = "import sys, k8sviz.views.frames, k8sviz.views.page; sys.exit('anywidget' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
