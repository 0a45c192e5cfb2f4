"""A fork goes on from a moment by kubectl's words; what it shows is what a lab shows, marked as predicted."""

from __future__ import annotations

import pytest

from k8sviz import K8svizError, Lab, fork
from k8sviz.magics import completions, kubectl, use


@pytest.fixture
def kubia():
    return fork("ch09-rolling-update", at="status-v1")


def test_scales_and_waits(kubia):
    assert "scaled" in str(kubia.kubectl("scale deployment kubia --replicas=6"))
    kubia.wait(30)
    assert "6/6" in kubia.kubectl("get deployment kubia").stdout
    assert kubia.now > kubia.began


def test_the_past_stays_and_the_seam_is_a_step(kubia):
    ids = [step.id for step in kubia.history.steps]
    assert ids[-1] == "fork"
    assert "status-v1" in ids
    assert "predicted" in kubia.history.step("fork").command
    kubia.kubectl("get pods")
    assert kubia.history.steps[-1].id == "fork-1"


def test_pictures_after_the_seam_say_that_they_are_predicted(kubia):
    before = kubia.draw("rollout", at=kubia.began)
    kubia.wait(5)
    assert "predicted" in kubia.draw("rollout").diagram.title
    assert "predicted" not in before.diagram.title


def test_compares_what_happened_with_the_fork(kubia):
    kubia.kubectl("scale deployment kubia --replicas=1")
    kubia.wait(10)
    shown = str(kubia.compare("rollout"))
    assert "what really happened" in shown
    assert "predicted" in shown


def test_applies_a_text_and_says_why(kubia):
    text = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: lost}\nspec:\n"
        "  containers: [{name: c, image: 'busybox:1.36', command: [sleep, infinity]}]\n"
        "  nodeSelector: {disk: none}\n"
    )
    assert "created" in kubia.apply(text).stdout
    kubia.wait(3)
    assert "pod/lost" in str(kubia.why("pod/lost"))
    assert kubia.kubectl("get pod lost -o jsonpath={.status.phase}").stdout == "Pending"


def test_a_source_is_never_changed(kubia):
    lab = Lab("ch09-rolling-update")
    lab.do_until("status-v1")
    count = len(list(lab.history))
    mine = lab.fork()
    mine.kubectl("delete deployment kubia")
    mine.wait(5)
    assert len(list(lab.history)) == count
    assert lab.state.get("Deployment", "kubia") is not None
    assert mine.state.get("Deployment", "kubia") is None


def test_a_lab_goes_back_and_begins_again():
    lab = Lab("ch09-rolling-update")
    lab.do_until("get")
    lab.back("apply-v1")
    with pytest.raises(K8svizError, match="comes after"):
        lab.do("get")
    lab.restart()
    assert lab.do("apply-v1beta1").exit_code == 1
    with pytest.raises(K8svizError, match="not done yet"):
        lab.back("get")


def test_the_same_lab_simulated():
    lab = Lab("ch06-static-binding", source="simulated")
    real = Lab("ch06-static-binding")
    for step in lab.steps[:5]:
        assert lab.do(step.id).exit_code == real.do(step.id).exit_code
    claim = lab.state.get("PersistentVolumeClaim", "demo-pvc")
    assert claim is not None
    assert claim["status"]["phase"] == "Bound"


def test_magics_speak_to_the_fork_in_use(kubia):
    use(kubia)
    assert "kubia" in kubectl("get deployments").stdout
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\n"
    assert kubectl("apply -f -", text).stdout == "configmap/c created\n"


def test_completes_commands_kinds_and_names(kubia):
    assert completions("%kubectl desc", kubia) == ["describe"]
    assert "statefulsets" in completions("kubectl get st", kubia)
    assert completions("kubectl describe deployment ku", kubia) == ["kubia"]
    assert completions("kubectl exec deploy/ku", kubia) == ["deploy/kubia"]


def test_a_moment_only_looks():
    from k8sviz.kubectl.prompt import Prompt
    from k8sviz.kubectl.target import Moment

    prompt = Prompt(Moment(Lab("ch09-rolling-update").history.at(6.0)), namespace="demo")
    assert prompt.run("kubectl get deployment kubia").code == 0
    refused = prompt.run("kubectl delete deployment kubia")
    assert refused.code == 1
    assert "fork" in refused.err
