"""The learning curve and the steps on C = w^2: the data of their artists."""

from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest
from helpers import marked_points
from sklearn.pipeline import make_pipeline

import oneneuron
from oneneuron import NeuronClassifier, plots

RNG = np.random.default_rng(5)
X = RNG.standard_normal((60, 3))
Y = (X @ [2.0, -1.0, 3.0] + RNG.standard_normal(60) > 0.5).astype(int)


def train(eta=0.05, num_steps=120, record_every=1, init=([-0.5, 0.8, -0.4], 0.2), **options):
    return oneneuron.train(
        X, Y, eta=eta, num_steps=num_steps, record_every=record_every, init=init, **options
    )


DESCENT = train()


# --- The learning curve ---


def right_of(ax):
    """Return the Axes of the accuracy, which lie on top of the Axes of the cost."""
    (right,) = (other for other in ax.figure.axes if other is not ax)
    return right


@pytest.mark.parametrize("record_every", [1, 7, 1000])
def test_the_cost_is_drawn_at_each_step_of_the_history(ax, record_every):
    history = (descent := train(record_every=record_every)).history
    plots.plot_learning_curve(descent, ax=ax)
    (line,) = ax.lines
    assert line.get_xydata().tolist() == np.column_stack([history.step, history.cost]).tolist()


@pytest.mark.parametrize("record_every", [1, 7, 1000])
def test_the_accuracy_is_drawn_at_each_step_of_the_history(ax, record_every):
    history = (descent := train(record_every=record_every)).history
    plots.plot_learning_curve(descent, ax=ax)
    line, _ = right_of(ax).lines
    assert line.get_xydata().tolist() == np.column_stack([history.step, history.accuracy]).tolist()


@pytest.mark.parametrize("record_every", [1, 50, 100, 1000])
def test_a_star_is_at_the_best_step_even_if_it_was_not_recorded(ax, record_every):
    descent = train(num_steps=199, record_every=record_every)
    best = descent.best
    if record_every > 1:
        assert best.step not in descent.history.step
    plots.plot_learning_curve(descent, ax=ax)
    _, star = right_of(ax).lines
    assert star.get_marker() == "*"
    assert star.get_xydata().tolist() == [[best.step, best.accuracy]]
    assert best.step < right_of(ax).get_xlim()[1]


def test_the_legend_shows_both_lines_and_the_best_step_in_numbers(ax):
    plots.plot_learning_curve(DESCENT, ax=ax)
    legend = ax.get_legend()
    best = f"best: {100 * DESCENT.best.accuracy:.1f} % at step {DESCENT.best.step}"
    assert [text.get_text() for text in legend.get_texts()] == ["cost", "accuracy", best]
    drawn = [*ax.lines, *right_of(ax).lines]
    look = mpl.artist.Artist.properties
    for handle, line in zip(legend.legend_handles, drawn, strict=True):
        for name in ("color", "linestyle", "marker"):
            assert look(handle)[name] == look(line)[name]


def test_cost_and_accuracy_differ_in_colour_and_in_dash(ax):
    plots.plot_learning_curve(DESCENT, ax=ax)
    cost, accuracy = ax.lines[0], right_of(ax).lines[0]
    assert cost.get_color() != accuracy.get_color()
    assert cost.get_linestyle() != accuracy.get_linestyle()


def test_the_cost_has_the_left_scale_and_the_accuracy_the_right_one_in_percent(ax):
    plots.plot_learning_curve(DESCENT, ax=ax)
    right = right_of(ax)
    assert (ax.get_ylabel(), right.get_ylabel()) == ("cost $C$", "accuracy")
    assert (ax.yaxis.get_label_position(), right.yaxis.get_label_position()) == ("left", "right")
    assert right.yaxis.get_major_formatter()(0.5) == "50%"


def test_both_scales_begin_at_0_and_include_all_values(ax):
    plots.plot_learning_curve(DESCENT, ax=ax)
    assert (ax.get_ylim()[0], right_of(ax).get_ylim()[0]) == (0, 0)
    assert ax.get_ylim()[1] > DESCENT.history.cost.max()
    assert right_of(ax).get_ylim()[1] > 1


def test_the_axis_of_steps_begins_at_0_and_is_logarithmic_from_1_on(ax):
    plots.plot_learning_curve(train(num_steps=2000), ax=ax)
    assert ax.get_xlabel() == "step"
    assert ax.get_xlim()[0] == 0
    ax.figure.canvas.draw()
    place = ax.transData.transform([[step, 0.0] for step in (1, 10, 100, 1000)])[:, 0]
    np.testing.assert_allclose(np.diff(place), np.diff(place)[0], rtol=1e-9)
    shown = [text.get_text() for text in ax.get_xticklabels()]
    assert shown[:5] == ["0", "1", "10", "100", "1000"]


@pytest.mark.parametrize(("num_steps", "marker"), [(0, "o"), (19, "o"), (20, "none")])
def test_few_records_are_shown_as_points(ax, num_steps, marker):
    descent = oneneuron.train([[0.0], [1.0]], [0, 1], eta=0.1, num_steps=num_steps, record_every=1)
    plots.plot_learning_curve(descent, ax=ax)
    assert [line.get_marker() for line in ax.lines] == [marker]


def test_the_legend_of_a_learning_curve_lies_above_the_axes(ax):
    plots.plot_learning_curve(DESCENT, ax=ax)
    ax.figure.canvas.draw()
    assert ax.get_legend().get_window_extent().y0 >= ax.get_window_extent().y1


def test_the_axes_of_the_cost_are_the_current_ones_afterwards(ax, pyplot):
    plots.plot_learning_curve(DESCENT)
    assert pyplot.gca() is ax


def diverged():
    with pytest.warns(RuntimeWarning):
        return train(eta=1.0, alpha=50.0, num_steps=1000)


@pytest.mark.parametrize(
    "make",
    [
        lambda: train(num_steps=0),
        lambda: train(num_steps=1),
        lambda: train(eta=1e300, num_steps=5),
        diverged,
        lambda: DESCENT._replace(history=DESCENT.history._replace(cost=np.zeros(121))),
    ],
    ids=["no step", "one step", "huge steps", "diverged", "costs of 0"],
)
def test_every_descent_with_a_history_has_a_learning_curve(ax, make):
    plots.plot_learning_curve(make(), ax=ax)
    ax.figure.canvas.draw()


@pytest.mark.parametrize(
    ("descent", "error", "message"),
    [
        (train(record_every=0), ValueError, "must have a history.*train with record_every=1"),
        (
            DESCENT.history,
            TypeError,
            "must be a Descent, the result of oneneuron.train, found History",
        ),
        ([], ValueError, "descents must be one Descent or several, found none"),
        ([DESCENT, 3], TypeError, "must be a Descent.*found int"),
        ([DESCENT, train(record_every=0)], ValueError, "must have a history"),
        (NeuronClassifier(), TypeError, "must be a Descent.*found NeuronClassifier"),
        (
            make_pipeline(NeuronClassifier()).fit(X, Y),
            TypeError,
            r"found Pipeline: pass its last step, such as model\[-1\]",
        ),
        (
            NeuronClassifier().partial_fit(X, Y, classes=[0, 1]),
            ValueError,
            "must have been trained with fit, found a classifier after partial_fit",
        ),
        (None, TypeError, "must be a Descent.*found NoneType"),
    ],
)
def test_anything_but_a_descent_with_a_history_has_no_learning_curve(descent, error, message):
    import matplotlib.pyplot as plt

    with pytest.raises(error, match=message):
        plots.plot_learning_curve(descent)
    assert plt.get_fignums() == []


def legend_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_several_descents_are_drawn_by_their_costs(ax):
    descents = [train(eta=eta, num_steps=n) for eta, n in [(0.01, 300), (0.05, 120)]]
    plots.plot_learning_curve((descent for descent in descents), ax=ax)
    assert [line.get_xydata().tolist() for line in ax.lines] == [
        np.column_stack([d.history.step, d.history.cost]).tolist() for d in descents
    ]
    assert ax.figure.axes == [ax]
    assert ax.get_xlim()[1] == pytest.approx(330)


def test_several_descents_differ_in_colour_and_in_dash(ax):
    plots.plot_learning_curve([DESCENT] * 4, ax=ax)
    assert len({line.get_color() for line in ax.lines}) == 4
    assert len({line.get_linestyle() for line in ax.lines}) == 4


def test_the_legend_shows_the_step_size_and_the_highest_accuracy_of_several_descents(ax):
    descents = [train(eta=eta) for eta in (0.01, 0.05)]
    plots.plot_learning_curve(descents, ax=ax)
    first, second = (100 * descent.best.accuracy for descent in descents)
    assert legend_of(ax) == [
        f"$\\eta$ = 0.01: at best {first:.1f} %", f"$\\eta$ = 0.05: at best {second:.1f} %",
    ]  # fmt: skip


def test_descents_with_the_same_step_size_are_numbered(ax):
    plots.plot_learning_curve([DESCENT, train(init=([1.0, 1.0, 1.0], 0.0))], ax=ax)
    assert [text.partition(" at")[0] for text in legend_of(ax)] == [
        "1: $\\eta$ = 0.05:", "2: $\\eta$ = 0.05:",
    ]  # fmt: skip


def test_labels_are_shown_instead_of_the_step_sizes(ax):
    plots.plot_learning_curve([DESCENT, train(eta=0.01)], labels=["quick", "slow"], ax=ax)
    assert [text.partition(":")[0] for text in legend_of(ax)] == ["quick", "slow"]


@pytest.mark.parametrize("labels", ["mine", ["mine"]])
def test_the_label_of_a_single_descent_is_the_title_of_the_legend(ax, labels):
    plots.plot_learning_curve(DESCENT, labels=labels, ax=ax)
    assert ax.get_legend().get_title().get_text() == "mine"


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (["one"], ValueError, "labels must have a text for each of 2 curves, found 1"),
        ("two", ValueError, "labels must have a text for each of 2 curves, found 1"),
        (2, TypeError, "labels must be a list of texts, found 2"),
    ],
)
def test_labels_that_do_not_fit_are_refused(pyplot, labels, error, message):
    with pytest.raises(error, match=message):
        plots.plot_learning_curve([DESCENT, DESCENT], labels=labels)
    assert pyplot.get_fignums() == []


@pytest.mark.parametrize("solver", ["gd", "lbfgs"])
def test_a_fitted_classifier_is_drawn_like_a_descent_but_without_a_star(ax, solver):
    classifier = NeuronClassifier(solver=solver, record_every=1, max_iter=50, tol=1e-2).fit(X, Y)
    (history,) = classifier.history_
    plots.plot_learning_curve(classifier, ax=ax)
    (cost,), (accuracy,) = ax.lines, right_of(ax).lines
    assert cost.get_xydata().tolist() == np.column_stack([history.step, history.cost]).tolist()
    assert accuracy.get_ydata().tolist() == history.accuracy.tolist()
    assert legend_of(ax) == ["cost", "accuracy"]


def test_a_classifier_without_a_history_is_drawn_by_its_costs_alone(ax):
    classifier = NeuronClassifier().fit(X, Y)
    plots.plot_learning_curve(classifier, ax=ax)
    (cost,) = ax.lines
    assert cost.get_xydata().tolist() == [[*point] for point in enumerate(classifier.loss_curve_)]
    assert ax.figure.axes == [ax]


def test_a_layer_has_one_curve(ax):
    classifier = NeuronClassifier(record_every=1).fit(X, X[:, :3].argmax(axis=1))
    plots.plot_learning_curve(classifier, ax=ax)
    assert ax.lines[0].get_ydata().tolist() == classifier.history_[0].cost.tolist()


def test_neurons_that_were_trained_by_themselves_have_a_curve_each(ax):
    y = np.array(["a", "b", "c"])[X.argmax(axis=1)]
    classifier = NeuronClassifier(record_every=1, multi_class="ovr").fit(X, y)
    plots.plot_learning_curve(classifier, ax=ax)
    costs = [history.cost.tolist() for history in classifier.history_]
    assert [line.get_ydata().tolist() for line in ax.lines] == costs
    assert legend_of(ax) == [
        f"class {label}: at best {100 * history.accuracy.max():.1f} %"
        for label, history in zip("abc", classifier.history_, strict=True)
    ]


def test_a_descent_and_classifiers_are_compared(ax):
    descent = NeuronClassifier(solver="gd", eta=0.01, tol=1e-2).fit(X, Y)
    plots.plot_learning_curve([DESCENT, descent, NeuronClassifier().fit(X, Y)], ax=ax)
    best = f"{100 * DESCENT.best.accuracy:.1f}"
    assert legend_of(ax) == [f"$\\eta$ = 0.05: at best {best} %", "$\\eta$ = 0.01", "L-BFGS"]


# --- C = w^2 ---


def dots(ax):
    """Return w and C of the dots, in order."""
    return marked_points(ax, "o")


def arrows(ax):
    """Return (tail, head) of the arrows, in order."""
    return [(note.xyann, note.xy) for note in ax.texts if note.get_text() == ""]


@pytest.mark.parametrize("start", [1.0, -1.0, -3.5, 1e-80])
@pytest.mark.parametrize("eta", [0.01, 0.2, 0.5, 0.9, 1.0, 1.05])
def test_the_dots_are_the_steps_of_the_descent_and_lie_on_the_parabola(ax, eta, start):
    plots.plot_parabola(eta, start=start, num_steps=7, ax=ax)
    w, cost = dots(ax).T
    # w - 2 eta w rounds twice in each step.
    np.testing.assert_allclose(w, start * (1 - 2 * eta) ** np.arange(8), rtol=1e-13)
    np.testing.assert_array_equal(cost, w**2)


@pytest.mark.parametrize("eta", [0.2, 0.9, 1.05])
def test_the_arrows_lead_from_each_dot_to_the_next(ax, eta):
    plots.plot_parabola(eta, num_steps=7, ax=ax)
    points = [tuple(point) for point in dots(ax)]
    assert arrows(ax) == [*pairwise(points)]


def test_each_arrow_has_its_tip_at_its_end(ax):
    plots.plot_parabola(0.2, ax=ax)
    styles = {note.arrowprops["arrowstyle"] for note in ax.texts if note.get_text() == ""}
    assert styles == {"->"}


def test_the_parabola_reaches_beyond_all_dots_on_both_sides(ax):
    plots.plot_parabola(1.05, ax=ax)
    w, cost = marked_points(ax, "None").T
    np.testing.assert_array_equal(cost, w**2)
    assert w.min() == -w.max()
    assert w.max() > np.abs(dots(ax)[:, 0]).max()


@pytest.mark.parametrize(
    ("eta", "verdict"),
    [
        (0.01, "too small, still falling at step 10"),
        (0.1, "too small, still falling at step 10"),  # 0.8^10 is 0.107
        (0.2, "right"),
        (0.5, "right"),
        (0.85, "right"),
        (0.9, "large, w oscillates"),
        (1.0, "too large, C never falls"),
        (1.05, "too large, C grows"),
        (1e200, "too large, C grows"),
    ],
)
@pytest.mark.parametrize("start", [1.0, -1e4])
def test_the_title_judges_the_step_size_from_any_start(ax, eta, verdict, start):
    plots.plot_parabola(eta, start=start, ax=ax)
    assert ax.get_title() == f"$\\eta$ = {eta:g}: {verdict}"


@pytest.mark.parametrize("start", [1.0, -2.0, 1e99, -1e99])
@pytest.mark.parametrize("eta", [1.3, 5.0, 1e200, 1.7e308])
def test_a_step_that_leaves_the_picture_is_an_arrow_to_its_edge(ax, eta, start):
    plots.plot_parabola(eta, start=start, ax=ax)
    ax.figure.canvas.draw()
    w, cost = dots(ax).T
    assert np.isfinite([ax.get_xlim(), ax.get_ylim()]).all()
    assert np.abs(w).max() <= 20 * abs(start)
    tail, head = arrows(ax)[-1]
    assert tail == (w[-1], cost[-1])
    assert ax.get_ylim()[0] < head[1] < ax.get_ylim()[1]
    # The next dot would be on the same line, whose slope is the sum of both w.
    beyond = w[-1] * (1 - 2 * min(eta, 1e150))
    slope = (head[0] - tail[0]) / (head[1] - tail[1])
    assert slope == pytest.approx(1 / (w[-1] + beyond), abs=1e-15 / abs(start))


@pytest.mark.parametrize(("start", "side"), [(1.0, "left"), (-1.0, "right")])
def test_the_start_is_labelled_outside_the_parabola(ax, start, side):
    plots.plot_parabola(0.2, start=start, ax=ax)
    (note,) = (note for note in ax.texts if note.get_text() == "start")
    assert note.xy == (start, 1.0)
    assert note.get_horizontalalignment() == side  # the side on which the text touches its point
    assert np.sign(note.xyann[0]) == start


def test_one_step_is_one_arrow(ax):
    plots.plot_parabola(0.2, num_steps=1, ax=ax)
    assert (len(dots(ax)), len(arrows(ax))) == (2, 1)


def test_the_axes_of_the_parabola_are_labelled(ax):
    plots.plot_parabola(0.2, ax=ax)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$w$", "$C = w^2$")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (dict(eta=0), ValueError, "eta must be finite and above 0, found 0"),
        (dict(eta=np.inf), ValueError, "eta must be finite and above 0"),
        (dict(eta="auto"), TypeError, "eta must be a number above 0, found 'auto'"),
        (
            dict(eta=0.1, start=0.0),
            ValueError,
            "start must be between 1e-100 and 1e100 in absolute value, found 0.0",
        ),
        (dict(eta=0.1, start=1e200), ValueError, r"start must be between.*found 1e\+200"),
        (dict(eta=0.1, start=np.nan), ValueError, "start must be finite"),
        (dict(eta=0.1, start="1"), TypeError, "start must be a number, found '1'"),
        (dict(eta=0.1, num_steps=0), ValueError, "num_steps must be 1 or more, found 0"),
        (
            dict(eta=0.1, num_steps=2.0),
            TypeError,
            "num_steps must be a whole number, 1 or more, found 2.0",
        ),
        (dict(eta=0.1, num_steps=1001), ValueError, "num_steps must be at most 1000, found 1001"),
    ],
)
def test_wrong_arguments_of_the_parabola_are_refused_before_a_figure_is_made(
    arguments, error, message
):
    import matplotlib.pyplot as plt

    with pytest.raises(error, match=message):
        plots.plot_parabola(**arguments)
    assert plt.get_fignums() == []


# --- Both pictures ---


@pytest.mark.parametrize(
    "draw",
    [lambda **axes: plots.plot_learning_curve(DESCENT, **axes),
     lambda **axes: plots.plot_parabola(0.2, **axes)],
    ids=["learning curve", "parabola"],
)  # fmt: skip
class TestBothCurves:
    def test_curves_are_drawn_on_the_given_axes(self, ax, draw):
        ax.figure.add_axes((0.8, 0.8, 0.1, 0.1))  # now the current ones
        assert draw(ax=ax) is ax

    def test_curves_are_drawn_on_the_current_axes_by_default(self, ax, draw):
        assert draw() is ax

    def test_curves_open_no_window(self, ax, draw, monkeypatch):
        monkeypatch.setattr("matplotlib.pyplot.show", lambda *_: pytest.fail("show was called"))
        draw(ax=ax)
