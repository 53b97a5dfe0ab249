"""Training on a Dask cluster of two processes: the bits of a fit in memory, and no hang."""

import asyncio
import os
import pickle
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import SECONDS_UNTIL_GIVEN_UP, bits, printed_by, wait_until
from hypothesis import given
from hypothesis import strategies as st
from mpi_data import BAND, data
from scipy.sparse import csr_array

import oneneuron

distributed = pytest.importorskip("distributed")
dask = pytest.importorskip("dask")
da, db, dd = [pytest.importorskip(f"dask.{name}") for name in ("array", "bag", "dataframe")]

from oneneuron.dask import NeuronClassifier, _source, _workers  # noqa: E402

SCRIPT = Path(__file__).with_name("dask_script.py")
N = 2 * BAND + 500

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]


@pytest.fixture(scope="module")
def cluster():
    # Dask would take a worker that comes back late as one that is not wanted any more.
    with (
        dask.config.set({"distributed.deploy.lost-worker-timeout": "10 minutes"}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50
        ) as local,
    ):
        yield local


@pytest.fixture(scope="module")
def shared_client(cluster):
    with distributed.Client(cluster) as client:
        yield client


@pytest.fixture
def client(shared_client):
    """Yield the client of both workers, on which a test must leave nothing."""
    shared_client.wait_for_workers(2, timeout=SECONDS_UNTIL_GIVEN_UP)
    yield shared_client
    wait_until(lambda: what_is_left(shared_client) == [])


def what_is_left(client):
    """Return the tasks and the actors that are on a cluster."""
    tasks = client.run_on_scheduler(lambda dask_scheduler: list(map(str, dask_scheduler.tasks)))
    actors = client.run(lambda dask_worker: list(map(str, dask_worker.state.actors)))
    return tasks + [name for own in actors.values() for name in own]


def fitted(classifier):
    """Return the bits of everything that a fit has found."""
    names = "coef_", "intercept_", "n_iter_", "loss_", "loss_curve_", "alpha_"
    arrays = bits([getattr(classifier, name) for name in names])
    labels = classifier.classes_
    return arrays, labels.tolist(), labels.dtype, classifier.stop_reason_


def in_memory(*arrays, **options):
    return fitted(oneneuron.NeuronClassifier(**options).fit(*arrays))


def on_workers(*collections, client=None, **options):
    return fitted(NeuronClassifier(**options).fit(*collections, client=client))


def array(values, rows=10_000):
    return da.from_array(values, chunks=(rows, *values.shape[1:]))


def frame(X, **columns):
    return pd.DataFrame(X, columns=["a", "b", "c"]).assign(**columns)


# --- The same bits ---

CHUNKS = {
    "one": ((N,), (3,)),
    "odd": ((7, 20_000, N - 20_007), (3,)),
    "bands": ((BAND, BAND, 500), (3,)),
    "empty": ((0, 20_000, 0, 0, N - 20_000, 0), (3,)),
    "features": ((20_000, N - 20_000), (1, 2)),
}


@pytest.mark.parametrize("chunks", CHUNKS.values(), ids=CHUNKS)
def test_chunks_do_not_matter(client, chunks):
    X, y, weights = data(N)
    found = on_workers(da.from_array(X, chunks=chunks), array(y), array(weights, 7000))
    assert found == in_memory(X, y, weights)


@given(st.data())
def test_no_chunks_matter(client, example):
    X, y, _ = data(N)
    cuts = [sorted(example.draw(st.lists(st.integers(0, N), max_size=4))) for _ in range(2)]
    rows = [tuple(np.diff([0, *own, N]).tolist()) for own in cuts]
    options = {"solver": "gd", "max_iter": 1}
    found = on_workers(
        da.from_array(X, chunks=(rows[0], 2)), da.from_array(y, chunks=rows[1:]), **options
    )
    assert found == in_memory(X, y, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"loss": "log", "class_weight": "balanced"}, {"class_weight": {0: 2.0, 1: 0.5}},
        {"solver": "gd", "max_iter": 5}, {"n_init": 2, "random_state": 0, "max_iter": 5},
        {"init": ([[1.0, 2.0, 3.0]], [4.0]), "max_iter": 0}, {"n_threads": 2, "keep": "lowest"},
    ],
    ids=["log", "class_weight", "gd", "n_init", "no_steps", "n_threads"],
)  # fmt: skip
def test_options_do_what_they_do_in_memory(client, options):
    X, y, weights = data(N)
    for weight in (None, weights):
        found = on_workers(array(X), array(y), None if weight is None else array(weight), **options)
        assert found == in_memory(X, y, weight, **options)


@pytest.mark.parametrize("multi_class", ["softmax", "ovr"])
def test_several_classes_in_float32(client, multi_class):
    X, y, _ = data(N, num_classes=4, dtype=np.float32)
    options = {"multi_class": multi_class, "class_weight": "balanced"}
    assert on_workers(array(X), array(y), **options) == in_memory(X, y, **options)


def test_many_classes_have_larger_bands(client):
    X, _, _ = data(N)
    y = np.arange(N) % 60
    options = {"max_iter": 2, "multi_class": "ovr"}
    assert on_workers(array(X), array(y), **options) == in_memory(X, y, **options)


def test_a_draft_on_a_part_of_the_samples(client, monkeypatch):
    monkeypatch.setattr(_source, "_PIECE_BYTES", 1)  # one band in a piece
    X, y, weights = data(5 * BAND + 17)
    assert on_workers(array(X), array(y), array(weights)) == in_memory(X, y, weights)


def test_more_workers_than_bands(client):
    X, y, _ = data(100)
    assert on_workers(array(X), array(y)) == in_memory(X, y)


def test_one_worker_in_this_process(client):
    X, y, _ = data(N)
    options = {"n_workers": 1, "threads_per_worker": 2, "dashboard_address": ":0"}
    with (
        distributed.LocalCluster(processes=False, **options) as local,
        distributed.Client(local) as other,
    ):
        assert on_workers(array(X), array(y), client=other) == in_memory(X, y)
        wait_until(lambda: what_is_left(other) == [])


def test_unknown_chunk_sizes(client):
    X, y, weights = data(N)
    keep, lazy = X[:, 0] > -1.0, array(X, 9000)
    chosen = lazy[:, 0] > -1.0
    arrays = [lazy, array(y, 9000), array(weights, 9000)]
    found = on_workers(*(each[chosen] for each in arrays))
    assert found == in_memory(X[keep], y[keep], weights[keep])


def test_a_fit_does_not_change_unknown_chunk_sizes(client):
    X, y, _ = data(N)
    lazy = array(X)[array(X)[:, 0] > -1.0]
    NeuronClassifier().fit(lazy, y[X[:, 0] > -1.0])
    assert np.isnan(lazy.shape[0])


def test_labels_and_weights_in_memory(client):
    X, y, weights = data(N)
    assert on_workers(array(X), y.tolist(), pd.Series(weights)) == in_memory(X, y, weights)


@pytest.mark.parametrize("known", [True, False])
def test_frames(client, known):
    X, y, weights = data(N)
    table = frame(X, y=np.array(["no", "perhaps"])[y], weight=weights)
    lazy = dd.from_pandas(table, npartitions=5)
    if not known:
        lazy = lazy[lazy["a"] > -1.0].clear_divisions()
        lazy = dd.concat([lazy, lazy.loc[lazy["a"] > 1e9]])  # the last partitions are empty
        table = table[table["a"] > -1.0]
    found = NeuronClassifier().fit(lazy[["a", "b", "c"]], lazy["y"], lazy["weight"])
    assert fitted(found) == in_memory(table[["a", "b", "c"]], table["y"], table["weight"])
    assert found.feature_names_in_.tolist() == ["a", "b", "c"]


@pytest.mark.parametrize(
    "convert",
    [
        lambda y: pd.Categorical(np.array(["a", "b"])[y]),
        lambda y: pd.array(y, dtype="Int64"),
        lambda y: y.astype(bool),
        lambda y: y - 0.0,
    ],
    ids=["category", "nullable", "bool", "float"],
)
def test_columns_of_labels_of_any_kind(client, convert):
    X, y, _ = data(N)
    table = frame(X, y=convert(y))
    lazy = dd.from_pandas(table, npartitions=2)
    found = on_workers(lazy[["a", "b", "c"]], lazy["y"])
    assert found == in_memory(table[["a", "b", "c"]], table["y"])


def test_frames_of_float32_and_nullable_columns(client):
    X, y, _ = data(N)
    for table in (
        frame(X).astype(np.float32), frame(X).astype({"a": "Float64"}),
        frame(X).astype({"a": np.float32, "b": np.float32}), frame(X).assign(c=X[:, 2] > 0),
    ):  # fmt: skip
        assert on_workers(dd.from_pandas(table, npartitions=3), array(y)) == in_memory(table, y)


def test_labels_that_only_some_blocks_have(client):
    X, y, _ = data(N)
    labels = np.where(np.arange(N) < BAND, "a", np.where(y == 1, "bcd", "e"))
    # Each block has strings of its own length.
    lazy = da.concatenate([array(labels[:BAND].astype("U1")), array(labels[BAND:])])
    assert on_workers(array(X), lazy) == in_memory(X, labels)


def test_blocks_of_float32_and_float64_are_computed_in_float64(client):
    X, y, _ = data(N)
    single = X[:BAND].astype(np.float32)
    lazy = da.concatenate([array(single), array(X[BAND:])])
    assert on_workers(lazy, array(y)) == in_memory(np.concatenate([single, X[BAND:]]), y)


def test_arrays_in_memory_are_fitted_in_this_process():
    X, y, weights = data(500)
    assert on_workers(X, y, weights) == in_memory(X, y, weights)
    classifier = NeuronClassifier().fit(X, y)
    assert isinstance(classifier.predict(X), np.ndarray)
    assert classifier.score(X, y) == oneneuron.NeuronClassifier().fit(X, y).score(X, y)


def test_a_warm_start_continues_from_the_last_fit(client):
    X, y, _ = data(N)
    classifiers = [
        kind(solver="gd", max_iter=3, warm_start=True)
        for kind in (NeuronClassifier, oneneuron.NeuronClassifier)
    ]
    for _ in range(2):
        classifiers[0].fit(array(X), array(y))
        classifiers[1].fit(X, y)
    assert fitted(classifiers[0]) == fitted(classifiers[1])


# --- Predictions ---

METHODS = ["predict", "predict_proba", "predict_log_proba", "decision_function"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("num_classes", [2, 3])
def test_predictions_of_arrays_are_lazy_arrays(client, method, num_classes):
    X, y, _ = data(3000, num_classes, np.float32)
    classifier = NeuronClassifier().fit(X, np.array(["a", "bb", "c"])[y])
    expected = getattr(classifier, method)(X)
    for chunks in ((700, 3), (3000, 2), ((1000, 0, 2000), (1, 2))):
        found = getattr(classifier, method)(da.from_array(X, chunks=chunks))
        assert isinstance(found, da.Array)
        assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
        computed = found.compute()
        assert computed.dtype == expected.dtype
        # Blocks of other lengths are predicted with other instructions.
        if method == "predict":
            np.testing.assert_array_equal(computed, expected)
        else:
            np.testing.assert_allclose(computed, expected, rtol=1e-5, atol=1e-6)


def raise_error(block):
    raise AssertionError("this block must not be computed")


def test_nothing_is_computed_before_it_is_needed(client):
    X, y, _ = data(3000)
    classifier = NeuronClassifier().fit(X, y)
    lazy = array(X, 1000).map_blocks(raise_error, dtype=X.dtype, meta=np.empty((0, 0)))
    predicted = [getattr(classifier, method)(lazy) for method in METHODS]
    with pytest.raises(AssertionError, match="must not be computed"):
        predicted[0].compute()


# The client of other tests may still be there, which older versions of Dask warn of.
@pytest.mark.filterwarnings("ignore:Running on a single-machine scheduler:UserWarning")
def test_predictions_and_scores_need_no_cluster():
    X, y, weights = data(3000)
    classifier = NeuronClassifier().fit(X, y)
    lazy = array(X, 1000)[array(X, 1000)[:, 0] > 2.0]  # with an empty block
    kept = X[:, 0] > 2.0
    with dask.config.set(scheduler="synchronous"):
        np.testing.assert_array_equal(
            classifier.predict(lazy).compute(), classifier.predict(X[kept])
        )
        score = classifier.score(array(X, 1000), array(y, 1000), array(weights, 1000))
        assert score == pytest.approx(classifier.score(X, y, weights), rel=1e-12)
        assert classifier.score(array(X, 1000), array(y, 1000)) == classifier.score(X, y)


@pytest.mark.parametrize("method", METHODS)
def test_predictions_of_frames_are_arrays_of_unknown_length(client, method):
    X, y, _ = data(3000)
    table = frame(X)
    classifier = NeuronClassifier().fit(table, y)
    lazy = dd.from_pandas(table, npartitions=4)
    found = getattr(classifier, method)(lazy[lazy["a"] > 1.0])
    expected = getattr(classifier, method)(table[table["a"] > 1.0])
    assert isinstance(found, da.Array)
    assert found.numblocks[0] == 4
    assert (found.shape[1:], found.dtype) == (expected.shape[1:], expected.dtype)
    np.testing.assert_allclose(found.compute(), expected, rtol=1e-12)


def test_predictions_of_blocks_without_samples(client):
    X, y, _ = data(3000)
    classifier = NeuronClassifier().fit(X, y)
    lazy = array(X, 1000)
    kept = lazy[da.from_array(np.arange(3000) >= 1500, chunks=1000)]
    np.testing.assert_array_equal(classifier.predict(kept).compute(), classifier.predict(X[1500:]))


def test_predictions_refuse_other_features_at_once():
    X, y, _ = data(500)
    classifier = NeuronClassifier().fit(frame(X), y)
    with pytest.raises(ValueError, match="feature names should match"):
        classifier.predict(dd.from_pandas(frame(X).rename(columns={"a": "z"}), npartitions=1))
    with pytest.raises(ValueError, match="X must have two dimensions"):
        classifier.predict(da.ones(3))


def test_the_score_is_a_number(client):
    X, y, weights = data(3000)
    classifier = NeuronClassifier().fit(X, y)
    score = classifier.score(array(X, 1000), array(y, 700))
    assert isinstance(score, float)
    assert score == classifier.score(X, y)
    weighted = classifier.score(array(X, 1000), y, array(weights, 700))
    assert weighted == pytest.approx(classifier.score(X, y, weights), rel=1e-12)
    table = frame(X, y=np.array(["a", "b"])[y], weight=weights)
    lazy = dd.from_pandas(table, npartitions=3)
    lazy = lazy[lazy["a"] > 0.0]
    table = table[table["a"] > 0.0]
    classifier = NeuronClassifier().fit(table[["a", "b", "c"]], table["y"])
    score = classifier.score(lazy[["a", "b", "c"]], lazy["y"], lazy["weight"])
    expected = classifier.score(table[["a", "b", "c"]], table["y"], table["weight"])
    assert score == pytest.approx(expected, rel=1e-12)


def test_scores_refuse_labels_of_other_lengths(client):
    X, y, _ = data(3000)
    classifier = NeuronClassifier().fit(X, y)
    with pytest.raises(ValueError, match=r"y must have shape \(3000,\), .* found shape \(2999,\)"):
        classifier.score(array(X, 1000), y[1:])
    unknown = array(X, 1000)[array(X, 1000)[:, 0] > 0.0]
    with pytest.raises(ValueError, match="y has 2 blocks and X has 3, some of unknown lengths"):
        classifier.score(unknown, array(y, 1500))
    with pytest.raises(ValueError, match=r"y must have shape"):
        classifier.score(unknown, array(y, 1000))
    with pytest.raises(ValueError, match="at least one sample of positive weight"):
        classifier.score(array(X), y, np.zeros(3000))


# --- The ordinary classifier ---


def test_the_fitted_model_needs_no_dask(client, tmp_path):
    X, y, _ = data(N)
    classifier = NeuronClassifier(loss="log").fit(array(X), array(y))
    ordinary = classifier.estimator_
    assert type(ordinary) is oneneuron.NeuronClassifier
    assert ordinary.get_params() == classifier.get_params()
    assert fitted(ordinary) == fitted(classifier)
    (tmp_path / "model").write_bytes(pickle.dumps(ordinary))
    code = (
        "import sys, pickle; sys.modules['dask'] = sys.modules['distributed'] = None\n"
        "model = pickle.load(open(sys.argv[1], 'rb'))\n"
        "print(model.predict([[0.0, 1.0, 2.0]]).tolist())"
    )
    expected = classifier.predict(np.array([[0.0, 1.0, 2.0]])).tolist()
    assert printed_by(code, str(tmp_path / "model")).strip() == str(expected)


def test_a_pickle_of_the_classifier_names_no_private_module(client):
    X, y, _ = data(500)
    pickled = pickle.dumps(NeuronClassifier().fit(array(X), array(y)))
    assert b"oneneuron.dask" in pickled and b"oneneuron.dask._" not in pickled
    assert b"oneneuron._" not in pickled
    restored = pickle.loads(pickled)
    assert type(restored) is NeuronClassifier
    assert restored.predict(array(X)).compute().shape == (500,)


def test_the_ordinary_classifier_continues_a_partial_fit():
    X, y, _ = data(500)
    classifiers = [NeuronClassifier().partial_fit(X, y, [0, 1])]
    classifiers += [classifiers[0].estimator_]
    for classifier in classifiers:
        classifier.partial_fit(X, y)
    assert bits(classifiers[0]) == bits(classifiers[1])


# --- Bad input ---


def with_value(values, place, value):
    values = values.astype(np.result_type(values, type(value)))
    values[place] = value
    return values


class Given:
    """Samples, labels and weights, in memory and as arrays of Dask."""

    def __init__(self):
        self.X, self.y, self.weights = data(N)
        self.lazy, self.labels = array(self.X), array(self.y)

    def with_value(self, value):
        return with_value(self.X, (LATE, 1), value)

    def converted(self, convert, dtype, meta=None):
        """Return the samples with converted blocks, and with metadata that may be wrong."""
        meta = np.empty((0, 0), dtype) if meta is None else meta
        return self.lazy.map_blocks(convert, dtype=dtype, meta=meta)


def nullable(y):
    column = pd.Series(y).astype("Int64")
    column[LATE] = pd.NA
    return dd.from_pandas(column, npartitions=3)


def halves(labels):
    return labels.map_blocks(lambda block: block / 2, dtype=int, meta=np.empty(0, int))


LATE = N - 2
REFUSED = {
    "nan": (
        lambda g: (array(g.with_value(np.nan)), g.labels), f"nan in sample {LATE}, feature 1"
    ),
    "infinity": (
        lambda g: (array(g.with_value(np.inf)), g.labels), f"inf in sample {LATE}, feature 1"
    ),
    "nan_in_frame": (
        lambda g: (dd.from_pandas(frame(g.with_value(np.nan)), npartitions=3), g.labels),
        f"nan in sample {LATE}, feature 'b'",
    ),
    "missing_label": (
        lambda g: (g.lazy, array(with_value(g.y, LATE, np.nan))),
        f"y contains NaN at row {LATE}: drop",
    ),
    "missing_in_series": (
        lambda g: (g.lazy, nullable(g.y)), f"y contains NaN at row {LATE}: drop"
    ),
    "negative_weight": (
        lambda g: (g.lazy, g.labels, array(with_value(g.weights, LATE, -1.0))),
        rf"found -1.0 for sample {LATE}\.",
    ),
    "zero_weights": (
        lambda g: (g.lazy, g.labels, array(0 * g.weights)), "above 0 for at least one sample"
    ),
    "large_weights": (
        lambda g: (g.lazy, g.labels, array(g.weights + 1e305)), "must have a finite sum"
    ),
    "short_labels": (lambda g: (g.lazy, g.labels[1:]), rf"y must have shape \({N},\)"),
    "short_weights": (
        lambda g: (g.lazy, g.labels, g.weights[1:]), rf"sample_weight must have shape \({N},\)"
    ),
    "no_samples": (lambda g: (g.lazy[:0], g.labels[:0]), "X must have at least one sample"),
    "nothing_kept": (lambda g: (g.lazy[g.lazy[:, 0] > 1e9], []), "X must have at least one sample"),
    "no_features": (lambda g: (g.lazy[:, :0], g.labels), "X must have at least one feature"),
    "one_dimension": (lambda g: (g.lazy[:, 0], g.labels), "X must have two dimensions"),
    "column": (
        lambda g: (g.lazy, g.labels[:, None]), r"y must have one dimension, .* use y\.ravel"
    ),
    "regression": (lambda g: (g.lazy, array(g.weights)), "continuous"),
    "strings": (
        lambda g: (g.lazy.astype("U9"), g.labels), "X must hold numbers, found dtype <U9"
    ),
    "text_column": (
        lambda g: (dd.from_pandas(frame(g.X, d="a"), npartitions=2), g.labels),
        "X must hold numbers, found",
    ),
    "frame_of_labels": (
        lambda g: (g.lazy, dd.from_pandas(frame(g.X)[["a"]], npartitions=2)),
        "y must be an array or a series, found DataFrame: select a column",
    ),
    "mixed_labels": (
        lambda g: (
            g.lazy, da.concatenate([g.labels[:BAND].astype(object), g.labels[BAND:].astype(str)])
        ),
        "y must hold labels of one kind",
    ),
    "sparse": (
        lambda g: (g.converted(csr_array, float, csr_array((0, 0))), g.labels),
        "X has blocks of type csr_array, and must have dense ones: convert them",
    ),
    "sparse_blocks": (
        lambda g: (g.converted(csr_array, float), g.labels), "X has blocks of type csr_array"
    ),
    "wrong_type": (
        lambda g: (g.converted(np.asarray, np.float32), g.labels),
        "X has a block of float64 at row .*, and is float32",
    ),
    "wrong_labels": (
        lambda g: (g.lazy, halves(g.labels)), "y has a block of float64 at row .*, and is int64"
    ),
    "wrong_chunks": (
        lambda g: (g.converted(lambda block: block[1:], float), g.labels),
        r"a block of shape \(9999, 3\) is \(10000, 3\) according",
    ),
    "in_memory": (
        lambda g: (g.X, g.labels), "y is a collection of Dask, and X is in memory: compute y"
    ),
    "bag": (
        lambda g: (db.from_sequence([1]), g.labels),
        "X must be an array or a frame of Dask, found Bag",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_refused_and_leaves_nothing(client, arguments, message):
    X, y, _ = data(500)
    classifier = NeuronClassifier().fit(X, y)
    before = fitted(classifier)
    with pytest.raises((ValueError, TypeError), match=message):
        classifier.fit(*arguments(Given()))
    assert fitted(classifier) == before


def test_scratch_is_refused_for_collections(client, tmp_path):
    with pytest.raises(ValueError, match="scratch is not available for collections of Dask"):
        NeuronClassifier(scratch=tmp_path).fit(da.ones((4, 2)), [0, 1, 0, 1])


def test_partial_fit_refuses_collections():
    with pytest.raises(TypeError, match="partial_fit is not available for collections of Dask"):
        NeuronClassifier().partial_fit(da.ones((9, 3)), [0, 1, 0], classes=[0, 1])


def open_missing_file(block):
    with open("/no/such/file") as file:
        return file.read()


def test_an_error_of_the_data_is_raised_as_it_is(client):
    X, y, _ = data(N)
    lazy = array(X).map_blocks(open_missing_file, dtype=float, meta=np.empty((0, 0)))
    with pytest.raises(FileNotFoundError, match="/no/such/file"):
        NeuronClassifier().fit(lazy, array(y))


def test_a_fit_without_a_client_says_what_to_do(client, monkeypatch):
    code = (
        "import dask.array as da, oneneuron.dask\n"
        "try:\n"
        "    oneneuron.dask.NeuronClassifier().fit(da.ones((4, 2)), [0, 1, 0, 1])\n"
        "except ValueError as error:\n"
        "    print(error)"
    )
    assert printed_by(code).startswith("fit needs a client for collections of Dask: create a")


def test_clients_that_cannot_be_waited_for_are_refused(client):
    closed = distributed.Client(client.scheduler.address, set_as_default=False)
    closed.close()
    for wrong, message in (
        (closed, "client must be synchronous and connected"),
        ("localhost", "client must be a distributed.Client, found 'localhost'"),
    ):
        with pytest.raises((ValueError, TypeError), match=message):
            NeuronClassifier().fit(da.ones((4, 2)), [0, 1, 0, 1], client=wrong)


def fit_in_a_task(wants_client):
    X, y = da.from_array(np.arange(8.0).reshape(4, 2)), [0, 1, 0, 1]
    if not wants_client:
        return NeuronClassifier().fit(X, y).coef_
    with distributed.worker_client() as client:
        return NeuronClassifier().fit(X, y, client=client).coef_


def test_a_fit_inside_a_task_needs_a_client_that_lets_others_run(client):
    futures = [client.submit(fit_in_a_task, wants_client) for wants_client in (False, True)]
    with pytest.raises(ValueError, match="client must be given inside a task"):
        futures[0].result(timeout=SECONDS_UNTIL_GIVEN_UP)
    found = futures[1].result(timeout=SECONDS_UNTIL_GIVEN_UP)
    client.cancel(futures)
    expected = oneneuron.NeuronClassifier().fit(np.arange(8.0).reshape(4, 2), [0, 1, 0, 1])
    assert bits(found) == bits(expected.coef_)


NO_DASK = """
import sys
sys.modules[sys.argv[1]] = None
try:
    import oneneuron.dask
except ImportError as error:
    print(error)
"""


def test_without_dask_the_error_names_the_extra():
    expected = "oneneuron.dask needs Dask: pip install 'oneneuron[dask]'\n"
    assert printed_by(NO_DASK, "distributed") == expected


# --- Faults ---


class Calls:
    """The calls of the workers: their numbers, and what follows when one of them has been sent.

    They are counted for all samples, (), and for each part of them, for instance (16,).
    """

    def __init__(self, monkeypatch):
        self.numbers, self.actions = Counter(), {}
        original = _workers.Workers._answers

        async def answers(workers, parts, arguments):
            taken = arguments[0]
            self.numbers[taken] += 1
            answering = asyncio.ensure_future(original(workers, parts, arguments))
            await asyncio.sleep(0)
            self.actions.pop((taken, self.numbers[taken]), lambda: None)()
            return await answering

        monkeypatch.setattr(_workers.Workers, "_answers", answers)


@pytest.fixture
def calls(monkeypatch):
    return Calls(monkeypatch)


def kill_one(client):
    """Return a function that kills a worker."""
    pids = client.run(os.getpid)
    return lambda: os.kill(sorted(pids.values())[0], signal.SIGKILL)


TWENTY_PASSES = {"solver": "gd", "max_iter": 20, "tol": 0.0}


@pytest.mark.slow
@pytest.mark.parametrize("call", [1, 20], ids=["first", "pass"])
def test_a_killed_worker_is_replaced(client, calls, call):
    X, y, weights = data()
    calls.actions[(), call] = kill_one(client)
    found = on_workers(array(X), array(y), array(weights), **TWENTY_PASSES)
    assert calls.actions == {}
    assert found == in_memory(X, y, weights, **TWENTY_PASSES)


@pytest.mark.slow
def test_a_worker_killed_during_a_draft_is_replaced(client, calls):
    X, y, _ = data(5 * BAND + 17)
    calls.actions[(16,), 3] = kill_one(client)
    assert on_workers(array(X), array(y)) == in_memory(X, y)
    assert calls.actions == {}


def killing(block, path, parent):
    """Return the block, but kill the worker that reads it first."""
    if os.getpid() != parent and not os.path.exists(path):
        Path(path).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return block


@pytest.mark.slow
def test_a_worker_killed_while_it_lays_out_samples_is_replaced(client, tmp_path):
    X, y, _ = data()
    lazy = array(X).map_blocks(
        killing, path=str(tmp_path / "killed"), parent=os.getpid(), dtype=float,
        meta=np.empty((0, 0)),
    )  # fmt: skip
    assert on_workers(lazy, array(y)) == in_memory(X, y)
    assert (tmp_path / "killed").exists()


def test_a_fit_that_loses_workers_all_the_time_gives_up(client, monkeypatch):
    async def lost(call):
        raise OSError("Unable to contact Actor's worker")

    monkeypatch.setattr(_workers, "_awaited", lost)
    X, y, _ = data(N)
    with pytest.raises(RuntimeError, match="has lost workers 4 times in a row"):
        NeuronClassifier().fit(array(X), array(y))


@pytest.mark.slow
@pytest.mark.parametrize("call", [0, 10], ids=["before", "during"])
def test_without_workers_there_is_an_error_within_the_timeout(calls, call):
    X, y, _ = data(N)
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address=":0"
        ) as local,
        distributed.Client(local, timeout="2s", set_as_default=False) as client,
    ):
        classifier = NeuronClassifier(**TWENTY_PASSES)
        collections = array(X), array(y)
        if call == 0:
            local.scale(0)
            wait_until(lambda: not client.nthreads())
        calls.actions[(), call] = lambda: local.scale(0)
        with pytest.raises(TimeoutError, match="The Dask cluster has had no workers for 2 s"):
            classifier.fit(*collections, client=client)
        assert not hasattr(classifier, "coef_")


def test_ctrl_c_leaves_nothing(client, calls, press_ctrl_c):
    X, y, _ = data(N)
    press_ctrl_c(0.1, lambda: calls.numbers[()] > 10)
    classifier = NeuronClassifier(solver="gd", eta=1e-9, tol=0.0, max_iter=10**7)
    with pytest.raises(KeyboardInterrupt):
        classifier.fit(array(X), array(y))
    assert not hasattr(classifier, "coef_")


def wait_in_vain(block, path):
    Path(path).touch()
    distributed.Event("never").wait(SECONDS_UNTIL_GIVEN_UP)
    return block


def test_ctrl_c_while_samples_are_laid_out_leaves_nothing(client, tmp_path, press_ctrl_c):
    X, y, _ = data(N)
    path = tmp_path / "begun"
    lazy = array(X).map_blocks(wait_in_vain, path=str(path), dtype=float, meta=np.empty((0, 0)))
    press_ctrl_c(0.1, path.exists)
    with pytest.raises(KeyboardInterrupt):
        NeuronClassifier().fit(lazy, array(y))
    distributed.Event("never").set()
    wait_until(lambda: not any(client.processing().values()))
    distributed.Event("never").clear()


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["gd", "lbfgs"])
def test_a_fit_whose_process_is_killed_continues_to_the_same_bits(client, calls, tmp_path, solver):
    path = tmp_path / "checkpoint"
    command = [sys.executable, SCRIPT, client.scheduler.address, path, solver]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ten calls\n"
        process.send_signal(signal.SIGKILL)
    X, y, _ = data()
    options = {"solver": solver, "max_iter": 20, "tol": 0.0}
    assert on_workers(array(X), array(y), checkpoint=path, **options) == in_memory(X, y, **options)
    continued = calls.numbers.pop(())
    on_workers(array(X), array(y), **options)
    assert continued < calls.numbers[()]


def test_callbacks_follow_a_fit_on_workers(client):
    callbacks = pytest.importorskip("sklearn.callback")
    X, y, _ = data(N)
    classifier = NeuronClassifier(max_iter=3).set_callbacks(callbacks.ProgressBar())
    assert fitted(classifier.fit(array(X), array(y))) == in_memory(X, y, max_iter=3)
