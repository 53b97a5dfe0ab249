"""Draw the pictures of questions.md: ``python docs/questions.py`` replaces those in docs/questions.

Everything is seeded and nothing is timed, so the pictures are the same on every machine. The times
in one of them are those of the README's table.
"""

import hashlib
import sys
import warnings
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import PercentFormatter, StrMethodFormatter
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import scale

import oneneuron
from oneneuron import NeuronClassifier, plots
from oneneuron.lecture import example1, first_network, lessons
from oneneuron.reference import sigma

DOCS = Path(__file__).parent

# The colours and dashes of the package's own pictures.
BLUE, ORANGE, GREEN, GREY = "#0b5fa5", "#d55e00", "#009e73", "#666666"
LECTURE_ETA = 5e-5
NUM_STARTS = 1000


def readme_data():
    """Return the training samples of the README's session."""
    train_pos, _, train_value, _ = example1.get_data(500, random_state=1)
    return train_pos, train_value


def draw_step_size(figure):
    """Draw the cost by step for three step sizes, and the safe one by the number of samples."""
    left, right = figure.subplots(1, 2)
    X, y = readme_data()
    safe = oneneuron.safe_eta(X)
    cases = [
        (LECTURE_ETA, "the lecture's", BLUE, "-"), (safe, "1/L", GREEN, "--"),
        (1000 * safe, "1,000/L", ORANGE, ":"),
    ]  # fmt: skip
    for eta, name, color, dash in cases:
        history = descend(X, y, eta).history
        label = f"$\\eta$ = {eta:.2g}, {name}"
        left.plot(history.step[1:], history.cost[1:], dash, color=color, lw=2, label=label)
    left.set(xscale="log", xlabel="step", ylabel="cost $C$", xlim=(1, 1e4), ylim=(0, 185))
    left.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    left.legend()

    totals = np.geomspace(50, 250_000, 12).astype(int)
    samples = [example1.get_data(n, random_state=1)[0] for n in totals]
    sizes, etas = [len(X) for X in samples], [oneneuron.safe_eta(X) for X in samples]
    right.loglog(sizes, etas, "o-", color=GREEN, lw=2, label="1/L: the cost never rises")
    right.axhline(LECTURE_ETA, color=BLUE, lw=2, label=f"the lecture's, {LECTURE_ETA:g}")
    right.set(xlabel="number of samples", ylabel="step size $\\eta$")
    right.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    right.legend()


def draw_step_0(figure):
    """Draw the line of one start on its samples, and the scores at step 0 of many data sets."""
    left, right = figure.subplots(1, 2)
    np.random.seed(1)
    pos, _, value, _ = example1.get_data(500)
    model = first_step(pos, value)
    plots.plot_decision_boundary(pos, value, lambda x: first_network.predict(x, model), ax=left)
    left.set_title(f"one data set: {score(pos, value, model):.1f} % right")

    right.hist(scores_at_step_0(), bins=np.arange(0, 101, 5), color=BLUE, edgecolor="white")
    right.set(xlabel="right at step 0", ylabel="data sets", xlim=(0, 100))
    right.set_title(f"{NUM_STARTS:,} data sets")
    right.xaxis.set_major_formatter(PercentFormatter(symbol=" %"))


def scores_at_step_0():
    """Return the percentage of samples right at step 0, for each of many seeds."""
    scores = []
    for seed in range(NUM_STARTS):
        np.random.seed(seed)
        pos, _, value, _ = example1.get_data(500)
        scores.append(score(pos, value, first_step(pos, value)))
    return scores


def first_step(pos, value):
    """Return the model that the lecture scores at step 0."""
    return first_network.build_model(pos, value, LECTURE_ETA, num_steps=1, print_best=False)


def score(pos, value, model):
    """Return the percentage of samples that a model gets right."""
    return 100 * np.mean(np.round(first_network.predict(pos, model)) == value)


def draw_saturation(figure):
    """Draw the cost and the slope of a sample by z, and a descent with and without scaling."""
    left, right = figure.subplots(1, 2)
    z = np.linspace(-8, 12, 401)
    f = sigma(z)
    left.plot(z, f**2 / 2, "-", color=BLUE, lw=2, label="its cost, $f^2/2$")
    left.plot(z, f**2 * (1 - f), "--", color=ORANGE, lw=2, label="its slope, $f^2 (1 - f)$")
    left.set(
        xlabel="$z = w \\cdot x + b$, for a sample with $y = 0$", xlim=(-8, 12), ylim=(0, 0.55)
    )
    left.set_xticks(range(-8, 13, 4))
    left.legend(loc="upper left")

    X, _, y, _ = lessons.get_unlike_scales(random_state=0)
    for samples, name, color, dash in (
        (X, "features as they are", ORANGE, "-"), (scale(X), "scaled features", GREEN, "--"),
    ):  # fmt: skip
        history = descend(samples, y, "auto").history
        right.plot(history.step[1:], history.cost[1:], dash, color=color, lw=2, label=name)
    guess = len(y) * y.mean() * (1 - y.mean()) / 2
    right.axhline(guess, color=GREY, lw=1.5, ls=":", label="a constant guess")
    right.set(xscale="log", xlabel="step", ylabel="cost $C$", xlim=(1, 1e4), ylim=(0, None))
    right.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    right.legend()


def draw_lines(figure):
    """Draw both costs of a sample by z, and the lines that they lead to if there are outliers."""
    left, right = figure.subplots(1, 2)
    z = np.linspace(-6, 6, 401)
    left.plot(z, -np.log(sigma(z)), "--", color=ORANGE, lw=2, label="log loss, $-\\log f$")
    left.plot(z, (1 - sigma(z)) ** 2 / 2, "-", color=BLUE, lw=2, label="quadratic, $(f - 1)^2/2$")
    left.set(xlabel="$z = w \\cdot x + b$, for a sample with $y = 1$", xlim=(-6, 6), ylim=(0, 6))
    left.set_ylabel("cost of the sample")
    left.legend()

    X, _, y, _ = lessons.get_outliers(random_state=0)
    plots.plot_dots(X, y, ax=right)
    limits = right.get_xlim(), right.get_ylim()
    for model, name, color, dash in (
        (NeuronClassifier(), "NeuronClassifier", BLUE, "-"),
        (LogisticRegression(), "LogisticRegression", ORANGE, "--"),
    ):
        model.fit(X, y)
        x2 = np.array(limits[1])
        (w1, w2), b = model.coef_[0], model.intercept_[0]
        right.plot(-(w2 * x2 + b) / w1, x2, dash, color=color, lw=2.5, label=name, zorder=4)
    right.set(xlim=limits[0], ylim=limits[1])
    right.legend(loc="lower right", bbox_to_anchor=(0.815, 0.0))  # between clouds and outliers


def draw_speed(figure):
    """Draw the times of four implementations from the README's table as bars."""
    axes = figure.subplots(1, 2, sharey=True)
    names = {
        "the lecture's style, built-in `sum`": "the lecture's style",
        "the lecture with `np.sum`": "the lecture, np.sum",
        "NumPy at its best": "NumPy at its best",
        "oneneuron": "oneneuron",
    }
    table = readme_times()
    for ax, size in zip(axes, ("400 x 2", "1,000,000 x 2"), strict=True):
        times = [table[name][size] for name in names]
        bars = ax.barh(list(names.values()), times, color=["#bbbbbb"] * 3 + [BLUE])
        ax.bar_label(bars, [f"{time:.3g} ns" for time in times], padding=4)
        ax.set(xscale="log", xlim=(0.3, 3000), title=f"{size.split()[0]} samples")
        ax.set_xlabel("time for a sample in a step, log scale")
        ax.xaxis.set_major_formatter("{x:g} ns")
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].yaxis.set_inverted(True)


def readme_times():
    """Return the README's nanoseconds per sample and step, by name and size."""
    lines = (DOCS.parent / "README.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip("* ") for cell in line.split("|")[1:-1]] for line in lines if "|" in line]
    start = next(i for i, row in enumerate(rows) if "400 x 2" in row)
    sizes = rows[start][1:]
    return {
        name: dict(zip(sizes, map(float, cells), strict=True)) for name, *cells in rows[start + 2 :]
    }


def draw_loops(figure):
    """Draw the loops of the package, one inside the other, with the lines of the lecture beside."""
    ax = figure.subplots()
    ax.set(xlim=(0, 20), ylim=(0, 10.8))
    ax.axis("off")
    ax.text(0.4, 10.3, "in this package", va="center", color=GREY)
    ax.text(_LECTURE_COLUMN, 10.3, "in the lecture", va="center", color=GREY)
    _add_box(ax, 0.1, 9.8, "#eef2f7")
    _add_line(ax, 0.1, 9.1, "Python, once: check the samples, lay them out in tiles", "build_model")
    _add_box(ax, 0.8, 8.4, "#d5e1ef")
    _add_line(ax, 0.8, 7.7, "solvers.pyx, for each step:", "for i in range(...)")
    _add_line(ax, 0.8, 6.8, r"move $w$ and $b$ by $-\eta$ times the gradient", "model[...] -=")
    _add_line(ax, 0.8, 5.9, "keep the model with the highest score", "if score > best")
    _add_box(ax, 1.5, 5.2, "#aec6e2")
    _add_line(ax, 1.5, 4.5, "kernel.pyx, for each tile of 32 samples:", "(inside np.exp and sum)")
    _add_line(ax, 1.5, 3.6, r"$z = w \cdot x + b$ and $f = \sigma(z)$", "sigma")
    _add_line(
        ax, 1.5, 2.7, r"add up $(f - y)\, f\, (1 - f)$, with and without $x$", "dCdw1, dCdw2, dCdb"
    )
    _add_line(ax, 1.5, 1.8, "count the samples that are right", "score")


_LECTURE_COLUMN = 13.0


def _add_box(ax, left, top, color):
    """Add a box that ends a little above the end of the box around it."""
    style = "round,pad=0,rounding_size=0.3"
    bottom = 0.1 + 0.6 * left
    box = (left, bottom), 20 - 2 * left, top - bottom
    ax.add_patch(FancyBboxPatch(*box, boxstyle=style, facecolor=color, edgecolor=BLUE))


def _add_line(ax, left, height, text, in_lecture):
    """Add a line of text to a box, and what corresponds to it in the lecture's code."""
    weight = "bold" if ":" in text else "normal"
    ax.text(left + 0.3, height, text, va="center", weight=weight)
    ax.text(_LECTURE_COLUMN, height, in_lecture, va="center", family="monospace", color="#333333")


def descend(X, y, eta):
    """Return a descent from the lecture's start, with every step recorded."""
    return oneneuron.train(X, y, eta=eta, random_state=0, record_every=1)


PICTURES = {
    "step_size": draw_step_size,
    "step_0": draw_step_0,
    "saturation": draw_saturation,
    "lines": draw_lines,
    "speed": draw_speed,
    "loops": draw_loops,
}


def digest():
    """Return a mark for each picture, which changes with this script and with the times."""
    text = Path(__file__).read_text(encoding="utf-8") + repr(readme_times())
    return hashlib.sha256(text.encode()).hexdigest()


def main(folder):
    """Draw all pictures, and save them in a folder."""
    warnings.simplefilter("ignore")  # some descents are meant to fail, and may say so
    for name, draw in PICTURES.items():
        with mpl.rc_context({"font.size": 12}):
            figure = Figure(figsize=(11, 4.2), dpi=100, layout="constrained")
            draw(figure)
            figure.savefig(Path(folder) / f"{name}.png", metadata={"Source": digest()})


if __name__ == "__main__":
    main(*sys.argv[1:] or [DOCS / "questions"])
