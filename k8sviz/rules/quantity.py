"""Kubernetes quantities, exactly: sizes and resources are compared and divided as whole numbers.

Floating point would call 0.1 + 0.2 a mismatch; Kubernetes counts in billionths, and so does this module
(k8s.io/apimachinery/pkg/api/resource).
"""

from __future__ import annotations

import functools
import math
import re
from typing import Literal

from k8sviz.errors import K8svizError

__all__ = ["Quantity", "divide_for_downward_api", "parse_quantity", "quantity_or_none"]

Format = Literal["DecimalSI", "BinarySI", "DecimalExponent"]

_NANO = 10**9
_LARGEST = (2**63 - 1) * _NANO
_LONGEST = 400  # no sensible quantity is longer, and Python refuses to read very long numbers
_FURTHEST = 100  # an exponent beyond this is past every cap
_FAST_DIGITS = 18  # Kubernetes caps a decimal only when its digits do not fit an int64
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_DECIMAL_SUFFIX = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY_SUFFIX = {power: suffix for suffix, power in _BINARY.items()}
_SHAPE = re.compile(
    r"(?P<sign>[+-]?)(?P<whole>[0-9]*)(?:\.(?P<part>[0-9]*))?(?P<suffix>[KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+|)\Z"
)


@functools.total_ordering
class Quantity:
    """An amount in billionths of its unit (bytes, or cores), and the notation it was written in.

    Quantities compare by amount alone: `1Gi` equals `1024Mi`, and `1000m` equals `1`.
    """

    __slots__ = ("format", "nano")

    def __init__(self, nano: int, format: Format = "DecimalSI") -> None:  # noqa: A002 - Kubernetes' own word
        self.nano = nano
        self.format = format

    def __eq__(self, other: object) -> bool:
        return self.nano == other.nano if isinstance(other, Quantity) else NotImplemented

    def __lt__(self, other: Quantity) -> bool:
        return self.nano < other.nano

    def __hash__(self) -> int:
        return hash(self.nano)

    def __repr__(self) -> str:
        return f"Quantity(nano={self.nano}, format={self.format!r})"

    def value(self) -> int:
        """The amount in whole units, rounded away from zero as Quantity.Value() does.

        >>> parse_quantity("1500m").value(), parse_quantity("1Ki").value()
        (2, 1024)
        """
        return _round_up(self.nano, _NANO)

    def milli_value(self) -> int:
        """The amount in thousandths, rounded away from zero as Quantity.MilliValue() does."""
        return _round_up(self.nano, _NANO // 1000)

    def __str__(self) -> str:
        """The canonical form, as the API server prints it: no fraction, the largest suffix that keeps the amount.

        >>> [str(parse_quantity(text)) for text in ("1.5Gi", "0.5", "1000m", "2048", "1e3", "0.5Ki", "1.3Ki")]
        ['1536Mi', '500m', '1', '2048', '1e3', '512', '1331200m']
        """
        if self.nano == 0:
            return "0"
        if self.format == "BinarySI" and abs(self.nano) >= 1024 * _NANO and self.nano % _NANO == 0:
            return _canonical_binary(self.value())
        return _canonical_decimal(self.nano, self.format)


def parse_quantity(text: object) -> Quantity:
    """Read a quantity as ParseQuantity does: binary (Ki to Ei), decimal (n to E) or exponent form, or a bare number.

    Amounts below one billionth are rounded up to it; binary amounts beyond 2^63-1 are capped there.
    Raises K8svizError for anything else.

    >>> parse_quantity("1Gi") == parse_quantity("1024Mi"), parse_quantity("1G") < parse_quantity("1Gi")
    (True, True)
    >>> parse_quantity("5 GB")
    Traceback (most recent call last):
    ...
    k8sviz.errors.K8svizError: '5 GB' is not a quantity; write for example 500m, 1Gi or 2e6
    """
    written = text if isinstance(text, str) else _number_text(text)
    found = _SHAPE.match(written.strip()) if len(written) <= _LONGEST else None
    if found is None or not (found["whole"] or found["part"]):
        raise K8svizError(f"{written[:40]!r} is not a quantity; write for example 500m, 1Gi or 2e6")
    sign = -1 if found["sign"] == "-" else 1
    amount, notation = _amount(found["whole"], found["part"] or "", found["suffix"])
    return Quantity(sign * amount, notation)


def quantity_or_none(value: object) -> Quantity | None:
    """The quantity that a field holds; None when it is missing or is no quantity.

    >>> quantity_or_none("3Gi"), quantity_or_none(None), quantity_or_none("large")
    (Quantity(nano=3221225472000000000, format='BinarySI'), None, None)
    """
    try:
        return parse_quantity(value)
    except K8svizError:
        return None


def divide_for_downward_api(resource: str, amount: Quantity, divisor: Quantity | None) -> int:
    """What `resourceFieldRef` shows: the amount in units of the divisor, rounded up.

    `resource` is the resource's name without `limits.` or `requests.`; a cpu is counted in thousandths, everything
    else in whole units. A divisor that is missing or zero is 1
    (component-helpers/resource: convertResourceCPUToString and its siblings).

    >>> divide_for_downward_api("cpu", parse_quantity("250m"), None)
    1
    >>> divide_for_downward_api("cpu", parse_quantity("250m"), parse_quantity("1m"))
    250
    >>> divide_for_downward_api("memory", parse_quantity("33M"), parse_quantity("1Mi"))
    32
    """
    unit = divisor if divisor is not None and divisor.nano else Quantity(_NANO)
    if resource == "cpu":
        return math.ceil(float(amount.milli_value()) / float(unit.milli_value()))
    return math.ceil(float(amount.value()) / float(unit.value()))


def _number_text(value: object) -> str:
    """A JSON number's own text; anything else is no quantity."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return repr(value)[:_LONGEST]
    if isinstance(value, int):
        # Python refuses to print very long whole numbers
        return str(value) if value.bit_length() < 1000 else "too long"
    return repr(value)


def _amount(whole: str, part: str, suffix: str) -> tuple[int, Format]:
    """The unsigned amount in billionths, and the notation that the suffix stands for."""
    digits = int((whole + part) or "0")
    shift = -len(part)
    if suffix in _BINARY:
        nano = _scaled(digits * 1024 ** _BINARY[suffix], shift + 9)
        below_one = 0 < nano < _NANO
        return min(nano, _LARGEST), "DecimalSI" if below_one else "BinarySI"
    notation: Format = "DecimalSI" if suffix in _DECIMAL else "DecimalExponent"
    exponent = _DECIMAL[suffix] if suffix in _DECIMAL else _clamped(suffix[1:])
    nano = _scaled(digits, shift + exponent + 9)
    fits = len(whole.lstrip("0") + part) <= _FAST_DIGITS and exponent < _FURTHEST
    return nano if fits else min(nano, _LARGEST), notation


def _clamped(exponent: str) -> int:
    """An exponent that is never so large that computing with it would hang."""
    if len(exponent) > 6:
        return -_LONGEST - _FURTHEST if exponent.startswith("-") else _FURTHEST
    return max(-_LONGEST - _FURTHEST, min(_FURTHEST, int(exponent)))


def _scaled(digits: int, exponent: int) -> int:
    """digits times ten to the exponent, rounded away from zero."""
    return digits * 10**exponent if exponent >= 0 else _round_up(digits, 10**-exponent)


def _round_up(amount: int, unit: int) -> int:
    """The quotient rounded away from zero."""
    return -(-amount // unit) if amount >= 0 else amount // unit


def _canonical_binary(amount: int) -> str:
    power = 0
    while power < 6 and amount % 1024 == 0:
        amount, power = amount // 1024, power + 1
    return f"{amount}{_BINARY_SUFFIX.get(power, '')}"


def _canonical_decimal(nano: int, notation: Format) -> str:
    amount, exponent = nano, -9
    while amount % 1000 == 0:
        amount, exponent = amount // 1000, exponent + 3
    if notation == "DecimalExponent" or exponent not in _DECIMAL_SUFFIX:
        return f"{amount}e{exponent}" if exponent else str(amount)
    return f"{amount}{_DECIMAL_SUFFIX[exponent]}"
