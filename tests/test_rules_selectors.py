"""Selectors select as the API machinery does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8sviz.errors import K8svizError
from k8sviz.rules.selectors import (
    label_selector,
    matches,
    matches_all,
    matches_node_terms,
    node_allows_pod,
    parse_selector,
)

NAMES = st.sampled_from(["a", "b", "zone", "app.kubernetes.io/name"])
VALUES = st.sampled_from(["", "x", "y", "1", "23"])
LABELS = st.dictionaries(NAMES, VALUES)


@pytest.mark.parametrize(
    ("selector", "labels", "selected"),
    [
        ("a=x", {"a": "x"}, True),
        ("a==x", {"a": "x"}, True),
        ("a!=x", {"a": "y"}, True),
        ("a!=x", {}, True),
        ("a in (x, y)", {"a": "y"}, True),
        ("a notin (x)", {"a": "x"}, False),
        ("a", {"a": ""}, True),
        ("!a", {"a": ""}, False),
        ("a=", {"a": ""}, True),
        ("a=", {}, False),
        ("n>3", {"n": "4"}, True),
        ("n<3", {"n": "x"}, False),
        ("", {}, True),
        ("a=x,b in (1,2),!c", {"a": "x", "b": "2"}, True),
        ("a=x,b", {"a": "x"}, False),
    ],
)
def test_strings_as_kubectl_takes_them(selector, labels, selected):
    assert matches_all(parse_selector(selector), labels) is selected


@pytest.mark.parametrize("selector", ["a=b=c", "a=x,,b", "a,", "a in x", "=x", "a in (x", "a b", "-a=x", "a~x"])
def test_strings_that_are_no_selector(selector):
    with pytest.raises(K8svizError):
        parse_selector(selector)


@given(NAMES, st.lists(VALUES.filter(bool), min_size=1, max_size=3, unique=True), LABELS)
def test_notin_is_the_opposite_of_in_and_so_on(key, values, labels):
    def selects(operator, *given):
        return matches({"matchExpressions": [{"key": key, "operator": operator, "values": list(given)}]}, labels)

    assert selects("In", *values) is not selects("NotIn", *values)
    assert selects("Exists") is not selects("DoesNotExist")
    requirements = label_selector({"matchExpressions": [{"key": key, "operator": "In", "values": values}]})
    assert matches_all(parse_selector(",".join(map(str, requirements))), labels) is selects("In", *values)


@pytest.mark.parametrize(
    "expression",
    [{}, {"key": "a"}, {"key": "a", "operator": "In"}, {"key": "a", "operator": "Exists", "values": ["x"]}, {"key": 1}],
)
def test_a_malformed_selector_selects_nothing(expression):
    assert matches({"matchExpressions": [expression]}, {"a": "x"}) is False


def test_none_selects_nothing_and_empty_everything():
    assert matches(None, {"a": "x"}) is False
    assert matches({}, {"a": "x"}) is True


def term(operator, *values, key="cpus", part="matchExpressions"):
    return {part: [{"key": key, "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize(
    ("terms", "allowed"),
    [
        ([], False),
        ([{}], False),
        ([term("Gt", "3")], True),
        ([term("Lt", "3")], False),
        ([term("Gt", "x")], False),
        ([term("Lt", "3"), term("Gt", "7")], True),
        ([term("In", "n1", key="metadata.name", part="matchFields")], True),
        ([term("NotIn", "n1", key="metadata.name", part="matchFields")], False),
        ([term("In", "n1", key="spec.x", part="matchFields")], False),
        ([{**term("Gt", "3"), **term("In", "n2", key="metadata.name", part="matchFields")}], False),
    ],
)
def test_node_terms(terms, allowed):
    assert matches_node_terms(terms, {"cpus": "8"}, "n1") is allowed
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}
    node = {"metadata": {"name": "n1", "labels": {"cpus": "8"}}}
    assert node_allows_pod({"spec": {"affinity": affinity}}, node) is allowed
