"""Compares the predictions with the oracle's answers: `python -m tests.oracle.compare CASES ANSWERS [ANSWERS…]`.

Kubernetes chooses at random among volumes that it deems equal; with several files of answers to the same cases, a
prediction is right that agrees with one of them. With `--usual` first, it prints the most frequent answers instead.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from k8sviz.predict import predict_binding, predict_environment, predict_files
from k8sviz.rules.availability import available_from
from k8sviz.rules.deployment import (
    Size,
    history_limit,
    is_paused,
    may_create,
    min_ready_seconds,
    new_replica_set_size,
    next_scaling,
    old_to_forget,
    same_template,
    uses_recreate,
)
from k8sviz.rules.pods import is_ready
from k8sviz.rules.rollout import rollout_bounds
from k8sviz.rules.statefulset import Member, as_stored, is_parallel, next_acts
from k8sviz.validate import problems

__all__ = ["differences", "main", "read_lines", "usual"]

JSON = dict[str, Any]
_NOON: Final = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()  # the oracle's now


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
    """One sync of the Deployment controller: the sizes after it (see _Run._sync in predict/rollout.py)."""
    deployment, *sets = case["objects"]
    template = deployment["spec"]["template"]
    sizes = {each["metadata"]["name"]: _size(each) for each in sets}
    of_new = [each["metadata"]["name"] for each in sets if same_template(each["spec"]["template"], template)]
    new = sizes[of_new[0]] if of_new else None
    old = [size for name, size in sizes.items() if name not in of_new[:1]]
    if new is None and may_create(deployment, old):
        bounds = rollout_bounds(deployment)
        count = new_replica_set_size(bounds, Size("new", 0), old, recreate=uses_recreate(deployment))
        new = Size("new", count, age=99, wanted=bounds.replicas, limit=bounds.max_total)
    after = {size.name: size.desired for size in ([*old, new] if new else old)}
    scales = next_scaling(deployment, new, old)
    after |= {scale.name: scale.after for scale in scales}
    if is_paused(deployment):
        gone = old_to_forget(old, history_limit(deployment))
        after = {name: size for name, size in after.items() if name not in gone}
    return _unlike(after, answer.get("sizes", {}))


def _size(replica_set: JSON) -> Size:
    metadata, status = replica_set["metadata"], replica_set["status"]
    notes = metadata["annotations"]
    return Size(
        name=metadata["name"],
        desired=replica_set["spec"]["replicas"],
        available=status["availableReplicas"],
        pods=status["replicas"],
        age=int(metadata["name"].removeprefix("rs-")),
        wanted=int(notes["deployment.kubernetes.io/desired-replicas"]),
        limit=int(notes["deployment.kubernetes.io/max-replicas"]),
        revision=int(notes["deployment.kubernetes.io/revision"]),
    )


def _stateful(case: JSON, answer: JSON) -> list[str]:
    """One sync of the StatefulSet controller: what it does (see _Run._sync in predict/statefulset.py)."""
    found, *pods = case["objects"]
    found = as_stored(found)
    members = [_member(pod, min_ready_seconds(found)) for pod in pods]
    update = found["spec"]["template"]["spec"]["containers"][0]["image"].removeprefix("web:")
    plan = next_acts(found, members, found["status"]["currentRevision"], update, found["status"]["currentReplicas"])
    predicted: list[str] = [
        f"create web-{act.ordinal} {act.revision}" if act.verb == "create" else f"delete web-{act.ordinal}"
        for act in plan.acts
    ]
    real = answer.get("acts", [])
    if is_parallel(found):  # who comes first is left to the scheduler of goroutines
        predicted, real = sorted(predicted), sorted(set(real))  # one that failed may be deleted twice
    return [] if predicted == real else [f"{real}, not {predicted} ({plan.why})"]


def _member(pod: JSON, wait: int) -> Member:
    ready = is_ready(pod) and pod["status"]["phase"] == "Running"
    since = available_from(pod, wait) if ready else None
    return Member(
        ordinal=int(pod["metadata"]["name"].removeprefix("web-")),
        revision=pod["metadata"]["labels"]["controller-revision-hash"],
        ready=ready,
        available=since is not None and since <= _NOON,
        terminating="deletionTimestamp" in pod["metadata"],
        over=pod["status"]["phase"] in ("Failed", "Succeeded"),
    )


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
