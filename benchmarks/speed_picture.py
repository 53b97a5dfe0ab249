"""The results of `run.py` as a picture: one panel for each size, one row for each contender."""

from matplotlib.figure import Figure

from oneneuron._formatting import three_digits

# People with any kind of colour vision can distinguish these; the markers differ too.
KINDS = {
    "this package": ("#0072B2", "o"),
    "other contenders": ("#767676", "s"),
    "only a part of a step": ("#D55E00", "D"),
}


def draw(run):
    """Return the figure of a run, in the shape of a slide."""
    minima = {
        size: {name: times["min"] for name, times in found.items()}
        for size, found in run["sizes"].items()
    }
    figure = Figure(figsize=(16, 9), dpi=100, layout="constrained")
    threads = "one thread" if run["threads"] == 1 else f"{run['threads']} threads"
    figure.suptitle(
        f"One step of gradient descent, {threads}: nanoseconds per sample (left is faster)",
        fontsize=22,
    )
    figure.get_layout_engine().set(w_pad=0.15, h_pad=0.15)
    panels = figure.subplots(1, len(minima), sharex=True, sharey=True, squeeze=False)[0]
    for axes, (size, times) in zip(panels, minima.items(), strict=True):
        n, d = size.split("x")
        axes.set_title(f"{int(n):,} \N{MULTIPLICATION SIGN} {d}", fontsize=17)
        _draw_times(axes, times)
    every = [time for times in minima.values() for time in times.values()]
    panels[0].set_xlim(min(every) / 2, max(every) * 40)  # room for the last label
    _name_rows(panels[0], list(next(iter(minima.values()))))
    handles = [panels[0].scatter([], [], s=110, color=c, marker=m) for c, m in KINDS.values()]
    figure.legend(handles, KINDS, loc="outside lower center", ncols=3, fontsize=15, frameon=False)
    return figure


def _draw_times(axes, times):
    """Draw a marker for each time on a log scale, with its figure."""
    for row, (name, time) in enumerate(times.items()):
        colour, marker = KINDS[_kind(name)]
        axes.axhline(row, color="#E4E4E4", linewidth=1, zorder=0)
        axes.scatter(time, row, s=110, color=colour, marker=marker)
        axes.annotate(
            three_digits(time), (time, row), (9, 0), textcoords="offset points",
            fontsize=13, color=colour, va="center",
            bbox={"color": "white", "pad": 1},
        )  # fmt: skip
    axes.set_xscale("log")
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=12)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _name_rows(axes, names):
    axes.set_yticks(range(len(names)), names, fontsize=15)
    axes.set_ylim(len(names) - 0.4, -0.6)
    for name, label in zip(names, axes.get_yticklabels(), strict=True):
        label.set_color(KINDS[_kind(name)][0])


def _kind(name):
    if name.startswith("oneneuron"):
        return "this package"
    return (
        "only a part of a step" if name in ("np.exp alone", "one read of X") else "other contenders"
    )
