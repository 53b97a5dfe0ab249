"""The cost surface and the paths on it: the data of their artists."""

import warnings

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import oneneuron
from oneneuron import plots, reference
from oneneuron.plots import _cost_surface

RNG = np.random.default_rng(3)
X = RNG.standard_normal((60, 3)) * [1.0, 2.0, 0.5]
Y = (X @ [2.0, -1.0, 3.0] + RNG.standard_normal(60) > 0.5).astype(int)
START = [0.6, -0.3, 0.9], 0.2


def train(X=X, y=Y, *, eta=0.05, init=START, num_steps=120, record_every=1, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # those that fail are drawn, too
        return oneneuron.train(
            X, y, eta=eta, init=init, num_steps=num_steps, record_every=record_every, **options
        )


DESCENT = train()


@pytest.fixture
def coarse(monkeypatch):
    """Compute few points of the surface, for tests that do not look at it."""
    monkeypatch.setattr(_cost_surface, "_GRID", 8)


def contour_sets(ax):
    """Return the filled contours and the contour lines."""
    return [c for c in ax.collections if isinstance(c, mpl.contour.ContourSet)]


def points_on_lines(ax):
    """Return (level, x, y) of all points of the contour lines."""
    lines = contour_sets(ax)[1]
    rows = [
        np.column_stack([np.full(len(path.vertices), level), path.vertices])
        for level, path in zip(lines.levels, lines.get_paths(), strict=True)
    ]
    return np.concatenate(rows).T


def marks(ax, marker, size):
    """Return the points with a mark of this kind."""
    return [
        line.get_xydata()[0].tolist()
        for line in ax.lines
        if (line.get_marker(), line.get_markersize()) == (marker, size)
    ]


def starts(ax):
    return marks(ax, "o", 9)


def ends(ax):
    return marks(ax, "D", 10)


def numbered(ax):
    """Return the points of the dots by their number."""
    texts = [text for text in ax.texts if isinstance(text, mpl.text.Annotation)]
    assert marks(ax, "o", 6) == [list(text.xy) for text in texts]
    return {text.get_text(): list(text.xy) for text in texts}


def lines_of_paths(ax):
    return [line for line in ax.lines if line.get_linestyle() != "None"]


# --- The surface ---


@pytest.mark.parametrize("alpha", [0.0, 5.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_contour_lies_where_a_held_bias_gives_its_cost(ax, weighted, alpha):
    counts = np.arange(60) % 3 if weighted else np.ones(60, dtype=int)
    options = dict(sample_weight=counts.astype(float), alpha=alpha)
    descent = train(**options)
    plots.plot_cost_surface(X, Y, descent, weights=(2, 0), bias=-0.5, ax=ax, **options)
    level, third, first = points_on_lines(ax)
    many, labels = np.repeat(X, counts, axis=0), np.repeat(Y, counts)
    w = np.column_stack([first, np.full_like(first, descent.last.weights[1]), third])
    costs = [reference.cost(many, labels, row, -0.5) + alpha / 2 * row @ row for row in w]
    # The contours are interpolated on a grid of 60 x 60.
    np.testing.assert_allclose(costs, level, rtol=5e-3)


def test_without_a_bias_a_contour_lies_where_the_best_bias_gives_its_cost(ax, monkeypatch):
    monkeypatch.setattr(_cost_surface, "_GRID", 30)
    plots.plot_cost_surface(X, Y, DESCENT, weights=(2, 0), ax=ax)
    level, third, first = points_on_lines(ax)
    w = np.column_stack([first, np.full_like(first, DESCENT.last.weights[1]), third])
    biases = np.linspace(-8, 8, 801)
    costs = [
        0.5 * np.min(np.sum(reference.error(np.add.outer(biases, X @ row), Y) ** 2, axis=1))
        for row in w
    ]
    np.testing.assert_allclose(costs, level, rtol=2e-2)  # interpolated on a grid of 30 x 30


@pytest.mark.parametrize("bias", [0.0, None])
def test_the_other_weights_are_held_where_the_first_descent_ended(ax, coarse, monkeypatch, bias):
    held = []
    cost_over = _cost_surface.cost_over
    monkeypatch.setattr(
        _cost_surface, "cost_over",
        lambda X, y, weights, *rest, **options: (
            held.append(weights.tolist()), cost_over(X, y, weights, *rest, **options))[1],
    )  # fmt: skip
    first = train(num_steps=50, record_every=30)  # the last step isn't recorded
    plots.plot_cost_surface(X, Y, [first, DESCENT], bias=bias, ax=ax)
    assert held == [first.last.weights.tolist()]


def test_the_levels_grow_by_a_constant_factor_from_the_lowest_cost_to_the_highest(ax):
    plots.plot_cost_surface(X, Y, DESCENT, bias=0.0, ax=ax)
    filled = contour_sets(ax)[0]
    factors = filled.levels[1:] / filled.levels[:-1]
    assert factors.min() > 1
    np.testing.assert_allclose(factors, factors[0], rtol=1e-12)
    np.testing.assert_allclose(filled.levels[[0, -1]], [filled.zmin, filled.zmax], rtol=1e-12)


def test_a_cost_near_zero_does_not_crowd_the_picture_with_contours(ax):
    far = 10 * np.array([[-1.0, 0.0], [1.0, 0.0]])
    descent = train(far, [0, 1], init=([-1.0, 0.0], 0.0), eta=1e8, num_steps=1)
    plots.plot_cost_surface(far, [0, 1], descent, bias=0.0, ax=ax)
    filled = contour_sets(ax)[0]
    assert filled.zmin < 1e-9 * filled.zmax
    assert filled.levels[0] == pytest.approx(1e-3 * filled.zmax)


def test_the_contours_and_their_labels_lie_below_the_path(ax):
    plots.plot_cost_surface(X, Y, DESCENT, bias=0.0, ax=ax)
    filled, lines = contour_sets(ax)
    over = sorted(ax.get_children(), key=lambda artist: artist.zorder)  # in order of drawing
    assert lines.labelTexts
    assert over.index(filled) < over.index(lines)
    assert over.index(lines) < min(map(over.index, lines.labelTexts))
    assert max(map(over.index, lines.labelTexts)) < min(map(over.index, ax.lines))


def test_the_axes_are_labelled_with_the_weights_counted_from_1(ax, coarse):
    plots.plot_cost_surface(X, Y, DESCENT, weights=(2, 0), bias=0.0, ax=ax)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$w_{3}$", "$w_{1}$")


@pytest.mark.parametrize(
    ("cost", "label"),
    [(0.00123, "0.0012"), (1.26, "1.3"), (99.4, "99"), (99.7, "100"), (163.4, "163"),
     (12345.6, "12346"), (1e6, "1e+06"), (1.2e306, "1.2e+306")],
)  # fmt: skip
def test_contour_labels_have_no_exponent_below_a_million(cost, label):
    assert _cost_surface._level_label(cost) == label


# --- The paths ---


@pytest.mark.parametrize("pair", [(0, 1), (2, 0)])
def test_a_path_goes_through_the_weights_of_the_history(ax, coarse, pair):
    plots.plot_cost_surface(X, Y, DESCENT, weights=pair, bias=0.0, ax=ax)
    (line,) = lines_of_paths(ax)
    assert line.get_xydata().tolist() == DESCENT.history.weights[:, list(pair)].tolist()


def test_a_path_is_marked_at_its_start_and_at_its_end(ax, coarse):
    plots.plot_cost_surface(X, Y, DESCENT, weights=(2, 0), bias=0.0, ax=ax)
    path = DESCENT.history.weights[:, [2, 0]].tolist()
    assert (starts(ax), ends(ax)) == ([path[0]], [path[-1]])


@pytest.mark.parametrize(
    ("record_every", "numbers"),
    [(1, {"1": 1, "10": 10, "100": 100}), (5, {"10": 2, "100": 20}), (11, {}), (1000, {})],
)  # fmt: skip
def test_numbered_dots_mark_the_steps_1_10_100_that_were_recorded(
    ax, coarse, record_every, numbers
):
    descent = train(record_every=record_every)
    plots.plot_cost_surface(X, Y, descent, weights=(2, 0), bias=0.0, ax=ax)
    path = descent.history.weights[:, [2, 0]].tolist()
    assert numbered(ax) == {number: path[k] for number, k in numbers.items()}


def test_several_paths_are_marked_at_both_ends_but_not_at_their_steps(ax, coarse):
    others = [train(init=([a, 0.0, 0.0], 0.0), eta=0.01) for a in (-1.0, 2.0)]
    plots.plot_cost_surface(X, Y, (d for d in (DESCENT, *others)), bias=0.0, ax=ax)
    paths = [d.history.weights[:, :2].tolist() for d in (DESCENT, *others)]
    assert [line.get_xydata().tolist() for line in lines_of_paths(ax)] == paths
    assert starts(ax) == [path[0] for path in paths]
    assert ends(ax) == [path[-1] for path in paths]
    assert marks(ax, "o", 6) == []


def test_four_paths_differ_in_colour_and_in_dash(ax, coarse):
    plots.plot_cost_surface(X, Y, [DESCENT] * 4, bias=0.0, ax=ax)
    assert len({line.get_color() for line in lines_of_paths(ax)}) == 4
    assert len({line.get_linestyle() for line in lines_of_paths(ax)}) == 4


def test_the_sixth_path_has_the_dash_of_the_first_and_a_colour_of_its_own(ax, coarse):
    plots.plot_cost_surface(X, Y, [DESCENT] * 6, bias=0.0, ax=ax)
    first, *_, sixth = lines_of_paths(ax)
    assert first.get_linestyle() == sixth.get_linestyle()
    assert first.get_color() != sixth.get_color()


def test_a_single_path_has_its_best_step_marked(ax, coarse):
    plots.plot_cost_surface(X, Y, DESCENT, weights=(2, 0), ax=ax)
    assert marks(ax, "*", 16) == [DESCENT.best.weights[[2, 0]].tolist()]


def test_the_legend_of_a_single_path_explains_its_marks(ax, coarse):
    plots.plot_cost_surface(X, Y, DESCENT, ax=ax)
    best = DESCENT.best
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "$\\eta$ = 0.05",
        f"start: $C$ = {DESCENT.history.cost[0]:.3g}",
        f"end: $C$ = {DESCENT.last.cost:.3g}",
        f"best: {100 * best.accuracy:.1f} % at step {best.step}",
    ]


@pytest.mark.parametrize(
    ("bias", "features", "note"),
    [
        (None, 2, "$C$ with the best bias at each point"),
        (0.25, 2, "$C$ where $b$ = 0.25"),
        (None, 3, "$C$ with the best bias at each point, other weights held"),
    ],
)
def test_the_title_of_the_legend_explains_the_contours(ax, coarse, bias, features, note):
    samples = X[:, :features]
    descent = train(samples, init=([0.0] * features, 0.0))
    plots.plot_cost_surface(samples, Y, descent, bias=bias, ax=ax)
    assert ax.get_legend().get_title().get_text() == note


@pytest.mark.parametrize(
    ("samples", "labels", "options"),
    [
        (2 * X, Y, {}),
        (X, 1 - Y, {}),
        (X[:50], Y[:50], {}),
        (X, Y, {"alpha": 0.5}),
        (X, Y, {"sample_weight": np.linspace(0, 1, 60)}),
    ],
    ids=["other samples", "other labels", "fewer", "alpha", "sample_weight"],
)
def test_a_descent_on_other_data_is_refused(ax, samples, labels, options):
    with pytest.raises(
        ValueError, match=r"descents must have been trained on X and y.*a recorded cost is"
    ):
        plots.plot_cost_surface(samples, labels, [DESCENT], ax=ax, **options)
    assert not ax.has_data()


def test_a_descent_on_other_samples_with_the_same_cost_at_the_start_is_refused(ax):
    descent = train(init=([0.0, 0.0, 0.0], 0.0))  # where all samples cost the same
    with pytest.raises(
        ValueError, match=r"descents must have been trained on X and y.*a recorded cost is"
    ):
        plots.plot_cost_surface(X[::-1], Y, descent, ax=ax)


def test_a_descent_in_float64_is_drawn_with_samples_in_float32(ax, coarse):
    plots.plot_cost_surface(X.astype(np.float32), Y, DESCENT, ax=ax)


def test_the_legend_of_a_surface_lies_above_the_axes(ax, coarse):
    plots.plot_cost_surface(X, Y, DESCENT, ax=ax)
    ax.figure.canvas.draw()
    assert ax.get_legend().get_window_extent().y0 >= ax.get_window_extent().y1


def test_the_legend_shows_the_step_size_and_the_last_cost_of_several_paths(ax, coarse):
    second = train(eta=0.7, num_steps=4)
    assert second.last.cost > 1.1 * second.lowest.cost
    plots.plot_cost_surface(X, Y, [DESCENT, second], bias=0.0, ax=ax)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        f"$\\eta$ = 0.05, $C$ = {DESCENT.last.cost:.3g} at the end",
        f"$\\eta$ = 0.7, $C$ = {second.last.cost:.3g} at the end",
    ]


def starts_with_text(ax):
    """Return the starts of the paths by the text above them."""
    notes = {text.get_text(): [*text.xy] for text in ax.texts if hasattr(text, "xy")}
    return {text: point for text, point in notes.items() if point in starts(ax)}


def test_several_starts_with_the_same_step_size_are_numbered(ax, coarse):
    others = [train(init=([a, 0.0, 0.0], 0.0)) for a in (-1.0, 2.0)]
    plots.plot_cost_surface(X, Y, others, bias=0.0, ax=ax)
    assert starts_with_text(ax) == {"1": [-1.0, 0.0], "2": [2.0, 0.0]}
    first, second = (f"{descent.last.cost:.3g}" for descent in others)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        f"1: $\\eta$ = 0.05, $C$ = {first} at the end",
        f"2: $\\eta$ = 0.05, $C$ = {second} at the end",
    ]


def test_labels_are_shown_in_the_legend_and_at_the_starts(ax, coarse):
    others = [train(init=([a, 0.0, 0.0], 0.0)) for a in (-1.0, 2.0)]
    plots.plot_cost_surface(X, Y, others, bias=0.0, labels=["left", "right"], ax=ax)
    assert starts_with_text(ax) == {"left": [-1.0, 0.0], "right": [2.0, 0.0]}
    legend = [text.get_text().partition(",")[0] for text in ax.get_legend().get_texts()]
    assert legend == ["left", "right"]


def test_paths_with_the_same_start_have_no_texts_there(ax, coarse):
    plots.plot_cost_surface(X, Y, [DESCENT, DESCENT], bias=0.0, labels=["a", "b"], ax=ax)
    assert starts_with_text(ax) == {}


def test_the_label_of_a_single_path_stands_for_the_step_size(ax, coarse):
    plots.plot_cost_surface(X, Y, DESCENT, bias=0.0, labels=["mine"], ax=ax)
    assert ax.get_legend().get_texts()[0].get_text() == "mine"


@pytest.mark.parametrize("pair", [(0, 1), (2, 0)])
def test_every_path_lies_well_inside_the_axes(ax, coarse, pair):
    others = [train(init=([a, a, a], 0.0), eta=0.01) for a in (-3.0, 2.0)]
    plots.plot_cost_surface(X, Y, [DESCENT, *others], weights=pair, bias=0.0, ax=ax)
    points = np.concatenate([d.history.weights[:, list(pair)] for d in (DESCENT, *others)])
    inside = ax.transAxes.inverted().transform(ax.transData.transform(points))
    assert 0.1 < inside.min() and inside.max() < 0.9


def test_for_a_path_along_one_axis_the_other_axis_is_half_as_long(ax, coarse):
    line = np.array([[-1.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    descent = train(line, [0, 0, 1], init=([1.0, 5.0], 0.0))
    plots.plot_cost_surface(line, [0, 0, 1], descent, bias=0.0, ax=ax)
    assert np.ptp(ax.get_ylim()) == pytest.approx(np.ptp(ax.get_xlim()) / 2)
    assert np.mean(ax.get_ylim()) == pytest.approx(5.0)


# --- Every descent can be drawn ---


@pytest.mark.parametrize("bias", [0.0, None])
@pytest.mark.parametrize(
    "descent",
    [
        train(num_steps=0),
        train(num_steps=0, init=([0.0, 0.0, 0.0], 0.0)),
        train(num_steps=0, init=([1e20, -1e20, 0.0], 0.0)),
        train(eta=1e-30),
        train(eta=1e-9, init=([1e4, -1e3, 1e2], 0.0)),
        train(eta=1e200, num_steps=5),
        train(eta=1e300, num_steps=5),
        train(num_steps=200, record_every=1000),
    ],
    ids=["no step", "weights of 0", "huge weights", "tiny steps", "saturated", "steps of 1e200",
         "steps of 1e300", "only the start recorded"],
)  # fmt: skip
def test_a_descent_is_drawn_however_little_or_far_it_moved(ax, coarse, descent, bias):
    plots.plot_cost_surface(X, Y, descent, bias=bias, ax=ax)
    ax.figure.canvas.draw()
    assert np.isfinite([ax.get_xlim(), ax.get_ylim()]).all()


def test_a_descent_that_diverged_is_drawn(ax, coarse):
    descent = train(eta=1.0, alpha=50.0, num_steps=1000)
    assert descent.stop_reason == "diverged"
    plots.plot_cost_surface(X, Y, descent, alpha=50.0, ax=ax)
    ax.figure.canvas.draw()


def test_a_cost_that_overflows_is_drawn_as_the_highest_finite_one(ax, coarse):
    far = [train(num_steps=0, init=([w, w, 0.0], 0.0), alpha=1.0) for w in (0.0, 9e153)]
    plots.plot_cost_surface(X, Y, far, bias=0.0, alpha=1.0, ax=ax)
    ax.figure.canvas.draw()
    filled, _ = contour_sets(ax)
    assert min(ax.get_xlim()[1], ax.get_ylim()[1]) > 1e154  # the sum of the squares is infinite
    assert 1e307 < filled.zmax < np.inf
    corner = [ax.get_xlim()[1], ax.get_ylim()[1]]
    assert corner in filled.get_paths()[-1].vertices.tolist()


@pytest.mark.parametrize("bias", [0.0, None])
@pytest.mark.parametrize("scale", [0.0, 1e-9, 0.02, 1.0, 1e6])
def test_a_surface_is_drawn_from_steep_to_flat(ax, coarse, scale, bias):
    # With the smallest scale f is 1/2 for both samples; with the largest it is 0 and 1.
    line = scale * np.array([[-1e3, -1e3], [1e3, 1e3]])
    descent = train(line, [0, 1], init=([1.0, 1.0], 0.0), eta=1e-12, num_steps=3)
    plots.plot_cost_surface(line, [0, 1], descent, bias=bias, ax=ax)
    ax.figure.canvas.draw()


def texts_on_a_flat_surface(ax, monkeypatch, cost, descents, bias):
    """Return the texts on the picture if the cost is this on the whole grid, up to rounding."""
    costs = np.full((8, 8), cost)
    costs[3] = np.nextafter(cost, 0.0)
    monkeypatch.setattr(_cost_surface, "cost_over", lambda *_, **__: costs)
    plots.plot_cost_surface(X, Y, descents, bias=bias, ax=ax)
    assert contour_sets(ax) == []
    return [text.get_text().replace("\n", " ") for text in ax.texts]


@pytest.mark.parametrize(
    ("bias", "expected"),
    [(0.0, "C = 7.5 everywhere"), (None, "C = 7.5 everywhere with the best bias")],
)
def test_a_cost_that_is_constant_up_to_rounding_is_shown_as_text(
    ax, coarse, monkeypatch, bias, expected
):
    still = train(num_steps=0, init=([0.0, 0.0, 0.0], 0.0))
    assert still.last.cost == 7.5
    assert expected in texts_on_a_flat_surface(ax, monkeypatch, 7.5, still, bias)


def test_a_surface_is_flat_everywhere_only_if_all_paths_are_as_high(ax, coarse, monkeypatch):
    still = train(num_steps=0, init=([0.0, 0.0, 0.0], 0.0))
    texts = texts_on_a_flat_surface(ax, monkeypatch, 7.5, [still, DESCENT], None)
    assert not any("everywhere" in text for text in texts)


@pytest.mark.parametrize(
    ("bias", "where"),
    [(0.0, "at all these weights"), (None, "at all these weights with the best bias")],
)
def test_a_flat_surface_below_a_path_that_falls_is_explained(ax, coarse, monkeypatch, bias, where):
    lowest, highest = DESCENT.history.cost.min(), DESCENT.history.cost.max()
    assert (
        f"C = 50 {where}, but {lowest:.3g} to {highest:.3g} along the path with its own bias and "
        "other weights"
    ) in texts_on_a_flat_surface(ax, monkeypatch, 50.0, DESCENT, bias)


def test_a_flat_surface_of_two_features_is_explained_by_the_bias_alone(ax):
    ones, half = np.ones((60, 2)), np.arange(60) < 30
    descent = train(ones, half, init=([1.0, 1.0], 0.0))
    plots.plot_cost_surface(ones, half, descent, ax=ax)
    (note,) = (text.get_text() for text in ax.texts if text.get_text().startswith("C ="))
    assert note.startswith("C = 7.5 at all these weights\nwith the best bias,\nbut 7.5 to ")
    assert note.endswith("along the path\nwith its own bias")


@pytest.mark.parametrize(
    ("samples", "labels"),
    [
        (X.astype(np.float32), Y),
        (X.tolist(), Y.tolist()),
        (pd.DataFrame(X, columns=list("abc")), pd.Series(Y)),
        (X, Y.astype(bool)),
        (np.asfortranarray(X), Y.astype(np.float32)),
    ],
    ids=["float32", "lists", "pandas", "booleans", "Fortran order"],
)
def test_samples_of_any_kind_give_the_same_contours(ax, samples, labels):
    plots.plot_cost_surface(X, Y, DESCENT, bias=0.0, ax=ax)
    expected = points_on_lines(ax)
    ax.clear()
    plots.plot_cost_surface(samples, labels, DESCENT, bias=0.0, ax=ax)
    # In float32 the cost is less exact, and the contours move with it.
    np.testing.assert_allclose(points_on_lines(ax), expected, rtol=1e-3, atol=1e-4)


def test_read_only_samples_and_history_are_drawn(ax, coarse):
    samples, labels, descent = X.copy(), Y.copy(), train()
    for array in (samples, labels, descent.last.weights, *descent.history):
        array.flags.writeable = False
    plots.plot_cost_surface(samples, labels, descent, ax=ax)


# --- Axes and wrong arguments ---


def test_a_surface_is_drawn_on_the_given_axes(ax, coarse):
    ax.figure.add_axes((0.8, 0.8, 0.1, 0.1))  # now the current ones
    assert plots.plot_cost_surface(X, Y, DESCENT, bias=0.0, ax=ax) is ax


def test_a_surface_is_drawn_on_the_current_axes_by_default(ax, coarse):
    assert plots.plot_cost_surface(X, Y, DESCENT, bias=0.0) is ax


def test_a_surface_opens_no_window(ax, coarse, monkeypatch):
    monkeypatch.setattr("matplotlib.pyplot.show", lambda *_: pytest.fail("show was called"))
    plots.plot_cost_surface(X, Y, DESCENT, bias=0.0, ax=ax)


UNRECORDED = train(record_every=0)
OTHER = train(X[:, :2], init=([0.0, 0.0], 0.0))


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        (dict(X=X[:, 0]), ValueError, r"X must have two dimensions.*found shape \(60,\)"),
        (dict(X=X[:, :1]), ValueError, "X must have at least two features.*found 1"),
        (dict(X=X * np.nan), ValueError, "X must be finite"),
        (dict(X=X[:5]), ValueError, r"y must have shape \(5,\).*found shape \(60,\)"),
        (dict(y=Y + 1), ValueError, "y must hold the labels 0 and 1"),
        (dict(X=X[:, :2]), ValueError, "trained on X with its 2 features, found one with 3"),
        (dict(descents=[DESCENT, OTHER]), ValueError, "its 3 features, found one with 2 weights"),
        (dict(descents=[]), ValueError, "one Descent or several, found none"),
        (dict(descents=None), TypeError, "descent must be a Descent.*found NoneType"),
        (dict(descents=3), TypeError, "descent must be a Descent.*found int"),
        (dict(descents=[DESCENT, 3]), TypeError, "descent must be a Descent.*found int"),
        (dict(descents=DESCENT.history), TypeError, "descent must be a Descent.*found ndarray"),
        (dict(descents=UNRECORDED), ValueError, "must have a history.*record_every=1"),
        (dict(descents=[DESCENT, UNRECORDED]), ValueError, "must have a history"),
        (dict(weights=1), TypeError, "weights must be two whole numbers, found 1"),
        (dict(weights=(0.0, 1.0)), TypeError, "weights must be two whole numbers"),
        (dict(weights=(0, 0)), ValueError, r"two different numbers from 0 to 2.*\(0, 0\)"),
        (dict(weights=(0, 3)), ValueError, r"two different numbers from 0 to 2.*\(0, 3\)"),
        (dict(weights=(-1, 0)), ValueError, "weights must be 0 or more, found -1"),
        (dict(weights=(0, 1, 2)), ValueError, r"two different numbers.*\(0, 1, 2\)"),
        (dict(weights=(0, 1, 1)), ValueError, r"two different numbers.*\(0, 1, 1\)"),
        (dict(labels=["a", "b"]), ValueError, "a text for each of 1 curve, found 2"),
        (dict(bias="0"), TypeError, "bias must be a number, found '0'"),
        (dict(bias=np.inf), ValueError, "bias must be finite, found inf"),
        (dict(sample_weight=[1.0]), ValueError, r"sample_weight must have shape \(60,\)"),
        (dict(alpha=-1.0), ValueError, "alpha must be finite and 0 or more, found -1"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused_before_a_figure_is_made(changed, error, message):
    import matplotlib.pyplot as plt

    arguments = dict(X=X, y=Y, descents=DESCENT) | changed
    with pytest.raises(error, match=message):
        plots.plot_cost_surface(**arguments)
    assert plt.get_fignums() == []
