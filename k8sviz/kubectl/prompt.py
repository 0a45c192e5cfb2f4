"""A command line as a person types it: kubectl and the little of a shell around it, over one target and one folder."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from typing import Final

from k8sviz.cluster.refused import Refused
from k8sviz.kubectl.command import Kubectl
from k8sviz.kubectl.failed import Failed
from k8sviz.kubectl.raw import answer as raw_answer
from k8sviz.kubectl.session import Files, Session
from k8sviz.kubectl.target import Target
from k8sviz.shell import TOOLS, Answer, Shell

__all__ = ["Prompt"]

_LATENCY: Final = 0.1  # seconds that a real kubectl takes for one request
_PORT: Final = "8001"


class Prompt:
    """A shell that runs kubectl on a target. `files` is the folder that it stands in.

    >>> from k8sviz.history import History
    >>> from k8sviz.kubectl.target import Moment
    >>> prompt = Prompt(Moment(History.of([]).at(0)), namespace="demo")
    >>> prompt.run("kubectl get pods || echo none").err
    'No resources found in demo namespace.\\n'
    """

    def __init__(self, target: Target, *, namespace: str = "default", files: Files | None = None) -> None:
        self.kubectl = Kubectl(target, namespace=namespace, files=files)
        self._target = target
        self._proxies: set[str] = set()
        self._shell = Shell(_Folder(self), {"HOME": "/root", "PWD": "/root/lab"})

    @property
    def files(self) -> Files:
        """The folder's files by name."""
        return self.kubectl.files

    def run(self, text: str) -> Answer:
        """Run a text as a shell does."""
        return self._shell.run(text)

    def command(self, argv: Sequence[str], stdin: str) -> Answer:
        """kubectl, a small tool, or what is not there."""
        name, rest = argv[0], argv[1:]
        if name == "kubectl" and rest[:1] == ["proxy"]:
            ports = [word.partition("=")[2] for word in rest if word.startswith("--port=")]
            self._proxies.add(ports[0] if ports else _PORT)
            return Answer(out=f"Starting to serve on 127.0.0.1:{ports[0] if ports else _PORT}\n")
        if name in ("kubectl", "k"):
            done = self.kubectl.run(rest, stdin)
            self._target.run(_LATENCY)
            return done
        if name == "curl":
            return self._curl(rest)
        if name == "openssl":
            return self._certificate(rest)
        if name == "ls":
            return self._list(rest)
        if name in ("rm", "touch", "mkdir"):
            return self._touch(name, [word for word in rest if not word.startswith("-")])
        tool = TOOLS.get(name)
        if tool is None:
            return Answer(127, "", f"sh: {name}: not found\n")
        return tool(rest, stdin, _Folder(self).read)

    def sleep(self, seconds: float) -> None:
        """Time passes in the cluster."""
        self._target.run(seconds)

    def _curl(self, rest: Sequence[str]) -> Answer:
        """`curl localhost:8001/…` while `kubectl proxy` runs."""
        url = next((word for word in rest if not word.startswith("-")), "").removeprefix("http://")
        host, slash, path = url.partition("/")
        name, _, port = host.partition(":")
        if name not in ("localhost", "127.0.0.1") or port not in self._proxies:
            return Answer(7, "", f"curl: (7) Failed to connect to {host}: Could not connect to server\n")
        session = Session(self._target, self.files, self.kubectl.namespace, self.kubectl.user)
        try:
            return Answer(out=raw_answer(session, slash + path or "/", pretty=True))
        except Refused as refused:
            return Answer(out=str(refused.status()))
        except Failed as failed:
            return Answer(22, "", f"{failed.said}\n")

    def _certificate(self, rest: Sequence[str]) -> Answer:
        """`openssl req -keyout … -out …`: two files of the form and size of a key and a certificate."""
        if rest[:1] != ["req"]:
            return Answer(127, "", "sh: openssl: only `openssl req` is there\n")
        for flag, word, size in (("-keyout", "PRIVATE KEY", 1704), ("-out", "CERTIFICATE", 1135)):
            if flag in rest[:-1]:
                frame = (f"-----BEGIN {word}-----\n", f"-----END {word}-----\n")
                letters = "A" * (size - len("".join(frame)))
                lines = [letters[i : i + 64] for i in range(0, len(letters), 65)]
                body = "".join(f"{line}\n" for line in lines)[: len(letters) - 1] + "\n"
                self.files[rest[rest.index(flag) + 1]] = frame[0] + body + frame[1]
        return Answer()

    def _list(self, rest: Sequence[str]) -> Answer:
        names = {name.partition("/")[0] for name in self.files}
        wanted = [word for word in rest if not word.startswith("-")]
        missing = [word for word in wanted if word.rstrip("/") not in names and word not in self.files and word != "."]
        shown = sorted(names if not wanted or wanted == ["."] else [word for word in wanted if word not in missing])
        err = "".join(f"ls: cannot access '{word}': No such file or directory\n" for word in missing)
        return Answer(2 if missing else 0, "".join(f"{name}\n" for name in shown), err)

    def _touch(self, name: str, paths: Sequence[str]) -> Answer:
        for path in paths:
            if name == "rm":
                self.files.pop(path.removeprefix("./"), None)
            elif name == "touch":
                self.files.setdefault(path.removeprefix("./"), "")
        return Answer()


class _Folder:
    """Where the prompt's shell stands: one folder, held in memory."""

    def __init__(self, prompt: Prompt) -> None:
        self._prompt = prompt

    @property
    def _files(self) -> Files:
        return self._prompt.files

    def run(self, argv: Sequence[str], stdin: str, _: Mapping[str, str], /) -> Answer:
        """Run a command."""
        return self._prompt.command(argv, stdin)

    def read(self, path: str) -> str:
        """A file's text. Raises OSError."""
        if path == "/dev/zero":
            return "\0" * 2_000_000
        found = self._files.get(path.removeprefix("./"))
        if found is None:
            raise FileNotFoundError(2, "No such file or directory", path)
        return found

    def write(self, path: str, text: str) -> None:
        """Put a text into a file."""
        self._files[path.removeprefix("./")] = text

    def match(self, pattern: str) -> list[str]:
        """The files that a pattern means."""
        flat = [name for name in self._files if name.count("/") == pattern.count("/")]
        return sorted(name for name in flat if fnmatch.fnmatchcase(name, pattern))

    def change_folder(self, path: str) -> None:
        """There is one folder only. Raises OSError."""
        if path not in (".", "/root/lab", "~"):
            raise FileNotFoundError(2, "No such file or directory", path)

    def sleep(self, seconds: float) -> None:
        """Time passes in the cluster."""
        self._prompt.sleep(seconds)
