"""What a probe asks for and what it was told, in a few words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8sviz.history import Object
from k8sviz.rules.fields import mapping, strings, text
from k8sviz.why.case import Case, called, event_message
from k8sviz.why.model import Evidence
from k8sviz.why.pods.reading import container_spec, plain
from k8sviz.words import say

__all__ = ["probe_fact", "probe_said", "probe_words"]

JSON = Mapping[str, Any]


def probe_words(probe: JSON) -> str:
    """What a probe does, in a few words."""
    if "httpGet" in probe:
        got = mapping(probe, "httpGet")
        return f"GET {text(got, 'path') or '/'} :{got.get('port', '')}"
    if "tcpSocket" in probe:
        return f"TCP :{mapping(probe, 'tcpSocket').get('port', '')}"
    if "grpc" in probe:
        return f"gRPC :{mapping(probe, 'grpc').get('port', '')}"
    return " ".join(strings(probe, "exec", "command")) or say("why.text.none")


def probe_fact(case: Case, container: str, kind: str) -> Evidence | None:
    """A container's probe as evidence; None when it has none of this kind."""
    probe = mapping(container_spec(case.obj, container), f"{kind}Probe")
    if not probe:
        return None
    path = f"spec.containers[{container}].{kind}Probe"
    numbers = {key: value for key, value in probe.items() if isinstance(value, int)}
    source = say("why.text.field", path=path, subject=called(case.ref))
    return Evidence(source, f"{probe_words(probe)}; {plain(numbers)}")


def probe_said(events: Sequence[Object]) -> str:
    """What the probe was told, from the newest Event that holds it."""
    for event in events:
        message = event_message(event)
        if "probe failed: " in message:
            return message.partition("probe failed: ")[2]
    return say("why.text.no-message")
