"""The animation of a descent: the data of its artists after each frame."""

import base64
import json
import re
from html.parser import HTMLParser
from io import BytesIO
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from helpers import marked_points
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import oneneuron
from oneneuron import plots, reference
from oneneuron.plots import _animation, _cost_surface

RNG = np.random.default_rng(7)
X = RNG.standard_normal((60, 2)) * [3.0, 1.0] + [1.0, -2.0]
Y = (X @ [1.0, 2.0] + RNG.standard_normal(60) > -2.5).astype(int)


def train(X=X, y=Y, *, eta=0.02, num_steps=60, record_every=1, init=([0.5, -0.8], 0.3), **options):
    return oneneuron.train(
        X, y, eta=eta, num_steps=num_steps, record_every=record_every, init=init, **options
    )


DESCENT = train()


@pytest.fixture(autouse=True, scope="module")
def coarse():
    """Compute few points of the surface, which has tests of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_cost_surface, "_GRID", 6)
        yield


class Film:
    """An animation that shows the frames one asks for."""

    def __init__(self, *arguments, **options):
        import matplotlib.pyplot as plt

        self.animation = plots.animate_training(*arguments, **options)
        self.figure = plt.gcf()
        self.plane, self.surface, self.cost = self.figure.axes

    @property
    def frames(self):
        return list(self.animation.new_frame_seq())

    def show(self, k):
        """Draw record k."""
        self.animation._draw_frame(k)
        return self

    def render(self):
        """Draw everything as pixels. The first time, this restarts the animation."""
        self.figure.canvas.draw()

    @property
    def title(self):
        return self.figure.get_suptitle()

    @property
    def shades(self):
        (image,) = self.plane.images
        return image

    @property
    def line(self):
        """The points of the line f = 0.5."""
        (line,) = self.plane.lines
        return line.get_xydata()


def close(films):
    import matplotlib.pyplot as plt

    for film in films:
        film.animation._draw_was_started = True  # else it warns that it was never drawn
        plt.close(film.figure)


@pytest.fixture
def film(coarse):
    """A function that animates a descent; the figures are closed after the test."""
    mpl.use("Agg")
    films = []

    def make(X=X, y=Y, descent=DESCENT, **options):
        films.append(Film(X, y, descent, **options))
        return films[-1]

    yield make
    close(films)


@pytest.fixture(scope="module")
def shown(coarse):
    """The animation of DESCENT, shared by tests that only show its frames."""
    mpl.use("Agg")
    made = Film(X, Y, DESCENT)
    yield made
    close([made])


def marked(ax, marker):
    """Return the points of the only line with this marker."""
    return marked_points(ax, marker).tolist()


def unmarked(ax):
    """Return the points of the only line without markers."""
    return marked(ax, "None")


# --- The records that are shown ---


@given(st.integers(1, 20_000), st.integers(2, 300))
def test_the_frames_ascend_from_the_first_record_to_the_last(records, most):
    frames = _animation._records_to_show(records, most)
    assert len(frames) == min(records, most)
    assert (frames[0], frames[-1]) == (0, records - 1)
    assert np.diff(frames).min(initial=1) >= 1


def test_the_shown_records_grow_by_a_constant_factor():
    assert _animation._records_to_show(10_001, 5) == [0, 9, 99, 999, 10_000]


@given(st.integers(100, 20_000), st.integers(10, 100))
def test_the_strides_between_frames_shrink_by_one_record_at_most_through_rounding(records, most):
    strides = np.diff(_animation._records_to_show(records, most))
    assert np.diff(strides).min() >= -1


@pytest.mark.parametrize(("num_frames", "number"), [(2, 2), (5, 5), (1000, 61)])
def test_there_are_num_frames_frames_but_no_more_than_records(film, num_frames, number):
    assert film(num_frames=num_frames).frames == _animation._records_to_show(61, num_frames)
    assert len(_animation._records_to_show(61, num_frames)) == number


# --- The contents of a frame ---

SHOWN = [0, 1, 17, 60]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_each_pixel_has_the_value_of_f_at_its_middle(film, dtype):
    descent = train(X.astype(dtype))
    shades = film(X.astype(dtype), descent=descent).shades
    rows, columns = shades.get_array().shape
    left, right, bottom, top = shades.get_extent()
    x1 = left + (right - left) * (np.arange(columns) + 0.5) / columns
    x2 = bottom + (top - bottom) * (np.arange(rows) + 0.5) / rows
    assert shades.origin == "lower"  # so that the first row is the lowest
    w, b = descent.history.weights[0].astype(float), descent.history.bias[0]
    expected = [[reference.sigma(w @ [p, q] + b) for p in x1] for q in x2]
    np.testing.assert_allclose(shades.get_array(), expected, rtol=1e-12)


@pytest.mark.parametrize("k", SHOWN)
def test_the_shades_belong_to_the_record_that_is_shown(shown, k):
    left, right, bottom, top = shown.shades.get_extent()
    # The pixels at the corners are half a pixel away from them.
    corners = np.array([[left, bottom], [right, bottom], [left, top], [right, top]])
    expected = reference.sigma(corners @ DESCENT.history.weights[k] + DESCENT.history.bias[k])
    values = shown.show(k).shades.get_array()[[0, 0, -1, -1], [0, -1, 0, -1]]
    np.testing.assert_allclose(values, expected, atol=0.05)


def test_the_shades_fill_the_axes_and_range_from_0_to_1(shown):
    assert shown.shades.get_extent() == [*shown.plane.get_xlim(), *shown.plane.get_ylim()]
    assert shown.shades.get_clim() == (0, 1)


@pytest.mark.parametrize("k", SHOWN)
def test_the_line_crosses_the_picture_where_f_is_one_half(shown, k):
    w, b = DESCENT.history.weights[k], DESCENT.history.bias[k]
    ends = shown.show(k).line
    # Both ends are about 10 away from the origin.
    np.testing.assert_allclose(ends @ w + b, 0.0, atol=1e-13 * np.linalg.norm(w))
    inside = shown.plane.transAxes.inverted().transform(shown.plane.transData.transform(ends))
    assert ((inside < 0) | (inside > 1)).any(axis=1).all()  # both ends are outside
    middle = inside.mean(axis=0)
    assert ((middle > -0.5) & (middle < 1.5)).all()


def test_the_limits_of_the_plane_are_the_same_in_every_frame(shown):
    before = shown.show(0).plane.axis()
    assert shown.show(60).plane.axis() == before


def test_the_samples_of_both_classes_lie_above_the_shades_and_the_line(shown):
    zero, one = shown.plane.collections
    assert zero.get_offsets().tolist() == X[Y == 0].tolist()
    assert one.get_offsets().tolist() == X[Y == 1].tolist()
    (line,) = shown.plane.lines
    assert shown.shades.zorder < line.zorder < min(zero.zorder, one.zorder)


def test_tick_labels_of_features_in_the_thousands_do_not_touch(film):
    samples = np.column_stack([np.linspace(-6000, 1700, 60), X[:, 1]])
    shown = film(samples, descent=train(samples))
    shown.render()
    left, right = shown.plane.get_xlim()
    labels = [
        label.get_window_extent()
        for label in shown.plane.get_xticklabels()
        if left <= label.get_position()[0] <= right
    ]
    assert len(labels) > 2
    assert all(one.x1 + 5 < other.x0 for one, other in pairwise(labels))


def test_the_legend_of_the_plane_names_the_classes_and_the_line(shown):
    texts = [text.get_text() for text in shown.plane.get_legend().get_texts()]
    assert texts == ["class 0", "class 1", "$f = 0.5$"]


def test_the_surface_has_the_first_weight_along_x_and_the_second_along_y(shown):
    assert (shown.surface.get_xlabel(), shown.surface.get_ylabel()) == ("$w_{1}$", "$w_{2}$")


@pytest.mark.parametrize("k", SHOWN)
def test_the_path_leads_from_the_start_to_the_record_that_is_shown(shown, k):
    ax = shown.show(k).surface
    path = DESCENT.history.weights.tolist()
    assert unmarked(ax) == path[: k + 1]
    assert (marked(ax, "o"), marked(ax, "D")) == ([path[0]], [path[k]])


@pytest.mark.parametrize("record_every", [1, 7])
def test_the_cost_is_drawn_up_to_the_record_that_is_shown(film, record_every):
    descent = train(num_steps=60 * record_every, record_every=record_every)
    shown = film(descent=descent)
    curve = np.column_stack([descent.history.step, descent.history.cost]).tolist()
    for k in SHOWN:
        shown.show(k)
        assert unmarked(shown.cost) == curve[: k + 1]
        assert marked(shown.cost, "o") == [curve[k]]


def test_the_axes_of_the_cost_have_room_for_the_whole_curve_from_the_first_frame_on(shown):
    ax = shown.show(0).cost
    assert ax.get_ylim()[0] == 0
    assert ax.get_ylim()[1] > DESCENT.history.cost.max()
    assert ax.get_xlim()[0] == 0
    assert ax.get_xlim()[1] > 60


@pytest.mark.parametrize("k", SHOWN)
def test_the_title_shows_the_step_with_its_cost_and_accuracy(shown, k):
    assert shown.show(k).title == (
        f"step {k}:  cost {DESCENT.history.cost[k]:.3g},  "
        f"accuracy {100 * DESCENT.history.accuracy[k]:.1f} %"
    )


def test_the_title_counts_steps_rather_than_records(film):
    shown = film(descent=train(record_every=7)).show(3)
    assert shown.title.startswith("step 21:")


def test_the_first_record_is_drawn_before_the_animation_starts(film):
    assert film().title.startswith("step 0:")


def test_a_frame_can_be_shown_after_a_later_one(shown):
    before = shown.show(3).line.tolist()
    assert shown.show(50).show(3).line.tolist() == before
    assert len(unmarked(shown.surface)) == 4


def test_the_surface_is_computed_with_sample_weight_and_alpha(film, monkeypatch):
    found = []
    cost_over = _cost_surface.cost_over
    monkeypatch.setattr(
        _cost_surface, "cost_over",
        lambda *rest, **options: (found.append(options), cost_over(*rest, **options))[1],
    )  # fmt: skip
    weights = np.linspace(0, 1, 60)
    options = dict(sample_weight=weights, alpha=0.25)
    film(descent=train(**options), **options)
    assert found[0]["sample_weight"].tolist() == weights.tolist()
    assert found[0]["alpha"] == 0.25


# --- The line f = 0.5 ---


@pytest.mark.parametrize("bias", [0.0, 1.0, -1.0])
def test_with_weights_of_zero_there_is_no_line(film, bias):
    shown = film(descent=train(num_steps=3, init=([0.0, 0.0], bias)))
    assert shown.show(0).line.tolist() == []
    assert len(shown.show(1).line) == 2


@pytest.mark.parametrize("w", [1e-3, 1e-300, 5e-324])
def test_a_line_far_from_the_picture_is_not_drawn(film, w):
    descent = train(num_steps=0, init=([w, -w], 1.0))
    assert film(descent=descent).show(0).line.tolist() == []


@pytest.mark.parametrize("w", [[0.0, 2.0], [-2.0, 0.0], [1e-200, -1e-200], [1e200, 1e199]])
def test_the_line_is_right_for_weights_of_any_direction_and_length(w):
    center = np.array([3.0, -1.0])
    ends = np.transpose(_animation._boundary_ends(np.array(w), 0.5 * np.hypot(*w), center, 10.0))
    unit = np.array(w) / np.hypot(*w)
    np.testing.assert_allclose(ends @ unit + 0.5, 0.0, atol=1e-14)
    assert np.linalg.norm(ends[1] - ends[0]) == pytest.approx(20.0)


# --- Every descent can be animated ---


@pytest.mark.parametrize(
    "options",
    [dict(num_steps=0), dict(num_steps=1), dict(record_every=1000), dict(eta=1e300, num_steps=5)],
    ids=["no step", "one step", "only the start recorded", "huge steps"],
)
def test_a_descent_with_few_records_or_huge_steps_can_be_animated(film, options):
    play(film(descent=train(**options), num_frames=3))


def test_a_descent_that_diverged_can_be_animated(film):
    with pytest.warns(RuntimeWarning):
        descent = train(eta=1.0, alpha=50.0, num_steps=1000)
    play(film(descent=descent, alpha=50.0, num_frames=3))


def test_a_cost_near_zero_can_be_animated(film):
    labels = X[:, 0] > 0
    descent = train(X, labels, init=([1e9, 0.0], 0.0))
    assert descent.history.cost.max() < 1e-300
    play(film(X, labels, descent, num_frames=3))


def play(shown):
    shown.render()
    for k in shown.frames:
        shown.show(k).render()


@pytest.mark.parametrize(
    ("samples", "labels"),
    [
        (X.tolist(), Y.tolist()),
        (pd.DataFrame(X), pd.Series(Y, index=range(100, 160))),
        (X, Y.astype(bool)),
    ],
    ids=["lists", "pandas", "booleans"],
)
def test_samples_of_any_kind_can_be_animated(film, shown, samples, labels):
    same, expected = film(samples, labels).show(17), shown.show(17)
    assert same.line.tolist() == expected.line.tolist()
    assert same.shades.get_array().tolist() == expected.shades.get_array().tolist()


def test_one_sample_can_be_animated(film):
    film(X[:1], Y[:1], train(X[:1], Y[:1])).show(60).render()


def test_read_only_samples_and_history_can_be_animated(film):
    samples, labels, descent = X.copy(), Y.copy(), train()
    for array in (samples, labels, descent.last.weights, *descent.history):
        array.flags.writeable = False
    film(samples, labels, descent).show(17)


# --- The file and the figure ---


def gif_frames(path):
    """Return the frames of a GIF file as arrays of colours, and the time of each."""
    with Image.open(path) as gif:
        frames = [(gif.seek(k), np.asarray(gif.convert("RGB"), float), gif.info["duration"])
                  for k in range(gif.n_frames)]  # fmt: skip
    return [frame for _, frame, _ in frames], [duration for _, _, duration in frames]


@pytest.mark.parametrize("options", [{}, {"writer": "pillow"}, {"writer": "pillow", "dpi": 100}])
def test_a_gif_has_all_frames_in_the_size_of_the_figure(film, tmp_path, options):
    path = tmp_path / "descent.gif"
    film(num_frames=4).animation.save(path, **options)
    frames, _ = gif_frames(path)
    assert [frame.shape for frame in frames] == 4 * [(500, 1000, 3)]


def test_a_gif_pauses_on_its_last_frame(film, tmp_path):
    film(num_frames=3).animation.save(tmp_path / "descent.gif")
    assert gif_frames(tmp_path / "descent.gif")[1] == [80, 80, 2000]


def test_the_frames_of_a_gif_look_as_in_a_window(film, tmp_path):
    window = film(num_frames=3)
    window.animation.save(tmp_path / "descent.gif")
    for k, frame in zip(window.frames, gif_frames(tmp_path / "descent.gif")[0], strict=True):
        window.show(k).render()
        expected = np.asarray(window.figure.canvas.buffer_rgba())[..., :3].astype(float)
        # 256 colours are not all, and the edges of dots and letters are smoother in the window.
        # Without the samples, the line or the path, the difference would be larger.
        assert np.abs(frame - expected).mean() < 2
        assert (np.abs(frame - expected).max(axis=2) > 80).mean() < 0.002


def test_other_files_than_gif_are_written_by_matplotlib(film, tmp_path):
    film(num_frames=3).animation.save(tmp_path / "descent.webp", writer="pillow", dpi=30)
    with Image.open(tmp_path / "descent.webp") as picture:
        assert (picture.format, picture.size) == ("WEBP", (300, 150))


def test_an_animation_opens_no_window(film, monkeypatch):
    monkeypatch.setattr("matplotlib.pyplot.show", lambda *_: pytest.fail("show was called"))
    film()


def test_an_animation_has_a_figure_of_its_own(film):
    import matplotlib.pyplot as plt

    current = plt.figure()
    assert film().figure is not current
    assert current.axes == []
    plt.close(current)


# --- In a notebook ---


class Page(HTMLParser):
    """The parts of the page that plays an animation."""

    def __init__(self, html):
        super().__init__()
        self.images = []
        self.slider = {}
        self.root = None
        self.feed(html)
        self.frames = json.loads(re.search(r"const frames = (\[.*\])\.map", html).group(1))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.root = self.root or attributes.get("id")
        if tag == "img":
            self.images.append(attributes)
        elif tag == "input":
            self.slider = attributes

    def picture(self, k):
        """Return the pixels of frame k, put together as a browser does."""
        layers = [image["src"] for image in self.images]
        layers[1:3] = self.frames[k]
        back, shades, lines, front = map(decoded, layers)
        size = np.array(back.size)
        place = dict(re.findall(r"(\w+): ([\d.]+)%", self.images[1]["style"]))
        left, bottom, width, height = (
            0.01 * float(place[name]) for name in ("left", "bottom", "width", "height")
        )
        shades = shades.resize(np.rint(size * [width, height]).astype(int).tolist())
        back.alpha_composite(
            shades, tuple(np.rint(size * [left, 1 - bottom - height]).astype(int).tolist())
        )
        back.alpha_composite(lines)
        back.alpha_composite(front)
        return np.asarray(back).astype(int)


def decoded(url):
    assert url.startswith("data:image/png;base64,")
    image = Image.open(BytesIO(base64.b64decode(url.partition(",")[2])))
    return image.convert("RGBA")


@pytest.fixture(scope="module")
def page(shown):
    return Page(shown.animation._repr_html_())


@pytest.mark.parametrize("k", [0, 30, 60])
def test_a_frame_in_a_notebook_looks_like_that_of_matplotlib(shown, page, k):
    shown.show(k).render()
    # The first time, rendering starts the animation, which shows its first frame.
    shown.show(k).render()
    expected = np.asarray(shown.figure.canvas.buffer_rgba()).astype(int)
    difference = np.abs(page.picture(k) - expected).max(axis=-1)
    # Edges of lines and of the shades may differ.
    assert np.mean(difference > 40) < 0.005
    assert difference.mean() < 3


def test_all_frames_can_be_chosen_with_the_slider(page):
    assert len(page.frames) == 61
    assert (page.slider["min"], page.slider["max"]) == ("0", "60")


def test_a_viewer_that_runs_no_scripts_shows_the_last_frame(page):
    assert [image["src"] for image in page.images[1:3]] == page.frames[-1]


def test_the_page_of_each_animation_has_an_id_of_its_own(film, page):
    assert Page(film(num_frames=2).animation._repr_html_()).root != page.root


def test_the_page_is_made_only_once(shown):
    assert shown.animation._repr_html_() is shown.animation._repr_html_()


def test_a_page_of_a_hundred_frames_has_fewer_than_four_megabytes(film):
    descent = train(num_steps=100)
    assert len(film(descent=descent).animation._repr_html_()) < 4e6


def test_to_jshtml_returns_the_page_unless_it_has_arguments(film):
    animation = film(num_frames=2).animation
    assert animation.to_jshtml() == animation._repr_html_()
    assert "loop_select" in animation.to_jshtml(default_mode="once")  # matplotlib's page


def test_everything_is_visible_after_the_page_is_made(shown, page):
    assert shown.plane.patch.get_visible()
    assert shown.shades.get_visible() and shown.plane.get_visible()
    assert all(line.get_visible() for ax in shown.figure.axes for line in ax.lines)


@pytest.mark.parametrize("name", ["inline", "module://matplotlib_inline.backend_inline"])
def test_in_a_notebook_there_is_no_still_below_the_animation(pyplot, monkeypatch, name):
    monkeypatch.setattr(pyplot, "get_backend", lambda: name)
    before = pyplot.get_fignums()
    animation = plots.animate_training(X, Y, DESCENT, num_frames=2)
    assert pyplot.get_fignums() == before
    assert len(Page(animation._repr_html_()).frames) == 2


@pytest.mark.parametrize("name", ["plane", "surface", "cost"])
def test_no_other_picture_is_drawn_on_an_animation(film, pyplot, name):
    ax = getattr(film(), name)
    pyplot.sca(ax)
    assert plots.plot_dots(X, Y).figure is not ax.figure


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        (dict(X=X[:, :1]), ValueError, "X must have two features to animate, found 1"),
        (dict(X=np.ones((60, 3))), ValueError, "X must have two features to animate, found 3"),
        (dict(X=X[:, 0]), ValueError, r"X must have two dimensions.*found shape \(60,\)"),
        (dict(X=X[:5]), ValueError, r"y must have shape \(5,\)"),
        (dict(y=Y + 1), ValueError, "y must hold the labels 0 and 1"),
        (dict(descent=[DESCENT]), TypeError, "descent must be a Descent.*found list"),
        (dict(descent=train(record_every=0)), ValueError, "must have a history.*record_every=1"),
        (dict(descent=train(np.ones((60, 3)), init=([0.0] * 3, 0.0))), ValueError,
         "trained on X with its 2 features, found one with 3"),
        (dict(num_frames=1), ValueError, "num_frames must be 2 or more, found 1"),
        (dict(num_frames=2.5), TypeError,
         "num_frames must be a whole number, 2 or more, found 2.5"),
        (dict(sample_weight=[1.0]), ValueError, r"sample_weight must have shape \(60,\)"),
        (dict(alpha="1"), TypeError, "alpha must be a number, 0 or more, found '1'"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused_before_a_figure_is_made(changed, error, message):
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    with pytest.raises(error, match=message):
        plots.animate_training(**dict(X=X, y=Y, descent=DESCENT) | changed)
    assert plt.get_fignums() == before
