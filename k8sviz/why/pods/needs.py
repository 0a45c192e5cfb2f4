"""ConfigMaps, Secrets and keys that a Pod needs and that are not there, or were not until now."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from k8sviz.errors import nearest
from k8sviz.rules.fields import mapping
from k8sviz.rules.pods import pod_status
from k8sviz.rules.references import references
from k8sviz.rules.start import start_report
from k8sviz.why.around import around
from k8sviz.why.case import Case, called, join
from k8sviz.why.model import Evidence, Explanation
from k8sviz.why.pods.reading import objects_of
from k8sviz.words import say

__all__ = ["NOT_FOUND", "missing_before_event", "missing_object", "reference_facts"]

JSON = Mapping[str, Any]


NOT_FOUND = re.compile(r'(?P<kind>configmap|secret) "(?P<name>[^"]+)" not found', re.IGNORECASE)


def missing_before_event(case: Case) -> Explanation | None:
    """A ConfigMap or Secret that is missing, before the kubelet has said so."""
    for reason in start_report(case.obj, objects_of(case)).pod:
        kind = _KIND_OF.get(reason.code, reason.facts.get("kind", ""))
        if kind and reason.facts.get("name"):
            proof = [Evidence(called(case.ref), say(f"rules.pod.{reason.code}", **reason.facts))]
            where = say("why.pod-words.a-volume")
            return missing_object(case, kind, reason.facts["name"], reason.facts.get("key", ""), proof, where)
    return None


_KIND_OF = {"config-map-not-found": "ConfigMap", "secret-not-found": "Secret"}


def missing_object(
    case: Case, kind: str, name: str, key: str, proof: Sequence[Evidence | None], where: str
) -> Explanation:
    """A ConfigMap, a Secret, or a key of it, that the Pod needs and that is not there, or was not until now."""
    state = pod_status(case.obj)
    found = case.find(kind, name)
    word = kind.lower()
    told: dict[str, Any] = {"kind": kind, "name": name, "where": where, "key": key}
    if found is None:
        near = around(case, kind, name)
        told |= {"place": near.place, "namespace": case.namespace or "default"}
        proof, hint = [*proof, *near.evidence], near.hint
        if near.where == "other-namespace":
            return case.tell("config.other-namespace", state, "error", evidence=proof, **told)
        if near.where == "other-kind":
            return case.tell("config.other-kind", state, "error", evidence=proof, **told)
        if kind == "Secret":
            return case.tell("config.secret-missing", state, "error", evidence=proof, hint=hint, **told)
        return case.tell("config.config-map-missing", state, "error", evidence=proof, hint=hint, **told)
    keys = sorted({*mapping(found, "data"), *mapping(found, "binaryData"), *mapping(found, "stringData")})
    if key and key not in keys:
        keys_fact = Evidence(say("why.text.keys", subject=f"{word}/{name}"), join(keys) or say("why.text.none"))
        return case.tell(
            "config.key-missing", state, "error", evidence=[*proof, keys_fact], hint=nearest(key, keys), **told
        )
    return case.tell("config.there-now", state, "waiting", evidence=proof, **told)


def reference_facts(case: Case, container: str, kind: str, name: str) -> list[Evidence]:
    """Where the container's variables refer to the object."""
    found = []
    for use in references(case.obj):
        if (use.container, use.kind, use.name) != (container, kind, name) or use.way not in ("env", "envFrom"):
            continue
        path = f"spec.containers[{container}].{use.way}" + (f"[{use.target}]" if use.way == "env" else "")
        key = say("why.pod-words.key-of", key=use.key, kind=kind, name=name) if use.key else f"{kind} {name}"
        found.append(Evidence(say("why.text.field", path=path, subject=called(case.ref)), key))
    return found
