"""Compares the predictions with the oracle's answers: `python -m tests.oracle.compare CASES ANSWERS [ANSWERS…]`.

Kubernetes chooses at random among volumes that it deems equal; with several files of answers to the same cases, a
prediction is right that agrees with one of them. With `--usual` first, it prints the most frequent answers instead.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from k8sviz.cluster import Cluster
from k8sviz.cluster.controllers.deployment import DeploymentController
from k8sviz.cluster.controllers.kit import Controller, owner_reference
from k8sviz.cluster.controllers.manager import Manager
from k8sviz.cluster.controllers.statefulset import StatefulSetController
from k8sviz.cluster.settings import Settings
from k8sviz.predict import predict_binding, predict_environment, predict_files
from k8sviz.rules.statefulset import REVISION_LABEL, as_stored, is_parallel
from k8sviz.rules.statefulset_objects import revision_of_template
from k8sviz.validate import problems

__all__ = ["differences", "main", "read_lines", "usual"]

JSON = dict[str, Any]
_BARE: Final = Settings(judges=False, runs_pods=False)


def differences(case: JSON, answers: Iterable[JSON]) -> list[str]:
    """What the prediction says otherwise than every one of the answers; nothing where it agrees with one."""
    found: list[str] = []
    for answer in answers:
        found = _KINDS[case["kind"]](case, answer)
        if not found:
            break
    return found


def _binding(case: JSON, answer: JSON) -> list[str]:
    predicted = predict_binding(case["objects"]).to_json()
    found = []
    for name, volume in answer.get("bound", {}).items():
        if predicted["bound"].get(name) != volume:
            why = predicted["why"].get(name, {}).get("code")
            found.append(f"{name}: {volume}, not {predicted['bound'].get(name)} ({why})")
    return found


def _pods(case: JSON, answer: JSON) -> list[str]:
    variables = predict_environment(case["objects"]).to_json()
    files = predict_files(case["objects"]).to_json()
    why = variables.get("why", {}).get("web", {})
    if why.get("refused"):
        return [f"refused: {why['refused']}"]
    real = answer["pods"]["web"]
    if "held" in real:
        return [] if why.get("pod") else [f"not held: {real['held']}"]
    if why.get("pod"):
        return [f"held: {why['pod']}"]
    found = []
    for name, container in real["containers"].items():
        reasons = why.get("containers", {}).get(name)
        if "failed" in container:
            found += [] if reasons else [f"{name} not failed: {container['failed']}"]
        elif reasons:
            found.append(f"{name} failed: {reasons}")
        else:
            found += [f"{name} env {it}" for it in _unlike(variables["web"][name], container.get("env", {}))]
            plain = {path: (file["mode"], file["base64"]) for path, file in files["web"][name].items()}
            truth = {path: (file["mode"], file["base64"]) for path, file in container.get("files", {}).items()}
            for path, (mode, content) in plain.items():
                if content is None and path in truth:
                    plain[path] = (mode, truth[path][1])
            found += [f"{name} file {it}" for it in _unlike(plain, truth)]
    return found


def _rollout(case: JSON, answer: JSON) -> list[str]:
    """One look of the simulated cluster's Deployment controller: the sizes after it."""
    cluster = Cluster(case["objects"], settings=_BARE)
    _controller(cluster, DeploymentController).sync(("demo", case["objects"][0]["metadata"]["name"]))
    after = {}
    for each in cluster.api.list("ReplicaSet"):
        name = each["metadata"]["name"]
        after[name if name.startswith("rs-") else "new"] = each["spec"]["replicas"]
    return _unlike(after, answer.get("sizes", {}))


def _controller(cluster: Cluster, kind: type[Controller]) -> Controller:
    managers = (each for each in cluster.controllers if isinstance(each, Manager))
    return next(each for manager in managers for each in manager.controllers if isinstance(each, kind))


def _stateful(case: JSON, answer: JSON) -> list[str]:
    """One look of the simulated cluster's StatefulSet controller: what it does."""
    found, *pods = case["objects"]
    found = dict(as_stored(found))
    revisions = [_revision(found, number, name) for number, name in enumerate(("r1", "r2"), 1)]
    owners = {"ownerReferences": [owner_reference(found)]}
    pods = [{**pod, "metadata": {**pod["metadata"], **owners}} for pod in pods]
    cluster = Cluster([found, *revisions, *pods], settings=_BARE, start="2026-01-01T12:00:00Z")
    predicted: list[str] = []

    def seen(change: str, obj: JSON) -> None:
        if obj["kind"] != "Pod":
            return
        name = obj["metadata"]["name"]
        if change == "ADDED":
            predicted.append(f"create {name} {obj['metadata']['labels'][REVISION_LABEL]}")
        elif change == "DELETED" or "deletionTimestamp" in obj["metadata"]:
            predicted.append(f"delete {name}")

    cluster.api.subscribe(seen)
    _controller(cluster, StatefulSetController).sync(("demo", found["metadata"]["name"]))
    real = answer.get("acts", [])
    if is_parallel(found):  # who comes first is left to the scheduler of goroutines
        predicted, real = sorted(predicted), sorted(set(real))  # one that failed may be deleted twice
    return [] if predicted == real else [f"{real}, not {predicted}"]


def _revision(statefulset: JSON, number: int, name: str) -> JSON:
    """The ControllerRevision of the image web:NAME, by that name."""
    template = statefulset["spec"]["template"]
    containers = [{**each, "image": f"web:{name}"} for each in template["spec"]["containers"]]
    spec = {**statefulset["spec"], "template": {**template, "spec": {**template["spec"], "containers": containers}}}
    made = revision_of_template({**statefulset, "spec": spec}, number, 0, owner_reference(statefulset))
    return {**made, "metadata": {**made["metadata"], "name": name}}


def _check(case: JSON, answer: JSON) -> list[str]:
    """What the API server refuses and `check` takes, or the other way round."""
    (obj,) = case["objects"]
    found = [str(problem) for problem in problems(obj) if problem.error]
    refused = list(answer.get("refused", {}).values())
    if bool(found) == bool(refused):
        return []
    return [f"{'MISSED' if refused else 'TOO STRICT'} {text}" for text in refused or found]


def _unlike(predicted: JSON, real: JSON) -> list[str]:
    """The names with other values; a predicted None is not known."""
    names = [*real, *(name for name in predicted if name not in real)]
    return [
        f"{name!r}: {real.get(name, 'none')!r}, not {predicted.get(name, 'none')!r}"
        for name in names
        if predicted.get(name, "none") != real.get(name, "none") and predicted.get(name, "none") is not None
    ]


def read_lines(path: str | Path) -> list[JSON]:
    """A file of one JSON object a line."""
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def usual(*answers: str) -> int:
    """Print of each case the most frequent answer."""
    for told in zip(*(Path(path).read_text(encoding="utf-8").splitlines() for path in answers), strict=True):
        print(Counter(told).most_common(1)[0][0])
    return 0


_KINDS: Final[dict[str, Callable[[JSON, JSON], list[str]]]] = {
    "binding": _binding,
    "check": _check,
    "pods": _pods,
    "rollout": _rollout,
    "stateful": _stateful,
}


def main(cases: str, *answers: str) -> int:
    """Print each difference and the counts; returns 1 when there is any."""
    asked = read_lines(cases)
    told = [read_lines(path) for path in answers]
    counts: Counter[str] = Counter()
    for case, *answered in zip(asked, *told, strict=True):
        one: JSON = answered[0]
        if "broken" in one:
            counts["broken"] += 1
            print(case["id"], "BROKEN", one["broken"])
            continue
        if one.get("refused") and case["kind"] != "check":  # what the API server refuses is for `k8sviz check` to say
            counts["refused"] += 1
            continue
        counts["compared"] += 1
        found = differences(case, answered)
        counts["different"] += bool(found)
        for line in found:
            print(f"{case['id']} {line}")
    print(dict(counts), file=sys.stderr)
    return int(bool(counts["different"] or counts["broken"]))


if __name__ == "__main__":
    sys.exit(usual(*sys.argv[2:]) if sys.argv[1] == "--usual" else main(*sys.argv[1:]))
