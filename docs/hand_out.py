"""Write the copies of the assignments for students: ``python docs/hand_out.py FOLDER``.

An assignment is a notebook in ``docs/notebooks/assignments`` that contains its solutions, and runs
from top to bottom. In the copies, only the solutions are replaced:

- In a code cell, a solution begins with the line ``### BEGIN SOLUTION`` and ends with the line
  ``### END SOLUTION``. Both lines may be indented, and a cell may have several solutions. In their
  place, students find ``# Your code here`` and ``raise NotImplementedError``.
- A markdown cell with the tag ``solution`` is a solution as a whole. In its place, students find
  "*Your answer here.*".

All other cells stay as they are, including those that check the answers with ``assert``. Outputs
are left out, since they show what a solution prints. nbgrader knows the same markers.

An error in any notebook stops the script before it writes anything. So does a file in the folder
that has the name of an assignment, since it may contain somebody's work.
"""

import argparse
import sys
from pathlib import Path

import nbformat

ASSIGNMENTS = Path(__file__).parent / "notebooks" / "assignments"
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
CODE_STUB = ("# Your code here", "raise NotImplementedError")
TEXT_STUB = "*Your answer here.*"


def hand_out(notebook):
    """Replace the solutions of a notebook, in place."""
    number = 0
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        if is_solution(cell):
            cell.source = without_solutions(cell.source) if cell.cell_type == "code" else TEXT_STUB
            number += 1
    if number == 0:
        raise ValueError(f"there are no solutions: put them between {BEGIN!r} and {END!r}.")


def is_solution(cell):
    """Return whether a cell contains a solution, or raise ValueError if that is unclear."""
    is_tagged = "solution" in cell.metadata.get("tags", [])
    has_markers = "BEGIN SOLUTION" in cell.source or "END SOLUTION" in cell.source
    if is_tagged and cell.cell_type != "markdown":
        raise ValueError(f"the tag 'solution' is for text: mark code with {BEGIN!r} and {END!r}.")
    if has_markers and cell.cell_type != "code":
        raise ValueError(f"{BEGIN!r} and {END!r} are for code: give text the tag 'solution'.")
    return is_tagged or has_markers


def without_solutions(source):
    """Return the source of a code cell with a stub in the place of each solution."""
    lines, is_inside = [], False
    for number, line in enumerate(source.splitlines(), start=1):
        marker = line.strip()
        if marker not in (BEGIN, END):
            if "BEGIN SOLUTION" in line or "END SOLUTION" in line:
                raise ValueError(f"line {number} must be {BEGIN!r} or {END!r}, found {line!r}.")
            if not is_inside:
                lines.append(line)
            continue
        if is_inside == (marker == BEGIN):
            other = END if is_inside else BEGIN
            raise ValueError(f"line {number} is {marker!r} without {other!r} before it.")
        if marker == BEGIN:
            indent = line[: line.index(BEGIN)]
            lines += [indent + stub for stub in CODE_STUB]
        is_inside = marker == BEGIN
    if is_inside:
        raise ValueError(f"there is no {END!r} after the last {BEGIN!r}.")
    return "\n".join(lines)


def main(folder, assignments=ASSIGNMENTS):
    """Write the copies of all assignments to a folder, which is made if it does not exist."""
    copies = {}
    for path in sorted(assignments.glob("*.ipynb")):
        copy = folder / path.name
        if copy.exists():
            raise FileExistsError(f"{copy} exists: remove it, or choose another folder.")
        copies[copy] = nbformat.read(path, as_version=4)
        try:
            hand_out(copies[copy])
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
    folder.mkdir(parents=True, exist_ok=True)
    for copy, notebook in copies.items():
        nbformat.write(notebook, copy)
        print(copy)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description="Write the copies of the assignments for students."
    )
    parser.add_argument("folder", type=Path, help="where to write them")
    try:
        main(parser.parse_args().folder)
    except (OSError, ValueError) as error:
        sys.exit(f"hand_out: {error}")
