"""What a learner has done: exercises solved and questions answered, in one small file on this computer.

A mark must never cost anybody a lesson: a file that cannot be read is put aside, one that cannot be written is said and
forgotten. Several kernels may mark at once: each reads, adds and replaces the file while it holds a lock.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from k8sviz.errors import K8svizError
from k8sviz.saving import replacing
from k8sviz.words import say

__all__ = ["Marks", "Part", "mark", "marks", "marks_path"]

Part = Literal["exercises", "questions"]
_PARTS: Final[tuple[Part, ...]] = ("exercises", "questions")
_VERSION: Final = 1
_LARGEST: Final = 1024 * 1024
_PATIENCE: Final = 2.0  # seconds to wait for another kernel
_STALE: Final = 10.0  # seconds after which a lock's owner is taken for dead


@dataclass(frozen=True, slots=True)
class Marks:
    """Ids of what is done, each with the time of its first mark (ISO 8601, UTC). `note` says what went wrong."""

    exercises: Mapping[str, str] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)
    note: str = ""

    def __bool__(self) -> bool:
        return bool(self.exercises or self.questions)


class _NewerError(Exception):
    """The file was written by a version of k8sviz that is yet to come."""


def marks_path() -> Path:
    """Where the marks are: K8SVIZ_PROGRESS, or the platform's folder for a program's data."""
    chosen = os.environ.get("K8SVIZ_PROGRESS")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "k8sviz" / "progress.json"


def marks() -> Marks:
    """All marks. A file that cannot be understood is put aside under another name, and `note` says so."""
    path = marks_path()
    try:
        return _read(path)
    except FileNotFoundError:
        return Marks()
    except _NewerError:
        return Marks(note=say("exercise.progress.newer"))
    except ValueError:
        return Marks(note=say("exercise.progress.broken", path=_put_aside(path)))
    except OSError as error:
        return Marks(note=say("exercise.progress.unwritable", path=path, why=error.strerror or error))


def mark(part: Part, name: str) -> str:
    """Mark something as done. Returns '' or, where the mark could not be kept, why; raises nothing.

    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     before = os.environ.get("K8SVIZ_PROGRESS")
    ...     os.environ["K8SVIZ_PROGRESS"] = f"{folder}/progress.json"
    ...     said, found = mark("exercises", "06-bind-to-that"), list(marks().exercises)
    ...     _ = os.environ.pop("K8SVIZ_PROGRESS") if before is None else os.environ.update(K8SVIZ_PROGRESS=before)
    >>> said, found
    ('', ['06-bind-to-that'])
    """
    path = marks_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path):
            return _add(path, part, name)
    except K8svizError as error:  # it could not be written
        return say("exercise.progress.unwritable", path=path, why=error)
    except OSError as error:
        return say("exercise.progress.unwritable", path=path, why=error.strerror or error)


def _add(path: Path, part: Part, name: str) -> str:
    note = ""
    try:
        known = _read(path)
    except FileNotFoundError:
        known = Marks()
    except _NewerError:
        return say("exercise.progress.newer")
    except ValueError:
        known, note = Marks(), say("exercise.progress.broken", path=_put_aside(path))
    done: dict[str, dict[str, str]] = {each: dict(getattr(known, each)) for each in _PARTS}
    if name not in done[part]:
        done[part][name] = datetime.now(UTC).isoformat(timespec="seconds")
        _write(path, {"k8sviz": _VERSION, **done})
    return note


def _read(path: Path) -> Marks:
    with path.open("rb") as file:
        found = json.loads(file.read(_LARGEST))
    if not isinstance(found, dict):
        raise ValueError("not an object")
    version = found.get("k8sviz")
    if isinstance(version, int) and version > _VERSION:
        raise _NewerError
    return Marks(_texts(found.get("exercises", {})), _texts(found.get("questions", {})))


def _texts(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise ValueError("not a mapping of texts")
    return value


def _write(path: Path, content: Mapping[str, Any]) -> None:
    """Write beside the file and then replace it, so that nobody ever reads half of it."""
    with replacing(path, private=True) as file:
        file.write(f"{json.dumps(content, indent=1)}\n".encode())


def _put_aside(path: Path) -> Path:
    for number in range(1, 100):
        aside = path.with_name(f"{path.stem}.broken-{number}{path.suffix}")
        if not aside.exists():
            with contextlib.suppress(OSError):
                path.replace(aside)
            return aside
    return path


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One kernel at a time. A lock that is too old belongs to nobody any more."""
    lock = path.with_name(f"{path.name}.lock")
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            break
        except (FileExistsError, PermissionError):  # the latter on Windows, while it is being removed
            with contextlib.suppress(OSError):
                if time.time() - lock.stat().st_mtime > _STALE:
                    lock.unlink()
                    continue
            if time.monotonic() > until:
                raise TimeoutError(f"{lock} is held by another kernel") from None
            time.sleep(0.01)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            lock.unlink()
