"""The playground in a browser. This needs Chromium and Playwright."""

import re
from pathlib import Path

import numpy as np
import pytest
from chromium import MARKS, visit_page
from helpers import wait_until

import oneneuron
from oneneuron import cli, reference

pytestmark = MARKS

ADDRESS = Path(cli.__file__).with_name("playground.html").as_uri()
PRESETS = [
    "safe", "too-small", "too-large", "saturated", "two-minima", "outliers", "unscaled",
]  # fmt: skip


@pytest.fixture(scope="module")
def visit():
    """The open page, the addresses that it requested, and its messages and errors."""
    with visit_page(ADDRESS) as visit:
        yield visit


@pytest.fixture
def page(visit):
    """The page in its first state."""
    visit.page.set_viewport_size({"width": 1280, "height": 800})
    visit.page.goto("about:blank")  # a new fragment alone would not load the page again
    visit.page.goto(ADDRESS)
    return visit.page


@pytest.fixture
def new_page(visit):
    """A function that opens the page with other settings of the browser."""
    pages = []

    def open_page(fragment="", **options):
        pages.append(visit.page.context.browser.new_page(**options))
        pages[-1].goto(ADDRESS + fragment)
        return pages[-1]

    yield open_page
    for page in pages:
        page.close()


def show(page, fragment):
    """Show the state of an address, and wait until it is drawn."""
    page.evaluate("fragment => playground.show(fragment)", fragment)
    redrawn(page)


def redrawn(page):
    """Wait until the pictures and words follow the state, which takes a frame or two."""
    page.evaluate("new Promise(end => requestAnimationFrame(() => requestAnimationFrame(end)))")


def wait_for(page, expression):
    """Wait until an expression is true. The page forbids Playwright's own way, which is eval."""
    wait_until(lambda: page.evaluate(expression))


def state(page):
    return page.evaluate("playground.state()")


def samples(page):
    found = page.evaluate("playground.samples()")
    return np.array(found["X"], np.float64), np.array(found["y"])


def words(page):
    redrawn(page)
    return page.locator("#verdict").inner_text()


def eta_for_a_sum(page, n):
    """The step size with which the package, whose cost is a sum, makes the same steps."""
    found = state(page)
    return found["eta"] / (n if found["cost"] == "mean" else 1)


def place(page, picture, x, y):
    """Return where a point of a picture's axes is, relative to the canvas."""
    return {
        "x": page.evaluate(f"pictures.{picture}.x({x})"),
        "y": page.evaluate(f"pictures.{picture}.y({y})"),
    }


def drag(page, start, end):
    """Drag with the mouse from one point of the cost's axes to another."""
    box = page.locator("#cost").bounding_box()
    ends = [place(page, "cost", *point) for point in (start, end)]
    (x1, y1), (x2, y2) = [(box["x"] + p["x"], box["y"] + p["y"]) for p in ends]
    page.mouse.move(x1, y1)
    page.mouse.down()
    page.mouse.move((x1 + x2) / 2, (y1 + y2) / 2)
    page.mouse.move(x2, y2)
    page.mouse.up()


# --- The page ---


def test_the_presets_are_those_that_the_tests_know(page):
    assert page.evaluate("playground.presets") == PRESETS


@pytest.mark.parametrize("width", [390, 768, 1280, 1920])
def test_nothing_sticks_out_of_the_window(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    for preset in PRESETS:
        for cost in ("sum", "mean"):
            show(page, f"preset={preset}&cost={cost}&steps=40")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            rights = page.evaluate(
                "[...document.querySelectorAll('body *:not(script)')]"
                ".map(element => element.getBoundingClientRect().right)"
            )
            assert max(rights) <= width


def test_on_a_phone_the_buttons_stay_in_the_window(new_page):
    page = new_page(viewport={"width": 390, "height": 844})
    for y in (0, 600):
        page.evaluate(f"scrollTo(0, {y})")
        box = page.locator("#run").bounding_box()
        assert 0 <= box["y"] <= 844 - box["height"]


def test_it_works_in_a_frame(visit, tmp_path):
    path = tmp_path / "frame.html"
    path.write_text(f"<iframe src='{ADDRESS}#preset=too-large' width=900 height=700></iframe>")
    outer = visit.page.context.browser.new_page()
    outer.goto(path.as_uri())
    (frame,) = outer.frames[1:]
    frame.locator("#step").click()
    assert frame.evaluate("playground.state().steps") == 1
    outer.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_letters_stand_out_and_the_regions_differ_without_colours(new_page, scheme):
    page = new_page(color_scheme=scheme)

    def luminance(name):
        text = page.evaluate(f"colors.{name}")
        channels = np.array([int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        is_dark = channels <= 0.04045
        linear = np.where(is_dark, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        return linear @ (0.2126, 0.7152, 0.0722)

    def contrast(*names):
        low, high = sorted(map(luminance, names))
        return (high + 0.05) / (low + 0.05)

    # The contrast for text and for graphics that the Web Content Accessibility Guidelines ask for.
    assert contrast("ink", "paper") > 7
    assert contrast("soft", "paper") > 4.5
    assert contrast("ink", "high") > 3 or contrast("ink", "low") > 3
    assert all(contrast(f"class{i}", "paper") > 3 for i in (0, 1))
    assert contrast("region0", "region1") > 1.3


# --- The mathematics ---


@pytest.mark.parametrize("preset", PRESETS)
def test_100_steps_of_a_preset_are_those_of_the_reference(page, preset):
    show(page, f"preset={preset}&steps=100")
    X, y = samples(page)
    found = state(page)
    starts = [start for start in (found["start"], found["second"]) if start is not None]
    for which, (w1, w2, b) in enumerate(starts):
        path = np.array(page.evaluate(f"playground.path({which})"))
        descent = reference.gradient_descent(
            X, y, np.array([w1, w2], np.float64), b, eta_for_a_sum(page, len(y)), 100, found["loss"]
        )
        expected = np.array([[*weights, bias] for weights, bias in descent])
        # Absolute below 1, relative above. No preset amplifies rounding by more than 1e4.
        np.testing.assert_allclose(path, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("cost", ["sum", "mean"])
@pytest.mark.parametrize("loss", ["quadratic", "log"])
def test_path_and_costs_are_those_of_the_reference_for_every_cost(page, loss, cost):
    show(page, f"preset=safe&loss={loss}&cost={cost}&steps=50")
    X, y = samples(page)
    w1, w2, b = state(page)["start"]
    path, costs = page.evaluate("[playground.path(), playground.costs()]")
    eta = eta_for_a_sum(page, len(y))
    descent = reference.gradient_descent(X, y, np.array([w1, w2]), b, eta, 50, loss)
    unit = len(y) if cost == "mean" else 1
    np.testing.assert_allclose(path, [[*w, b] for w, b in descent], rtol=1e-12, atol=1e-12)
    expected = [reference.cost(X, y, w, b, loss) / unit for w, b in descent]
    np.testing.assert_allclose(costs, expected, rtol=1e-12)


@pytest.mark.parametrize("cost", ["sum", "mean"])
@pytest.mark.parametrize("loss", ["quadratic", "log"])
@pytest.mark.parametrize("preset", PRESETS)
def test_the_mark_is_at_1_over_L(page, preset, loss, cost):
    show(page, f"preset={preset}&loss={loss}&cost={cost}")
    X, y = samples(page)
    expected = oneneuron.safe_eta(X, loss=loss) * (len(y) if cost == "mean" else 1)
    # safe_eta is rounded down by less than 0.1 %.
    assert expected <= page.evaluate("playground.safeEta()") < 1.001 * expected


def test_a_far_start_neither_overflows_nor_becomes_nan(page):
    show(page, "preset=unscaled&start=1000,1000,1000&loss=log&steps=50&eta=1000")
    assert np.isfinite(page.evaluate("playground.costs()")).all()


# --- What the presets show ---


@pytest.mark.parametrize(
    ("fragment", "sentence"),
    [
        ("preset=safe", r"The cost is 21\.2 at the start, and η is 1 times 1/L\."),
        ("preset=safe&steps=20", r"The cost fell from 21\.2 to 3\.31: η is 1 times 1/L\."),
        ("preset=too-small&steps=20", r"The cost falls very slowly: η is 0\.00869 times 1/L\."),
        ("preset=too-large&steps=20", r"The cost rose in 9 of 20 steps: η is 8\.69 times 1/L\."),
        ("preset=too-large&steps=1", r"The cost rose in 1 of 1 step: η is 8\.69 times 1/L\."),
        ("preset=saturated&steps=20", r"Saturated: where it is wrong, the slope of .* is 0\.0196 "),
        ("preset=two-minima&steps=300", r"The cost hardly falls any more: it is 14\.\d\."),
        ("preset=unscaled&steps=20", r"Not scaled: a step that is safe for w₂ hardly moves w₁"),
    ],
)  # fmt: skip
def test_a_sentence_says_what_is_going_on(page, fragment, sentence):
    show(page, fragment)
    assert re.match(sentence, words(page))


def test_of_two_starts_the_worse_one_learns_more_slowly(page):
    show(page, "preset=saturated&steps=100")
    (first, *_, end), (second, *_, second_end) = [
        page.evaluate(f"playground.costs({which})") for which in (0, 1)
    ]
    assert first > second
    assert end > 0.9 * first
    assert second_end < 0.2 * second


def test_two_starts_end_in_different_minima_of_the_quadratic_cost_only(page):
    for loss, are_different in (("quadratic", True), ("log", False)):
        show(page, f"preset=two-minima&loss={loss}&steps=2000")
        ends = [page.evaluate(f"playground.path({which}).at(-1)[0]") for which in (0, 1)]
        assert (ends[0] * ends[1] < 0) == are_different


def test_outliers_move_the_line_of_the_log_loss_only(page):
    for loss, low, high in (("quadratic", -0.1, 0.1), ("log", 0.6, 1.0)):
        show(page, f"preset=outliers&loss={loss}&steps=200")
        w1, _, b = page.evaluate("playground.path().at(-1)")
        assert low < -b / w1 < high  # where the line crosses x2 = 0


# --- The address ---


def test_a_reload_gives_the_same_state_and_the_same_pictures(page):
    show(page, "preset=two-minima&steps=30")
    page.locator("#samples").click(position={"x": 150, "y": 60})
    page.locator("#samples").click(position={"x": 250, "y": 160}, modifiers=["Shift"])
    page.locator("#cost").focus()
    page.keyboard.press("ArrowUp")
    page.get_by_label("log loss").check()
    page.get_by_label("C is the mean").check()
    for name in ("n", "distance", "wrong", "eta", "b"):
        page.locator(f"#{name}").press("ArrowRight")
    page.get_by_text("New data").focus()
    page.get_by_role("button", name="Step", exact=True).click()
    redrawn(page)

    def everything():
        pictures = "['samples', 'cost', 'curve', 'sigmoid'].map(id => byId(id).toDataURL())"
        return page.evaluate(f"[playground.state(), playground.path(), {pictures}]")

    before = everything()
    wait_for(page, "location.hash === playground.address()")
    page.reload()
    redrawn(page)
    assert everything() == before
    found = before[0]
    assert len(found["added"]) == 1
    assert len(found["flipped"]) == 1
    assert found["steps"] == 31


def test_the_link_leads_to_the_state(page):
    show(page, "preset=too-large&steps=3")
    page.locator("#step").click()
    redrawn(page)
    assert page.locator("#link").get_attribute("href") == "#preset=too-large&steps=4"


@pytest.mark.parametrize(
    "nonsense",
    ["preset=none", "preset=toString", "eta=abc", "start=1,2", "start=1,2,NaN", "added=5", "added=",
     "flipped=x", "flipped=", "loss=huber", "data=", "n=", "steps=-1", "%%%", "second=none"],
)  # fmt: skip
def test_what_cannot_be_understood_in_an_address_is_ignored(page, nonsense):
    first = state(page)
    show(page, nonsense)
    assert state(page) == first


def test_another_address_in_the_same_window_is_shown(page):
    page.evaluate("location.hash = '#preset=outliers&steps=5'")
    wait_for(page, "playground.state().steps === 5")
    assert state(page)["data"] == "outliers"
    assert page.locator("#preset").input_value() == "outliers"


# --- Mouse ---


def test_the_start_can_be_dragged(page):
    drag(page, state(page)["start"][:2], (1.0, -1.0))
    np.testing.assert_allclose(state(page)["start"][:2], [1, -1], atol=0.02)  # about a pixel


def test_the_second_start_can_be_dragged_and_the_first_stays(page):
    show(page, "preset=two-minima")
    first = state(page)["start"]
    drag(page, state(page)["second"][:2], (1.5, -1.0))
    assert state(page)["start"] == first
    np.testing.assert_allclose(state(page)["second"][:2], [1.5, -1], atol=0.05)  # about a pixel


def test_a_click_beside_the_start_moves_it_there(page):
    page.locator("#cost").click(position=place(page, "cost", 1, -1))
    np.testing.assert_allclose(state(page)["start"][:2], [1, -1], atol=0.02)  # about a pixel


@pytest.mark.parametrize(("mode", "label"), [("0", 0), ("1", 1)])
def test_a_click_adds_a_point_of_the_chosen_class(page, mode, label):
    page.locator(f"[name=click][value='{mode}']").check()
    page.locator("#samples").click(position=place(page, "samples", 1.0, 0.5))
    X, y = samples(page)
    assert len(y) == 101
    np.testing.assert_allclose(X[-1], [1, 0.5], atol=0.05)  # about a pixel
    assert y[-1] == label


def test_shift_click_flips_a_label_and_flips_it_back(page):
    X, y = samples(page)
    for expected in (1 - y[7], y[7]):
        page.locator("#samples").click(position=place(page, "samples", *X[7]), modifiers=["Shift"])
        after = samples(page)[1]
        assert after[7] == expected
        assert np.array_equal(np.delete(after, 7), np.delete(y, 7))


def test_the_label_of_an_added_point_can_be_flipped_too(page):
    position = place(page, "samples", 5.0, -4.5)  # apart from the others
    page.locator("#samples").click(position=position)
    page.locator("#samples").click(position=place(page, "samples", 5.0, -4.5), modifiers=["Shift"])
    assert state(page)["added"][0][2] == 1
    assert state(page)["flipped"] == []


# --- Touch ---


def test_taps_add_points_flip_labels_and_move_the_start(new_page):
    page = new_page(has_touch=True, viewport={"width": 390, "height": 844})
    redrawn(page)
    page.locator("#samples").tap(position=place(page, "samples", 1.0, 0.5))
    assert len(state(page)["added"]) == 1
    page.get_by_label("flips").tap()
    X, _ = samples(page)
    page.locator("#samples").tap(position=place(page, "samples", *X[3]))
    assert state(page)["flipped"] == [3]
    page.locator("#cost").tap(position=place(page, "cost", 1.0, -1.0))
    np.testing.assert_allclose(state(page)["start"][:2], [1, -1], atol=0.05)  # about a pixel


def test_a_finger_drags_the_start(new_page):
    page = new_page(has_touch=True, viewport={"width": 390, "height": 844})
    page.locator("#cost").scroll_into_view_if_needed()
    redrawn(page)
    box = page.locator("#cost").bounding_box()
    points = [place(page, "cost", *point) for point in ([-1, 1.5], [0, 0.5], [0.5, 0])]
    session = page.context.new_cdp_session(page)
    for kind, point in zip(("touchStart", "touchMove", "touchMove"), points, strict=True):
        finger = {"x": box["x"] + point["x"], "y": box["y"] + point["y"]}
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [finger]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    np.testing.assert_allclose(state(page)["start"][:2], [0.5, 0], atol=0.05)  # about a pixel


# --- Keyboard ---


def test_every_control_is_reached_with_the_tabulator_and_shows_that(page):
    reached = {}
    for _ in range(30):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            "[document.activeElement.id || document.activeElement.name,"
            " getComputedStyle(document.activeElement).outlineStyle]"
        )
        reached[name] = outline
    del reached[None]  # the page itself, between the last control and the first
    assert set(reached) == {
        "preset", "step", "run", "reset", "eta", "safe", "samples", "cost", "loss", "n", "distance",
        "wrong", "click", "b", "second", "new-data", "link",
    }  # fmt: skip
    assert set(reached.values()) == {"solid"}


def test_the_arrow_keys_move_the_start(page):
    page.locator("#cost").focus()
    before = state(page)["start"]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    after = state(page)["start"]
    assert after[0] > before[0]
    assert before[1] - after[1] > after[0] - before[0]  # a larger step
    assert after[2] == before[2]


def test_the_arrow_keys_move_a_cross_and_enter_adds_a_point_there(page):
    page.locator("#samples").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    cross = page.evaluate("cross")
    page.keyboard.press("Enter")
    (added,) = state(page)["added"]
    np.testing.assert_allclose(added[:2], cross, rtol=0.01)  # rounded to three digits


def test_shift_and_enter_flip_the_label_of_the_sample_that_is_nearest(page):
    page.locator("#samples").focus()
    page.keyboard.press("Shift+Enter")
    assert len(state(page)["flipped"]) == 1
    page.keyboard.press("Shift+Enter")
    assert state(page)["flipped"] == []


def test_what_goes_on_is_spoken(page):
    page.locator("#step").press("Enter")
    wait_for(page, "byId('spoken').textContent.includes('Step 1: cost')")
    assert page.locator("#spoken").get_attribute("role") == "status"
    assert "right" in page.locator("#spoken").text_content()


def test_every_picture_has_a_description(page):
    redrawn(page)
    for name in ("samples", "cost", "curve", "sigmoid"):
        assert len(page.locator(f"#{name}").get_attribute("aria-label")) > 40


# --- Controls ---


def test_step_and_reset(page):
    page.locator("#step").click()
    page.locator("#step").click()
    assert state(page)["steps"] == 2
    page.locator("#reset").click()
    assert state(page)["steps"] == 0


def test_run_makes_steps_until_it_is_paused(page):
    page.locator("#run").click()
    wait_for(page, "playground.state().steps > 3")
    assert page.locator("#run").inner_text() == "Pause"
    page.locator("#run").click()
    stopped = state(page)["steps"]
    redrawn(page)
    redrawn(page)
    assert state(page)["steps"] == stopped
    assert page.locator("#run").inner_text() == "Run"


def test_a_run_ends_after_the_last_step(page):
    show(page, "preset=safe&steps=1990")
    page.locator("#run").click()
    wait_for(page, "byId('count').textContent === 'step 2000 (the last)'")
    assert page.locator("#run").inner_text() == "Run"
    assert state(page)["steps"] == 2000


def test_without_motion_a_run_is_a_hundred_steps_at_once(new_page):
    page = new_page(reduced_motion="reduce")
    redrawn(page)
    assert page.locator("#run").inner_text() == "100 steps"
    page.locator("#run").click()
    assert state(page)["steps"] == 100


def test_other_settings_keep_the_number_of_steps(page):
    show(page, "preset=too-small&steps=20")
    page.locator("#eta").press("End")
    assert state(page)["eta"] == 100
    assert len(page.evaluate("playground.path()")) == 21


def test_the_button_at_the_mark_sets_the_step_size_to_1_over_L(page):
    show(page, "preset=too-large")
    page.locator("#safe").click()
    assert state(page)["eta"] == page.evaluate("playground.safeEta()")


def test_more_samples_leave_the_first_ones_where_they_are(page):
    show(page, "preset=safe&n=50")
    few, _ = samples(page)
    show(page, "preset=safe&n=200")
    many, _ = samples(page)
    assert np.array_equal(many[:50], few)


def test_wrong_labels_are_about_the_share_that_was_asked_for(page):
    show(page, "preset=safe&n=500")
    X, y = samples(page)
    show(page, "preset=safe&n=500&wrong=0.2")
    other_X, other_y = samples(page)
    assert np.array_equal(X, other_X)
    assert 0.15 < np.mean(y != other_y) < 0.25  # five standard deviations are 0.09


def test_new_data_has_another_seed_and_no_changes_by_hand(page):
    page.locator("#samples").click(position={"x": 150, "y": 60})
    before, _ = samples(page)
    page.locator("#new-data").click()
    after, _ = samples(page)
    assert len(after) == len(before) - 1
    assert not np.array_equal(after[:50], before[:50])


def test_starts_can_be_swapped(page):
    show(page, "preset=two-minima")
    before = state(page)
    page.locator("#swap").click()
    assert (state(page)["start"], state(page)["second"]) == (before["second"], before["start"])


def test_a_second_start_can_be_added_and_removed(page):
    page.locator("#second").check()
    assert state(page)["second"] == [1, -1.5, 0]
    page.locator("#second").uncheck()
    assert state(page)["second"] is None


def test_another_preset_can_be_chosen(page):
    page.locator("#preset").select_option("saturated")
    assert state(page)["data"] == "one sample"
    redrawn(page)
    assert page.locator("#n").is_disabled()
    assert "Nielsen" not in words(page)
    assert page.locator("#hint").inner_text().startswith("One sample")


# --- At last, after everything above ---


def test_the_page_requests_nothing_but_itself(visit):
    assert {url.partition("#")[0] for url in visit.requests} - {"about:blank"} == {ADDRESS}


def test_the_console_stays_empty(visit):
    assert visit.messages == []
