"""The study of label noise as a picture: one row of panels for each set of data."""

import numpy as np
from matplotlib.figure import Figure

KINDS = {
    "uniform": "labels flipped, both classes",
    "one-sided": "labels flipped, one class only",
    "outliers": "far outliers with the wrong label",
}
NAMES = {"clouds": "two clouds, generated", "breast cancer": "breast cancer"}

# People with any kind of colour vision can distinguish these colours. In greyscale, the markers and
# dashes differ.
LINES = {
    "quadratic, 21 starts": ("quadratic, best of 21 starts", "#0072B2", "o", "-"),
    "quadratic, alpha 0.3": ("quadratic, one start", "#56B4E9", "v", (0, (5, 1.5))),
    "LogisticRegression": ("log (LogisticRegression)", "#000000", "s", (0, (1, 1))),
    "Huber, averaged": ("modified Huber (SGDClassifier)", "#D55E00", "D", (0, (6, 1.5, 1, 1.5))),
}


def draw(found):
    """Return the figure of the results of `label_noise.study`, in the shape of a slide."""
    figure = Figure(figsize=(16, 9), dpi=100, layout="constrained")
    num_seeds = len(found["clouds"]["none"]["LogisticRegression"]["accuracy"])
    figure.suptitle(
        "Trained on wrong labels, tested on right ones\n"
        f"mean and standard deviation of {num_seeds} runs",
        fontsize=20,
    )
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.12)
    panels = figure.subplots(len(found), len(KINDS), squeeze=False)
    for row, (data, conditions) in zip(panels, found.items(), strict=True):
        for axes, kind in zip(row, KINDS, strict=True):
            _draw_panel(axes, conditions, kind)
        # Both kinds of flipped labels share a scale. Outliers do far more harm and need another.
        row[0].sharey(row[1])
        row[2].set_ylim(0, 102)
        row[0].set_ylabel(f"{NAMES[data]}\nclean accuracy, %", fontsize=16)
    for axes, title in zip(panels[0], KINDS.values(), strict=True):
        axes.set_title(title, fontsize=18)
    panels[0, 2].annotate(
        "other scale: 0 to 100 %", (0.03, 0.05), xycoords="axes fraction", fontsize=13
    )
    for axes in panels[-1]:
        axes.set_xlabel("wrong in training, %", fontsize=15)
    figure.legend(
        *panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4,
        fontsize=15, frameon=False, handlelength=3.5,
    )  # fmt: skip
    return figure


def _draw_panel(axes, conditions, kind):
    """Draw means and standard deviations over the seeds, side by side so that all can be seen."""
    names = ["none", *(name for name in conditions if name.startswith(kind))]
    rates = np.array([0.0, *(float(name.split()[-2]) for name in names[1:])])
    for place, (contender, (label, colour, mark, dashes)) in enumerate(LINES.items()):
        values = np.array([conditions[name][contender]["accuracy"] for name in names])
        axes.errorbar(
            rates + (place - 1.5) * 0.012 * rates[-1], values.mean(axis=1), values.std(1, ddof=1),
            label=label, color=colour, marker=mark, markersize=8, linestyle=dashes, linewidth=2.5,
            elinewidth=1, capsize=0,
        )  # fmt: skip
    axes.set_xticks(rates)
    axes.tick_params(labelsize=13)
    axes.grid(axis="y", color="#E4E4E4")
    axes.spines[["top", "right"]].set_visible(False)
