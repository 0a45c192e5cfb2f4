"""Predictions as tables for people. Values of Secrets are not shown, only their sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from k8sviz.letters import printable
from k8sviz.predict.binding import BindingPrediction, ClaimPrediction
from k8sviz.predict.environment import EnvironmentPrediction
from k8sviz.predict.files import FilesPrediction
from k8sviz.rules.environment import Environment, Variable
from k8sviz.rules.fields import text
from k8sviz.rules.file_access import Identity, owner_text, readable, user_text
from k8sviz.rules.files import ContainerFiles, File, empty_folders, mode_text
from k8sviz.rules.reasons import Reason
from k8sviz.rules.start import StartReport
from k8sviz.words import say

__all__ = ["binding_text", "environment_text", "files_text", "reason_words", "start_text"]

_LONGEST: Final = 72  # letters of a value


def binding_text(found: BindingPrediction) -> str:
    """A line for each claim, and below it what speaks against each volume that it does not get."""
    if not found.claims:
        return say("predict.binding.nothing")
    rows = [tuple(say(f"predict.binding.{word}") for word in ("claim", "volume", "why"))]
    notes: list[list[str]] = [[]]
    for name, claim in found.claims.items():
        rows.append((name, claim.volume or say("predict.binding.none"), reason_words(claim.reason, "binding")))
        notes.append(list(_refusals(claim)))
    shown = []
    for row, below in zip(_columns(rows), notes, strict=True):
        shown += [row, *(f"    {note}" for note in below)]
    return "\n".join(shown)


def _refusals(claim: ClaimPrediction) -> Iterator[str]:
    for candidate in claim.candidates:
        name = text(candidate.volume, "metadata", "name")
        fits = all(reason.code.startswith("not-chosen") for reason in candidate.reasons)
        # a claim that has its volume wants to know of rivals only
        if candidate.reasons and name != claim.volume and (fits or claim.volume is None):
            why = " ".join(reason_words(reason, "binding") for reason in candidate.reasons)
            yield say("predict.binding.why-not", volume=name, why=why)


def environment_text(found: EnvironmentPrediction) -> str:
    """A table of variables for each container, and what keeps containers from starting."""
    return _pods(found.pods, found.why, _variables)


def files_text(found: FilesPrediction) -> str:
    """A table of files for each container, and what keeps containers from starting."""
    shown = {
        pod: {name: _Shown(each, found.who.get(pod, {}).get(name)) for name, each in containers.items()}
        for pod, containers in found.pods.items()
    }
    return _pods(shown, found.why, _files)


class _Shown(NamedTuple):
    """A container's files, and whom it runs as."""

    files: ContainerFiles
    who: Identity | None


def start_text(pod: str, report: StartReport) -> str:
    """What keeps a Pod's containers from starting, each with its reasons."""
    parts = [("refused", "", report.refused), ("held", "", report.pod)]
    parts += [("starts-not", name, reasons) for name, reasons in report.containers.items()]
    lines = []
    for code, container, reasons in parts:
        if reasons:
            lines.append(say(f"predict.pods.{code}", pod=pod, container=container))
            lines += [f"  {reason_words(reason, 'pod')}" for reason in reasons]
    return "\n".join(lines)


def reason_words(reason: Reason, table: str) -> str:
    """A Reason's sentence; `table` is `binding` or `pod`."""
    return say(f"rules.{table}.{reason.code}", **reason.facts)


def _pods(pods: Mapping[str, Mapping[str, Any]], why: Mapping[str, StartReport], rows_of: Any) -> str:
    if not pods:
        return say("predict.pods.nothing")
    parts = []
    for pod, containers in pods.items():
        if pod in why:
            parts.append(start_text(pod, why[pod]))
        for container, each in containers.items():
            rows = _columns(list(rows_of(each))) or [say("predict.pods.none")]
            title = say("predict.pods.container", pod=pod, container=container)
            parts.append("\n".join([title, *(f"  {row}" for row in rows)]))
    return "\n\n".join(parts)


def _variables(found: Environment) -> Iterator[tuple[str, ...]]:
    for variable in found.variables:
        if variable.overridden_by is None:
            yield variable.name, _value(variable)


def _value(variable: Variable) -> str:
    if variable.value is None:
        return say("predict.pods.unknown")
    if variable.origin.kind == "Secret":
        return say("predict.pods.secret", size=len(variable.value.encode("utf-8", "replace")))
    return _line(variable.value)


def _files(found: _Shown) -> Iterator[tuple[str, ...]]:
    for path, file in found.files.files.items():
        yield path, mode_text(file.mode), owner_text(file.uid, file.gid), _content(file) + _unread(file, found.who)
        if file.source.kind == "Pod" and file.source.path == "metadata.annotations":
            # the kubelet adds two on the node (pkg/kubelet/config/config.go)
            for code in ("source", "seen"):
                yield "", "", "", say(f"predict.pods.{code}")
    for mount in empty_folders(found.files):
        words = say("predict.pods.empty-folder", sub_path=mount.sub_path, volume=mount.volume)
        yield f"{mount.path}/", "777", owner_text(0, 0), words


def _unread(file: File, who: Identity | None) -> str:
    """What there is to say where the container's user cannot read a file, or only with luck."""
    may = "yes" if who is None else readable(who, file.uid, file.gid, file.mode)
    if may == "yes" or who is None:
        return ""
    return "  " + say(f"predict.pods.unread-{may}", user=user_text(who))


def _content(file: File) -> str:
    if file.content is None:
        return say("predict.pods.unknown")
    if file.source.kind == "Secret":
        return say("predict.pods.secret", size=len(file.content))
    try:
        return _line(file.content.decode("utf-8"))
    except UnicodeDecodeError:
        return say("predict.pods.bytes", size=len(file.content))


def _line(value: str) -> str:
    """A value as one line, with nothing in it that steers a terminal."""
    shown = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")
    shown = printable(shown)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


def _columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    if not rows:
        return []
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    return ["  ".join([*map(str.ljust, row, widths), row[-1]]).rstrip() for row in rows]
