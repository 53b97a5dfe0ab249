"""`oneneuron fit`: a model of a table of one's own."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Sequence

from .._atomic_write import check_writable, write_whole
from .._engine.team import Team
from .._formatting import counted
from . import _argument_types
from ._missing_values import add_missing_option, settle_missing
from ._printing import note, say
from ._progress import progress_bar
from ._ranks import failing_together, ranks
from ._table_columns import Feature, add_column_options, choose_features, labels
from ._table_model import TableModel
from ._table_reading import Table, add_reading_options, read_table
from ._table_training import Training, add_training_options, train_on_table

# The numbers of weights and classes that are printed.
_NUM_WEIGHTS, _MAX_CLASSES = 10, 12
# With more records of gradient descent, the learning curve would look the same.
_MAX_RECORDS = 1000


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command and its options to the command line."""
    parser = commands.add_parser(
        "fit",
        help="train a model on a table",
        description="Train a NeuronClassifier on a table, save it as JSON, and print its scores on "
        "rows that it has not seen, beside those of LogisticRegression.",
    )
    parser.add_argument(
        "data", type=_argument_types.path,
        help="CSV, Parquet or Feather file with named columns; - reads CSV from standard input",
    )  # fmt: skip
    parser.add_argument(
        "--target", required=True, metavar="COLUMN", help="name of the column to predict"
    )
    parser.add_argument(
        "--output", type=_argument_types.path, default="model.json", metavar="FILE",
        help="file to save the model to (default: model.json)",
    )  # fmt: skip
    parser.add_argument(
        "--html", type=_argument_types.path, metavar="FILE",
        help="also write a report with pictures to this file, as one HTML page",
    )  # fmt: skip
    add_reading_options(parser)
    add_column_options(parser)
    add_missing_option(parser)
    add_training_options(parser)
    parser.set_defaults(command=run, get_default=parser.get_default)


def run(arguments: Namespace) -> None:
    """Train a model, save it, and print how good it is."""
    team = ranks()
    with failing_together(team):
        _run(arguments, team)


def _run(arguments: Namespace, team: Team) -> None:
    team.agree_on(lambda: _check_outputs(arguments))
    with progress_bar(is_quiet=team.rank > 0) as show:
        show(0.0, "reading")
        table = read_table(arguments.data, arguments, team=team)
        features, table_notes = choose_features(table, arguments.target, arguments)
        table, missing_notes = settle_missing(table, features, arguments.target, arguments)
        own_labels, classes = labels(table, arguments.target)
        training = train_on_table(
            table, features, own_labels, classes, arguments, record_every=_record_every(arguments),
            show=show, team=team,
        )  # fmt: skip
        # Nothing that can fail comes before this: neither the page nor what is printed.
        team.agree_on(lambda: training.model.save(arguments.output))
    notes = [
        *(f"note: {line}" for line in [*table_notes, *missing_notes]),
        *(f"warning: {line}" for line in training.notes),
    ]
    if arguments.html is not None:
        from ._table_page import table_page

        page = table_page(table, features, own_labels, training, notes, arguments)
        team.agree_on(lambda: write_whole(arguments.html, page.encode(errors="replace")))
    if team.rank == 0:
        _print(table, features, training, notes, arguments)


def _check_outputs(arguments: Namespace) -> None:
    check_writable(arguments.output, "--output", [arguments.data])
    if arguments.html is not None:
        check_writable(arguments.html, "--html", [arguments.data, arguments.output])


def _print(
    table: Table, features: Sequence[Feature], training: Training, notes: Sequence[str],
    arguments: Namespace,
) -> None:  # fmt: skip
    for line in notes:
        note(f"oneneuron: {line}")
    say(*_summary(table, features, training), "", *_weight_lines(training.model), "")
    say(f"Saved {' and '.join(filter(None, [arguments.output, arguments.html]))}.")


def _record_every(arguments: Namespace) -> int:
    """Return how often to record the model for the page's learning curve."""
    if arguments.html is None:
        return 0
    return 1 if arguments.solver == "lbfgs" else max(1, arguments.max_iter // _MAX_RECORDS)


def _summary(table: Table, features: Sequence[Feature], training: Training) -> list[str]:
    """Return lines with the sizes of the table and the scores of all methods."""
    classes = training.model.classes
    return [
        f"{counted(len(table.frame), 'row')}, {counted(len(features), 'feature')}, {len(classes)} "
        f"classes: {', '.join(classes[:_MAX_CLASSES])}{', ...' if classes[_MAX_CLASSES:] else ''}",
        "",
        f"{'':24}{'accuracy':>10}{'log loss':>12}{'Brier score':>14}",
        *(
            f"{name:24}{100 * scores.accuracy:8.1f} %{scores.log_loss:12.4f}{scores.brier:14.4f}"
            for name, scores in training.scores.items()
        ),
        "",
        training.circumstances,
    ]


def _weight_lines(model: TableModel) -> list[str]:
    """Return lines with the largest weights."""
    has_two_classes = len(model.classes) == 2
    return [
        f"largest weights{f', positive for {model.classes[1]}' if has_two_classes else ''}:",
        *(
            f"{weight.value:+10.3g}  {weight.column}"
            f"{'' if has_two_classes else f', for {model.classes[weight.neuron]}'}"
            for weight in model.largest_weights(_NUM_WEIGHTS)
        ),
    ]
