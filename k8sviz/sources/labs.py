"""The labs as data: what a lab's folder says about its steps, so that nothing else has to know where it lies.

A lab is a folder with `lab.yaml` (title and steps), the manifest files that the steps name, and `recording.jsonl`.
Folders are found in a checkout (`data/` beside the package), in an installed wheel (`k8sviz/_data`), or where
the environment variable K8SVIZ_DATA points.
"""

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from k8sviz.errors import K8svizError, nearest
from k8sviz.letters import printable

__all__ = [
    "LAB_FILE",
    "RECORDING_FILE",
    "LabSpec",
    "StepSpec",
    "data_dir",
    "example",
    "example_names",
    "lab_names",
    "load_lab",
    "read_lab",
    "safe_name",
]

LAB_FILE = "lab.yaml"
RECORDING_FILE = "recording.jsonl"


class StepSpec(NamedTuple):
    """One shell command of a lab; `files` are the names of the files that arrive with it.

    On a cluster, what the texts say holds once what the step `waits` for is there (see promises.py); where the
    recording went on while things were still moving, after `goes_on` seconds at the latest.
    """

    id: str
    command: str
    about: str = ""
    files: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()
    goes_on: float | None = None


class LabSpec(NamedTuple):
    """A lab as its `lab.yaml` has it, and the folder that holds the files its commands name."""

    name: str
    title: str
    namespace: str
    server: str
    steps: tuple[StepSpec, ...]
    folder: Path

    @property
    def recording(self) -> Path:
        """The recording that this lab was made from."""
        return self.folder / RECORDING_FILE

    def step(self, step_id: str) -> StepSpec:
        """The step with this id. Raises K8svizError that names the nearest ids."""
        for step in self.steps:
            if step.id == step_id:
                return step
        known = nearest(step_id, [step.id for step in self.steps])
        raise K8svizError(f"lab {self.name} has no step {step_id!r}; {known}")

    def text(self, file: str) -> str:
        """What a file of the lab holds. Raises K8svizError for a name that no step brings."""
        known = [name for step in self.steps for name in step.files]
        if file not in known:
            raise K8svizError(f"lab {self.name} has no file {file!r}; {nearest(file, known)}")
        place = self.folder / safe_name(file)
        if not place.resolve().is_relative_to(self.folder.resolve()) or not place.is_file():
            raise K8svizError(f"lab {self.name}: {file} is no file of its folder")
        try:
            return place.read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise K8svizError(f"lab {self.name}: cannot read {file}: {error}") from None


def safe_name(name: object) -> str:
    """The same name when it stays inside the lab's folder on every system; K8svizError otherwise.

    >>> safe_name("conf.d/gzip.conf")
    'conf.d/gzip.conf'
    >>> safe_name("../gzip.conf")
    Traceback (most recent call last):
    k8sviz.errors.K8svizError: file name '../gzip.conf' would leave the lab's folder
    """
    if not isinstance(name, str) or not name:
        raise K8svizError(f"file name {name!r} is no text")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
        raise K8svizError(f"file name {name!r} would leave the lab's folder")
    if str(path) != name or name == "." or len(name) > 200 or printable(name) != name:
        raise K8svizError(f"file name {name!r} is not a plain relative name")
    if any(part.startswith((".", "~", "-")) for part in path.parts):
        raise K8svizError(f"file name {name!r} is hidden, or means something else to a shell")
    if name.casefold() in (LAB_FILE, RECORDING_FILE):
        raise K8svizError(f"file name {name!r} is taken by the lab itself")
    return name


def data_dir() -> Path:
    """The folder that holds all labs. Raises K8svizError when there is none."""
    chosen = os.environ.get("K8SVIZ_DATA")
    package = Path(__file__).resolve().parents[1]
    places = [Path(chosen)] if chosen else [package / "_data", package.parent / "data"]
    for place in places:
        if place.is_dir():
            return place
    where = f"K8SVIZ_DATA points to {chosen}, which is no folder" if chosen else f"no labs beside {package}"
    raise K8svizError(f"{where}; reinstall k8sviz or set K8SVIZ_DATA to a checkout's data folder")


def lab_names(data: Path | None = None) -> tuple[str, ...]:
    """The names of all labs, sorted, which is the order of the chapters.

    >>> [name for name in lab_names() if name.startswith("ch06-b")]
    ['ch06-binding-choice']
    """
    return tuple(sorted(path.parent.name for path in (data or data_dir()).glob(f"labs/*/{LAB_FILE}")))


def example_names(data: Path | None = None) -> tuple[str, ...]:
    """The names of the example manifests that the course draws where no lab can be recorded (a cloud's disk)."""
    return tuple(sorted(path.stem for path in ((data or data_dir()) / "examples").glob("*.yaml")))


def example(name: str, data: Path | None = None) -> Path:
    """The file of an example. Raises K8svizError that names the nearest.

    >>> example("cloud-disk").name
    'cloud-disk.yaml'
    """
    if name not in example_names(data):
        raise K8svizError(f"there is no example {name!r}; {nearest(name, example_names(data))}")
    return (data or data_dir()) / "examples" / f"{name}.yaml"


def load_lab(name: str, data: Path | None = None) -> LabSpec:
    """The lab of this name. Raises K8svizError that names the nearest labs.

    >>> load_lab("ch06-static-binding").steps[1].command
    'kubectl apply -f demo-pvc.yaml'
    """
    place = data or data_dir()
    names = lab_names(place)
    if name not in names:
        raise K8svizError(f"there is no lab {name!r}; {nearest(name, names)}")
    return read_lab(place / "labs" / name)


def read_lab(folder: Path) -> LabSpec:
    """The lab in this folder. Raises K8svizError for a `lab.yaml` that is missing or cannot be understood."""
    path = folder / LAB_FILE
    content = _yaml(path)
    try:
        return LabSpec(
            name=_word(content, "name"),
            title=_word(content, "title"),
            namespace=_word(content, "namespace"),
            server=_word(content, "server"),
            steps=tuple(_step(item) for item in content["steps"]),
            folder=folder,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise K8svizError(f"{path}: not a lab: {error.args[0]}") from error


def _yaml(path: Path) -> Any:
    from k8sviz.sources import yaml_events  # here, so that `import k8sviz` stays fast

    try:
        data = path.read_bytes()
        documents = yaml_events.documents(data.decode("utf-8"), len(data), str(path))
    except OSError as error:
        raise K8svizError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise K8svizError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    return documents[0].value if documents else None


def _step(item: Mapping[str, Any]) -> StepSpec:
    after = item.get("goes_on")
    return StepSpec(
        _word(item, "id"),
        _word(item, "command"),
        str(item.get("about", "")),
        tuple(map(safe_name, item.get("files") or ())),
        tuple(map(str, item.get("waits", ()))),
        after if isinstance(after, int | float) else None,
    )


def _word(item: Any, key: str) -> str:
    if not isinstance(item, Mapping) or key not in item:
        raise KeyError(f"{key} is missing")
    value = item[key]
    if not isinstance(value, str):
        raise TypeError(f"{key} is not text")
    return value
