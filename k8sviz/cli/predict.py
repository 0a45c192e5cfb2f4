"""The commands that judge manifests without a cluster: predict says what becomes of them, check what is wrong."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, Protocol

from k8sviz.cli.common import command, print_json
from k8sviz.sources import manifests

__all__ = ["add"]


class _Prediction(Protocol):
    def to_json(self) -> dict[str, Any]: ...


def add(commands: Any) -> None:
    """Add these commands to the parser's."""
    parser = commands.add_parser(
        "predict", help="say what Kubernetes would do with manifests", description="Say what Kubernetes would do."
    )
    kinds = parser.add_subparsers(title="what to predict", metavar="WHAT", required=True)
    for name, run, text in (
        ("binding", _binding, "which volume each claim gets, and why not the others"),
        ("env", _environment, "the environment variables of every container"),
        ("files", _files, "the files under the mounts of every container"),
    ):
        _file_arguments(command(kinds, name, run, text))
    checker = command(commands, "check", _check, "say what the API server would refuse in manifests, line by line")
    _filename_argument(checker)
    checker.add_argument("--json", action="store_true", help="print JSON")


def _filename_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-f", "--filename", action="append", required=True, metavar="FILE",
                        help="YAML or JSON file, folder, or - for standard input; may come again")  # fmt: skip


def _file_arguments(parser: argparse.ArgumentParser) -> None:
    _filename_argument(parser)
    parser.add_argument("-n", "--namespace", default="default", help="where an object goes that names none")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _objects(options: argparse.Namespace) -> list[Any]:
    return [m.object for m in manifests.load(options.filename, namespace=options.namespace).manifests]


def _show(options: argparse.Namespace, found: _Prediction, as_text: Callable[[Any], str]) -> None:
    if options.json:
        print_json(found.to_json())
    else:
        print(as_text(found))


def _binding(options: argparse.Namespace) -> None:
    from k8sviz.predict import predict_binding
    from k8sviz.predict.text import binding_text

    _show(options, predict_binding(_objects(options), namespace=options.namespace), binding_text)


def _environment(options: argparse.Namespace) -> None:
    from k8sviz.predict import predict_environment
    from k8sviz.predict.text import environment_text

    _show(options, predict_environment(_objects(options), namespace=options.namespace), environment_text)


def _files(options: argparse.Namespace) -> None:
    from k8sviz.predict import predict_files
    from k8sviz.predict.text import files_text

    _show(options, predict_files(_objects(options), namespace=options.namespace), files_text)


def _check(options: argparse.Namespace) -> int:
    from k8sviz.validate import check_files

    report = check_files(options.filename)
    if options.json:
        print_json(report.to_json())
    else:
        print(report)
    return 0 if report.ok else 1
