"""The notebooks and the assignments: how they are stored, and what students get.

The site runs the notebooks themselves. Here, the assignments run, with and without their solutions.

What a notebook in ``docs/notebooks`` needs:

- It is stored without outputs and execution counts. ``jupyter nbconvert --clear-output --inplace``
  removes them. Its metadata is `METADATA`, and that of its cells has only tags and what is folded.
- It has three exercises. Each begins with a heading such as "### Exercise 1: How large a step?" at
  the top of a cell. Its answer follows before the next exercise. It is text in ``<details>``, or a
  code cell with the metadata `FOLDED` whose first line begins with "# Answer".
- It has an assignment with the same name in ``docs/notebooks/assignments``. `docs/hand_out.py` says
  how its solutions are marked. Between two solutions, and after the last, is a cell that fails as
  long as the solution before it is missing.
"""

import importlib.util
import re
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="needs the extra docs")

DOCS = Path(__file__).parents[2] / "docs"
LESSONS = sorted((DOCS / "notebooks").glob("*.ipynb"))
ASSIGNMENTS = sorted((DOCS / "notebooks" / "assignments").glob("*.ipynb"))

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
FOLDED = {"jupyter": {"source_hidden": True, "outputs_hidden": True}, "tags": ["hide-cell"]}

STUB = "# Your code here\nraise NotImplementedError"

pytestmark = pytest.mark.site


def each(paths):
    """Run a test on each notebook."""
    return pytest.mark.parametrize(
        "path", paths, ids=lambda path: f"{path.parent.name}-{path.stem}"
    )


def read(path):
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


@pytest.fixture(scope="module")
def hand_out():
    """Return the module that makes the copies for students."""
    spec = importlib.util.spec_from_file_location("hand_out", DOCS / "hand_out.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def handout(hand_out):
    """Return a function that returns the copy of an assignment for students."""

    def make(path):
        notebook = read(path)
        hand_out.hand_out(notebook)
        return notebook

    return make


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a function that runs a notebook, in an empty folder, with its errors as outputs."""
    nbclient = pytest.importorskip("nbclient", reason="needs the extra docs")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    folder = tmp_path / "work"
    folder.mkdir()

    def run(notebook):
        nbclient.NotebookClient(
            notebook, timeout=120, allow_errors=True, resources={"metadata": {"path": folder}}
        ).execute()

    return run


def errors(cells):
    """Return the names of the errors in the outputs of cells."""
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return [output.ename for output in outputs if output.output_type == "error"]


# --- How they are stored ---


def test_the_lessons_are_numbered():
    numbers = [int(path.name.split("_")[0]) for path in LESSONS]
    assert numbers == [*range(1, 1 + len(LESSONS))]


@each(LESSONS + ASSIGNMENTS)
def test_a_notebook_is_stored_in_format_4_5(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)


@each(LESSONS + ASSIGNMENTS)
def test_a_notebook_is_stored_without_outputs(path):
    code = [cell for cell in read(path).cells if cell.cell_type == "code"]
    assert code
    assert [cell.id for cell in code if cell.outputs or cell.execution_count is not None] == []


@each(LESSONS + ASSIGNMENTS)
def test_the_metadata_of_a_notebook_names_the_kernel_and_nothing_else(path):
    assert read(path).metadata == METADATA


@each(LESSONS + ASSIGNMENTS)
def test_the_metadata_of_a_cell_has_tags_and_what_is_folded(path):
    assert {key for cell in read(path).cells for key in cell.metadata} <= {"tags", "jupyter"}


@each(LESSONS + ASSIGNMENTS)
def test_a_notebook_has_one_title_and_begins_with_it(path):
    texts = [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]
    assert re.findall(r"^# .*", "\n".join(texts), re.MULTILINE) == [texts[0].splitlines()[0]]


# --- Exercises ---


def exercises(notebook):
    """Return the cells of each exercise after its task, by its number."""
    found, cells = {}, []
    for cell in notebook.cells:
        if heading := re.match(r"#+ Exercise (\d+)", cell.source):
            found[int(heading[1])] = cells = []
        else:
            cells.append(cell)
    return found


def is_answer(cell):
    return cell.source.startswith("# Answer" if cell.cell_type == "code" else "<details>")


@each(LESSONS)
def test_a_lesson_has_three_exercises(path):
    assert [*exercises(read(path))] == [1, 2, 3]


@each(LESSONS)
def test_each_exercise_has_an_answer(path):
    found = exercises(read(path))
    assert [number for number, cells in found.items() if not any(map(is_answer, cells))] == []


@each(LESSONS)
def test_answers_in_code_are_folded(path):
    code = [cell for cell in read(path).cells if cell.cell_type == "code"]
    assert [cell.source for cell in code if is_answer(cell) != (cell.metadata == FOLDED)] == []


@each(LESSONS)
def test_answers_in_text_are_set_as_markdown_between_blank_lines(path):
    for cell in read(path).cells:
        if cell.cell_type == "markdown" and is_answer(cell):
            assert re.fullmatch(
                r"<details>\n<summary>Answer</summary>\n\n.*\S\n\n</details>",
                cell.source,
                re.DOTALL,
            )


@each(LESSONS)
def test_each_lesson_has_an_assignment_of_the_same_name(path):
    assert path.name in [assignment.name for assignment in ASSIGNMENTS]


# --- Assignments and their copies for students ---


@each(ASSIGNMENTS)
def test_only_solutions_differ_in_the_copy_for_students(path, hand_out, handout):
    notebook, copy = read(path), handout(path)
    assert copy.metadata == notebook.metadata
    for cell, other in zip(notebook.cells, copy.cells, strict=True):
        if not hand_out.is_solution(cell):
            assert other == cell
        elif cell.cell_type == "markdown":
            assert other == cell | {"source": "*Your answer here.*"}
        else:
            stubs = re.sub(
                r"( *)### BEGIN SOLUTION\n.*?### END SOLUTION",
                lambda solution: "\n".join(solution[1] + line for line in STUB.split("\n")),
                cell.source, flags=re.DOTALL,
            )  # fmt: skip
            assert other == cell | {"source": stubs}


@each(ASSIGNMENTS)
def test_an_assignment_runs_with_its_solutions(path, run):
    notebook = read(path)
    run(notebook)
    assert errors(notebook.cells) == []


@each(ASSIGNMENTS)
def test_each_check_fails_until_the_solution_before_it_is_there(path, handout, run):
    copy = handout(path)
    run(copy)
    cells = [cell for cell in copy.cells if cell.cell_type == "code"]
    stubs = [i for i, cell in enumerate(cells) if "raise NotImplementedError" in cell.source]
    assert errors(cells[: stubs[0]]) == []
    assert errors(cells)[0] == "NotImplementedError"
    for stub, next_stub in zip(stubs, [*stubs[1:], None], strict=True):
        assert errors(cells[stub:next_stub]), cells[stub].source


# --- The script ---


def notebook_of(*cells):
    return nbformat.v4.new_notebook(cells=list(cells), metadata=METADATA)


def code(*lines):
    return nbformat.v4.new_code_cell("\n".join(lines))


def text(source, **metadata):
    return nbformat.v4.new_markdown_cell(source, metadata=metadata)


SOLVED = notebook_of(code("### BEGIN SOLUTION", "x = 1", "### END SOLUTION"), code("assert x == 1"))


def test_a_stub_has_the_indent_of_its_solution(hand_out):
    cell = code(
        "def f(x):", "    ### BEGIN SOLUTION", "    return x", "    ### END SOLUTION", "f(1)"
    )
    hand_out.hand_out(notebook_of(cell))
    assert cell.source == (
        "def f(x):\n    # Your code here\n    raise NotImplementedError\nf(1)"
    )  # fmt: skip


def test_every_solution_of_a_cell_is_replaced(hand_out):
    solution = "### BEGIN SOLUTION", "x = 1", "### END SOLUTION"
    cell = code(*solution, "y = 2", *solution)
    hand_out.hand_out(notebook_of(cell))
    assert cell.source == f"{STUB}\ny = 2\n{STUB}"


def test_a_solution_in_text_is_replaced_as_a_whole(hand_out):
    cell = text("Because\n\nof this.", tags=["solution"])
    hand_out.hand_out(notebook_of(cell))
    assert cell.source == "*Your answer here.*"


def test_outputs_are_not_handed_out(hand_out):
    notebook = notebook_of(*(cell.copy() for cell in SOLVED.cells))
    notebook.cells[1].update(
        execution_count=3, outputs=[nbformat.v4.new_output("stream", text="the solution")]
    )
    hand_out.hand_out(notebook)
    assert (notebook.cells[1].outputs, notebook.cells[1].execution_count) == ([], None)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (code("### BEGIN SOLUTION", "x = 1"), "there is no '### END SOLUTION' after the last"),
        (code("x = 1", "### END SOLUTION"), "line 2 is '### END SOLUTION' without '### BEGIN SOL"),
        (code("### BEGIN SOLUTION", "### BEGIN SOLUTION", "### END SOLUTION"),
         "line 2 is '### BEGIN SOLUTION' without '### END SOLUTION' before it"),
        (code("# BEGIN SOLUTION", "x = 1", "# END SOLUTION"),
         "line 1 must be '### BEGIN SOLUTION' or '### END SOLUTION', found '# BEGIN SOLUTION'"),
        (text("### BEGIN SOLUTION\nBecause.\n### END SOLUTION"), "give text the tag 'solution'"),
        (nbformat.v4.new_code_cell("x = 1", metadata={"tags": ["solution"]}), "mark code with"),
        (code("x = 1"), "there are no solutions"),
    ],
    ids=["no end", "no begin", "two begins", "other marker", "in text", "tagged code", "none"],
)  # fmt: skip
def test_solutions_that_are_not_clearly_marked_are_errors(hand_out, cell, message):
    with pytest.raises(ValueError, match=message):
        hand_out.hand_out(notebook_of(cell))


@pytest.fixture
def assignments(tmp_path):
    """Return a folder with a good assignment."""
    folder = tmp_path / "assignments"
    folder.mkdir()
    nbformat.write(SOLVED, folder / "1_good.ipynb")
    return folder


def test_the_script_writes_a_copy_of_each_assignment(hand_out, tmp_path, capsys):
    hand_out.main(tmp_path / "new" / "copies")
    copies = sorted((tmp_path / "new" / "copies").iterdir())
    assert [copy.name for copy in copies] == [path.name for path in ASSIGNMENTS]
    assert capsys.readouterr().out.split() == [str(copy) for copy in copies]


def test_the_script_writes_what_hand_out_makes(hand_out, tmp_path, assignments, handout):
    hand_out.main(tmp_path / "copies", assignments)
    assert read(tmp_path / "copies" / "1_good.ipynb") == handout(assignments / "1_good.ipynb")


def test_an_error_names_the_notebook_and_nothing_is_written(hand_out, tmp_path, assignments):
    nbformat.write(notebook_of(code("x = 1")), assignments / "2_bad.ipynb")
    with pytest.raises(ValueError, match=re.escape(f"{assignments / '2_bad.ipynb'}: there are no")):
        hand_out.main(tmp_path / "copies", assignments)
    assert not (tmp_path / "copies").exists()


def test_no_file_is_overwritten(hand_out, assignments):
    before = (assignments / "1_good.ipynb").read_bytes()
    with pytest.raises(FileExistsError, match=r"1_good\.ipynb exists: remove it, or choose"):
        hand_out.main(assignments, assignments)
    assert (assignments / "1_good.ipynb").read_bytes() == before
