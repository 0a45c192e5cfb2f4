"""A lab is done step by step: each shows what a terminal showed, and moves the cluster to where it then was."""

from __future__ import annotations

import html.parser
import json
from pathlib import Path
from typing import Any

import pytest

import k8sviz
from k8sviz.errors import K8svizError
from k8sviz.history import History
from k8sviz.kinds import Ref
from k8sviz.lab import Lab
from k8sviz.show import open_source
from k8sviz.sources.labs import lab_names
from k8sviz.views.explanation import Because
from k8sviz.views.terminal import Session, Terminal

DATA = Path(__file__).resolve().parents[1] / "data" / "labs"
LAB = "ch06-static-binding"
HOSTILE = "<script>alert(1)</script>\"'&\x1b[31m\u202e\x00]]><img src=x onerror=y>"


def recorded(lab: str) -> list[dict[str, Any]]:
    """The lines of a recording, read without the package."""
    return [json.loads(line) for line in (DATA / lab / "recording.jsonl").read_text("utf-8").splitlines()[1:]]


class Page(html.parser.HTMLParser):
    """What a browser makes of HTML: its elements and the words that a person sees."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.words = ""
        self._hidden = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self._hidden = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False

    def handle_data(self, data: str) -> None:
        self.words += "" if self._hidden else data


# -- doing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", lab_names())
def test_every_step_of_every_lab_shows_what_was_recorded_and_what_then_was(name: str) -> None:
    lab = Lab(name)
    rows = recorded(name)
    steps = [row for row in rows if row["type"] == "STEP"]
    results = {row["id"]: row for row in rows if row["type"] == "RESULT"}
    assert [step.id for step in lab.steps] == [row["id"] for row in steps]
    for i, step in enumerate(steps):
        shown = lab.do(step["id"])
        result = results[step["id"]]
        assert isinstance(shown, Terminal)
        assert (shown.stdout, shown.stderr, shown.exit_code) == (result["stdout"], result["stderr"], result["exitCode"])
        assert list(shown.files.values()) == list(step.get("files", {}).values())
        before = steps[i + 1]["t"] if i + 1 < len(steps) else float("inf")
        there: dict[Any, Any] = {}
        for row in sorted((r for r in rows if "object" in r and r["t"] < before), key=lambda r: r["t"]):
            meta = row["object"]["metadata"]
            key = row["object"]["kind"], meta.get("namespace"), meta["name"]
            there.pop(key, None)
            if row["type"] != "DELETED":
                there[key] = row["object"]
        for obj in lab.state:
            key = obj["kind"], obj["metadata"].get("namespace"), obj["metadata"]["name"]
            assert there.pop(key, None) == obj, f"after {step['id']}: {key}"
        assert not there, f"after {step['id']} these are missing: {list(there)}"


def test_before_the_first_step_the_cluster_is_as_it_was_found() -> None:
    lab = Lab(LAB)
    assert lab.state.objects("StorageClass")
    assert lab.state.objects("PersistentVolumeClaim") == []
    assert lab.now < lab.history.steps[0].t


def test_a_step_done_again_shows_its_output_again_and_changes_nothing() -> None:
    lab = Lab(LAB)
    first, second = lab.steps[0].id, lab.steps[1].id
    shown = lab.do(first)
    lab.do(second)
    now = lab.now
    again = lab.do(first)
    assert isinstance(again, Terminal)
    assert (again.command, again.stdout, again.stderr) == (shown.command, shown.stdout, shown.stderr)  # type: ignore[union-attr]
    assert "(done before: this is what it said)" in str(again)
    assert "done before" not in str(shown)
    assert lab.now == now, "time does not run backwards"


def test_skipping_ahead_names_the_step_to_run_first() -> None:
    lab = Lab(LAB)
    first, second, third = (step.id for step in lab.steps[:3])
    with pytest.raises(K8svizError, match=rf"^step '{third}' comes after '{first}'; run lab\.do\('{first}'\) first$"):
        lab.do(third)
    assert lab.now < lab.history.steps[0].t, "a refused step does not move the clock"
    lab.do(first)
    with pytest.raises(K8svizError, match=rf"run lab\.do\('{second}'\) first"):
        lab.do(third)


def test_unknown_names_are_told_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    for call in (Lab(LAB).do, Lab(LAB).do_until):
        with pytest.raises(K8svizError, match="has no step 'aply-pv'; did you mean apply-pv"):
            call("aply-pv")
    with pytest.raises(K8svizError, match="no lab 'ch06-static-bindin'; did you mean ch06-static-binding"):
        Lab("ch06-static-bindin")
    with pytest.raises(K8svizError, match="unknown source 'lib'"):
        Lab(LAB, source="lib")
    monkeypatch.setenv("K8SVIZ_SOURCE", "nowhere")
    with pytest.raises(K8svizError, match="unknown source 'nowhere'"):
        Lab(LAB)
    assert Lab(LAB, source="recorded").steps, "what is said outright counts more than the environment"


def test_do_until_runs_what_is_not_done_yet() -> None:
    lab = Lab(LAB)
    shown = lab.do_until("apply-pv")
    assert shown.command == "kubectl apply -f demo-pv.yaml"
    assert lab.now == lab.history.settled("apply-pv")
    assert "done before" in str(lab.do_until("apply-pv"))
    following = lab.steps[[s.id for s in lab.steps].index("apply-pv") + 1]
    lab.do(following.id)
    assert lab.do_until(lab.steps[0].id).command == lab.steps[0].command, "one that is done is only shown"
    assert lab.now == lab.history.settled(following.id)


def test_several_steps_are_one_session() -> None:
    lab = Lab(LAB)
    session = lab.do(*(step.id for step in lab.steps[:2]))
    assert isinstance(session, Session)
    assert str(session) == "\n".join(str(Lab(LAB).do_until(step.id)) for step in lab.steps[:2])
    assert session._repr_mimebundle_()["text/html"].count('kt-screen"') == 2


def test_a_lab_shows_where_it_is() -> None:
    lab = Lab(LAB)
    lab.do(lab.steps[0].id)
    lines = repr(lab).splitlines()
    assert lines[0] == f"{lab.name}: {lab.title}"
    assert lines[1:4] == [f"  ✓ {lab.steps[0].id}", f"  ▸ {lab.steps[1].id}", f"  · {lab.steps[2].id}"]
    assert len(lines) == 1 + len(lab.steps)
    page = Page(lab._repr_html_())
    for step in lab.steps:
        assert step.id in page.words
        assert step.about in page.words


# -- looking -------------------------------------------------------------------------------------


def test_pictures_and_reasons_are_of_now() -> None:
    lab = Lab(LAB)
    lab.do_until("apply-pv")
    now = lab.draw("storage")
    assert str(now) == str(k8sviz.draw("storage", LAB, at="apply-pv"))
    assert str(now) != str(lab.draw("storage", at="pod-running")), "another time may be asked for"
    one = lab.draw("storage", "pvc/demo-pvc")
    assert one.diagram.title == "Which volume may pvc/demo-pvc have?"
    assert str(lab.draw("storage", Ref("PersistentVolumeClaim", "demo-pvc", lab.history.about.namespace))) == str(one)
    assert str(lab.why("pvc/demo-pvc")) == str(k8sviz.why("pvc/demo-pvc", LAB, at="apply-pv"))
    assert "nodeAffinity" in str(lab.why("apply-local-without-affinity"))


def test_a_source_is_a_lab_a_name_a_file_a_history_or_a_snapshot() -> None:
    lab = Lab(LAB)
    end = str(k8sviz.draw("storage", LAB))
    history = open_source(LAB)
    assert isinstance(history, History)
    assert open_source(history) is history
    assert open_source(lab) is lab.history
    for source in (history, history.at(), DATA / LAB / "recording.jsonl"):
        assert str(k8sviz.draw("storage", source)) == end
    folder = [DATA / LAB / "demo-pv.yaml", DATA / LAB / "demo-pvc.yaml"]
    assert "demo-pvc" in str(k8sviz.draw("storage", folder))
    with pytest.raises(K8svizError, match="is no lab, recording or manifest; did you mean ch06-static-binding"):
        open_source("ch06-static-bindingg")
    with pytest.raises(K8svizError, match="no story 'storge'; did you mean storage"):
        lab.draw("storge")
    with pytest.raises(K8svizError, match="no pod/nope here"):
        lab.draw("storage", "pod/nope")
    with pytest.raises(K8svizError, match="is not KIND/NAME"):
        lab.draw("storage", "nope")


# -- showing -------------------------------------------------------------------------------------


def test_the_text_reads_as_a_terminal_does() -> None:
    shown = Terminal(
        "kubectl apply -f a.yaml",
        files={"a.yaml": "kind: Pod\n"},
        about="The Pod.",
        stdout="NAME\tREADY\npod/a created\n\n",
        stderr="Warning: x\n",
        exit_code=1,
    )
    assert str(shown).split("\n") == [
        "# The Pod.",
        "$ cat a.yaml",
        "kind: Pod",
        "$ kubectl apply -f a.yaml",
        "NAME    READY",
        "pod/a created",
        "Warning: x",
        "(exit code 1)",
    ]
    assert repr(shown) == str(shown), "a notebook without HTML shows the same"
    assert str(Terminal("kubectl get pod")) == "$ kubectl get pod"
    assert str(Terminal("# the node's kubelet is stopped")) == "# the node's kubelet is stopped", "not typed by anybody"


def test_tables_keep_their_columns() -> None:
    lab = Lab("ch06-binding-choice")
    said = str(lab.do_until("list-all"))
    assert said.endswith(lab.history.step("list-all").result.stdout.rstrip("\n"))  # type: ignore[union-attr]


def test_html_shows_the_same_words_and_no_element_of_anybody_elses() -> None:
    shown = Terminal(
        HOSTILE,
        files={HOSTILE: HOSTILE, "long": (HOSTILE + "\n") * 40},
        about=HOSTILE,
        stdout=HOSTILE,
        stderr=HOSTILE,
        exit_code=3,
        notes=(HOSTILE,),
    )
    page = Page(shown.html())
    assert page.tags <= {"style", "div", "pre", "span", "details", "summary"}
    assert page.attributes <= {"class", "tabindex", "aria-label"}
    assert page.words.count("<script>alert(1)</script>") == 7 + 40, "every word is there, as a word"
    assert not any(c in page.words for c in "\x1b\x00\u202e")
    assert not any(c in str(shown) for c in "\x1b\x00\u202e")
    bundle = shown._repr_mimebundle_()
    assert bundle == {"text/plain": str(shown), "text/html": shown.html()}


def test_an_explanation_is_escaped_too() -> None:
    name = "a<img src=x onerror=y>"
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": "demo"},
        "spec": {
            "storageClassName": HOSTILE,
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
        "status": {"phase": "Pending"},
    }
    found = k8sviz.why(Ref("PersistentVolumeClaim", name, "demo"), History.of([claim]))
    assert isinstance(found, Because)
    data = found._repr_mimebundle_()
    page = Page(data["text/html"])
    assert not page.tags & {"img", "script"}
    assert not [name for name in page.attributes if name.startswith("on")]
    assert name in page.words
    assert name in data["text/plain"]
    assert not any(c in page.words for c in "\x1b\x00\u202e")


def test_a_labs_own_words_are_escaped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "labs" / "a-lab"
    folder.mkdir(parents=True)
    lab = {
        "name": "a-lab",
        "title": HOSTILE,
        "namespace": "demo",
        "server": "v1",
        "steps": [{"id": HOSTILE, "command": "true", "about": HOSTILE}],
    }
    (folder / "lab.yaml").write_text(json.dumps(lab), encoding="utf-8")
    rows = [{"format": "k8sviz.recording/v1", "name": "a-lab"}, {"t": 1, "type": "STEP", "id": HOSTILE, "command": "x"}]
    (folder / "recording.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    monkeypatch.setenv("K8SVIZ_DATA", str(tmp_path))
    made = Lab("a-lab")
    assert Page(made._repr_html_()).tags <= {"div", "p", "b", "table", "tr", "td", "span", "code", "tbody"}
    assert not any(c in repr(made) + made._repr_html_() for c in "\x1b\x00\u202e")


def test_pictures_above_each_other_can_have_titles_of_their_own() -> None:
    before, after = (k8sviz.draw("rollout", "ch09-blue-green", at=step) for step in ("blue", "switch"))
    told = str(k8sviz.beside(before, after, titles=["Before", "After"]))
    assert "[Before]" in told
    assert "[After]" in told
    assert str(k8sviz.beside(before, after)).count("[Rollouts in demo]") == 2
