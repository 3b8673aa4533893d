"""How much a number of clean runs says: the exact upper bound of Clopper and Pearson, for a family of laws.

With ``k`` failures in ``n`` independent runs, the bound is the smallest probability ``p`` for which ``k`` or fewer
failures are no more likely than ``alpha``: ``sum_{j<=k} C(n,j) p^j (1-p)^(n-j) <= alpha`` (Clopper and Pearson 1934).
Bonferroni: for a family of ``m`` laws that shall hold together at 95 %, each gets ``alpha = 0.05 / m``.

The arithmetic is decimal, of sixty digits, by additions, multiplications and divisions alone: each is rounded
correctly by specification, so the answer is the same on every processor, which a C library's ``pow`` does not promise.
"""

from __future__ import annotations

from decimal import Context, Decimal
from functools import lru_cache

_MILLION = 1_000_000
_ONE_IN = 20  # alpha of the family is 1/20: 95 %
_DIGITS = Context(prec=60, Emin=-999_999_999, Emax=999_999_999)


@lru_cache(maxsize=1024)
def p_upper_ppm(failures: int, runs: int, family: int = 1) -> int:
    """The upper bound of a failure probability in ppm, rounded up, at 95 % over a ``family`` of laws.

    Without a run nothing is known: one million. ``ValueError`` for failures beyond runs or a family below one.
    """
    if not 0 <= failures <= runs or family < 1:
        raise ValueError(f"{failures} failures of {runs} runs in a family of {family}: counts must be possible")
    if failures == runs:
        return _MILLION
    low, high = 0, _MILLION  # at low the tail is above alpha, at high it is not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _is_unlikely(failures, runs, middle, family) else (middle, high)
    return high


def _is_unlikely(failures: int, runs: int, p_ppm: int, family: int) -> bool:
    """Whether at most ``failures`` of ``runs`` has probability ``<= 1 / (20 * family)`` at ``p_ppm``."""
    tail = _binomial_tail(failures, runs, Decimal(p_ppm), Decimal(_MILLION - p_ppm))
    return _DIGITS.multiply(tail, Decimal(_ONE_IN * family)) <= 1


def _binomial_tail(failures: int, runs: int, p_ppm: Decimal, q_ppm: Decimal) -> Decimal:
    """``P(X <= failures)``, term by term: ``t_0 = q^n``, ``t_{j+1} = t_j (n - j) / (j + 1) * p / q``."""
    multiply, divide = _DIGITS.multiply, _DIGITS.divide
    term = _power(divide(q_ppm, Decimal(_MILLION)), runs)
    odds = divide(p_ppm, q_ppm)
    total = term
    for j in range(failures):
        term = multiply(multiply(term, divide(Decimal(runs - j), Decimal(j + 1))), odds)
        total = _DIGITS.add(total, term)
    return total


def _power(base: Decimal, exponent: int) -> Decimal:
    """``base ** exponent`` by squaring: ``Decimal.__pow__`` is only almost always correctly rounded."""
    result = Decimal(1)
    while exponent:
        if exponent & 1:
            result = _DIGITS.multiply(result, base)
        base = _DIGITS.multiply(base, base)
        exponent >>= 1
    return result
