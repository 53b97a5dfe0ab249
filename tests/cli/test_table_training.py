"""The training of `oneneuron fit`, on tables that are made here."""

from argparse import ArgumentParser

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from oneneuron import NeuronClassifier
from oneneuron.cli import _table_training
from oneneuron.cli._table_columns import Feature
from oneneuron.cli._table_model import TableModel
from oneneuron.cli._table_reading import Table
from oneneuron.cli._table_training import add_training_options, train_on_table


def options(*given, target="t", missing="refuse"):
    parser = ArgumentParser()
    add_training_options(parser)
    arguments = parser.parse_args(given)
    arguments.target, arguments.missing = target, missing
    return arguments


def made_table(frame):
    return Table("d.csv", frame, np.arange(2, len(frame) + 2))


def made_frame(seed, num_classes, *, n=90, has_gaps=False):
    """Return a frame of numbers and categories of very different scales, and labels."""
    rng = np.random.default_rng(seed)
    codes, shifts = rng.integers(0, num_classes, n), rng.integers(0, 3, n)
    frame = pd.DataFrame(
        {
            "size": 1000 + 50 * rng.standard_normal(n) + 80 * codes,
            "colour": rng.choice(["red", "green", "dark blue"], n),
            "ratio": 1e-3 * rng.standard_normal(n),
            "same": np.full(n, 0.1),
            "place": [f"p{(code + k) % 5}" for code, k in zip(codes, shifts, strict=True)],
            "count": rng.integers(0, 9, n).astype(float) - codes,
        }
    )
    if has_gaps:
        for name in frame:
            frame.loc[rng.random(n) < 0.15, name] = np.nan
    return frame, np.array([f"class {c}" for c in codes], object)


def features_of(frame):
    """Return the features that a frame has, with all categories that occur."""
    return [
        Feature(
            name, None if column.dtype.kind == "f" else tuple(sorted(set(column.dropna())))
        )
        for name, column in frame.items()
    ]  # fmt: skip


def trained(frame, labels, *given, missing="refuse", **options_of_call):
    return train_on_table(
        made_table(frame), features_of(frame), labels, sorted(set(labels)),
        options(*given, missing=missing), **options_of_call,
    )  # fmt: skip


def columns_of(frame):
    """Return the columns of a frame as a model takes them."""
    return {
        name: column.to_numpy(float)
        if column.dtype.kind == "f"
        else np.array([None if cell != cell else cell for cell in column], object)
        for name, column in frame.items()
    }


def pipeline_of(frame, missing, classifier):
    """Return the pipeline that a user of scikit-learn would write for such a table."""
    numbers = [name for name in frame if frame[name].dtype.kind == "f"]
    imputers = [SimpleImputer()] if missing == "mean" else []
    return make_pipeline(
        make_column_transformer(
            (make_pipeline(*imputers, StandardScaler()), numbers),
            (
                OneHotEncoder(handle_unknown="ignore"),
                [name for name in frame if name not in numbers],
            ),
        ),
        classifier,
    )


def with_marks(frame):
    """Return a frame with a question mark for each missing text."""
    names = [name for name in frame if frame[name].dtype.kind != "f"]
    return frame.assign(**{name: frame[name].fillna("?") for name in names})


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("missing", ["refuse", "mean"])
@pytest.mark.parametrize("num_classes", [2, 4])
@pytest.mark.parametrize("loss", ["quadratic", "log"])
def test_the_model_file_predicts_what_scikit_learn_s_pipeline_does(
    seed, missing, num_classes, loss, tmp_path
):
    frame, labels = made_frame(seed, num_classes, has_gaps=missing == "mean")
    training = trained(frame, labels, "--loss", loss, missing=missing)
    training.model.save(tmp_path / "m.json")
    rows = np.delete(np.arange(len(frame)), training.held_out)
    pipeline = pipeline_of(frame, missing, NeuronClassifier(loss=loss))
    # A missing text is none of the categories, while the encoder would make it one of them.
    encoder = pipeline[0].transformers[1][1]
    encoder.set_params(categories=[list(f.categories) for f in features_of(frame) if f.categories])
    pipeline.fit(with_marks(frame).iloc[rows], labels[rows])

    new, _ = made_frame(seed + 100, num_classes, has_gaps=missing == "mean")
    new.loc[:5, "colour"] = "a colour that nobody has seen"
    codes, found = TableModel.load(tmp_path / "m.json").predict(columns_of(new))
    expected = pipeline.predict_proba(with_marks(new))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-15)
    names = np.array(training.model.classes, object)
    assert names[codes].tolist() == pipeline.predict(with_marks(new)).tolist()


@pytest.mark.parametrize("num_classes", [2, 3])
def test_each_method_is_scored_on_the_same_held_out_rows(num_classes):
    frame, labels = made_frame(0, num_classes)
    training = trained(frame, labels)
    test = training.held_out
    train = np.delete(np.arange(len(frame)), test)
    assert len(test) == 18 and training.num_rows == 72
    for name, classifier in (
        (_table_training.NEURON, NeuronClassifier()),
        (_table_training.LOGISTIC_REGRESSION, LogisticRegression()),
        (_table_training.COMMONEST_CLASS, DummyClassifier(strategy="prior")),
    ):
        pipeline = pipeline_of(frame, "refuse", classifier).fit(frame.iloc[train], labels[train])
        probabilities = pipeline.predict_proba(frame.iloc[test])
        scores = training.scores[name]
        assert scores.accuracy == np.mean(pipeline.predict(frame.iloc[test]) == labels[test])
        assert scores.log_loss == pytest.approx(log_loss(labels[test], probabilities), rel=1e-4)
        if num_classes == 2:
            expected = brier_score_loss(labels[test], probabilities[:, 1], pos_label="class 1")
            assert scores.brier == pytest.approx(expected, rel=1e-4)


def test_the_accuracy_is_that_on_the_rows_of_the_training():
    frame, labels = made_frame(1, 3)
    training = trained(frame, labels)
    train = np.delete(np.arange(len(frame)), training.held_out)
    codes, _ = training.model.predict(columns_of(frame.iloc[train]))
    names = np.array(training.model.classes, object)
    assert training.accuracy == np.mean(names[codes] == labels[train])


def test_with_folds_the_scores_are_means_and_the_model_is_of_all_rows():
    frame, labels = made_frame(2, 3)
    training = trained(frame, labels, "--cv", "3")
    assert sorted(training.held_out) == list(range(90)) and training.num_rows == 90
    accuracies, start = [], 0
    for _ in range(3):
        test = training.held_out[start : start + 30]
        start += 30
        pipeline = pipeline_of(frame, "refuse", NeuronClassifier())
        train = np.delete(np.arange(90), test)
        accuracies.append(
            pipeline.fit(frame.iloc[train], labels[train]).score(frame.iloc[test], labels[test])
        )
    assert training.scores[_table_training.NEURON].accuracy == pytest.approx(np.mean(accuracies))
    pipeline = pipeline_of(frame, "refuse", NeuronClassifier()).fit(frame, labels)
    _, found = training.model.predict(columns_of(frame))
    np.testing.assert_allclose(found, pipeline.predict_proba(frame), rtol=1e-9)


def test_the_options_reach_the_classifier():
    frame, labels = made_frame(0, 2)
    neuron = trained(
        frame, labels, "--loss", "log", "--alpha", "2", "--solver", "gd", "--eta", "0.125",
        "--max-iter", "7", "--threads", "1",
    ).neuron  # fmt: skip
    found = neuron.loss, neuron.alpha, neuron.solver, neuron.eta, neuron.max_iter, neuron.n_threads
    assert found == ("log", 2.0, "gd", 0.125, 7, 1)


def test_samples_in_a_scratch_file_give_the_same_model(tmp_path):
    frame, labels = made_frame(0, 3)
    trained_there = trained(frame, labels, "--scratch", str(tmp_path))
    assert trained_there.neuron.scratch == str(tmp_path)
    assert trained_there.model.bias == pytest.approx(trained(frame, labels).model.bias, rel=1e-4)


def test_categories_that_are_mostly_zeros_stay_sparse(monkeypatch):
    from scipy.sparse import issparse

    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"word": np.array([f"w{k}" for k in rng.integers(0, 40, 400)], object)})
    labels = np.array(["ab"[len(word) % 2] for word in frame["word"]], object)
    seen, fit = [], NeuronClassifier.fit
    monkeypatch.setattr(
        NeuronClassifier, "fit", lambda self, X, y: seen.append(issparse(X)) or fit(self, X, y)
    )
    training = trained(frame, labels)
    assert seen == [True] and training.scores[_table_training.NEURON].accuracy > 0.9


def test_the_warnings_of_the_saved_model_s_training_are_notes():
    first, *others = trained(*made_frame(0, 2), "--max-iter", "1", "--cv", "4").notes
    assert first.startswith("Training stopped at max_iter=1 before the cost was flat.")
    assert not any(note.startswith("Training stopped") for note in others)


def test_a_model_no_better_than_a_guess_has_a_note():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.standard_normal((60, 4)), columns=list("abcd"))
    labels = rng.choice(["x", "y"], 60).astype(object)
    (note,) = trained(frame, labels, "--cv", "5").notes
    assert note.startswith("The model is no better than a guess: on rows that it has not seen")


def test_a_model_better_than_a_guess_has_no_note():
    assert trained(*made_frame(0, 2)).notes == []


def test_classes_of_which_no_row_is_held_out_are_named():
    frame, labels = made_frame(0, 2)
    labels[3], labels[4] = "rare", "very rare"
    note, *_ = trained(frame, labels, "--cv", "3").notes
    assert note == (
        "No row of 'rare', 'very rare' is held out, since there are so few: the scores say nothing "
        "about these classes."
    )


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (np.inf, "d.csv, line 5, column 'size', must hold a finite number, found 'inf'"),
        (-np.inf, "d.csv, line 5, column 'size', must hold a finite number, found '-inf'"),
        (1e300, "d.csv, column 'size', has numbers too large to standardise: divide it"),
    ],
)
def test_a_number_that_cannot_be_standardised_is_refused(number, message):
    frame, labels = made_frame(0, 2)
    frame.loc[3, "size"] = number
    with pytest.raises(ValueError, match=message):
        trained(frame, labels)


def test_a_column_with_numbers_in_held_out_rows_alone_is_filled():
    frame, labels = made_frame(0, 2)
    held_out = trained(frame, labels).held_out
    frame["late"] = np.nan
    frame.loc[held_out, "late"] = 3.0
    model = trained(frame, labels, missing="mean").model
    (late,) = (feature for feature in model.features if feature.name == "late")
    assert (late.fill, late.weights) == (0.0, [0.0])


def test_each_part_of_the_work_is_shown():
    shown = []
    trained(*made_frame(0, 2), "--cv", "2", show=lambda *part: shown.append(part))
    assert [label for _, label in shown] == 2 * ["training", "comparing"] + ["training"]
    assert [fraction for fraction, _ in shown] == [0.0, 0.2, 0.4, 0.6, 0.8]


def test_the_training_is_recorded_on_request():
    training = trained(*made_frame(0, 3), record_every=1)
    (history,) = training.neuron.history_
    assert len(history.step) == training.neuron.n_iter_[0] + 1
