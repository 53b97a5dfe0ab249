"""The origin of the constants in the kernel's ``precision.h`` and in ``_losses.py``.

Run it with

::

    python tools/precision_constants.py

It prints the polynomial coefficients for both precisions, as they stand in the header, and the
largest second derivative of the quadratic loss. It needs mpmath.

The printed coefficients agree with the header in every bit, and the results of training depend on
these bits. Other coefficients would be as good. A finer grid or one more exchange changes up to ten
of the 16 digits of a coefficient. It changes the error of the function by less than 0.1 %, however,
since the changes cancel. So there is no point in refining the choices made here: all results would
change, and none would improve.

References
----------
E. W. Cheney, Introduction to Approximation Theory, McGraw-Hill 1966, chapters 3 and 5: the Remez
exchange for polynomials and for quotients of polynomials.
"""

from __future__ import annotations

import mpmath

# A separate context, so that importing this module does not change the precision of mpmath.
mp = mpmath.mp.clone()
mp.dps = 40

# The interval of r ends at END and is divided into STEPS parts. In the kernel, |r| is at most 1/2.
# Other values would change only the last digits of the coefficients.
END = mp.mpf(1) / 2 + mp.mpf(10) ** -12
STEPS = 1500

# The kernel computes the logarithm of a number w from s = (1 - w) / (1 + w), with w from
# 1 / sqrt(2) to sqrt(2).
LARGEST_S = (mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)

# The last coefficient of EVEN before rounding. It can be chosen freely, since the quotient does not
# change when ODD and EVEN are multiplied by the same number. With these values, rounding the other
# coefficients adds little to the error.
SCALES = {"float": mp.mpf(1.2526644468307495), "double": mp.mpf(1103) / 600}

BITS = {"float": 24, "double": 53}
DEGREES = {"float": 1, "double": 2}
LOG_DEGREES = {"float": 3, "double": 7}


def polynomial(coefficients, x):
    """Return the value of a polynomial with the given coefficients, highest power first."""
    value = mp.zero
    for coefficient in coefficients:
        value = value * x + coefficient
    return value


# --- 2^r ---


def exponential(degree):
    """Return the polynomials for which (even + r odd) / (even - r odd) is closest to 2^r.

    Their largest relative error for |r| up to END is the smallest possible. A Remez exchange finds
    them. It takes one point more than there are free coefficients, and solves for an error that has
    the same size and alternating signs at these points. Then it moves the points to where the error
    is largest on a grid. It repeats this until the points no longer move.

    Only r > 0 is needed, since both 2^r and the quotient turn into their reciprocals at -r.

    Parameters
    ----------
    degree : int
        The degree of both polynomials in r^2.

    Returns
    -------
    odd : list of mpf
        The coefficients, highest power first.
    even : list of mpf
        The same; the last one is 1.
    """
    grid = [END * k / STEPS for k in range(1, STEPS + 1)]
    count = 2 * degree + 2
    points = [END * mp.cos(mp.pi * k / (2 * count - 1)) for k in reversed(range(count))]
    while True:
        odd, even = alternating_quotient(points, degree)
        peaks = largest(grid, [quotient_error(odd, even, r) for r in grid])
        if peaks == points:
            return odd, even
        points = peaks


def alternating_quotient(points, degree):
    """Return the quotient whose error has the same size and alternating signs at the points.

    Parameters
    ----------
    points : list of mpf
        Values of r > 0, ascending, 2 degree + 2 of them.
    degree : int

    Returns
    -------
    odd : list of mpf
    even : list of mpf
    """
    denominators = [mp.mpf(2) ** (-r / 2) for r in points]
    # even + r odd = (1 +- error) 2^r (even - r odd) is linear in the unknowns if the denominator
    # that the error multiplies comes from the previous round. The error is tiny, so a few rounds
    # are enough.
    for _ in range(4):
        rows, right = [], []
        for k, (r, denominator) in enumerate(zip(points, denominators, strict=True)):
            y = mp.mpf(2) ** r
            powers = [r ** (2 * j) for j in range(degree, -1, -1)]
            of_odd = [(1 + y) * r * power for power in powers]
            of_even = [(1 - y) * power for power in powers]
            rows.append([*of_odd, *of_even[:-1], -((-1) ** k) * y * denominator])
            right.append(-of_even[-1])
        *found, _ = mp.lu_solve(mp.matrix(rows), mp.matrix(right))
        odd, even = found[: degree + 1], [*found[degree + 1 :], mp.mpf(1)]
        denominators = [polynomial(even, r * r) - r * polynomial(odd, r * r) for r in points]
    return odd, even


def quotient_error(odd, even, r):
    """Return the relative error of (even + r odd) / (even - r odd) as an approximation of 2^r."""
    with_r, without_r = r * polynomial(odd, r * r), polynomial(even, r * r)
    return (without_r + with_r) / (without_r - with_r) / mp.mpf(2) ** r - 1


def largest(grid, errors):
    """Return the points of a grid at which the error is larger in size than at both neighbours."""
    sizes = [mp.zero, *map(abs, errors), mp.zero]
    triples = zip(sizes, sizes[1:], sizes[2:], strict=False)
    return [
        x for x, (left, size, right) in zip(grid, triples, strict=True) if size > max(left, right)
    ]


# --- The logarithm ---


def logarithm(degree):
    """Return a polynomial in s^2 that is close to 2 artanh(s) / s for s from 0 to LARGEST_S.

    Its largest relative error is within 0.1 % of the smallest possible. A Remez exchange would
    begin with this polynomial, whose error has the same size and alternating signs at the extrema
    of a Chebyshev polynomial. No exchange follows, since these points are already close to the
    final ones.

    Parameters
    ----------
    degree : int

    Returns
    -------
    list of mpf
        The coefficients, highest power first. The last one is not fixed; it rounds to 2.
    """
    count = degree + 2
    points = [LARGEST_S**2 * (1 - mp.cos(mp.pi * k / (count - 1))) / 2 for k in range(count)]
    return alternating_polynomial(points)


def alternating_polynomial(points):
    """Return the polynomial whose error has the same size and alternating signs at the points.

    Parameters
    ----------
    points : list of mpf
        Values of s^2, ascending, two more than the degree.

    Returns
    -------
    list of mpf
        The coefficients, highest power first.
    """
    rows, right = [], []
    for k, x in enumerate(points):
        y = artanh_ratio(mp.sqrt(x))
        rows.append([*(x**j for j in range(len(points) - 2, -1, -1)), -((-1) ** k) * y])
        right.append(y)
    *coefficients, _ = mp.lu_solve(mp.matrix(rows), mp.matrix(right))
    return coefficients


def artanh_ratio(s):
    """Return 2 artanh(s) / s."""
    return 2 * mp.atanh(s) / s if s else mp.mpf(2)


# --- Roundings and errors ---


def scaled_exponential(precision):
    """Return ODD and EVEN as they appear in the header.

    Parameters
    ----------
    precision : {"float", "double"}

    Returns
    -------
    odd : list of float
    even : list of float
    """
    scale = SCALES[precision]
    odd, even = exponential(DEGREES[precision])
    return rounded(odd, precision, scale), rounded(even, precision, scale)


def rounded(coefficients, precision, scale=1):
    """Return coefficients times a scale, rounded to a precision.

    Parameters
    ----------
    coefficients : list of mpf
    precision : {"float", "double"}
    scale : mpf, default 1

    Returns
    -------
    list of float
    """
    exact = [scale * coefficient for coefficient in coefficients]
    with mp.workprec(BITS[precision]):
        return [float(+number) for number in exact]


def exponential_error(odd, even, steps=1000):
    """Return the largest relative error of 2^r on a grid of |r| <= 1/2.

    Parameters
    ----------
    odd : list of mpf or float
    even : list of mpf or float
    steps : int, default 1000

    Returns
    -------
    mpf
    """
    grid = (mp.mpf(k) / (2 * steps) for k in range(steps + 1))
    return max(abs(quotient_error(odd, even, r)) for r in grid)


def logarithm_error(coefficients, steps=1000):
    """Return the largest relative error of 2 artanh(s) / s on a grid of s from 0 to LARGEST_S.

    Parameters
    ----------
    coefficients : list of mpf or float
    steps : int, default 1000

    Returns
    -------
    mpf
    """
    grid = (LARGEST_S * k / steps for k in range(steps + 1))
    return max(abs(polynomial(coefficients, s * s) / artanh_ratio(s) - 1) for s in grid)


# --- The curvature ---


def max_curvature():
    """Return the largest second derivative of 1/2 (sigma(z) - y)^2 with respect to z.

    For y = 0 the second derivative is p^2 (1 - p) (2 - 3 p) with p = sigma(z); for y = 1 it is the
    same with 1 - p. Its derivative with respect to p is p (12 p^2 - 15 p + 4). The maximum is at
    the smaller of the two roots other than 0.

    Returns
    -------
    mpf
    """
    p = (15 - mp.sqrt(33)) / 24
    return p**2 * (1 - p) * (2 - 3 * p)


# --- C ---


def header_lines(precision):
    """Return the lines of the header with the coefficients for one precision.

    Parameters
    ----------
    precision : {"float", "double"}

    Returns
    -------
    list of str
    """
    degree, log_degree = DEGREES[precision], LOG_DEGREES[precision]
    odd, even = scaled_exponential(precision)
    log = logarithm(log_degree)
    # As in the header: the error of the quotient after rounding, and that of LOG before rounding.
    error, log_error = exponential_error(odd, even), logarithm_error(log)
    return [
        f"enum {{ FRACTION_BITS = {BITS[precision] - 1}, DEGREE = {degree} }}; /* {in_c(error)} */",
        *array_lines("ODD", "DEGREE", odd, precision),
        *array_lines("EVEN", "DEGREE", even, precision),
        f"enum {{ LOG_DEGREE = {log_degree} }}; /* {in_c(log_error)} */",
        *array_lines("LOG", "LOG_DEGREE", rounded(log, precision), precision),
    ]


def in_c(error):
    """Return an error with two digits, in the form 4.0e-9."""
    return f"{float(error):.1e}".replace("e-0", "e-")


def array_lines(name, degree, numbers, precision):
    """Return the lines of an array in C, with four numbers to a line."""
    suffix = "f" if precision == "float" else ""
    literals = [f"{number!r}{suffix}," for number in numbers]
    rows = ["    " + " ".join(literals[k : k + 4]) for k in range(0, len(literals), 4)]
    return [f"static const real {name}[{degree} + 1] = {{", *rows, "};"]


def main():
    """Print all constants."""
    print("#if defined(SINGLE)", *header_lines("float"), sep="\n")
    print("#else", *header_lines("double"), "#endif", sep="\n")
    print(f"\nlargest curvature of the quadratic loss: {mp.nstr(max_curvature(), 16)}")


if __name__ == "__main__":
    main()
