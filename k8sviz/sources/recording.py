"""Recordings: reading and writing `k8sviz.recording/v1`, one JSON object a line.

A reader parses each line only as far as the fold needs (its time, type and key); msgspec checks that the rest is
JSON without building it, and the object is parsed when somebody looks at it. A line that reading accepts can always
be looked at later.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from k8sviz.errors import K8svizError, nearest
from k8sviz.history import About, History, Key, Object, Result, Step
from k8sviz.saving import replacing

__all__ = ["FORMAT", "RecordingError", "Writer", "read", "write"]

FORMAT: Final = "k8sviz.recording/v1"
_FAMILY: Final = "k8sviz.recording/v"
_CHANGES: Final = ("ADDED", "MODIFIED", "DELETED")
_TYPES: Final = (*_CHANGES, "STEP", "RESULT", "END")
_LONGEST_HEADER: Final = 1 << 20


class RecordingError(K8svizError):
    """A file that is no recording, or a broken one: the text names the file and the line."""


class _Format(msgspec.Struct):
    format: str


class _Header(msgspec.Struct, rename="camel"):
    format: str
    name: str = ""
    title: str = ""
    namespace: str = ""
    started_at: str = ""
    server: dict[str, str] = {}
    secret_values: str = "kept"  # noqa: S105 - whether they were, not one of them
    values: str = "kept"


class _Meta(msgspec.Struct):
    name: str = ""
    namespace: str = ""
    uid: str = ""


class _Head(msgspec.Struct, rename="camel"):
    """As much of an object as the fold needs."""

    kind: str
    metadata: _Meta
    api_version: str = ""


class _Line(msgspec.Struct, rename="camel"):
    t: float
    type: str
    object: _Head | None = None
    id: str = ""
    command: str = ""
    files: dict[str, str] = {}
    about: str = ""
    exit_code: int = 0
    stdout: str = ""
    stderr: str = ""


class _WholeObject(msgspec.Struct):
    object: dict[str, Any]


_decode_line = msgspec.json.Decoder(_Line).decode
_whole = msgspec.json.Decoder(_WholeObject).decode


def _decode_object(line: bytes) -> Object:
    try:
        return _whole(line).object
    except msgspec.ValidationError:  # a number that no float holds, as 1e999: JSON allows it, Python reads it as inf
        row: dict[str, Object] = json.loads(line, parse_int=_integer)
        return row["object"]


def fits(obj: Object) -> bool:
    """Whether a recording can hold the object: its head has the types that `read` wants, and JSON can say all of it.

    >>> pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}
    >>> fits(pod), fits({**pod, "metadata": {"name": 5}}), fits({**pod, "metadata": {"name": ""}})
    (True, False, False)
    """
    try:
        head = msgspec.convert(obj, _Head)
        msgspec.json.encode(obj)
    except (msgspec.ValidationError, UnicodeEncodeError, RecursionError, OverflowError):
        return False
    return bool(head.kind and head.metadata.name)


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < 4000 else float(digits)


def read(path: str | os.PathLike[str]) -> History:
    """Read a recording file into a History.

    A file that was cut off is read up to its last whole line; `History.complete` is then False and its
    `notes` say so. Raises RecordingError, naming file and line, for a file that is no recording, has a newer
    format version, or holds a line that is not a recording's line.
    """
    try:
        with open(path, "rb") as file:
            return _read(file, Path(path).name)
    except OSError as error:
        raise RecordingError(f"cannot read {path}: {error.strerror or error}") from None
    except ValueError as error:  # a path that no file can have
        raise RecordingError(f"cannot read {path}: {error}") from None


def _read(file: IO[bytes], name: str) -> History:
    history = History(_header(file.readline(_LONGEST_HEADER), name))
    history.use_decoder(_decode_object)
    number, ended, cut = 1, False, False
    for line in file:
        number += 1
        if line.isspace():
            continue
        if ended:
            raise RecordingError(f"{name}, line {number}: nothing may follow the END line")
        try:
            row = _decode_line(line)
            line.decode()  # msgspec looks at no byte of a text that it skips
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            if not line.endswith(b"\n") and not isinstance(error, msgspec.ValidationError):
                cut = True
                break
            raise RecordingError(f"{name}, line {number}: {_plain(error)}") from None
        ended = _take(history, row, line, f"{name}, line {number}")
    if not ended:
        history.complete = False
        what = f"line {number} is cut off" if cut else "its END line is missing"
        history.notes.append(f"{name} is incomplete ({what}): it is read up to {history.end:.1f} s")
    return history


def _plain(error: Exception) -> str:
    if isinstance(error, msgspec.ValidationError):
        return f"not a recording's line ({error})"
    return "nested too deeply" if isinstance(error, RecursionError) else f"not JSON ({error})"


def _header(line: bytes, name: str) -> About:
    try:
        found = msgspec.json.decode(line, type=_Format).format
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RecordingError(
            f"{name}, line 1: not a k8sviz recording (its first line should be a header with format {FORMAT!r})"
        ) from None
    if found != FORMAT:
        if found.startswith(_FAMILY):
            raise RecordingError(
                f"{name}, line 1: format {found[:40]!r} is not known to this version, which reads {FORMAT!r}; "
                "upgrade with pip install -U k8sviz"
            )
        raise RecordingError(f"{name}, line 1: format {found[:40]!r} is not a k8sviz recording ({FORMAT!r})")
    try:
        header = msgspec.json.decode(line, type=_Header)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordingError(f"{name}, line 1: {_plain(error)}") from None
    return About(
        header.name,
        header.title,
        header.namespace,
        header.started_at,
        header.server,
        header.secret_values,
        header.values,
    )


def _take(history: History, row: _Line, line: bytes, where: str) -> bool:
    """Put one line into the History; True when it was the END."""
    if row.type in _CHANGES:
        if row.object is None:
            raise RecordingError(f"{where}: a {row.type} line without an object")
        meta = row.object.metadata
        key = Key(row.object.api_version, row.object.kind, meta.namespace, meta.name)
        history.append_raw(row.t, row.type, key, meta.uid, line)  # type: ignore[arg-type]
    elif row.type == "STEP":
        history.begin_step(Step(row.t, row.id, row.command, row.files, row.about))
    elif row.type == "RESULT":
        try:
            history.end_step(row.id, Result(row.t, row.exit_code, row.stdout, row.stderr))
        except K8svizError as error:
            raise RecordingError(f"{where}: {error}") from None
    elif row.type == "END":
        history.end = max(history.end, row.t)
        return True
    else:
        raise RecordingError(f"{where}: unknown type {row.type[:40]!r}; {nearest(row.type, _TYPES)}")
    return False


class Writer:
    """Writes a recording line by line; each line reaches the disk whole, so a crash loses at most the last.

    Use as a context manager: leaving it without an exception writes the END line.
    """

    def __init__(self, file: IO[bytes], about: About) -> None:
        self._file = file
        self._t = 0.0
        self._line(
            {
                "format": FORMAT,
                "name": about.name,
                "title": about.title,
                "namespace": about.namespace,
                "startedAt": about.started_at,
                "server": dict(about.server),
                "secretValues": about.secret_values,
                **({} if about.values == "kept" else {"values": about.values}),
            }
        )

    def _line(self, row: dict[str, Any]) -> None:
        self._file.write(msgspec.json.encode(row) + b"\n")
        self._file.flush()
        self._t = max(self._t, row.get("t", 0.0))

    def event(self, t: float, type: str, obj: Object) -> None:  # noqa: A002 - the watch's own word
        """One watch event at `t` seconds."""
        self._line({"t": round(t, 3), "type": type, "object": obj})

    def step(self, step: Step) -> None:
        """A step begins; its result, if it has one, is not written here."""
        row: dict[str, Any] = {"t": round(step.t, 3), "type": "STEP", "id": step.id, "command": step.command}
        if step.files:
            row["files"] = dict(step.files)
        if step.about:
            row["about"] = step.about
        self._line(row)

    def result(self, step_id: str, result: Result) -> None:
        """A step ended."""
        self._line(
            {
                "t": round(result.t, 3),
                "type": "RESULT",
                "id": step_id,
                "exitCode": result.exit_code,
                "stdout": result.stdout,
                "stderr": result.stderr,
            }
        )

    def close(self, t: float | None = None) -> None:
        """Write the END line at `t` seconds (None: the newest time written)."""
        self._line({"t": round(self._t if t is None else t, 3), "type": "END"})

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if error is None:
            self.close()


def write(history: History, path: str | os.PathLike[str]) -> None:
    """Write a History as a recording; reading it again gives an equal History (times to the millisecond)."""
    rows: list[tuple[float, int, Any]] = [(e.t, 1, e) for e in history]
    for step in history.steps:
        rows.append((step.t, 0, step))
        if step.result is not None:
            rows.append((max(step.t, step.result.t), 2, (step.id, step.result)))
    with replacing(path) as file:
        writer = Writer(file, history.about)
        _write_rows(writer, sorted(rows, key=lambda row: row[:2]))
        if history.complete:
            writer.close(history.end)


def _write_rows(writer: Writer, rows: Iterable[tuple[float, int, Any]]) -> None:
    for t, sort, what in rows:
        if sort == 0:
            writer.step(what)
        elif sort == 1:
            writer.event(t, what.type, what.object)
        else:
            writer.result(*what)
