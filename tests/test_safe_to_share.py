"""A recording that was redacted can be given to anybody: planted markers are found nowhere in it, in no encoding."""

from __future__ import annotations

import base64
import copy
import functools
import json
import os
import random
import re
import shlex
import signal
from urllib.parse import quote, unquote

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from k8sviz.cli import main
from k8sviz.errors import K8svizError
from k8sviz.history import About, History, Result, Step
from k8sviz.secrets.redact import redacted
from k8sviz.sources import labs, recording
from k8sviz.sources.record import _recording
from tests.fuzz.made import places

MARK = "pLaNtEd-s3cr3t-Zq9"
OTHER = "an0ther-PLANTED-vX7"
APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
JWT = "eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJlLXBsYW50ZWQ"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpLaNtEd0001\nMIIEpLaNtEd0002\n-----END RSA PRIVATE KEY-----\n"


def b64(text):
    return base64.b64encode(text.encode()).decode()


def secret(applied=None, **parts):
    meta = {"name": "keys", "namespace": "demo", "annotations": {} if applied is None else {APPLIED: applied}}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": "Opaque", **parts}


def step(command, out="", err="", about="", **files):
    files = {name.replace("_", "."): text for name, text in files.items()}
    return Step(0, "", command, files, about, Result(0, 0, out, err))


def of(*what):
    """A recording of objects and steps in this order."""
    history = History(About("x", "x", "demo"))
    for t, one in enumerate(what):
        if isinstance(one, Step):
            history.begin_step(Step(t, f"s{t}", one.command, one.files, one.about))
            history.end_step(f"s{t}", Result(t + 0.5, 0, one.result.stdout, one.result.stderr))
        else:
            history.append(float(t), "ADDED", one)
    return history


def config(**data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "demo"}, "data": data}


def pod(**spec):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "demo"}, "spec": spec}


HEAD = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: keys\n"
PLAIN = f"{HEAD}stringData:\n  password: {MARK} # mine\n"
ENCODED = f"apiVersion: v1\ndata:\n  password: {b64(MARK)}\nkind: Secret\nmetadata:\n  name: keys\n"
LIST = json.dumps({"kind": "List", "items": [secret(stringData={"password": MARK})]}, indent="\t")
DOCKER = {"auths": {"registry.example.org": {"username": "me", "password": MARK, "auth": b64(f"me:{MARK}")}}}
AUTH = {"auths": {"registry.example.org": {"auth": b64(f"me:{MARK}")}}}
KNOWN = secret(data={"password": b64(MARK)})
APPLY = step("kubectl apply -f keys.yaml", keys_yaml=PLAIN)
CREATE = "kubectl create secret generic k"

PLACES = {
    "data": [KNOWN],
    "data with a line's end": [secret(data={"password": b64(MARK + "\n")}), step("cat", f"<{MARK}>")],
    "stringData": [secret(stringData={"password": MARK})],
    "data of a wrong type": [secret(data=[{"x": MARK}], stringData=MARK), step("cat", MARK)],
    "last applied, stringData": [secret(json.dumps(secret(stringData={"password": MARK})))],
    "last applied, data": [secret(json.dumps(secret(data={"password": b64(MARK)})), data={})],
    "last applied, broken": [secret(f'{{"data": {{"a": "{MARK}')],
    "a List": [{"apiVersion": "v1", "kind": "List", "metadata": {}, "items": [KNOWN]}],
    "a SecretList": [{"kind": "SecretList", "metadata": {}, "items": [{"data": {"password": b64(MARK)}}]}],
    "another object": [pod(nodeName=f"x {MARK}"), KNOWN],
    "another object's key": [pod(nodeSelector={f"x-{MARK}": "y"}), KNOWN],
    "an Event's message": [{"kind": "Event", "metadata": {"name": "e"}, "message": f"bad word {MARK}!"}, KNOWN],
    "a ConfigMap's copy": [config(name=MARK, x=f"w={MARK};"), KNOWN],
    "a ConfigMap with a manifest": [config(x=PLAIN)],
    "a step's file": [APPLY],
    "a step's file, data": [step("kubectl apply -f keys.yaml", keys_yaml=ENCODED)],
    "a step's file, JSON with tabs": [step("kubectl apply -f keys.json", keys_json=LIST)],
    "a step's file, several documents": [step("kubectl apply", a_yaml=f"kind: Pod\n---\n{PLAIN}---\n{ENCODED}")],
    "a step's file, flow": [step("kubectl apply", a_yaml=f"{{kind: Secret, stringData: {{x: '{MARK}'}}}}")],
    "a step's file, broken": [step("kubectl apply", a_yaml=f"{ENCODED}---\n{PLAIN}  x: [\n")],
    "a step's file, an alias": [step("kubectl apply", a_yaml=f"x: &a {MARK}\n{HEAD}stringData: {{a: *a}}\n")],
    "a step's file, kustomize": [step("kubectl apply -k .", k_yaml=f"secretGenerator:\n- literals: [a={MARK}]\n")],
    "what a step is about": [step("kubectl apply -f keys.yaml", about=f"it is {MARK}", keys_yaml=PLAIN)],
    "an output": [APPLY, step("cat /etc/x", f"{MARK}\n"), step("kubectl get secret keys -o yaml", ENCODED)],
    "an output, nothing known": [step("kubectl get secret keys -o yaml && echo done", f"{ENCODED}done\n")],
    "an output, its beginning": [APPLY, step("head -c 14", MARK[:14]), step("kubectl get", b64(MARK)[:-4])],
    "an error": [APPLY, step("kubectl apply", err=f"invalid value {MARK}")],
    "an output before the Secret": [step("env", f"X={MARK}\n"), APPLY],
    "a literal": [step(f"{CREATE} --from-literal=password={MARK}", MARK)],
    "a literal in quotes": [step(f"{CREATE} \\\n --from-literal 'a=b' --from-literal \"password={MARK}\" -o x", MARK)],
    "a file of a Secret": [step("ls", pw_txt=f"{MARK}\n"), step(f"{CREATE} --from-file=x=./pw.txt", MARK)],
    "a file of variables": [step(f"{CREATE} --from-env-file=a.env", MARK, a_env=f"# x\nA={MARK}\n")],
    "a file that a command writes": [step(f"echo -n '{MARK}' > ./pw.txt"), step(f"{CREATE} --from-file=pw.txt", MARK)],
    "a manifest within a command": [step(f"kubectl apply -f - <<EOF\n{PLAIN}EOF", f"is {MARK}")],
    "a patch": [step(f"""kubectl patch secret keys -p '{{"stringData":{{"password":"{MARK}"}}}}'""", MARK)],
    "a JSON patch": [step(f"""kubectl patch secret k -p '[{{"path":"/data/a","value":"{b64(MARK)}"}}]'""", MARK)],
    "docker flags": [step(f"kubectl create secret docker-registry r --docker-password={MARK}", f"logged in: {MARK}")],
    "a login": [step(f"curl -s -u me:{MARK} https://x", MARK), step(f"curl https://me:{OTHER}@x")],
    "a docker configuration": [secret(data={".dockerconfigjson": b64(json.dumps(DOCKER))}), step("x", MARK)],
    "a docker configuration's auth": [secret(data={".dockercfg": b64(json.dumps(AUTH))}), step("x", f"me {MARK}")],
    "a URL in a Secret": [secret(stringData={"url": f"postgres://me:{MARK}@db/x"}), step("x", f"PGPASSWORD is {MARK}")],
    "settings in a Secret": [secret(stringData={"app.ini": f"[db]\nuser=me\npassword = {MARK}\n"}), step("x", MARK)],
    "a variable": [pod(containers=[{"env": [{"name": "DB_PASSWORD", "value": MARK}]}]), step("env", f"X={MARK}\n")],
    "a variable in a file": [step("kubectl apply", pod_yaml=f"env:\n- name: DB_PASSWORD\n  value: {MARK}\n")],
    "a variable, printed": [step("env", f"DB_PASSWORD={MARK} {OTHER}\nHOME=/\n")],
    "a variable of a command": [step(f"export API_KEY={MARK}; kubectl set env deploy/x DB_TOKEN={OTHER}", MARK)],
    "several lines": [secret(stringData={"f": f"a line {MARK}\nb line {OTHER}\n"}), step("x", f"  b line {OTHER}\n")],
}


def everything(history, tmp_path):
    """All that a shared file holds."""
    recording.write(history, tmp_path / "kept.jsonl")
    assert main(["redact", str(tmp_path / "kept.jsonl"), "-o", str(tmp_path / "shared.jsonl")]) in (0, None)
    return (tmp_path / "shared.jsonl").read_text()


@pytest.mark.parametrize("place", PLACES)
def test_a_planted_marker_is_found_nowhere(place, tmp_path):
    text = everything(of(*PLACES[place]), tmp_path)
    for mark in (MARK, OTHER):
        for form in (mark, mark[:14], b64(mark)[:20], b64(f"me:{mark}")):
            assert form not in text


@pytest.mark.parametrize(
    "text",
    [
        JWT,
        KEY,
        KEY[:60],
        f"Authorization: Bearer {MARK}",
        f"Basic {b64('me:' + MARK)}",
        b64(KEY),
        b64(JWT),
        json.dumps(KEY),
        f"psql postgres://me:{MARK}@db/x",
    ],
)
def test_what_looks_like_a_credential_is_taken_out_without_being_known(text, tmp_path):
    shared = everything(of(step("kubectl", text, text, x_txt=text)), tmp_path)
    assert not [piece for piece in ("pLaNtEd", b64(KEY)[40:60], JWT[-12:], b64(JWT)[-12:]) if piece in shared]


# -- any value, written in any way, at any place of a real recording ---------------------------------------

WAYS = {
    "plain": lambda v: v,
    "base64": lambda v: b64(v),
    "base64, second alignment": lambda v: b64(f"x{v}y"),
    "base64, third alignment": lambda v: b64(f"me:{v}0z"),
    "base64 for URLs": lambda v: base64.urlsafe_b64encode(v.encode()).decode(),
    "JSON": lambda v: json.dumps({"a": v}),
    "JSON, not ASCII": lambda v: json.dumps({"a": v}, ensure_ascii=False),
    "JSON in JSON": lambda v: json.dumps({"a": json.dumps({"b": v})}),
    "YAML": lambda v: yaml.safe_dump({"a": {"b": v}}),
    "YAML, double quotes": lambda v: yaml.safe_dump({"a": v}, default_style='"', width=10_000),
    "YAML, not ASCII": lambda v: yaml.safe_dump({"a": v}, allow_unicode=True),
    "a URL": lambda v: f"https://x/?a={quote(v, safe='')}&b",
    "a shell": lambda v: f"echo {shlex.quote(v)}",
    "docker auth": lambda v: json.dumps({"auths": {"r.io": {"auth": b64(f"user:{v}")}}}),
}
LETTERS = "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789 \n\t'\"\\/<>&+=%#:,;-_.!?{}[]|*@äß中😀"
VALUES = st.text(LETTERS, min_size=8, max_size=60).filter(
    lambda v: re.search(r"[a-zA-Z]", v) and re.search(r"\d", v) and len(v.strip()) >= 8 and len(set(v.strip())) > 4
)


def says(text, value):
    """Whether a text holds a value, in any of the ways; told by undoing them, not by doing them."""
    squeezed = "".join(value.split())
    texts = [text, unquote(text), *(_unescaped(text, times) for times in (1, 2, 3))]
    for run in re.findall(r"[A-Za-z0-9_+/-]{10,}", text):
        for i in range(4):
            piece = run[i:].translate(str.maketrans("-_", "+/"))
            texts.append(base64.b64decode(piece[: len(piece) // 4 * 4]).decode("utf-8", "ignore"))
    return any(squeezed in "".join(one.split()) for one in texts)


def _unescaped(text, times):
    for _ in range(times):
        text = re.sub(r"\\(u[0-9a-f]{4}|x[0-9A-F]{2}|.)", _letter, text, flags=re.DOTALL)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("''", "'").replace("'\"'\"'", "'")


def _letter(found):
    code = found[1]
    return chr(int(code[1:], 16)) if len(code) > 1 else {"n": "\n", "t": "\t", "_": "\xa0"}.get(code, code)


@functools.cache
def pieces():
    """Pieces of real recordings: objects and steps."""
    found = []
    for name in labs.lab_names():
        history = recording.read(labs.load_lab(name).recording)
        events = [e.object for e in history if e.object["kind"] not in ("Secret", "Node")]
        found.append((random.Random(name).sample(events, 6), history.steps[:4]))
    return found


@given(VALUES, st.sampled_from(sorted(WAYS)), st.sampled_from(("data", "stringData", "file", "literal")), st.randoms())
@example("a\u00e4 0\n12345 b", "YAML", "data", random.Random(1))
@settings(max_examples=120, deadline=None, derandomize=True)
def test_any_value_is_found_nowhere(value, way, known, chance):
    objects, steps = copy.deepcopy(chance.choice(pieces()))
    shown = [id(part) for one in objects for part in (one, one["metadata"])]  # what makes it this object stays
    leaves = [(i, k) for i, k in places(objects) if isinstance(i[k], str) and id(i) not in shown]
    inside, key = chance.choice(leaves)
    inside[key] = f"{inside[key]} {WAYS[way](value)}"
    told = WAYS[way](value)
    made = {
        "data": secret(data={"x": b64(value)}),
        "stringData": secret(stringData={"x": value}),
        "file": step("kubectl apply -f x.yaml", x_yaml=yaml.safe_dump(secret(stringData={"x": value}))),
        "literal": step(f"{CREATE} --from-literal={shlex.quote('x=' + value)}"),
    }[known]
    shared = redacted(of(*objects, made, *(step(s.command, told, told, told, **s.files) for s in steps)))
    for text in leaves_of([[e.object for e in shared], [list(s) for s in shared.steps]]):
        assert not says(text, value), text


def leaves_of(thing):
    if isinstance(thing, dict):
        yield from map(str, thing)
        thing = thing.values()
    if isinstance(thing, str):
        yield thing
    elif not isinstance(thing, int | float | None):
        for one in thing:
            yield from leaves_of(one)


# -- what stays ----------------------------------------------------------------------------------------------


def test_names_keys_and_sizes_stay():
    history = redacted(of(KNOWN, step("kubectl get secret keys", "keys Opaque 1")))
    (event,) = history
    assert event.object["metadata"]["name"] == "keys"
    assert len(base64.b64decode(event.object["data"]["password"])) == len(MARK)
    assert history.steps[0].result.stdout == "keys Opaque 1"
    assert history.about.secret_values == "redacted"


def test_short_values_and_ordinary_words_do_not_take_a_recording_with_them():
    words = re.findall(r"\S+", "a on the 8080 postgres admin true db containers nginx postgres-0 Running")
    user = pod(containers=[{"image": "nginx:1.27", "ports": [{"containerPort": 8080}], "args": ["-x", "admin"]}])
    base = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "postgres-0"}, "status": {"phase": "Running"}}
    look = step("kubectl get pods", "NAME         STATUS\npostgres-0   Running\n", about="the postgres on port 8080")
    shared = redacted(of(user, base, secret(stringData={f"k{i}": w for i, w in enumerate(words)}), look))
    assert [e.object for e in shared][:2] == [user, base]
    assert shared.steps[0].result.stdout == look.result.stdout
    assert shared.steps[0].about == look.about


def test_what_was_redacted_once_is_not_changed_again(tmp_path):
    for place, what in PLACES.items():
        text = everything(of(*what), tmp_path)
        again = everything(recording.read(tmp_path / "shared.jsonl"), tmp_path)
        assert again == text, place


# -- while it is recorded ------------------------------------------------------------------------------------


class Following:
    """As much of a Follower as recording takes."""

    failure = ""

    def __init__(self):
        self.history = History(About("x", "x", "demo"))

    def now(self):
        return 9.0

    def close(self):
        pass


def record(path, what, ends=None):
    with _recording(path, False, Following) as tape:
        for event in of(*what):
            tape.event(*event)
        for one in of(*what).steps:
            tape.step(Step(one.t, one.id, one.command, one.files, one.about))
            tape.result(one.id, one.result)
        if ends:
            ends()


@pytest.mark.parametrize("place", PLACES)
def test_what_is_recorded_can_be_shared(place, tmp_path):
    record(tmp_path / "x.jsonl", PLACES[place])
    text = (tmp_path / "x.jsonl").read_text()
    assert not [mark for mark in (MARK, OTHER, b64(MARK)[:20]) if mark in text]
    assert [file.name for file in tmp_path.iterdir()] == ["x.jsonl"]
    assert recording.read(tmp_path / "x.jsonl").complete


def test_a_recording_that_an_error_ends_can_be_shared_too(tmp_path):
    def fails():
        raise K8svizError("the cluster is gone")

    with pytest.raises(K8svizError, match="gone"):
        record(tmp_path / "x.jsonl", [step("env", MARK), KNOWN], fails)
    assert MARK not in (tmp_path / "x.jsonl").read_text()
    assert not recording.read(tmp_path / "x.jsonl").complete
    assert not (tmp_path / "x.jsonl.part").exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_one_that_was_killed_leaves_a_private_part_that_can_be_finished(tmp_path):
    child = os.fork()
    if not child:
        record(tmp_path / "x.jsonl", [step("env", MARK), KNOWN], lambda: os.kill(os.getpid(), signal.SIGKILL))
    os.waitpid(child, 0)
    (part,) = tmp_path.iterdir()
    assert (part.name, part.stat().st_mode & 0o777) == ("x.jsonl.part", 0o600)
    assert main(["redact", str(part), "-o", str(tmp_path / "x.jsonl")]) in (0, None)
    text = (tmp_path / "x.jsonl").read_text()
    assert "env" in text
    assert MARK not in text
