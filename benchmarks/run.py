"""Times the lecture's problem in the lecture's own style and in the kernel, in one run.

    python benchmarks/run.py [--rounds 5]

400 samples, 2 features, 10,000 steps. Both must end in the same parameters; the lecture's style
is timed over fewer steps, as each of its steps costs the same. Times are the minimum of rounds
that take turns, so that a busy machine slows both.
"""

import argparse
import sys
from time import perf_counter

import numpy as np

import oneneuron
from oneneuron._dispatch import level
from oneneuron.lecture import example1

ETA = 5e-3
NUM_STEPS = 10_000
TIMED_STEPS = 500
START = np.array([0.2, 0.5, 0.8])


def in_the_lectures_style(x, y, num_steps):
    """NumPy arrays summed by Python's built-in sum, scored after each update."""
    w1, w2, b = START
    best, best_model = 0.0, None

    def output():
        return 1.0 / (1.0 + np.exp(-(w1 * x[:, 0] + w2 * x[:, 1] + b)))

    f = output()
    for _ in range(num_steps):
        slope_w1 = sum((f - y) * f * (1 - f) * x[:, 0])
        slope_w2 = sum((f - y) * f * (1 - f) * x[:, 1])
        slope_b = sum((f - y) * f * (1 - f))
        w1, w2, b = w1 - ETA * slope_w1, w2 - ETA * slope_w2, b - ETA * slope_b
        f = output()
        score = sum(np.round(f) == y) * (100.0 / len(y))
        if score > best:
            best, best_model = score, (w1, w2, b)
    return np.array([w1, w2, b]), np.array(best_model)


def in_the_kernel(x, y, num_steps):
    """Last and best parameters of the same descent."""
    descent = oneneuron.train(x, y, eta=ETA, num_steps=num_steps, init=(START[:2], START[2]))
    return tuple(np.append(m.weights, m.bias) for m in (descent.last, descent.best))


def seconds(function, *arguments):
    """Wall-clock time of one call."""
    start = perf_counter()
    function(*arguments)
    return perf_counter() - start


def main():
    """Check, time, print; exit 1 if the two end in different places."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    x, _, y, _ = example1.get_data(500, random_state=0)

    expected, found = in_the_lectures_style(x, y, NUM_STEPS), in_the_kernel(x, y, NUM_STEPS)
    if not all(np.allclose(a, b, rtol=1e-9, atol=0) for a, b in zip(expected, found, strict=True)):
        sys.exit(f"not the same place: {expected} and {found}")

    times = [
        (
            seconds(in_the_lectures_style, x, y, TIMED_STEPS) / TIMED_STEPS,
            seconds(in_the_kernel, x, y, NUM_STEPS) / NUM_STEPS,
        )
        for _ in range(rounds)
    ]
    lecture, kernel = (min(column) for column in zip(*times, strict=True))
    print(f"{'':18}ns a sample a step")
    print(f"{'lecture style':18}{1e9 * lecture / len(y):10.2f}")
    print(f"{f'kernel ({level})':18}{1e9 * kernel / len(y):10.2f}")
    print(f"same end to 1e-9; ratio {lecture / kernel:.0f}")


if __name__ == "__main__":
    main()
