"""What the inspector says a container gets is what `kubectl exec` printed there: names, values, modes, at every step.

Each expectation is read from a recorded output by this module's own code. "Blind" Histories have no outputs, so that
only the rules can know; with outputs, what was seen settles what the rules leave open.
"""

import re
from collections.abc import Callable
from functools import cache

import pytest

from k8sviz.errors import K8svizError
from k8sviz.history import About, History, Result, Step
from k8sviz.kinds import Ref
from k8sviz.observed.shell import Cat, Echo, Environ, Exec, Unknown, read_command
from k8sviz.predict.container import GotFile, Inspection, inspect, users
from k8sviz.rules.files import mode_text
from k8sviz.sources.labs import data_dir
from k8sviz.sources.recording import read
from k8sviz.views.inspector import inspector

TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"


@cache
def recorded(lab: str) -> History:
    return read(data_dir() / "labs" / lab / "recording.jsonl")


@cache
def blind(lab: str) -> History:
    history = History(recorded(lab).about)
    for event in recorded(lab):
        history.append(event.t, event.type, event.object)
    return history


def output(lab: str, step: str) -> str:
    result = recorded(lab).step(step).result
    assert result is not None
    return result.stdout


def look(lab: str, step: str, pod: str, container: str | None = None, *, seen: bool = True) -> Inspection:
    """The inspection at the moment when the step's output was there."""
    history = recorded(lab)
    result = history.step(step).result
    assert result is not None
    return inspect(history if seen else blind(lab), result.t, Ref("Pod", pod, "demo"), container, show_secrets=True)


def environment(found: Inspection) -> dict[str, str | None]:
    return {variable.name: variable.value for variable in found.variables}


def files(found: Inspection) -> dict[str, GotFile]:
    return {file.path: file for file in found.files}


# -- environments ------------------------------------------------------------------------------------

ENVIRONMENTS = [
    # lab, step, Pod, container, what grep let through
    ("ch07-args-env", "env", "demo-args", None, "INTERVAL|EARLY|LATER"),
    ("ch07-configmap-env", "env", "demo-env-configmap", None, "INTERVAL|MAYBE"),
    ("ch07-configmap-env", "envfrom", "demo-envfrom", None, "FOO|foo|LIVES"),
    ("ch07-secret", "leak", "fortune-https", "html-generator", "FOO_SECRET"),
    ("ch08-downward-env", "env", "downward", None, "POD_|NODE_|HOST_IP|ACCOUNT|LABEL|CPU_|MEMORY_"),
    ("ch08-downward-env", "env-nolimit", "downward-nolimit", None, "CPU_"),
    ("ch08-api-from-pod", "service-env", "curl", None, "KUBERNETES_SERVICE"),
]


@pytest.mark.parametrize("seen", [False, True])
@pytest.mark.parametrize(("lab", "step", "pod", "container", "grep"), ENVIRONMENTS)
def test_environment_is_what_env_printed(
    lab: str, step: str, pod: str, container: str | None, grep: str, seen: bool
) -> None:
    printed = dict(line.split("=", 1) for line in output(lab, step).splitlines() if "=" in line)
    computed = environment(look(lab, step, pod, container, seen=seen))
    passed = {n: v for n, v in computed.items() if re.search(grep, f"{n}={v or ''}")}
    assert passed.keys() == printed.keys()
    for name, value in passed.items():
        if seen or value is not None:  # the address of the Service `kubernetes` is in another namespace
            assert value is not None
            assert value.rstrip("\n") == printed[name]
    assert [n for n, v in passed.items() if v is None] == (
        [] if seen else ["KUBERNETES_SERVICE_HOST"] * ("SERV" in grep)
    )


@pytest.mark.parametrize(
    ("lab", "step", "pod", "name"),
    [
        ("ch07-configmap-env", "recovers", "waits-for-config", "COLOR"),
        ("ch07-configmap-env", "env-unchanged", "demo-env-configmap", "INTERVAL"),
        ("ch07-configmap-volume", "after", "demo-configmap-volume", "GZIP"),
    ],
)
def test_variable_is_what_echo_printed(lab: str, step: str, pod: str, name: str) -> None:
    printed = output(lab, step).splitlines()[-1]
    for seen in (False, True):
        assert (environment(look(lab, step, pod, seen=seen))[name] or "").rstrip("\n") == printed


def test_words_are_what_the_logs_show() -> None:
    found = look("ch07-args-env", "logs", "demo-args", seen=False)
    first, *rest = (word.value or "" for word in found.words if word.part == "args")
    assert f"script={first} args={' '.join(rest)}" == output("ch07-args-env", "logs").splitlines()[-1]
    found = look("ch07-configmap-env", "env", "demo-env-configmap", seen=False)
    assert f"interval is {found.words[-1].value}" in output("ch07-configmap-env", "env").splitlines()


def test_a_container_that_waits_says_why_and_starts_with_what_came() -> None:
    before = look("ch07-configmap-env", "config-error", "waits-for-config")
    assert before.started is None
    assert before.problems == ("The ConfigMap demo/later-config does not exist.",)
    assert "COLOR" not in environment(before)
    after = look("ch07-configmap-env", "recovers", "waits-for-config")
    assert after.started is not None
    assert not after.problems


def test_variables_are_those_of_the_start_not_of_now() -> None:
    """MAYBE's ConfigMap never came; INTERVAL's key became 99 and the variable did not."""
    history = blind("ch07-configmap-env")
    found = environment(inspect(history, None, Ref("Pod", "demo-env-configmap", "demo")))
    assert found["INTERVAL"] == "25"
    assert "MAYBE" not in found
    now = history.at().get("ConfigMap", "fortune-config")
    assert now is not None
    assert now["data"]["sleep-interval"] == "99"


# -- files -------------------------------------------------------------------------------------------


def listed(words: str) -> dict[str, tuple[str, int]]:
    """Folder/name → octal mode and size of the plain files in an `ls -l` or `ls -laR`."""
    found, folder = {}, ""
    for line in words.splitlines():
        if line.startswith("/") and line.endswith(":"):
            folder = line[:-1]
        elif re.match(r"-[rwx-]{9} ", line):
            letters, _, _, _, size, *_, name = line.split()
            bits = "".join("0" if letter == "-" else "1" for letter in letters[1:])
            found[f"{re.sub(r'/[.][.][^/]*', '', folder)}/{name}"] = (format(int(bits, 2), "o"), int(size))
    return found


@pytest.mark.parametrize("seen", [False, True])
def test_config_map_files_are_what_ls_and_cat_printed(seen: bool) -> None:
    words = output("ch07-configmap-volume", "files")
    mine = files(look("ch07-configmap-volume", "files", "demo-configmap-volume", seen=seen))
    shown = listed(words)
    below = {path: file for path, file in mine.items() if path.startswith(("/etc/all/", "/etc/conf.d/"))}
    assert {path: (mode_text(file.mode), file.sizes[0]) for path, file in below.items()} == shown
    printed = words.splitlines(keepends=True)[-2:]
    assert [mine[path].contents for path in ("/etc/conf.d/gzip.conf", "/etc/passwd.d/gzip.conf")] == [
        (line,) for line in printed
    ]


def test_each_line_of_the_poll_agrees() -> None:
    """What a line shows is one of the things that the file may be then; the variable and the subPath file are sure."""
    history = blind("ch07-configmap-volume")
    start = recorded("ch07-configmap-volume").step("poll").t
    lines = output("ch07-configmap-volume", "poll").splitlines()
    assert len(lines) == 14
    for line in lines:
        match = re.fullmatch(r"(\d+)s volume=(.*) subPath=(.*) env=(.*)", line)
        assert match is not None
        found = inspect(history, start + int(match[1]), Ref("Pod", "demo-configmap-volume", "demo"))
        may = files(found)
        assert match[2] in [(content or "").rstrip("\n") for content in may["/etc/conf.d/gzip.conf"].contents]
        assert [(c or "").rstrip("\n") for c in may["/etc/passwd.d/gzip.conf"].contents] == [match[3]]
        assert (environment(found)["GZIP"] or "").rstrip("\n") == match[4]


def test_an_output_settles_what_is_open() -> None:
    pod = "demo-configmap-volume"
    path = "/etc/conf.d/gzip.conf"
    at_first = files(look("ch07-configmap-volume", "files", pod))[path]
    assert (at_first.settled, at_first.known, at_first.step) == (True, "observed", "files")
    changed = files(look("ch07-configmap-volume", "update", pod))[path]
    assert (changed.contents, changed.settled, changed.known) == (("gzip on;\n", "gzip off;\n"), False, "predicted")
    polled = files(look("ch07-configmap-volume", "poll", pod))[path]
    assert (polled.contents, polled.known, polled.step) == (("gzip off;\n",), "observed", "poll")
    nobody_looked = files(look("ch07-configmap-volume", "poll", pod))["/etc/all/gzip.conf"]
    assert nobody_looked.contents == ("gzip on;\n", "gzip off;\n")
    assert not files(look("ch07-configmap-volume", "after", pod, seen=False))[path].settled


def test_frozen_file_and_variable_after_the_update() -> None:
    *_, file, variable = output("ch07-configmap-volume", "after").splitlines()
    found = look("ch07-configmap-volume", "after", "demo-configmap-volume", seen=False)
    assert files(found)["/etc/passwd.d/gzip.conf"].contents == (f"{file}\n",)
    assert environment(found)["GZIP"] == f"{variable}\n"


def test_what_a_mount_covers() -> None:
    names = dict(
        line.split(": ", 1) for line in output("ch07-configmap-volume", "covered").splitlines() if ": " in line
    )
    ours = {
        container: {
            p.rpartition("/")[2]
            for p in files(look("ch07-configmap-volume", "covered", "cover", container))
            if p.startswith("/etc/network/")
        }
        for container in names
    }
    image = set(names["plain"].split())
    assert ours["plain"] == set()
    assert ours["covered"] == set(names["covered"].split())
    assert ours["beside"] | image == set(names["beside"].split())


@pytest.mark.parametrize("seen", [False, True])
def test_secret_files_are_what_ls_printed(seen: bool) -> None:
    words = output("ch07-secret", "mounts")
    shown = listed("/etc/certs/..data:\n" + words)
    mine = files(look("ch07-secret", "mounts", "fortune-https", "web-server", seen=seen))
    certs = {path: file for path, file in mine.items() if path.startswith("/etc/certs/")}
    assert {path: (mode_text(file.mode), file.sizes[0]) for path, file in certs.items()} == shown
    assert (mine["/etc/certs/https.cert"].contents[0] or "").splitlines()[0] == words.splitlines()[-1]


@pytest.mark.parametrize(
    ("lab", "step", "pod", "container"),
    [("ch07-secret", "sa-token", "fortune-https", "web-server"), ("ch08-api-from-pod", "service-env", "curl", None)],
)
def test_token_files_are_what_ls_printed(lab: str, step: str, pod: str, container: str | None) -> None:
    names = {line.split(" -> ")[0].split()[-1] for line in output(lab, step).splitlines() if line.split()}
    mine = {p.removeprefix(f"{TOKEN}/") for p in files(look(lab, step, pod, container)) if p.startswith(TOKEN)}
    assert mine == {"ca.crt", "namespace", "token"}
    assert mine <= names


@pytest.mark.parametrize("seen", [False, True])
def test_downward_files_are_what_cat_printed(seen: bool) -> None:
    sections = output("ch08-downward-volume", "files").split("== ")[1:]
    printed = {}
    for section in sections:
        name, _, content = section.partition("\n")
        printed[f"/etc/downward/{name}"] = content.removesuffix("\n")
    mine = files(look("ch08-downward-volume", "files", "downward", seen=seen))
    assert {path for path in mine if path.startswith("/etc/downward/")} == printed.keys()
    seen_by_kubelet = re.compile(r'config\.seen="[^"]*"')
    for path, content in printed.items():
        got = mine[path].contents[0]
        assert got is not None
        # only the node knows when it first saw the Pod
        assert seen_by_kubelet.sub("", got) == seen_by_kubelet.sub("", content)
        assert not seen or got == content
        assert mode_text(mine[path].mode) == "644"


def test_the_pods_own_label_arrives_at_once() -> None:
    printed = output("ch08-downward-volume", "poll").split(" ", 1)[1].strip()
    for step in ("relabel", "poll"):
        found = files(look("ch08-downward-volume", step, "downward", seen=False))["/etc/downward/labels"]
        assert found.contents == (printed,)
        assert found.settled
    assert files(look("ch08-downward-volume", "relabel", "downward"))["/etc/downward/labels"].known == "predicted"
    assert files(look("ch08-downward-volume", "poll", "downward"))["/etc/downward/labels"].known == "observed"


def test_every_exec_of_these_chapters_is_tested_here() -> None:
    """A recording with a new look into a container must get its test."""
    tested = {
        "ch07-args-env": {"env"},
        "ch07-configmap-env": {"env", "recovers", "envfrom", "env-unchanged"},
        "ch07-configmap-volume": {"files", "poll", "after", "covered"},
        "ch07-secret": {"mounts", "leak", "sa-token"},
        "ch08-downward-env": {"env", "env-nolimit"},
        "ch08-downward-volume": {"files", "poll"},
        # the others talk to the API server and print nothing of the container
        "ch08-api-from-pod": {"service-env", "no-ca", "ca-only", "token", "allowed", "ambassador"},
    }
    for lab, steps in tested.items():
        assert {step.id for step in recorded(lab).steps if "kubectl exec" in step.command} == steps


# -- restarts, and what cannot be concluded ----------------------------------------------------------


def pod_at(restarts: int, started: str) -> dict:
    variable = {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "a"}}}
    mounts = [{"name": "v", "mountPath": "/whole"}, {"name": "v", "mountPath": "/one", "subPath": "a"}]
    status = {"name": "main", "restartCount": restarts, "state": {"running": {"startedAt": started}}}
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": "p", "namespace": "demo", "uid": "1"},
        "spec": {
            "containers": [{"name": "main", "env": [variable], "volumeMounts": mounts}],
            "volumes": [{"name": "v", "configMap": {"name": "c"}}],
        },
        "status": {"containerStatuses": [status]},
    }


def config(value: str) -> dict:
    return {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"name": "c", "namespace": "demo"},
        "data": {"a": value},
    }


def restarted() -> History:
    history = History(About(namespace="demo", started_at="2026-01-01T00:00:00Z"))
    history.append(0.0, "ADDED", config("old"))
    history.append(2.0, "ADDED", pod_at(0, "2026-01-01T00:00:01Z"))
    history.append(10.0, "MODIFIED", config("new"))
    history.append(200.0, "MODIFIED", pod_at(1, "2026-01-01T00:03:18Z"))
    return history


def test_a_restart_takes_the_new_value() -> None:
    ref = Ref("Pod", "p", "demo")
    before = inspect(restarted(), 100.0, ref)
    assert (environment(before)["A"], before.starts) == ("old", 1)
    assert files(before)["/one"].contents == ("old",)
    assert files(before)["/whole/a"].contents == ("old", "new")
    after = inspect(restarted(), None, ref)
    assert (environment(after)["A"], after.starts, after.started) == ("new", 2, 199.0)
    # the volume outlives the container: nobody has seen that its file had followed by the restart
    assert files(after)["/one"].contents == ("old", "new")


def say_in(history: History, t: float, command: str, stdout: str) -> None:
    step = Step(t, f"s{t:g}", command)
    history.begin_step(step)
    history.end_step(step.id, Result(t + 0.5, 0, stdout))


@pytest.mark.parametrize(
    ("command", "stdout", "settled"),
    [
        ("kubectl exec p -- cat /whole/a", "new", True),
        ("kubectl exec pod/p -c main -- sh -c 'cat /whole/a'", "new", True),
        ("kubectl exec other -- cat /whole/a", "new", False),
        ("kubectl exec p -- cat /whole/a", "neither", False),
        ("kubectl exec p -- cat /whole/a | wc -c", "3\n", False),
        ("kubectl exec p -- sh -c 'cat /whole/a; date'", "new\nThu", False),
        ("echo 'kubectl exec p -- cat /whole/a'", "new", False),
        ("kubectl exec p -- cat '/whole/a", "new", False),
    ],
)
def test_only_a_clear_output_settles(command: str, stdout: str, settled: bool) -> None:
    history = restarted()
    say_in(history, 50.0, command, stdout)
    found = files(inspect(history, 60.0, Ref("Pod", "p", "demo")))["/whole/a"]
    # an old content followed by more is no other content: "new\nThu" starts with "new", so that one may be believed
    assert found.settled is (settled or "date" in command)


def test_an_old_look_does_not_settle_but_a_new_one_rules_out_the_past() -> None:
    history = restarted()
    say_in(history, 50.0, "kubectl exec p -- cat /whole/a", "old")
    assert files(inspect(history, 60.0, Ref("Pod", "p", "demo")))["/whole/a"].contents == ("old", "new")


def test_a_value_that_came_back_is_told_once_and_settles_nothing() -> None:
    history = restarted()
    history.append(20.0, "MODIFIED", config("old"))
    say_in(history, 50.0, "kubectl exec p -- cat /whole/a", "old")
    found = files(inspect(history, 60.0, Ref("Pod", "p", "demo")))["/whole/a"]
    assert sorted(content or "" for content in found.contents) == ["new", "old"]


def test_an_output_that_disagrees_is_told() -> None:
    history = restarted()
    say_in(history, 50.0, "kubectl exec p -- sh -c 'echo $A'", "otherwise\n")
    found = next(v for v in inspect(history, 60.0, Ref("Pod", "p", "demo")).variables if v.name == "A")
    assert (found.value, found.known, found.computed) == ("otherwise", "observed", "old")


def test_commands_that_are_read() -> None:
    assert read_command("kubectl exec p -- env | sort") == [Exec("p", "", Environ())]
    assert read_command("kubectl exec p -- env | wc -l") == [Exec("p", "", Unknown())]
    assert read_command('kubectl -n demo exec p -- sh -c "x"') == [Unknown()]
    assert read_command('kubectl exec p -- sh -c "echo \\$A; cat /a /b"') == [
        Exec("p", "", Echo("A")),
        Exec("p", "", Cat("/a")),
        Exec("p", "", Cat("/b")),
    ]
    assert read_command('kubectl exec p -- sh -c "curl $(cat /a)"') == [Exec("p", "", Unknown())]
    assert read_command("") == []


# -- text, JSON, errors, users -----------------------------------------------------------------------


def test_text_and_json_say_the_same() -> None:
    found = look("ch07-configmap-volume", "after", "demo-configmap-volume")
    words, data = str(found), found.to_json()
    assert "old or new: gzip on;\\n | gzip off;\\n" in words
    for variable in data["environment"]:
        assert variable["name"] in words
    for file in data["files"]:
        assert file["path"] in words
        assert file["origin"] in words


@pytest.mark.parametrize(
    ("pod", "container", "wanted"),
    [("demo-configmap-volum", None, "did you mean demo-configmap-volume?"), ("cover", "plane", "did you mean plain?")],
)
def test_a_miss_names_the_nearest(pod: str, container: str | None, wanted: str) -> None:
    with pytest.raises(K8svizError, match=re.escape(wanted)):
        inspect(recorded("ch07-configmap-volume"), None, Ref("Pod", pod, "demo"), container)


def test_users_of_a_key_and_of_all() -> None:
    snapshot = recorded("ch07-configmap-volume").at()
    ref = Ref("ConfigMap", "fortune-config", "demo")
    found = {(str(use.pod), use.reference.way, use.reference.target) for use in users(snapshot, ref, "sleep-interval")}
    assert found == {("pod/cover", "volume", "/etc/network"), ("pod/demo-configmap-volume", "volume", "/etc/all")}
    assert len(users(snapshot, ref)) == 6
    assert len(users(snapshot, ref).to_json()["uses"]) == 6
    secret = recorded("ch07-secret").at()
    assert [str(use) for use in users(secret, Ref("Secret", "mydockerhubsecret", "demo"))] == [
        "pod/fortune-https: to pull the Pod's images"
    ]
    assert str(users(secret, Ref("Secret", "fortune-tls", "demo"))) == "Nobody here uses secret/fortune-tls."


def test_who_waits_for_what_is_not_there() -> None:
    history = recorded("ch07-configmap-env")
    found = users(history.at(history.time("config-error")), Ref("ConfigMap", "later-config", "demo"))
    assert [str(use.pod) for use in found] == ["pod/waits-for-config"]


@pytest.mark.parametrize(
    "lab",
    [
        "ch07-args-env",
        "ch07-configmap-env",
        "ch07-configmap-volume",
        "ch07-secret",
        "ch08-api-from-pod",
        "ch08-downward-env",
        "ch08-downward-volume",
    ],
)
def test_nothing_computed_is_ever_contradicted(lab: str) -> None:
    """At each moment, for each container: no output shows another value than the rules give."""
    history = recorded(lab)
    checks: list[Callable[[], None]] = []
    for step in history.steps:
        t = history.settled(step.id)
        for pod in history.at(t).objects("Pod"):
            for container in pod["spec"]["containers"]:
                found = inspect(history, t, Ref("Pod", pod["metadata"]["name"], "demo"), container["name"])
                assert [v for v in found.variables if v.computed is not None] == []
                checks.append(found.__str__)
    assert all(check() for check in checks)


# -- the widget --------------------------------------------------------------------------------------


def test_the_widget_and_what_stands_in_for_it_say_the_same() -> None:
    widget = inspector(recorded("ch07-secret"), Ref("Pod", "fortune-https", "demo"))
    data, _ = widget._repr_mimebundle_()
    assert [c["name"] for c in widget.content["containers"]] == ["html-generator", "web-server"]
    for container in widget.content["containers"]:
        for table in container["tables"]:
            assert len(table["levels"]) == len(table["rows"])
            for row in table["rows"]:
                assert len(row) == len(table["columns"])
                assert row[0] in data["text/plain"]
                assert row[0] in data["text/html"]
    chosen = inspector(recorded("ch07-secret"), Ref("Pod", "fortune-https", "demo"), container="web-server")
    assert chosen.inspections[0].container == "web-server"


def test_nothing_from_a_cluster_is_markup() -> None:
    attack = "<img src=x onerror=alert(1)>\u202e"
    pod = {
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "main", "env": [{"name": "A", "value": attack}], "args": [attack]}]},
    }
    widget = inspector(History.of([pod]), Ref("Pod", "p"))
    page = widget._repr_mimebundle_()[0]["text/html"]
    assert "<img" not in page
    assert "&lt;img" in page
    assert "\u202e" not in page + str(widget.content)
