"""What two runs of the same commands may differ in: ages, times, addresses, generated suffixes and hashes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from k8sviz.history import History, Object
from k8sviz.rules.fields import listed, mapping, text

__all__ = ["Names", "normal_text"]

_PATTERNS: Final = tuple(
    (re.compile(pattern), new)
    for pattern, new in (
        (r"\x1b\[[0-9;]*m", ""),
        (r"pvc-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "pvc-<uid>"),
        (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<uid>"),
        (r"sha256:[0-9a-f]{64}|containerd://[0-9a-f]{64}", "<digest>"),
        (r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} [\d:]{8} [+-]\d{4}", "<date>"),
        (r"\b\d{4}-\d\d-\d\dT[\d:]{8}(\.\d+)?Z", "<time>"),
        (r"\.\.\d{4}(_\d\d){5}\.\d+", "..<time>"),
        (r"\b(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d \d\d:\d\d", "<date>"),
        (r"\b\d\d:\d\d:\d\d\b", "<time>"),
        (r"process [0-9a-f]{8}", "process <id>"),
        (r"\b10\.(244|96)\.(?!0\.1\b)\d+\.\d+", "<ip>"),
        (r"\b172\.18\.0\.\d+", "<node-ip>"),
        (r"resourceVersion\"?: \"\d+\"", 'resourceVersion: "<n>"'),
        (r"size=\d+k", "size=<n>k"),
        (r"\(x\d+ over [0-9dhms]+\)", "(x<n> over <age>)"),
        (r"\b\d+(d\d+h|h\d+m|m\d+s|[smhd])\b", "<age>"),
        (r" +", " "),
    )
)
_REPEATS: Final = re.compile(r"(?i)^waiting|<time>|<age> volume=")  # how often depends on the moment
_RANDOM: Final = r"[bcdfghjklmnpqrstvwxz2456789]{5}"


class Names:
    """The generated names of one History, in the order in which they came: `kubia-#1`, `kubia-#1-*`."""

    def __init__(self, history: History) -> None:
        self._known: dict[str, str] = {}
        self._hashes: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._seen: set[str] = set()
        for event in history:
            self._learn(event.object)

    def _learn(self, obj: Object) -> None:
        name, kind = text(obj, "metadata", "name"), text(obj, "kind")
        owners = listed(obj, "metadata", "ownerReferences")
        if name in self._seen or not owners:
            return
        owner = text(owners[0], "name")
        if kind in ("ReplicaSet", "ControllerRevision"):
            self._seen.add(name)
            self._counts[f"{kind}/{owner}"] = number = self._counts.get(f"{kind}/{owner}", 0) + 1
            self._known[name] = f"{owner}-#{number}"
            self._hashes[name.rpartition("-")[2]] = f"#{number}"

    def normal(self, said: str) -> str:
        """A text with the generated parts of names replaced."""
        for name, short in self._known.items():
            if name in said:
                said = re.sub(re.escape(name) + rf"-{_RANDOM}\b", f"{short}-*", said)
                said = said.replace(name, short)
        for letters, short in self._hashes.items():
            said = said.replace(letters, short)
        return said

    def of(self, obj: Mapping[str, Any]) -> str:
        """An object's name without what was made up for it."""
        name = self.normal(text(obj, "metadata", "name"))
        if text(obj, "kind") == "PersistentVolume" and name.startswith("pvc-"):
            claim = mapping(obj, "spec", "claimRef")
            return f"pvc-<{text(claim, 'namespace')}/{text(claim, 'name')}>"
        if text(obj, "metadata", "generateName"):
            return re.sub(rf"-{_RANDOM}\Z", "-*", name)
        return name


def normal_text(said: str, names: Names) -> list[str]:
    """The lines of an output, as they are compared: a run of equal lines once, generated parts replaced; sorted where
    an order by generated names would show.
    """
    replaced = names.normal(said)
    slices = re.findall(
        rf"^(?:endpointslice\.discovery\.k8s\.io/)?([a-z0-9-]+)-{_RANDOM} +IPv4\b", replaced, re.MULTILINE
    )
    pods = re.findall(rf"^(?:pod/)?([a-z0-9-]+)-{_RANDOM} +\d+/\d+", replaced, re.MULTILINE)
    for name in {*slices, *pods}:
        replaced = re.sub(rf"\b{re.escape(name)}-{_RANDOM}\b", f"{name}-*", replaced)
    for pattern, new in _PATTERNS:
        replaced = pattern.sub(new, replaced)
    lines: list[str] = []
    for line in replaced.split("\n"):
        stripped = line.strip()
        if not (lines and lines[-1] == stripped and _REPEATS.search(stripped)):
            lines.append(stripped)
    made_up = ("-*", "#", "<ip>", "<uid>")
    return sorted(lines) if any(one in replaced for one in made_up) else lines
