"""Numbers, durations and counts as text for people."""


def three_digits(value: float) -> str:
    """Return a number to three digits, or with all digits before the point if there are more."""
    return f"{value:,.{0 if value >= 99.95 else 1 if value >= 9.995 else 2}f}"


def duration(seconds: float) -> str:
    """Return a time in s, ms or µs, in the largest of these units in which it is at least 1."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= 0.9995 * size:
            return f"{three_digits(seconds / size)} {unit}"
    return f"{three_digits(1e6 * seconds)} µs"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, as in "1 sample" and "1,000 samples"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def rounded(value: float, digits: int = 3) -> str:
    """Return a number to `digits` significant digits; below a million, keep all integer digits."""
    return f"{value:.0f}" if 10**digits - 0.5 <= value < 1e6 else f"{value:.{digits}g}"
