"""Quantities are exact, compare by amount, and survive their canonical form."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8sviz.errors import K8svizError
from k8sviz.rules.quantity import Quantity, divide_for_downward_api, parse_quantity, quantity_or_none

SUFFIXES = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "e3", "E-2", "e+6"]
WRITTEN = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "-", "+"]),
    st.one_of(st.integers(0, 10**6).map(str), st.decimals(0, 1000, places=3).map(str)),
    st.sampled_from(SUFFIXES),
)


@given(WRITTEN)
def test_the_canonical_form_reads_back_as_the_same_amount(text):
    quantity = parse_quantity(text)
    again = parse_quantity(str(quantity))
    # a binary amount that is no whole number of bytes is printed rounded up
    assert again == quantity or again.nano == quantity.value() * 10**9
    assert str(again) == str(quantity)


@given(st.integers(0, 10**9), st.sampled_from(SUFFIXES[:15]))
def test_amounts_are_exact(number, suffix):
    units = {s: Fraction(10) ** e for s, e in zip("num", (-9, -6, -3), strict=True)}
    units |= {s: Fraction(10) ** e for s, e in zip(["", *"kMGTPE"], range(0, 21, 3), strict=True)}
    units |= {f"{s}i": Fraction(1024) ** e for e, s in enumerate("KMGTPE", 1)}
    exact = number * units[suffix] * 10**9
    capped = min(exact, (2**63 - 1) * 10**9) if suffix.endswith("i") else exact
    assert parse_quantity(f"{number}{suffix}").nano == capped


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("0", "0"),
        ("0Gi", "0"),
        ("1.5Gi", "1536Mi"),
        ("1024Mi", "1Gi"),
        ("1000Mi", "1000Mi"),
        ("0.5", "500m"),
        ("1000m", "1"),
        ("33M", "33M"),
        ("1e3", "1e3"),
        ("12E6", "12e6"),
        ("100000", "100k"),
        ("1500", "1500"),
        ("0.5Ki", "512"),
        ("-1.5", "-1500m"),
        (".5", "500m"),
        ("5.", "5"),
        ("0.1n", "1n"),
        ("9Ei", "9223372036854775807"),
        ("1E", "1E"),
        (5, "5"),
        (1.5, "1500m"),
        (" 1Gi ", "1Gi"),
    ],
)
def test_canonical_forms(text, canonical):
    assert str(parse_quantity(text)) == canonical


@pytest.mark.parametrize(
    "text", ["", ".", "Gi", "1GB", "1 Gi", "1e", "0x10", "--1", "1K", "ten", None, True, [], {}, "9" * 5000]
)
def test_what_is_no_quantity(text):
    with pytest.raises(K8svizError):
        parse_quantity(text)
    assert quantity_or_none(text) is None


def test_absurd_exponents_are_capped_and_do_not_hang():
    assert parse_quantity("1e999999999").value() == 2**63 - 1
    assert parse_quantity("1e-999999999").nano == 1
    assert parse_quantity(10**300).value() == 2**63 - 1


@pytest.mark.parametrize(
    ("resource", "amount", "divisor", "shown"),
    [
        ("cpu", "15m", None, 1),
        ("cpu", "15m", "1m", 15),
        ("cpu", "1500m", "1", 2),
        ("memory", "20Mi", "1Ki", 20480),
        ("memory", "20Mi", "1M", 21),
        ("memory", "20Mi", None, 20971520),
        ("memory", "33M", "1Gi", 1),
        ("cpu", "0", "1", 0),
        ("memory", "64Mi", "0", 67108864),
    ],
)
def test_the_downward_api_rounds_up(resource, amount, divisor, shown):
    unit = None if divisor is None else parse_quantity(divisor)
    assert divide_for_downward_api(resource, parse_quantity(amount), unit) == shown


@given(st.integers(0, 2**50), st.integers(1, 2**40))
def test_the_shown_amount_is_the_least_that_covers(amount, divisor):
    shown = divide_for_downward_api("memory", Quantity(amount * 10**9), Quantity(divisor * 10**9))
    assert (shown - 1) * divisor < amount <= shown * divisor or amount == shown == 0
