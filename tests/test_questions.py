"""The page of questions: its pictures show what it says."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "questions.md").read_text(encoding="utf-8")
README = (DOCS.parent / "README.md").read_text(encoding="utf-8")

# Some of the descents are meant to fail, and may say so.
pytestmark = [pytest.mark.usefixtures("pyplot"), pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def questions():
    """Return the module that draws the pictures."""
    spec = importlib.util.spec_from_file_location("questions", DOCS / "questions.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def drawn(questions, pyplot):
    """Return a function that draws a picture, and returns its Axes."""

    def draw(name):
        figure = pyplot.figure(figsize=(11, 4.2), layout="constrained")
        questions.PICTURES[name](figure)
        figure.draw_without_rendering()
        return figure.axes

    return draw


def curves(ax):
    """Return x and y of each line on an Axes, by its label."""
    return {line.get_label(): line.get_xydata().T for line in ax.lines}


# --- The page and its files ---


def test_the_page_has_a_picture_for_each_question():
    questions = PAGE.split("\n## ")[1:]
    assert len(questions) == 6
    assert all(question.count("](questions/") == 1 for question in questions)


def test_the_page_shows_exactly_the_pictures_that_the_script_draws(questions):
    shown = re.findall(r"]\(questions/(\w+)\.png\)", PAGE)
    assert shown == list(questions.PICTURES)
    assert {path.name for path in (DOCS / "questions").iterdir()} == {f"{n}.png" for n in shown}


def test_the_pictures_were_drawn_by_the_script_as_it_is(questions):
    # If not, run docs/questions.py. The pixels depend on matplotlib, so they are not compared.
    for name in questions.PICTURES:
        with Image.open(DOCS / "questions" / f"{name}.png") as picture:
            assert picture.text["Source"] == questions.digest(), name


def test_the_script_writes_every_picture(questions, tmp_path, monkeypatch):
    monkeypatch.setattr(questions, "NUM_STARTS", 3)
    questions.main(tmp_path)
    written = {path.stem: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(written) == set(questions.PICTURES)
    assert all(picture.startswith(b"\x89PNG") for picture in written.values())


@pytest.mark.parametrize("path", re.findall(r"]\((\.\./[\w./]+)", PAGE))
def test_links_lead_to_files(path):
    assert (DOCS / path).is_file()


# --- The pictures ---


@pytest.fixture
def step_sizes(drawn):
    """Return the curves of both Axes of the picture of step sizes."""
    return [curves(ax) for ax in drawn("step_size")]


def test_the_safe_descent_is_the_fastest_and_a_thousand_times_its_step_gets_stuck(step_sizes):
    lecture, safe, large = (cost for _, cost in step_sizes[0].values())
    assert safe[-1] < lecture[-1] < large[-1]
    assert np.ptp(large[-5000:]) < 0.01 * large[-1]


def test_the_lectures_step_size_is_no_longer_safe_from_about_40_000_samples_on(step_sizes):
    (sizes, etas), (_, (lecture, _)) = step_sizes[1].values()
    assert np.interp(-np.log(lecture), -np.log(etas), sizes) == pytest.approx(40_000, rel=0.05)


def test_step_0_of_the_readmes_data_gets_2_percent_right(drawn):
    left, *_ = drawn("step_0")
    assert left.get_title() == "one data set: 2.0 % right"
    assert "Best by step 0: 2.0 %" in README


def test_step_0_gets_about_half_right_more_often_than_anything_else(drawn, questions):
    bars = drawn("step_0")[1].patches
    counts = {round(bar.get_x()): bar.get_height() for bar in bars}
    assert sum(counts.values()) == questions.NUM_STARTS
    assert set(sorted(counts, key=counts.get)[-2:]) == {45, 50}
    assert min(counts[0], counts[95]) > np.median(list(counts.values()))


def test_the_slope_of_a_sample_is_the_derivative_of_its_cost(drawn):
    (z, cost), (_, slope) = curves(drawn("saturation")[0]).values()
    np.testing.assert_allclose(np.gradient(cost, z)[1:-1], slope[1:-1], atol=1e-3)


def test_the_slope_peaks_where_f_is_two_thirds(drawn):
    _, (z, slope) = curves(drawn("saturation")[0]).values()
    assert z[np.argmax(slope)] == pytest.approx(np.log(2), abs=0.05)


def test_only_the_scaled_descent_gets_below_a_constant_guess(drawn):
    (_, stuck), (_, scaled), (_, guess) = curves(drawn("saturation")[1]).values()
    assert guess[0] < stuck[-1] < 1.02 * guess[0]
    assert scaled[-1] < 0.1 * guess[0]


def test_the_quadratic_cost_never_exceeds_a_half_and_the_log_loss_does(drawn):
    (_, log), (_, quadratic) = curves(drawn("lines")[0]).values()
    assert quadratic.max() <= 0.5 < 5 < log.max()


def test_only_the_line_of_the_neuron_separates_the_clouds(drawn):
    ax = drawn("lines")[1]
    ours, theirs = (x1 for x1, _ in curves(ax).values())
    assert np.abs(ours).max() < 1
    assert theirs.max() > 5


def test_sixteen_outliers_are_in_the_picture(drawn):
    zeros, _ = drawn("lines")[1].collections
    x1 = zeros.get_offsets()[:, 0]
    assert np.sum((x1 > 10) & (x1 < drawn("lines")[1].get_xlim()[1])) == 16


@pytest.mark.parametrize(("panel", "column"), [(0, 0), (1, 2)])
def test_the_bars_have_the_lengths_of_the_readmes_table(drawn, panel, column):
    rows = [
        re.search(rf"^\| {re.escape(name)} \| (.*) \|$", README, re.MULTILINE)[1].split(" | ")
        for name in (
            "the lecture's style, built-in `sum`", "the lecture with `np.sum`", "NumPy at its best",
            "**oneneuron**",
        )
    ]  # fmt: skip
    widths = [bar.get_width() for bar in drawn("speed")[panel].patches]
    assert widths == [float(row[column]) for row in rows]


def test_three_quarters_of_numpys_time_with_400_samples_are_calls(questions):
    times = questions.readme_times()["NumPy at its best"]
    assert 1 - times["1,000,000 x 2"] / times["400 x 2"] == pytest.approx(0.75, abs=0.03)


def test_the_compiled_files_in_the_picture_of_the_loops_exist(drawn):
    texts = " ".join(text.get_text() for text in drawn("loops")[0].texts)
    names = re.findall(r"\w+\.pyx", texts)
    assert names == ["solvers.pyx", "kernel.pyx"]
    engine = DOCS.parent / "src" / "oneneuron" / "_engine"
    assert all((engine / name).is_file() for name in names)


def test_each_text_of_the_loops_is_inside_its_box_and_left_of_the_next_text(drawn):
    ax = drawn("loops")[0]
    for left, right in zip(ax.texts[::2], ax.texts[1::2], strict=True):
        assert left.get_window_extent().x1 < right.get_window_extent().x0
    innermost = ax.patches[-1].get_window_extent()
    assert max(text.get_window_extent().x1 for text in ax.texts) < innermost.x1
