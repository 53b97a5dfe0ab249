"""`oneneuron code`."""

from pathlib import Path

import pytest

from oneneuron.cli import main

# A line of the loop that each name shows.
LINES = {
    "python": "slopes = [s + g * value for s, value in zip(slopes, x, strict=True)]",
    "lecture": "slopes = [add((f - y) * f * (1 - f) * X[:, j]) for j in features]",
    "numpy": "np.dot(e, x, out=self.part)",
    "cython": "slopes[j] += g * X[i, j]",
    "kernel": "inverse = splat(1.0) / (a + b)",
}


def shown(capsys, name):
    assert main(["code", name]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("name", LINES)
def test_code_shows_the_loop_as_it_stands_in_the_file_that_it_names(capsys, name):
    out = shown(capsys, name)
    last = out.splitlines()[-1]
    assert last.startswith("The whole file: ")
    text = Path(last.removeprefix("The whole file: ")).read_text(encoding="utf-8")
    (line,) = (line for line in out.splitlines() if LINES[name] in line)
    assert line in text.splitlines()


@pytest.mark.parametrize("name", LINES)
def test_code_begins_with_the_docstring_of_the_file_without_quotes(capsys, name):
    out = shown(capsys, name)
    text = Path(out.splitlines()[-1].removeprefix("The whole file: ")).read_text(encoding="utf-8")
    assert text.startswith('"""' + out.splitlines()[0])


def test_only_the_kernel_needs_an_explanation_of_its_vectors(capsys):
    assert [name for name in LINES if "a vector of numbers" in shown(capsys, name)] == ["kernel"]


def test_code_without_a_name_is_an_error_that_lists_the_names(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["code"])
    assert stop.value.code == 2
    assert capsys.readouterr().err == (
        "oneneuron: error: the following arguments are required: "
        "python|lecture|numpy|cython|kernel\n"
    )


def test_code_lecture_says_where_the_lectures_own_functions_are(capsys):
    assert "`build_model` in oneneuron.lecture.first_network" in shown(capsys, "lecture")
