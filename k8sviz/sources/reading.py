"""From a file's bytes to documents: UTF-8, JSON or YAML, within limits, each error one line that names the place."""

import codecs
import itertools
import re
import sys
from collections.abc import Iterator
from typing import Final

from k8sviz.sources._documents import (
    DEEPEST,
    FEWER,
    MIB,
    MOST_DOCUMENTS,
    TOO_DEEP,
    Document,
    ManifestError,
    NotJsonError,
    fail,
)

__all__ = ["documents_of", "text_of"]

_MOST_BYTES: Final = 64 * MIB
_MOST_JSON_NODES: Final = 2_000_000
_MOST_LIKE_JSON: Final = 5 * MIB


def text_of(path: str, name: str) -> str:
    """The text of a file, or of standard input for `-`; errors call it `name`. Raises ManifestError."""
    try:
        if path == "-":
            data = sys.stdin.buffer.read(_MOST_BYTES + 1)
        else:
            with open(path, "rb") as file:
                data = file.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise ManifestError(f"{name}: cannot read it ({why}); check the path") from None
    if len(data) > _MOST_BYTES:
        raise ManifestError(f"{name}: over {_MOST_BYTES // MIB} MiB; {FEWER}")
    return _decoded(data, name)


def _decoded(data: bytes, name: str) -> str:
    # PowerShell's > writes UTF-16
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if wide else "utf-8")
    except UnicodeDecodeError as error:
        line = 1 if wide else data.count(b"\n", 0, error.start) + 1
        raise ManifestError(f"{name}, line {line}: not UTF-8 text; save the file as UTF-8") from None


def documents_of(text: str, name: str) -> list[Document]:
    """The documents of one text, empty ones too. Raises ManifestError for what is neither YAML nor JSON."""
    text = text.removeprefix("\ufeff")
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError as error:
        fail(name, text.count("\n", 0, error.start) + 1, "half a character (a lone surrogate); save it as UTF-8")
    start = text.lstrip()[:64]
    if not start.startswith(("{", "[")):
        return _yaml_documents(text, len(data), name)
    try:
        return _json_documents(text, data, name)
    except NotJsonError as error:
        # `{kind: Pod}` is YAML that looks like JSON
        if len(data) > _MOST_LIKE_JSON:
            raise
        try:
            return _yaml_documents(text, len(data), name)
        except ManifestError:
            if re.match(r'[{\[]\s*["{]', start):
                raise error from None
            raise


def _json_documents(text: str, data: bytes, name: str) -> list[Document]:
    import msgspec

    first = _line(text, len(text) - len(text.lstrip()))
    if data.count(b"{") + data.count(b"[") > _MOST_JSON_NODES:
        fail(name, first, f"over {_MOST_JSON_NODES:,} values in JSON; {FEWER}")
    try:
        documents = [Document(msgspec.json.decode(data), first, {})]
    except RecursionError:
        fail(name, first, TOO_DEEP)
    except msgspec.DecodeError:
        documents = list(_json_stream(text, name))
    for document in documents:
        _check_depth(document, name)
    return documents


def _json_stream(text: str, name: str) -> Iterator[Document]:
    """JSON documents in a row, as `kubectl get -o json` of several commands gives."""
    import json

    import msgspec

    scan, at, line = json.JSONDecoder().raw_decode, 0, 1
    space = re.compile(r"[ \t\r\n]*")
    for number in itertools.count():
        begin = space.match(text, at).end()  # type: ignore[union-attr]
        if begin == len(text):
            return
        line += text.count("\n", at, begin)
        if number == MOST_DOCUMENTS:
            fail(name, line, f"over {MOST_DOCUMENTS:,} documents; {FEWER}")
        try:
            _, at = scan(text, begin)
            # the strict reader refuses what the standard library lets pass: NaN, half characters
            yield Document(msgspec.json.decode(text[begin:at]), line, {})
        except RecursionError:
            fail(name, line, TOO_DEEP)
        except json.JSONDecodeError as error:
            where = f"{name}, line {error.lineno}, column {error.colno}"
            raise NotJsonError(f"{where}: not JSON: {error.msg[0].lower()}{error.msg[1:]}") from None
        except msgspec.DecodeError as error:
            raise NotJsonError(f"{name}, line {line}: not JSON: {error}") from None
        except ValueError:
            fail(name, line, "not JSON: a number with thousands of digits; put it in quotes")
        line += text.count("\n", begin, at)


def _check_depth(document: Document, name: str) -> None:
    level = [document.value]
    for _ in range(DEEPEST):
        level = [
            child
            for value in level
            for child in (value.values() if type(value) is dict else value if type(value) is list else ())
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return
    fail(name, document.line, TOO_DEEP)


def _yaml_documents(text: str, size: int, name: str) -> list[Document]:
    from k8sviz.sources import yaml_events  # here, since the yaml package takes a third of a start

    return yaml_events.documents(text, size, name)


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
