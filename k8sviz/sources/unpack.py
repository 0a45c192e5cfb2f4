"""Turns a recording into a lab's folder, so that labs are made from what a cluster did and never written by hand.

The folder can be used by hand too: its commands, typed in order there, find the files that the recording had at
that time. A file that comes again with other content is kept beside the first under a name that carries the
step's id, and the commands from then on name that one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from k8sviz.errors import K8svizError
from k8sviz.history import History
from k8sviz.saving import save
from k8sviz.sources import recording as recordings
from k8sviz.sources.labs import LAB_FILE, RECORDING_FILE, LabSpec, StepSpec, safe_name
from k8sviz.sources.promises import changed, goes_on

__all__ = ["dump_lab", "unpack"]

_WIDTH = 100
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def unpack(recording: Path, data: Path) -> Path:
    """Write the lab that this recording holds into `<data>/<name>` and return that folder.

    Raises K8svizError for a file that is no recording, a step id that comes twice, and a name that would lead
    out of the folder.
    """
    history = recordings.read(recording)
    about = history.about
    folder = data / _plain(about.name, "lab name")
    files = _Files()
    steps = tuple(_steps(history, files))
    lab = LabSpec(about.name, about.title, about.namespace, about.server.get("gitVersion", ""), steps, folder)
    _refuse_links(folder, (*files.texts, LAB_FILE, RECORDING_FILE))
    for file, text in files.texts.items():
        _write(folder / file, text.encode("utf-8"))
    _write(folder / LAB_FILE, dump_lab(lab).encode("utf-8"))
    _write(folder / RECORDING_FILE, recording.read_bytes())
    return folder


def dump_lab(lab: LabSpec) -> str:
    """The text of `lab.yaml`, made to be read: block style, UTF-8, long commands folded, blank lines between steps."""
    head = {"name": lab.name, "title": lab.title, "namespace": lab.namespace, "server": lab.server}
    text = "".join(_yaml(key, value) for key, value in head.items())
    return "\n".join([text + ("steps:\n" if lab.steps else "steps: []\n"), *map(_dump_step, lab.steps)])


@dataclass
class _Files:
    """The folder as the steps fill it: the text under each kept name, and the newest kept name of each recorded one."""

    texts: dict[str, str] = field(default_factory=dict)
    newest: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, text: str, step_id: str) -> str:
        """Keep a file that a step brings; returns the name it is kept under."""
        kept = self._place(safe_name(name), text, step_id)
        self.texts[kept] = text
        self.newest[name] = kept
        return kept

    def _place(self, name: str, text: str, step_id: str) -> str:
        if self._free(name, text):
            return name
        if "/" in name:
            # a command that names the folder would read both versions
            raise K8svizError(f"step {step_id}: {name} comes again with other content inside a folder")
        path = PurePosixPath(name)
        other = f"{path.stem}.{step_id}{path.suffix}"
        if not self._free(other, text):
            raise K8svizError(f"step {step_id}: {name} comes again with other content, and {other} is taken")
        return other

    def _free(self, name: str, text: str) -> bool:
        taken = {kept.casefold(): kept for kept in self.texts}.get(name.casefold())
        return taken is None or (taken == name and self.texts[taken] == text)

    def rewrite(self, command: str) -> str:
        """The command with the newest kept name in place of each recorded one."""
        for name, kept in self.newest.items():
            if kept != name:
                command = _rename(command, name, kept)
        return command


def _rename(command: str, name: str, kept: str) -> str:
    """Name the kept file in a command; where the name is a ConfigMap's key too, the key stays.

    >>> _rename("kubectl apply -f a.yaml -f data.yaml", "a.yaml", "a.two.yaml")
    'kubectl apply -f a.two.yaml -f data.yaml'
    >>> _rename("kubectl create configmap c --from-file=a.conf", "a.conf", "a.two.conf")
    'kubectl create configmap c --from-file=a.conf=a.two.conf'
    """
    word = rf"(?:\./)?{re.escape(name)}(?![\w/=-]|\.\w)"
    command = re.sub(rf"(--from-file[= ]){word}", lambda m: f"{m[1]}{name}={kept}", command)
    return re.sub(rf"(?:(?<=\s-f)|(?<![\w./-])){word}", lambda _: kept, command)


def _steps(history: History, files: _Files) -> Iterator[StepSpec]:
    seen: set[str] = set()
    for step in history.steps:
        if _plain(step.id, "step id") in seen:
            raise K8svizError(f"step id {step.id!r} comes twice in the recording")
        seen.add(step.id)
        names = tuple(files.add(name, text, step.id) for name, text in step.files.items())
        waits, after = changed(history, step.id), goes_on(history, step.id)
        yield StepSpec(step.id, files.rewrite(step.command), step.about, names, waits, after)


def _plain(word: str, what: str) -> str:
    # both become parts of file names
    if not _WORD.fullmatch(word):
        raise K8svizError(f"{what} {word!r} in the recording: only letters, digits, dots and dashes are allowed")
    return word


def _dump_step(step: StepSpec) -> str:
    text = _yaml("id", step.id)
    text += _yaml("about", step.about) if step.about else ""
    text += _yaml("command", step.command)
    text += _yaml("files", list(step.files)) if step.files else ""
    text += _yaml("waits", list(step.waits)) if step.waits else ""
    text += f"goes_on: {step.goes_on:g}\n" if step.goes_on is not None else ""
    return "- " + text.rstrip("\n").replace("\n", "\n  ") + "\n"


def _yaml(key: str, value: str | list[str]) -> str:
    import yaml  # here, so that importing k8sviz.sources stays fast

    if isinstance(value, str) and len(value) > _WIDTH and value.isprintable() and value == value.strip():
        return f"{key}: >-\n" + "".join(f"  {line}\n" for line in _fold(value))
    # PyYAML's own folding breaks anywhere, so what is not folded above stays on one line
    readable = "\x85" not in "".join(value)  # PyYAML reads this one back as a space unless it is escaped
    return yaml.safe_dump({key: value}, allow_unicode=readable, width=1_000_000, default_flow_style=False)


def _fold(text: str) -> Iterator[str]:
    """The lines that YAML's folded style joins again: broken after `&&` and `;`, else where a line is full.

    >>> list(_fold("kubectl rollout status deployment kubia && kubectl get pods"))
    ['kubectl rollout status deployment kubia &&', 'kubectl get pods']
    """
    line = ""
    for word in re.split(r"(?<! ) (?! )", text):  # only single spaces may become a line's end
        whole = len(line) > 30 and line.endswith(("&&", ";"))
        if line and (whole or len(line) + len(word) >= _WIDTH):
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield line


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save(path, content)


def _refuse_links(folder: Path, names: Iterable[str]) -> None:
    """Nothing is written through a link: it may lead anywhere. Raises K8svizError before anything is written."""
    for name in names:
        places = [folder / name, *(folder / parent for parent in PurePosixPath(name).parents)]
        for place in places:
            if place.is_symlink() or (place != folder / name and place.exists() and not place.is_dir()):
                raise K8svizError(f"{place} is a link or a file where a lab's folder is to be; remove it first")
