"""Programs that serve and fetch by HTTP."""

# ruff: noqa: ARG001 - every program takes the same arguments

from __future__ import annotations

from typing import Final

from k8sviz.cluster.kubelet.programs.registry import program
from k8sviz.cluster.kubelet.shell import Run, Shell, Sink

__all__: list[str] = []


@program("httpd")
def _httpd(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> Run:
    port, root, words = 80, shell.folder, list(args)
    while words:
        word = words.pop(0)
        if word == "-p" and words:
            number = words.pop(0).rpartition(":")[2]
            port = int(number) if number.isdigit() else port
        elif word == "-h" and words:
            root = words.pop(0)
    node = shell.view.find(shell.path(root))
    if node is None or not node.is_folder:
        err.write(f"httpd: can't change directory to '{root}': No such file or directory\n")
        return 1
    shell.world.listen(port, shell.path(root))
    if "-f" in args:
        yield None
    return 0


@program("nc")
def _nc(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> Run:
    ports = [int(word) for word in args if word.isdigit()]
    if any(word.startswith("-l") for word in args) and ports:
        shell.world.listen(ports[-1], "")
        yield None
    return 1


@program("wget")
def _wget(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    url = next((word for word in args if not word.startswith("-")), "")
    quiet = any(word.startswith("-") and "q" in word for word in args)
    host, port, path = _url(url)
    try:
        status, body = shell.world.fetch(host, port, path)
    except OSError as error:
        if error.errno == 11001:
            err.write(f"wget: bad address '{host}'\n")
        else:
            err.write(f"wget: can't connect to remote host: {error.strerror}\n")
        return 1
    if status != 200:
        err.write(f"wget: server returned error: HTTP/1.1 {status} {_REASONS.get(status, 'Error')}\n")
        return 1
    if not quiet:
        err.write(f"Connecting to {host}:{port}\n")
    out.write(body)
    return 0


@program("curl")
def _curl(shell: Shell, args: list[str], stdin: str, out: Sink, err: Sink) -> int:
    words, urls, header = list(args), [], ""
    while words:
        word = words.pop(0)
        if word in ("--cacert", "-o", "-m", "--max-time", "--connect-timeout", "-X", "-w", "-d") and words:
            words.pop(0)
        elif word in ("-H", "--header") and words:
            header = words.pop(0)
        elif not word.startswith("-"):
            urls.append(word)
    if not urls:
        err.write("curl: (2) no URL specified\n")
        return 2
    if urls[0].startswith("https://") and "--cacert" not in args and "-k" not in args and "--insecure" not in args:
        err.write(_NO_CA)
        return 60
    host, port, path = _url(urls[0])
    try:
        _, body = shell.world.fetch(host, port, f"{path}\0{header}" if header else path)
    except OSError as error:
        if error.errno == 11001:
            err.write(f"curl: (6) Could not resolve host: {host}\n")
            return 6
        err.write(f"curl: (7) Failed to connect to {host} port {port}: Could not connect to server\n")
        return 7
    out.write(body)
    return 0


_REASONS: Final = {404: "Not Found", 403: "Forbidden", 500: "Internal Server Error", 503: "Service Unavailable"}
_NO_CA: Final = """curl: (60) SSL certificate problem: self-signed certificate in certificate chain
More details here: https://curl.se/docs/sslcerts.html

curl failed to verify the legitimacy of the server and therefore could not
establish a secure connection to it. To learn more about this situation and
how to fix it, please visit the web page mentioned above.
"""


def _url(url: str) -> tuple[str, int, str]:
    scheme, found, rest = url.partition("://")
    if not found:
        scheme, rest = "http", url
    host, slash, path = rest.partition("/")
    name, colon, port = host.partition(":")
    number = int(port) if colon and port.isdigit() and len(port) < 6 else 443 if scheme == "https" else 80
    return name, number, slash + path or "/"
