"""Pictures in small figures and on slides: nothing is cut off, and everything grows together."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.text import Text

import oneneuron
from oneneuron import NeuronClassifier, plots

RNG = np.random.default_rng(0)
X = RNG.standard_normal((40, 2))
Y = (X[:, 0] + RNG.standard_normal(40) > 0).astype(int)
START = [0.5, 0.8], 0.2
DESCENT = oneneuron.train(X, Y, eta=0.05, init=START, num_steps=2000, record_every=1)
SLOW = oneneuron.train(X, Y, eta=5e-4, init=START, num_steps=2000, record_every=1)
KINDS = np.array(["a long name", "a longer name", "the longest of all names"])[
    np.clip(np.rint(X[:, 1]) + 1, 0, 2).astype(int)
]
WIDE = np.column_stack([X, X + 1])

PICTURES = {
    "boundary": lambda ax: plots.plot_decision_boundary(X, Y, DESCENT.best, test=(X, Y), ax=ax),
    "boundary of three classes": lambda ax: plots.plot_decision_boundary(
        WIDE, KINDS, NeuronClassifier().fit(WIDE, KINDS), features=(0, 1), ax=ax
    ),
    "one feature": lambda ax: plots.plot_decision_boundary(
        X[:, :1], Y, NeuronClassifier().fit(X[:, :1], Y), ax=ax
    ),
    "dots": lambda ax: plots.plot_dots(X, KINDS, ax=ax),
    "dots of one feature": lambda ax: plots.plot_dots(X[:, :1], KINDS, ax=ax),
    "learning curve": lambda ax: plots.plot_learning_curve(DESCENT, ax=ax),
    "learning curves": lambda ax: plots.plot_learning_curve([SLOW, DESCENT], ax=ax),
    "parabola": lambda ax: plots.plot_parabola(0.01, num_steps=100, ax=ax),
    "sigmoid": lambda ax: [plots.plot_sigmoid(w, -3.25, ax=ax) for w in (0.5, 1, 10)][-1],
    "surface": lambda ax: plots.plot_cost_surface(X, Y, DESCENT, bias=0.0, ax=ax),
    "surfaces": lambda ax: plots.plot_cost_surface(X, Y, [SLOW, DESCENT], bias=0.0, ax=ax),
}
every_picture = pytest.mark.parametrize("name", PICTURES)


def is_inside(figure):
    """Return whether nothing that is drawn reaches beyond the figure."""
    figure.canvas.draw()
    extent = figure.get_tightbbox()  # in inches
    width, height = figure.get_size_inches()
    room = 0.01
    return (
        min(extent.x0, extent.y0) > -room and extent.x1 < width + room and extent.y1 < height + room
    )


@pytest.mark.parametrize("layout", [None, "constrained", "tight"])
@every_picture
def test_nothing_is_cut_off_in_a_small_figure(pyplot, name, layout):
    figure, ax = pyplot.subplots(figsize=(3, 2.5), layout=layout)
    PICTURES[name](ax)
    assert is_inside(figure)


@every_picture
def test_nothing_is_cut_off_on_a_slide(pyplot, name):
    with plots.style("slides"):
        figure, ax = pyplot.subplots()
        PICTURES[name](ax)
        assert is_inside(figure)


@every_picture
def test_the_picture_takes_at_least_a_fifth_of_a_small_figure(pyplot, name):
    figure, ax = pyplot.subplots(figsize=(3, 2.5))
    PICTURES[name](ax)
    figure.canvas.draw()
    assert ax.bbox.width * ax.bbox.height > 0.2 * figure.bbox.width * figure.bbox.height


@every_picture
def test_letters_in_a_small_figure_have_five_points_or_more(pyplot, name):
    figure, ax = pyplot.subplots(figsize=(3, 2.5))
    PICTURES[name](ax)
    assert min(text.get_fontsize() for text in figure.findobj(Text)) >= 5


@every_picture
def test_all_letters_have_their_usual_size_in_a_usual_figure(pyplot, name):
    figure, ax = pyplot.subplots(figsize=(8, 6))
    PICTURES[name](ax)
    small = mpl.font_manager.FontProperties(size="small").get_size_in_points()
    assert min(text.get_fontsize() for text in figure.findobj(Text)) > small - 1e-9


def test_the_small_figure_keeps_up_with_a_title_and_with_its_size(pyplot):
    figure, ax = pyplot.subplots(figsize=(3, 2.5))
    plots.plot_dots(X, Y, ax=ax)
    assert is_inside(figure)
    ax.set_title("two\nlines")
    figure.set_size_inches(3, 2)
    assert is_inside(figure)


class TestLayout:
    """The layout is the package's only if nobody else has chosen one."""

    def margins(self, figure):
        figure.canvas.draw()
        return {name: getattr(figure.subplotpars, name) for name in ("left", "bottom")}

    def test_margins_set_before_stay(self, pyplot):
        figure, ax = pyplot.subplots()
        figure.subplots_adjust(left=0.3, bottom=0.2)
        plots.plot_dots(X, Y, ax=ax)
        assert self.margins(figure) == {"left": 0.3, "bottom": 0.2}

    @pytest.mark.parametrize("is_drawn", [False, True])
    def test_margins_set_afterwards_stay(self, pyplot, is_drawn):
        figure, ax = pyplot.subplots()
        plots.plot_dots(X, Y, ax=ax)
        if is_drawn:
            figure.canvas.draw()
        figure.subplots_adjust(left=0.3, bottom=0.2)
        assert self.margins(figure) == {"left": 0.3, "bottom": 0.2}

    @pytest.mark.parametrize("layout", ["constrained", "tight"])
    def test_a_layout_engine_stays(self, pyplot, layout):
        figure, ax = pyplot.subplots(layout=layout)
        engine = figure.get_layout_engine()
        plots.plot_dots(X, Y, ax=ax)
        assert figure.get_layout_engine() is engine

    def test_tight_layout_can_be_called_after_a_picture_with_a_colourbar(self, pyplot):
        figure, ax = pyplot.subplots()
        plots.plot_decision_boundary(X, Y, DESCENT.best, ax=ax)
        figure.tight_layout()
        assert is_inside(figure)

    def test_axes_placed_by_hand_stay(self, pyplot):
        figure = pyplot.figure()
        ax = figure.add_axes((0.2, 0.3, 0.4, 0.5))
        plots.plot_dots(X, Y, ax=ax)
        figure.canvas.draw()
        assert ax.get_position().bounds == pytest.approx((0.2, 0.3, 0.4, 0.5))

    def test_pictures_are_drawn_in_subfigures(self, pyplot):
        figure = pyplot.figure()
        left, right = figure.subfigures(1, 2)
        for part in (left, right):
            plots.plot_dots(X, Y, ax=part.subplots())
        figure.canvas.draw()
        assert figure.get_layout_engine() is None


class TestSlides:
    @pytest.fixture(autouse=True)
    def settings_are_restored(self):
        with mpl.rc_context():
            yield

    def sizes(self, ax):
        ax.figure.canvas.draw()
        lines = [line for line in ax.lines if len(line.get_xdata()) > 2]
        return {
            "letters": ax.xaxis.label.get_fontsize(),
            "numbers": ax.get_xticklabels()[0].get_fontsize(),
            **{f"line {k}": line.get_linewidth() for k, line in enumerate(lines)},
            **{f"dots {k}": c.get_sizes()[0] for k, c in enumerate(ax.collections)
               if isinstance(c, mpl.collections.PathCollection)},
        }  # fmt: skip

    @every_picture
    def test_letters_lines_and_dots_are_larger(self, pyplot, name):
        before = self.sizes(PICTURES[name](pyplot.subplots()[1]))
        plots.style("slides")
        after = self.sizes(PICTURES[name](pyplot.subplots()[1]))
        assert before.keys() == after.keys()
        for part, size in before.items():
            assert after[part] > 1.4 * size, part

    def test_the_style_stays_until_it_is_closed(self):
        before = mpl.rcParams.copy()
        slides = plots.style("slides")
        assert mpl.rcParams["font.size"] > before["font.size"]
        slides.close()
        assert mpl.rcParams == before

    def test_the_style_ends_with_its_block(self):
        before = mpl.rcParams.copy()
        with pytest.raises(KeyError), plots.style("slides"):
            raise KeyError
        assert mpl.rcParams == before

    @pytest.mark.parametrize("name", ["poster", "Slides", None])
    def test_another_style_is_refused(self, name):
        before = mpl.rcParams.copy()
        with pytest.raises(ValueError, match=f"name must be 'slides', found {name!r}"):
            plots.style(name)
        assert mpl.rcParams == before
