"""Programs that make, show and remove files."""

# ruff: noqa: ARG001 - every program takes the same arguments

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from k8sviz.cluster.kubelet.disk import Node
from k8sviz.cluster.kubelet.programs.registry import failed, program, split_options
from k8sviz.cluster.kubelet.shell import Shell, Sink

__all__: list[str] = []


@program("cat")
def _cat(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    code = 0
    if not args:
        out.write(stdin)
    for name in args:
        try:
            out.write(shell.view.read(shell.path(name)).decode("utf-8", "replace"))
        except OSError as error:
            err.write(f"cat: can't open '{name}': {error.strerror}\n" if error.errno == 2 else "")
            err.write(f"cat: read error: {error.strerror}\n" if error.errno != 2 else "")
            code = 1
    return code


@program("touch")
def _touch(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    code = 0
    for name in split_options(args)[1]:
        try:
            shell.view.write(shell.path(name), b"", shell.world.now(), append=True)
        except OSError as error:
            code = failed(err, "touch", name, error)
    return code


@program("rm")
def _rm(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    options, names = split_options(args)
    code = 0
    for name in names:
        try:
            shell.view.remove(shell.path(name), folders=bool(options & {"r", "R"}))
        except OSError as error:
            if error.errno == 2 and "f" in options:
                continue
            words = "is a directory" if error.errno == 21 else f"can't remove '{name}': {error.strerror}"
            err.write(f"rm: '{name}' {words}\n" if error.errno == 21 else f"rm: {words}\n")
            code = 1
    return code


@program("mkdir")
def _mkdir(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    options, names = split_options(args)
    code = 0
    for name in names:
        path = shell.path(name)
        parts = path.strip("/").split("/")
        wanted = ["/" + "/".join(parts[: i + 1]) for i in range(len(parts))] if "p" in options else [path]
        try:
            for each in wanted:
                shell.view.make_folder(each, shell.world.now(), parents="p" in options)
        except OSError as error:
            err.write(f"mkdir: can't create directory '{name}': {error.strerror}\n")
            code = 1
    return code


@program("cp", "mv")
def _cp(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    names = split_options(args)[1]
    if len(names) < 2:
        return 1
    target = shell.path(names[-1])
    node = shell.view.find(target)
    for name in names[:-1]:
        try:
            data = shell.view.read(shell.path(name))
            place = f"{target}/{name.rpartition('/')[2]}" if node is not None and node.is_folder else target
            shell.view.write(place, data, shell.world.now())
        except OSError as error:
            err.write(f"cp: can't stat '{name}': {error.strerror}\n")
            return 1
    return 0


@program("ls")
def _ls(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    options, names = split_options(args)
    code, first = 0, True
    todo = [(name, shell.path(name)) for name in sorted(names) or ["."]]
    several = len(todo) > 1 or "R" in options
    while todo:
        name, path = todo.pop(0)
        try:
            node = shell.view.find(path, links=not ("l" in options and not name.endswith("/")))
            if node is not None and node.link and "d" not in options and "l" not in options:
                node = shell.view.find(path)
        except OSError:
            node = None
        if node is None:
            err.write(f"ls: {name}: No such file or directory\n")
            code = 1
            continue
        if not node.is_folder or "d" in options:
            out.write(_line(shell, name, path, node, "l" in options))
            continue
        inside = [each for each in shell.view.names(path) if options & {"a", "A"} or not each.startswith(".")]
        if several:
            out.write(("" if first else "\n") + f"{name}:\n")
        first = False
        shown = [".", "..", *inside] if "a" in options else inside
        if "l" in options:
            out.write(f"total {4 * sum(_is_large(shell, path, each) for each in shown)}\n")
        below = []
        for each in sorted(shown):
            inner = shell.view.absolute(each, path)
            found = shell.view.find(inner, links=False) or Node()
            out.write(_line(shell, each, inner, found, "l" in options))
            if "R" in options and each not in (".", "..") and found.is_folder:
                below.append((f"{name.rstrip('/')}/{each}", inner))
        todo[:0] = below
    return code


def _is_large(shell: Shell, folder: str, name: str) -> bool:
    node = shell.view.find(shell.view.absolute(name, folder), links=False)
    return node is not None and not node.link


def _line(shell: Shell, name: str, path: str, node: Node, long: bool) -> str:
    if not long:
        return f"{name}\n"
    kind = "l" if node.link else "d" if node.is_folder else "-"
    letters = "".join(letter if node.mode >> (8 - i) & 1 else "-" for i, letter in enumerate("rwxrwxrwx"))
    size = len(node.link) if node.link else 4096 if node.is_folder else len(node.data or b"")
    links = 1
    if node.is_folder:
        try:
            inner = shell.view.mounted(path)
            links = (
                1
                if not inner
                else 2
                + sum(
                    (shell.view.find(f"{path.rstrip('/')}/{each}", links=False) or Node(b"")).is_folder
                    for each in shell.view.names(path)
                )
            )
        except OSError:
            links = 2
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(node.t))
    arrow = f" -> {node.link}" if node.link else ""
    stamp = f"{moment:%b} {moment.day:2d} {moment:%H:%M}"
    return f"{kind}{letters} {links:4d} root     root     {size:9d} {stamp} {name}{arrow}\n"


@program("stat")
def _stat(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    _, names = split_options([word for word in args if word not in ("%a", "%s")])
    for name in names:
        node = shell.view.find(shell.path(name))
        if node is None:
            err.write(f"stat: can't stat '{name}': No such file or directory\n")
            return 1
        out.write(f"{node.mode:o}\n" if "%a" in args else f"{len(node.data or b'')}\n")
    return 0


@program("readlink")
def _readlink(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    _, names = split_options(args)
    node = shell.view.find(shell.path(names[0]), links=False) if names else None
    if node is None or not node.link:
        return 1
    out.write(node.link + "\n")
    return 0


@program("mount")
def _mount(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    out.write("overlay on / type overlay (rw,relatime)\n")
    for path, mounted in shell.view.mounts.items():
        flag = "ro" if mounted.read_only else "rw"
        if mounted.size:
            out.write(f"tmpfs on {path} type tmpfs ({flag},relatime,size={mounted.size},noswap)\n")
        else:
            out.write(f"/dev/vda on {path} type ext4 ({flag},relatime)\n")
    return 0


@program("df")
def _df(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    human = "-h" in args
    unit = "Size  " if human else "1K-blocks"
    out.write(f"Filesystem           {'     Size' if human else unit:>9}      Used Available Use% Mounted on\n")
    for path in [word for word in args if word.startswith("/")] or ["/"]:
        mounted = shell.view.mounts.get(path)
        blocks = int(mounted.size.removesuffix("k")) if mounted is not None and mounted.size else 0
        name = "tmpfs" if blocks else "overlay"
        blocks = blocks or 264212084
        if human:
            shown = f"{blocks / 1024:.1f}M" if blocks < 1 << 20 else f"{blocks / (1 << 20):.1f}G"
            out.write(f"{name:<20} {shown:>9} {'0':>9} {shown:>9}   0% {path}\n")
        else:
            out.write(f"{name:<20} {blocks:>9} {0:>9} {blocks:>9}   0% {path}\n")
    return 0
