"""Hostile text for every place that text comes from: recordings of real clusters in which each name is an attack.

It stands alone, so that a notebook under test can import a copy of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from k8sviz.history import History
from k8sviz.kinds import Ref
from k8sviz.sources.exercises import Exercise, load_exercise
from k8sviz.sources.labs import load_lab
from k8sviz.sources.questions import Option, Question
from k8sviz.sources.recording import read
from k8sviz.stories import STORIES

RUN = "pwned=1"
PLAIN = "plain words"
PAYLOADS = {
    "script": f"<script>{RUN}</script>",
    "image": f"\"'><img src=x onerror={RUN}>",
    "another host": "<img src=http://evil.invalid/a.png><link rel=stylesheet href=//evil.invalid/a.css>",
    "frame": f"<iframe srcdoc='<script>top.{RUN}</script>'></iframe>",
    "svg": f"<svg onload={RUN}><animate onbegin={RUN} attributeName=x dur=1s></svg>",
    "address": f"javascript:{RUN}//",
    "link": f'<a href="javascript:{RUN}" autofocus onfocus={RUN}>x</a>',
    "end of CDATA": f"]]><script>{RUN}</script><![CDATA[",
    "end of svg": f"</text></title></svg><script>{RUN}</script><img src=x onerror={RUN}>",
    "quotes": f"\" onload=\"{RUN}\" x=\"' onload='{RUN}' y='",
    "end of a script": f"</script><script>{RUN}</script>",
    "open script": "<!--<script>",
    "end of a style": f"--></style><script>{RUN}</script>",
    "code": f"`<img src=x onerror={RUN}>`",
    "templates": f"{{{{{RUN}}}}}${{{RUN}}}{{a}}%(a)s",
    "entities": f"&lt;img src=x onerror={RUN}&gt;&#60;script&#62;{RUN}&#60;/script&#62;",
    "formula": f"$\\href{{javascript:{RUN}}}{{x}}$ $$\\unicode{{x3c}}$$ \\(x\\)",
    "Mermaid": f'"]; click n0 "javascript:{RUN}"; n1["x"] %%{{init: {{"securityLevel":"loose"}}}}%% end',
    "DOT": f'"]; evil [label=<<b>x</b>> URL="javascript:{RUN}"]; x [label="',
    "right to left": "\u202edeliated\u202c\u2066\u2069\u200f",
    "zero width": "p\u200bw\u200dn\ufeff\u00ad\u2060ed",
    "control": "\x00\x07\x1b[2J\u0085\u2028\u2029",
}
# what tells each story, and when
TOLD = {name: story.lab for name, story in STORIES.items()}
MOMENTS = {name: story.step for name, story in STORIES.items() if story.step}

_VALUES = {
    "name",
    "claimName",
    "volumeName",
    "nodeName",
    "secretName",
    "message",
    "note",
    "reason",
    "storageClassName",
    "serviceName",
    "serviceAccountName",
    "image",
    "hostname",
    "subdomain",
    "provisioner",
    "driver",
    "value",
    "mountPath",
    "subPath",
    "key",
    "path",
    "node",
    "imageID",
    "component",
    "host",
    "reportingComponent",
    "description",
}
_LISTS = {"command", "args", "values", "finalizers", "resourceNames"}
_TABLES = {"labels", "annotations", "matchLabels", "nodeSelector", "data", "selector"}


def poisoned(lab: str, payload: str, folder: Path) -> Path:
    """A lab's recording with the payload before every name, label, message and output; what refers still does."""
    path = folder / f"{lab}.jsonl"
    with load_lab(lab).recording.open(encoding="utf-8") as lines, path.open("w", encoding="utf-8") as file:
        for line in lines:
            file.write(json.dumps(_row(json.loads(line), payload)) + "\n")
    return path


def step(name: str, payload: str) -> str:
    """The id that a poisoned step has."""
    return payload + name


def _row(row: dict[str, Any], payload: str) -> dict[str, Any]:
    said = ("id", "title", "command", "about", "stdout", "stderr")
    made = {key: payload + value if key in said and value else value for key, value in row.items()}
    if "files" in row:
        made["files"] = {payload + name: text + "\n" + payload for name, text in row["files"].items()}
    if "object" in row:
        made["object"] = _object(row["object"], payload)
    return made


def _object(value: Any, payload: str) -> Any:
    if isinstance(value, list):
        return [_object(each, payload) for each in value]
    if not isinstance(value, dict):
        return value
    made = {}
    for key, found in value.items():
        if isinstance(found, str):
            made[key] = payload + found if key in _VALUES else found
        elif key in _LISTS and isinstance(found, list):
            made[key] = [payload + each if isinstance(each, str) else each for each in found]
        elif key in _TABLES and isinstance(found, dict) and all(isinstance(each, str) for each in found.values()):
            made[key] = {payload + name: payload + each for name, each in found.items()}
        else:
            made[key] = _object(found, payload)
    return made


def histories(payload: str, folder: Path) -> dict[str, History]:
    """Each lab of TOLD, poisoned."""
    return {lab: read(poisoned(lab, payload, folder)) for lab in dict.fromkeys(TOLD.values())}


def outputs(payload: str, folder: Path) -> Iterator[tuple[str, Any]]:
    """What a notebook is given to show as HTML or SVG, made of hostile text, each with a name."""
    import k8sviz
    from k8sviz.views.exercise import ExerciseView, judged
    from k8sviz.views.quiz import Quiz
    from k8sviz.views.terminal import Session, Terminal

    found = histories(payload, folder)
    for story, lab in TOLD.items():
        at = step(MOMENTS[story], payload) if story in MOMENTS else None
        yield f"draw {story}", k8sviz.draw(story, found[lab], at=at)
    storage, config = found["ch06-static-binding"], found["ch07-configmap-volume"]
    yield "play", k8sviz.play("storage", storage, start=step("apply-pvc", payload))
    for word, ref, at in (
        ("claim", named("PersistentVolumeClaim", "demo-pvc", payload), "pvc-pending"),
        ("Pod", named("Pod", "fortune-for-pvc", payload), "pod-pending"),
    ):
        yield f"why a {word}", k8sviz.why(ref, storage, at=step(at, payload))
    yield "why a step", k8sviz.why(config.step(step("apply-bad-mode", payload)), config)
    yield "inspect", inspected(payload, folder)
    steps = [(s, s.result) for s in storage.steps if s.result is not None]
    yield (
        "steps",
        Session(
            [
                Terminal(
                    s.command,
                    files=s.files,
                    about=s.about,
                    stdout=r.stdout,
                    stderr=r.stderr,
                    exit_code=1,
                    notes=(payload,),
                )
                for s, r in steps[:4]
            ]
        ),
    )
    yield "quiz", Quiz(question(payload))
    yield "exercise", ExerciseView(exercise(payload))
    yield "verdict of nonsense", judged(exercise(payload), payload)
    for word, text in answers(payload).items():
        yield f"verdict of {word}", judged(exercise(PLAIN), text)


def charts(payload: str, folder: Path) -> Iterator[tuple[str, Any]]:
    """Charts of hostile text."""
    import k8sviz

    config = read(poisoned("ch07-configmap-volume", payload, folder))
    yield "updates", k8sviz.updates(named("Pod", "demo-configmap-volume", payload), config)
    yield "lives", k8sviz.lives(config)


def inspected(payload: str, folder: Path) -> Any:
    """What the two containers of a Pod get."""
    import k8sviz

    secret = read(poisoned("ch07-secret", payload, folder))
    return k8sviz.inspect(named("Pod", "fortune-https", payload), secret, at=step("mounts", payload))


def named(kind: str, name: str, payload: str) -> Ref:
    """An object of a poisoned recording."""
    return Ref(kind, payload + name, "demo")


def answers(payload: str) -> dict[str, str]:
    """What a learner may hand in: read, refused, or judged with its names in the verdict."""
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "archive"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    spec: Any = claim["spec"]
    return {
        "a field": json.dumps({**claim, payload: payload}),
        "a kind": json.dumps({**claim, "kind": payload}),
        "a name": json.dumps({**claim, "metadata": {"name": payload, "labels": {payload: payload}}}),
        "a class": json.dumps({**claim, "spec": {**spec, "storageClassName": payload, "volumeName": payload}}),
        "a mode": json.dumps({**claim, "spec": {**spec, "accessModes": [payload]}}),
    }


def question(payload: str) -> Question:
    """A question of nothing but hostile text."""
    options = (Option(payload, payload, right=True), Option(payload + "2", payload))
    return Question("06-x", payload, options, code=payload)


def exercise(payload: str) -> Exercise:
    """An exercise whose texts are hostile."""
    from dataclasses import replace

    real = load_exercise("06-bind-to-that")
    goals = tuple(replace(goal, want=payload) for goal in real.goals)
    given = f"# {payload!r}\n{real.given}"
    task = f"{payload}\n\n{payload}"
    return replace(real, title=payload, task=task, hints=(payload,) * 2, lesson=payload, goals=goals, given=given)


class Still:
    """As much of a Follower as the widget asks for: a cluster that stands still, whose line is broken."""

    def __init__(self, history: History, trouble: str) -> None:
        self.history = history
        self.trouble = trouble
        self.changes = 0
        self.closed = False

    def wait(self, seen: int, timeout: float | None = None) -> int:
        """Nothing new."""
        import time

        time.sleep(timeout or 0.1)
        return self.changes

    def now(self) -> float:
        """The end."""
        return self.history.end

    def close(self) -> None:
        """No more."""
        self.closed = True


def followed(payload: str, folder: Path) -> Any:
    """The widget that follows a cluster, on a hostile one."""
    from k8sviz.show import told
    from k8sviz.views.follow import Follow

    history = read(poisoned("ch10-identity", payload, folder))
    return Follow(Still(history, payload), partial(told, "stateful"))  # type: ignore[arg-type]


def mermaid(payload: str, folder: Path) -> str:
    """A short story as Mermaid, with short names: a long one is cut in its middle."""
    import k8sviz
    from k8sviz.render.picture import render

    history = read(poisoned("ch10-peers", payload, folder))
    return str(render(k8sviz.draw("reaching", history).diagram, "mermaid"))
