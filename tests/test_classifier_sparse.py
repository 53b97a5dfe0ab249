"""NeuronClassifier with sparse samples: pipelines, formats, parameters, errors and memory."""

import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
from helpers import bits, make_classes, parameters_of
from scipy import sparse
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier, StackingClassifier
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, StandardScaler

import oneneuron
from oneneuron import NeuronClassifier

FORMATS = ["csr", "csc", "coo", "lil", "dok", "bsr", "dia"]
METHODS = ["predict", "predict_proba", "decision_function"]

# With tol=1e-10, each of two fits ends where the cost can hardly be lowered further in float64. The
# cost is flat there: its roundings let the weights, which are of order 1, move by some 1e-7.
SAME_MINIMUM = dict(rtol=0.0, atol=1e-6)

# LogisticRegression stops when the mean cost falls by less than 64 roundings. With some hundred
# samples and a penalty of 1, its weights may be off by about 1e-6 then.
AS_LOGISTIC_REGRESSION = dict(rtol=0.0, atol=2e-5)


# --- Samples ---


def make_sparse(seed, n=150, d=12, num_classes=2, density=0.3, dtype=np.float64):
    """Return sparse samples with empty rows and columns, their labels, and the generator."""
    X, y, rng = make_classes(seed, n, d, num_classes)
    X[rng.random((n, d)) > density] = 0.0
    X[[3, n - 1]] = 0.0
    X[:, [0, d - 2]] = 0.0
    return sparse.csr_array(X.astype(dtype)), y, rng


def make_texts(seed, n=400, num_classes=2):
    """Return texts of words with a Zipf distribution, some from a topic, and the topics."""
    rng = np.random.default_rng(seed)
    shares = 1.0 / np.arange(1, 301)
    y = rng.integers(num_classes, size=n)
    texts = []
    for label in y:
        words = rng.choice(300, size=rng.integers(5, 60), p=shares / shares.sum())
        is_own = rng.random(len(words)) < 0.15
        words[is_own] = 300 + 20 * label + words[is_own] % 20
        texts.append(" ".join(f"word{word}" for word in words))
    return np.array(texts, dtype=object), y


def make_table(seed, n=400, num_levels=40):
    """Return a frame with two columns of levels and two of numbers, and noisy labels."""
    rng = np.random.default_rng(seed)
    levels = rng.integers(num_levels, size=(n, 2))
    numbers = rng.standard_normal((n, 2))
    effects = rng.standard_normal((num_levels, 2))
    z = effects[levels[:, 0], 0] + effects[levels[:, 1], 1] + numbers[:, 0]
    y = (z + rng.standard_normal(n) > 0).astype(int)
    frame = pd.DataFrame(numbers, columns=["a", "b"])
    return frame.assign(c=[f"c{k}" for k in levels[:, 0]], d=[f"d{k}" for k in levels[:, 1]]), y


def make_levels(seed):
    frame, y = make_table(seed)
    return frame[["c", "d"]], y


def make_numbers(seed):
    frame, y = make_table(seed)
    return frame[["a", "b"]].to_numpy(), y


def make_records(seed):
    frame, y = make_table(seed)
    return np.array(frame.to_dict("records")), y


def make_few_levels(seed):
    return make_table(seed, num_levels=2)


def make_topics(seed):
    return make_texts(seed, num_classes=4)


def encoded_columns():
    """Return a transformer that makes a sparse matrix only if there are many levels."""
    return ColumnTransformer([
        ("levels", OneHotEncoder(handle_unknown="ignore"), ["c", "d"]),
        ("numbers", StandardScaler(), ["a", "b"]),
    ])  # fmt: skip


# Transformers whose results are sparse, and the samples for them.
PIPELINES = {
    "one-hot": (OneHotEncoder(handle_unknown="ignore"), make_levels),
    "bins": (KBinsDiscretizer(8, strategy="uniform"), make_numbers),
    "tf-idf": (TfidfVectorizer(), make_texts),
    "tf-idf, 4 classes": (TfidfVectorizer(), make_topics),
    "hashing": (HashingVectorizer(), make_texts),  # 2^20 features
    "counts": (CountVectorizer(), make_texts),
    "columns": (encoded_columns(), make_table),
    "dictionaries": (DictVectorizer(), make_records),
}
# LogisticRegression takes some seconds with 2^20 features.
NAMES = [
    pytest.param(name, marks=pytest.mark.slow) if name == "hashing" else name for name in PIPELINES
]


# --- Pipelines ---


def halves(samples, y):
    """Return the samples for training, those held out, and the labels of both."""
    half = len(y) // 2
    return samples[:half], samples[half:], y[:half], y[half:]


def trained(transformer, classifier, samples, y):
    return make_pipeline(clone(transformer), classifier).fit(samples, y)


def as_in_logistic_regression(C=1.0):
    """Return our classifier with the cost of LogisticRegression, and LogisticRegression."""
    ours = NeuronClassifier(loss="log", alpha=1 / C, tol=1e-8)
    return ours, LogisticRegression(C=C, tol=1e-9, max_iter=10_000)


@pytest.mark.parametrize("name", PIPELINES)
def test_the_samples_of_these_pipelines_are_sparse(name):
    transformer, make = PIPELINES[name]
    samples, y = make(0)
    assert sparse.issparse(clone(transformer).fit_transform(samples, y))


@pytest.mark.parametrize("name", NAMES)
def test_a_pipeline_has_the_probabilities_of_logistic_regression(name):
    transformer, make = PIPELINES[name]
    seen, unseen, labels, _ = halves(*make(1))
    ours, its = (
        trained(transformer, classifier, seen, labels).predict_proba(unseen)
        for classifier in as_in_logistic_regression(C=0.5)
    )
    np.testing.assert_allclose(ours, its, **AS_LOGISTIC_REGRESSION)


@pytest.mark.parametrize("name", NAMES)
def test_a_pipeline_with_defaults_is_as_accurate_as_logistic_regression(name):
    transformer, make = PIPELINES[name]
    seen, unseen, labels, held_out = halves(*make(2))
    ours, its = (
        trained(transformer, classifier, seen, labels).score(unseen, held_out)
        for classifier in (NeuronClassifier(), LogisticRegression())
    )
    # Another loss gives another model: of 200 samples, some are on the other side.
    assert ours > its - 0.03
    assert ours > np.bincount(held_out).max() / len(held_out)


def test_a_column_transformer_may_switch_between_dense_and_sparse_samples():
    found = {}
    for make in (make_few_levels, make_table):
        seen, unseen, labels, _ = halves(*make(3))
        pipelines = [
            trained(encoded_columns(), classifier, seen, labels)
            for classifier in as_in_logistic_regression()
        ]
        ours, its = (pipeline.predict_proba(unseen) for pipeline in pipelines)
        np.testing.assert_allclose(ours, its, **AS_LOGISTIC_REGRESSION)
        found[make] = sparse.issparse(pipelines[0][0].transform(unseen))
    assert found == {make_few_levels: False, make_table: True}


def test_a_model_of_dense_samples_predicts_sparse_ones_and_the_other_way_round():
    X, y, _ = make_sparse(4)
    for seen, unseen in ((X, X.toarray()), (X.toarray(), X)):
        found = NeuronClassifier().fit(seen, y)
        # The same sums in another order.
        np.testing.assert_allclose(
            found.decision_function(unseen), found.decision_function(seen), rtol=1e-12, atol=1e-13
        )


@pytest.mark.parametrize("name", ["tf-idf", "counts"])
def test_cross_validation_scores_as_with_logistic_regression(name):
    transformer, make = PIPELINES[name]
    texts, y = make(5)
    ours, its = (
        cross_val_score(make_pipeline(clone(transformer), classifier), texts, y, cv=KFold(3))
        for classifier in as_in_logistic_regression()
    )
    assert ours.tolist() == its.tolist()


def test_a_grid_search_over_sparse_samples_finds_the_penalty_of_logistic_regression():
    texts, y = make_texts(6)
    X = TfidfVectorizer().fit_transform(texts)
    penalties = [0.01, 1.0, 100.0]
    classifier, its = as_in_logistic_regression()
    ours = GridSearchCV(classifier, {"alpha": penalties}, cv=3, scoring="neg_log_loss").fit(X, y)
    grid = {"C": [1 / alpha for alpha in penalties]}
    its = GridSearchCV(its, grid, cv=3, scoring="neg_log_loss").fit(X, y)
    assert ours.best_params_["alpha"] == 1 / its.best_params_["C"]
    np.testing.assert_allclose(
        ours.cv_results_["mean_test_score"], its.cv_results_["mean_test_score"],
        **AS_LOGISTIC_REGRESSION,
    )  # fmt: skip


# Wrappers that take sparse samples, given the classifier inside.
WRAPPERS = {
    "calibrated": lambda inner: CalibratedClassifierCV(inner, cv=3),
    "stacking": lambda inner: StackingClassifier(
        [("bayes", MultinomialNB())], inner, passthrough=True, cv=3
    ),
    "bagging": lambda inner: BaggingClassifier(inner, n_estimators=3, random_state=0),
    "one-vs-rest": OneVsRestClassifier,
}


@pytest.mark.parametrize("num_classes", [2, 3])
@pytest.mark.parametrize("name", WRAPPERS)
def test_a_wrapper_has_the_probabilities_of_the_same_around_logistic_regression(name, num_classes):
    texts, y = make_texts(7, num_classes=num_classes)
    seen, unseen, labels, _ = halves(TfidfVectorizer().fit_transform(texts), y)
    ours, its = (
        WRAPPERS[name](classifier).fit(seen, labels).predict_proba(unseen)
        for classifier in as_in_logistic_regression()
    )
    # The sigmoids of the calibration amplify differences.
    np.testing.assert_allclose(ours, its, rtol=0.0, atol=1e-4)


def test_boosted_neurons_take_sparse_samples():
    # AdaBoost divides the weights by their sum, and "auto" keeps the penalty in proportion.
    X, y, _ = make_sparse(8)
    found = AdaBoostClassifier(NeuronClassifier(loss="log"), n_estimators=4).fit(X, y)
    dense = AdaBoostClassifier(NeuronClassifier(loss="log"), n_estimators=4).fit(X.toarray(), y)
    assert found.predict(X).tolist() == dense.predict(X.toarray()).tolist()


def test_partial_fit_learns_from_hashed_pieces_like_a_fit_of_all_texts():
    texts, y = make_texts(9)
    vectorizer = HashingVectorizer(n_features=2**12)
    seen, unseen, labels, held_out = halves(texts, y)
    pieces = [(vectorizer.transform(seen[k::4]), labels[k::4]) for k in range(4)]
    found = NeuronClassifier(loss="log")
    for _ in range(30):
        for piece in pieces:
            found.partial_fit(*piece, classes=[0, 1])
    expected = NeuronClassifier(loss="log").fit(vectorizer.transform(seen), labels)
    X = vectorizer.transform(unseen)
    # After 30 rounds, it has come close to the minimum, but is not there.
    assert np.mean(found.predict(X) == expected.predict(X)) > 0.85
    np.testing.assert_allclose(found.predict_proba(X), expected.predict_proba(X), atol=0.15)
    assert found.score(X, held_out) > 0.6


# --- Formats ---


def as_format(X, name):
    """Return a matrix in another format, also by diagonals, of which it has very many."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sparse.SparseEfficiencyWarning)
        return X.asformat(name)


def with_indices(X, indices, indptr):
    """Return a matrix by rows with index arrays of these types."""
    found = sparse.csr_array(X.shape, dtype=X.dtype)
    # Set one by one, as the constructor would make them equal.
    found.data, found.indices = X.data.copy(), X.indices.astype(indices)
    found.indptr = X.indptr.astype(indptr)
    return found


def shuffled(X, *_):
    """Return a matrix whose rows hold their values in reverse order."""
    order = np.concatenate([
        np.arange(first, end)[::-1] for first, end in zip(X.indptr[:-1], X.indptr[1:], strict=True)
    ]).astype(int)  # fmt: skip
    return sparse.csr_array((X.data[order], X.indices[order], X.indptr), shape=X.shape)


def with_duplicates(X, *_):
    """Return a matrix that holds each value as two halves, whose sum is exact."""
    repeated = np.repeat(X.data / 2, 2), np.repeat(X.indices, 2), 2 * X.indptr
    return sparse.csr_array(repeated, shape=X.shape)


def with_zeros(X, *_):
    """Return a matrix that holds a zero in each row's first and last columns, if they are empty."""
    dense = X.toarray()
    is_held = dense != 0.0
    is_held[:, [0, -1]] = True
    rows, columns = np.nonzero(is_held)
    found = sparse.coo_array((dense[rows, columns], (rows, columns)), shape=X.shape).tocsr()
    assert np.count_nonzero(found.data == 0.0) > 0
    return found


def with_strides(X):
    """Return a matrix whose arrays are every second entry of others."""
    found = X.copy()
    found.data = np.repeat(X.data, 2)[::2]
    found.indices, found.indptr = np.repeat(X.indices, 2)[::2], np.repeat(X.indptr, 2)[::2]
    return found


def with_room(X):
    """Return a matrix whose arrays have room for more values."""
    found = X.copy()
    found.data = np.append(X.data, [7.0, 8.0]).astype(X.dtype)
    found.indices = np.append(X.indices, [99, -1]).astype(np.int32)
    return found


def as_shuffled_coo(X, *_):
    found = X.tocoo()
    order = np.random.default_rng(0).permutation(found.nnz)
    return sparse.coo_array(
        (found.data[order], (found.row[order], found.col[order])), shape=X.shape
    )


STORED = {
    **{f"{name}_array": lambda X, name=name: as_format(X, name) for name in FORMATS},
    **{
        f"{name}_matrix": lambda X, name=name: as_format(sparse.csr_matrix(X), name)
        for name in FORMATS
    },
    "indices of 64 bits": lambda X: with_indices(X, np.int64, np.int64),
    "indices of 32 and 64 bits": lambda X: with_indices(X, np.int32, np.int64),
    "indices of 64 and 32 bits": lambda X: with_indices(X, np.int64, np.int32),
    "columns of 64 bits": lambda X: with_indices(X, np.int64, np.int64).tocsc(),
    "unsorted": shuffled,
    "unsorted by columns": lambda X: shuffled(X.T.tocsr()).T,
    "unsorted coo": as_shuffled_coo,
    "duplicates": with_duplicates,
    "duplicates by columns": lambda X: with_duplicates(X.T.tocsr()).T,
    "duplicates in coo": lambda X: with_duplicates(X).tocoo(),
    "zeros": with_zeros,
    "strides": with_strides,
    "room for more": with_room,
}


def parts_of(X):
    """Return all bits of the arrays of a sparse matrix."""
    names = "data", "indices", "indptr", "row", "col", "offsets", "rows"
    return {
        name: np.array(getattr(X, name)).tolist()
        for name in names
        if X.format != "dok" and hasattr(X, name)
    }


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", STORED)
def test_equal_matrices_give_the_same_bits_however_they_are_stored(name, dtype):
    X, y, _ = make_sparse(20, num_classes=3, dtype=dtype)
    stored = STORED[name](X)
    expected, found = NeuronClassifier().fit(X, y), NeuronClassifier().fit(stored, y)
    assert bits(found) == bits(expected) and found.coef_.dtype == dtype
    for method in METHODS:
        assert bits(getattr(found, method)(stored)) == bits(getattr(found, method)(X))


@pytest.mark.parametrize("name", STORED)
def test_the_matrix_of_the_caller_stays_as_it_is(name):
    X, y, _ = make_sparse(21)
    stored = STORED[name](X)
    before = parts_of(stored)
    NeuronClassifier().fit(stored, y).partial_fit(stored, y).predict_proba(stored)
    assert parts_of(stored) == before


@pytest.mark.parametrize("name", STORED)
def test_partial_fit_gives_the_same_bits_however_a_piece_is_stored(name):
    X, y, _ = make_sparse(22)
    found, expected = (
        NeuronClassifier().partial_fit(piece, y, classes=[0, 1]).partial_fit(piece, y)
        for piece in (STORED[name](X), X)
    )
    assert bits(found) == bits(expected)


def test_a_matrix_that_may_not_be_written_to_is_enough():
    X, y, _ = make_sparse(23)
    expected = bits(NeuronClassifier().fit(X, y))
    for array in (X.data, X.indices, X.indptr):
        array.flags.writeable = False
    assert bits(NeuronClassifier().fit(X, y)) == expected


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.int32, np.int64, np.longdouble])
def test_other_numbers_are_taken_as_float64(dtype):
    X, y, _ = make_sparse(24)
    numbers = (4 * abs(X)).astype(dtype)
    found = NeuronClassifier().fit(numbers, y)
    assert bits(found) == bits(NeuronClassifier().fit(numbers.astype(np.float64), y))


def test_a_frame_of_sparse_columns_gives_the_same_bits_as_the_matrix():
    X, y, _ = make_sparse(26)
    names = [f"x{j}" for j in range(X.shape[1])]
    frame = pd.DataFrame.sparse.from_spmatrix(sparse.csr_matrix(X), columns=names)
    found = NeuronClassifier().fit(frame, y)
    assert bits(found) == bits(NeuronClassifier().fit(X, y))
    assert found.feature_names_in_.tolist() == names
    assert bits(found.predict_proba(frame)) == bits(NeuronClassifier().fit(X, y).predict_proba(X))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_a_frame_of_sparse_columns_is_computed_in_the_dtype_of_its_columns(dtype):
    X, y, _ = make_sparse(29)
    frame = pd.DataFrame.sparse.from_spmatrix(sparse.csr_matrix((4 * X).astype(dtype)))
    expected = np.float32 if dtype == np.float32 else np.float64
    assert NeuronClassifier().fit(frame, y).coef_.dtype == expected


@pytest.mark.parametrize("method", METHODS)
def test_sparse_columns_in_another_order_raise(method):
    X, y, _ = make_sparse(29)
    names = [f"x{j}" for j in range(X.shape[1])]
    frame = pd.DataFrame.sparse.from_spmatrix(sparse.csr_matrix(X), columns=names)
    found = NeuronClassifier().fit(frame, y)
    with pytest.raises(ValueError, match="same order as they were in fit"):
        getattr(found, method)(frame[names[::-1]])


def test_a_frame_with_a_dense_column_is_made_dense_with_a_warning():
    X, y, rng = make_sparse(27)
    frame = pd.DataFrame.sparse.from_spmatrix(sparse.csr_matrix(X))
    frame[0] = rng.standard_normal(len(y))
    with pytest.warns(UserWarning, match="sparse columns found"):
        found = NeuronClassifier().fit(frame, y)
    dense = frame.astype(float)
    assert bits(found) == bits(NeuronClassifier().fit(dense.to_numpy(), y))


def test_a_frame_of_very_many_sparse_columns_is_not_made_dense():
    n, d = 20_000, 300
    rng = np.random.default_rng(28)
    y = rng.integers(2, size=n)
    X = sparse.csr_matrix((np.ones(n), (np.arange(n), rng.integers(d, size=n))), shape=(n, d))
    frame = pd.DataFrame.sparse.from_spmatrix(X)
    assert peak_of(lambda: NeuronClassifier().fit(frame, y)) < 0.5 * 8 * n * d


# --- Dense and sparse samples ---

# The options of the classifier, and where the dense and the sparse fit must agree.
OPTIONS = {
    "log": dict(loss="log"),
    "quadratic": dict(loss="quadratic"),
    "ovr": dict(multi_class="ovr"),
    "log, ovr": dict(multi_class="ovr", loss="log"),
    "a strong penalty": dict(alpha=30.0),
    "no intercept": dict(fit_intercept=False),
    "class_weight": dict(class_weight={0: 3.0}),
    "balanced": dict(class_weight="balanced", loss="log"),
    "lowest": dict(keep="lowest"),
    "several starts": dict(loss="log", n_init=3, random_state=0),
}


@pytest.mark.parametrize("num_classes", [2, 3])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", OPTIONS)
def test_dense_and_sparse_samples_have_the_same_minimum(name, weighted, num_classes):
    X, y, rng = make_sparse(30, num_classes=num_classes)
    u = rng.integers(4, size=len(y)) / 2 if weighted else None
    found, expected = (
        NeuronClassifier(tol=1e-10, **OPTIONS[name]).fit(Z, y, sample_weight=u)
        for Z in (X, X.toarray())
    )
    np.testing.assert_allclose(parameters_of(found), parameters_of(expected), **SAME_MINIMUM)
    # The costs are sums of some hundred terms.
    np.testing.assert_allclose(found.loss_, expected.loss_, rtol=1e-12)


@pytest.mark.parametrize("multi_class", ["softmax", "ovr"])
@pytest.mark.parametrize("loss", ["quadratic", "log"])
@pytest.mark.parametrize("num_classes", [2, 3])
def test_gradient_descent_takes_the_same_steps_on_dense_and_sparse_samples(
    num_classes, loss, multi_class
):
    X, y, rng = make_sparse(31, num_classes=num_classes)
    u = rng.random(len(y))
    options = dict(loss=loss, multi_class=multi_class, solver="gd", eta=0.02, max_iter=50, tol=0.0)
    found, expected = (
        fit_unconverged(NeuronClassifier(record_every=10, **options), Z, y, u)
        for Z in (X, X.toarray())
    )
    # 50 steps add up 50 gradients, each with some roundings.
    np.testing.assert_allclose(parameters_of(found), parameters_of(expected), rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.loss_curve_, expected.loss_curve_, rtol=1e-12)
    for ours, its in zip(found.history_, expected.history_, strict=True):
        assert ours.step.tolist() == its.step.tolist()
        np.testing.assert_allclose(ours.weights, its.weights, rtol=0, atol=1e-12)


def fit_unconverged(classifier, X, y, sample_weight=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return classifier.fit(X, y, sample_weight=sample_weight)


@pytest.mark.parametrize("loss", ["quadratic", "log"])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_the_automatic_step_size_is_about_that_of_dense_samples(fit_intercept, loss):
    X, y, _ = make_sparse(32)
    found, expected = (
        NeuronClassifier(solver="gd", loss=loss, fit_intercept=fit_intercept).fit(Z, y)
        for Z in (X, X.toarray())
    )
    # Each is below 1/L by less than 0.2 %.
    np.testing.assert_allclose(found.eta_, expected.eta_, rtol=2e-3)


def test_float32_gives_about_the_model_of_float64():
    X, y, _ = make_sparse(33, num_classes=3)
    found = NeuronClassifier(loss="log").fit(X.astype(np.float32), y)
    expected = NeuronClassifier(loss="log").fit(X.astype(np.float32).toarray(), y)
    assert found.coef_.dtype == found.predict_proba(X.astype(np.float32)).dtype == np.float32
    # The default tol leaves each within about 1e-4 of the minimum.
    np.testing.assert_allclose(parameters_of(found), parameters_of(expected), rtol=0, atol=1e-3)


def wide(X, factor=10):
    """Return the same samples with a number of empty columns, which the fit leaves out."""
    empty = sparse.csr_array((X.shape[0], (factor - 1) * X.shape[1]))
    return sparse.csr_array(sparse.hstack([empty, X]))


@pytest.mark.parametrize("num_classes", [2, 3])
def test_empty_columns_have_no_weight_and_change_nothing_else(num_classes):
    X, y, _ = make_sparse(34, num_classes=num_classes)
    found, expected = (NeuronClassifier().fit(Z, y) for Z in (wide(X), X))
    d = X.shape[1]
    assert not found.coef_[:, :-d].any()
    # Sums over the columns that are left are taken in another order.
    np.testing.assert_allclose(found.coef_[:, -d:], expected.coef_, rtol=1e-9, atol=1e-12)
    assert bits(found.predict(wide(X))) == bits(expected.predict(X))


@pytest.mark.parametrize("alpha", [0.0, 0.5])
@pytest.mark.parametrize("num_classes", [2, 3])
def test_weights_of_empty_columns_at_the_start_are_treated_as_with_dense_samples(
    num_classes, alpha
):
    X, y, rng = make_sparse(35, num_classes=num_classes)
    X = wide(X)
    num_neurons = 1 if num_classes == 2 else num_classes
    init = rng.standard_normal((num_neurons, X.shape[1])), rng.standard_normal(num_neurons)
    options = dict(init=init, alpha=alpha, solver="gd", eta=0.02, max_iter=5, tol=0.0)
    found, expected = (fit_unconverged(NeuronClassifier(**options), Z, y) for Z in (X, X.toarray()))
    np.testing.assert_allclose(parameters_of(found), parameters_of(expected), rtol=0, atol=1e-12)


def test_a_warm_start_keeps_the_weights_of_columns_that_have_become_empty():
    X, y, _ = make_sparse(36)
    later = sparse.csr_array(sparse.hstack([X[:, :2], sparse.csr_array((X.shape[0], 10))]))
    options = dict(warm_start=True, alpha=0.0, max_iter=3, tol=1e-2)
    found = fit_unconverged(NeuronClassifier(**options), X, y)
    before = found.coef_[0, 2:].copy()
    assert before.any()
    fit_unconverged(found, later, y)
    np.testing.assert_array_equal(found.coef_[0, 2:], before)


def test_a_warm_start_may_change_from_sparse_to_dense_samples():
    X, y, _ = make_sparse(37)
    found = NeuronClassifier(warm_start=True, tol=1e-8).fit(X, y)
    before = parameters_of(found)
    assert found.fit(X.toarray(), y).n_iter_ == 0
    np.testing.assert_array_equal(parameters_of(found), before)


def test_the_history_has_the_weights_of_all_columns():
    X, y, _ = make_sparse(38, num_classes=3)
    for multi_class, rows in (("softmax", 1), ("ovr", 3)):
        found = NeuronClassifier(record_every=1, multi_class=multi_class).fit(wide(X), y)
        assert len(found.history_) == rows
        last = found.history_[0].weights[-1].reshape(-1, wide(X).shape[1])
        np.testing.assert_array_equal(last, found.coef_[: len(last)])


@pytest.mark.parametrize("keep", ["last", "best", "lowest"])
def test_the_model_that_is_kept_is_that_of_dense_samples(keep):
    X, y, _ = make_sparse(39)
    options = dict(keep=keep, solver="gd", eta=2.0, max_iter=20, tol=0.0)
    found, expected = (fit_unconverged(NeuronClassifier(**options), Z, y) for Z in (X, X.toarray()))
    # With this step size, the cost rises and falls, and so differences grow.
    np.testing.assert_allclose(parameters_of(found), parameters_of(expected), rtol=0, atol=1e-7)


def test_progress_is_printed_as_for_dense_samples(capsys):
    X, y, _ = make_sparse(40)
    printed = []
    for Z in (X, X.toarray()):
        NeuronClassifier(verbose=1, solver="gd").fit(Z, y)
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] != ""


def test_callbacks_get_the_sparse_samples_and_the_weights_of_all_columns():
    callback = pytest.importorskip("sklearn.callback")
    X, y, _ = make_sparse(41)
    scored = callback.ScoringMonitor(scoring="accuracy")
    found = NeuronClassifier().set_callbacks(scored).fit(wide(X), y)
    assert scored.get_logs()
    assert bits(found) == bits(NeuronClassifier().fit(wide(X), y))


# --- Rounds of partial_fit ---


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
def test_partial_fit_counts_rounds_alike_for_dense_and_sparse_pieces(weighted, dtype):
    X, y, rng = make_sparse(45, num_classes=3, dtype=dtype)
    X.data[::7] = -0.0  # equals zero, stored or not
    u = rng.integers(3, size=len(y)).astype(float) if weighted else None
    found, expected = (NeuronClassifier() for _ in range(2))
    for k in [0, 1, 2, 2, 0, 1]:
        part = None if u is None else u[k::3]
        found.partial_fit(X[k::3], y[k::3], classes=[0, 1, 2], sample_weight=part)
        expected.partial_fit(X[k::3].toarray(), y[k::3], classes=[0, 1, 2], sample_weight=part)
        assert bits(found._seen) == bits(expected._seen)
        # The bounds on the curvature differ by less than 0.2 %.
        np.testing.assert_allclose(found.eta_, expected.eta_, rtol=2e-3)


def test_partial_fit_takes_the_same_steps_on_dense_and_sparse_pieces():
    X, y, _ = make_sparse(46)
    found, expected = (NeuronClassifier(solver="gd", eta=0.01) for _ in range(2))
    for k in [0, 1, 2, 1, 0, 2]:
        found.partial_fit(X[k::3], y[k::3], classes=[0, 1])
        expected.partial_fit(X[k::3].toarray(), y[k::3], classes=[0, 1])
    np.testing.assert_allclose(parameters_of(found), parameters_of(expected), rtol=0, atol=1e-12)


# --- Errors ---

# What a matrix by rows may have wrong: the name of an array, an entry, and what to put there.
BROKEN_ROWS = {
    "a column beyond the last": ("indices", 5, 12),
    "a column far beyond the last": ("indices", 5, 2**31 - 1),
    "a column below 0": ("indices", 5, -1),
    "a row that starts before the last one": ("indptr", 6, 1),
    "a row that starts beyond the end": ("indptr", 6, 2**30),
    "a first row that does not start at 0": ("indptr", 0, 1),
    "rows below 0": ("indptr", 6, -3),
    "an end beyond the values": ("indptr", -1, 2**20),
}


def broken(X, array, entry, value, kind=sparse.csr_array, index_type=np.int32):
    """Return a copy in which one index is wrong."""
    found = kind(X, copy=True)
    found.indices = found.indices.astype(index_type)
    found.indptr = found.indptr.astype(index_type)
    getattr(found, array)[entry] = value
    return found


def too_few_starts(X):
    found = X.copy()
    found.indptr = found.indptr[:-2].copy()
    return found


def too_few_columns(X):
    found = X.copy()
    found.indices = found.indices[:-5].copy()
    return found


def too_few_values(X):
    found = X.copy()
    found.data = found.data[:-5].copy()
    return found


def broken_coo(X, axis, value):
    found = X.copy().tocoo()
    (found.row, found.col)[axis][3] = value
    return found


def broken_lil(X, value):
    found = X.tolil()
    found.rows[0] = [value]
    found.data[0] = [1.0]
    return found


def uneven_lil(X):
    found = X.tolil()
    found.data[2] = [*found.data[2], 1.0]
    return found


def short_lil(X):
    found = X.tolil()
    found.rows, found.data = found.rows[:-1], found.data[:-1]
    return found


def uneven_dia(X):
    found = as_format(X, "dia")
    found.data = found.data[:-2]
    return found


def missing_from_coo(X):
    found = X.tocoo()
    found.data = found.data[:-2]
    return found


def broken_dok(X, row, column):
    found = X.todok()
    keys = getattr(found, "_dict", found)  # before SciPy 1.13, the matrix is the dictionary
    dict.__setitem__(keys, (row, column), 1.0)
    return found


def broken_bsr(X, value):
    found = X.tobsr((2, 2))
    found.indices[1] = value
    return found


BROKEN = {
    **{
        f"{name}, {number} bits": lambda X, change=change, number=number: broken(
            X, *change, index_type=f"int{number}"
        )
        for name, change in BROKEN_ROWS.items()
        for number in (32, 64)
    },
    "a wide column in 64 bits": lambda X: broken(X, "indices", 5, 2**40, index_type=np.int64),
    "a row beyond the last, by columns": lambda X: broken(
        X, "indices", 5, X.shape[0], sparse.csc_array
    ),
    "a column that starts beyond the end": lambda X: broken(
        X, "indptr", 2, 2**30, sparse.csc_array
    ),
    "too few starts": too_few_starts,
    "too few columns": too_few_columns,
    "too few values": too_few_values,
    "a row beyond the last, in coo": lambda X: broken_coo(X, 0, X.shape[0]),
    "a column beyond the last, in coo": lambda X: broken_coo(X, 1, X.shape[1]),
    "a row below 0, in coo": lambda X: broken_coo(X, 0, -1),
    "a column below 0, in coo": lambda X: broken_coo(X, 1, -1),
    "a column beyond the last, in lil": lambda X: broken_lil(X, 10**6),
    "a column below 0, in lil": lambda X: broken_lil(X, -10**6),
    "fewer values than columns, in lil": uneven_lil,
    "too few rows, in lil": short_lil,
    "too few diagonals": uneven_dia,
    "too few values, in coo": missing_from_coo,
    "a key beyond the last": lambda X: broken_dok(X, 0, 12),
    "a key below 0": lambda X: broken_dok(X, -1, 0),
    "a block beyond the last": lambda X: broken_bsr(X, 10**6),
    "a block below 0": lambda X: broken_bsr(X, -10**6),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_index_arrays_that_describe_no_matrix_raise_and_change_nothing(name):
    X, y, _ = make_sparse(50)
    wrong = BROKEN[name](X)
    message = r"^X has index arrays that do not describe a matrix of shape \(150, 12\): .*Build it"
    found = NeuronClassifier().fit(X, y)
    before = dict(vars(found))
    for call in (found.fit, found.partial_fit):
        with pytest.raises(ValueError, match=message):
            call(wrong, y)
    for method in METHODS:
        with pytest.raises(ValueError, match=message):
            getattr(found, method)(wrong)
    assert vars(found) == before


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_raise(value, name):
    X, y, _ = make_sparse(51)
    found = NeuronClassifier().fit(X, y)
    X.data[4] = value
    X = as_format(X, name)
    for call in (found.fit, found.partial_fit):
        with pytest.raises(ValueError, match=r"X contains (NaN|infinity)"):
            call(X, y)
    for method in METHODS:
        with pytest.raises(ValueError, match=r"X contains (NaN|infinity)"):
            getattr(found, method)(X)


def test_values_whose_sum_is_infinite_raise():
    X, y, _ = make_sparse(52)
    X = with_duplicates(X)
    X.data[:] = 1e308
    with pytest.raises(ValueError, match="X contains infinity"):
        NeuronClassifier().fit(X, y)


def test_values_whose_squares_are_infinite_raise_the_error_for_dense_samples():
    X, y, _ = make_sparse(53)
    X.data[:] = 1e200
    for Z in (X, X.toarray()):
        with pytest.raises(ValueError, match=r"^X has features whose squares are infinite"):
            NeuronClassifier().fit(Z, y)


def test_outputs_that_are_infinite_raise_the_error_for_dense_samples():
    X, y, _ = make_sparse(54)
    found = NeuronClassifier().fit(X, y)
    found.coef_ = np.full_like(found.coef_, 1e300)
    for Z in (1e300 * abs(X), (1e300 * abs(X)).toarray()):
        with pytest.raises(ValueError, match="X"):
            found.decision_function(Z)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_an_empty_matrix_raises(shape):
    with pytest.raises(ValueError, match=r"Found array with 0 (sample|feature)"):
        NeuronClassifier().fit(sparse.csr_array(shape), [0, 1, 0][: shape[0]])


def test_a_matrix_of_no_samples_has_no_predictions_to_make():
    X, y, _ = make_sparse(55)
    found = NeuronClassifier().fit(X, y)
    with pytest.raises(ValueError, match="Found array with 0 sample"):
        found.predict(sparse.csr_array((0, X.shape[1])))


@pytest.mark.parametrize("num_values", [3, 11, 13, 100])
def test_another_number_of_features_raises(num_values):
    X, y, _ = make_sparse(56)
    found = NeuronClassifier().fit(X, y)
    for call in (found.predict, lambda Z: found.partial_fit(Z, y)):
        with pytest.raises(ValueError, match=f"X has {num_values} features, but .* expecting 12"):
            call(sparse.csr_array((len(y), num_values)))


def test_values_that_are_no_numbers_raise():
    X, y, _ = make_sparse(57)
    with pytest.raises(ValueError, match="Complex data not supported"):
        NeuronClassifier().fit(X.astype(complex), y)
    X.data = X.data.astype(object)
    with pytest.raises(ValueError, match=r"^X must hold numbers, found dtype object: convert it"):
        NeuronClassifier().fit(X, y)


@pytest.mark.skipif(sparse.coo_array(np.ones(3)).ndim == 2, reason="SciPy has no sparse vectors")
def test_a_sparse_array_that_is_no_matrix_raises():
    _, y, _ = make_sparse(58)
    with pytest.raises(ValueError, match="X must have two dimensions"):
        NeuronClassifier().fit(sparse.coo_array(np.ones(len(y))), y)


def test_sparse_labels_and_weights_raise_in_words():
    X, y, _ = make_sparse(59)
    for call in (NeuronClassifier().fit, NeuronClassifier().partial_fit):
        with pytest.raises(TypeError, match=r"^y is a sparse matrix: convert it with y.toarray"):
            call(X, sparse.csr_matrix(y))
    with pytest.raises(TypeError, match=r"^sample_weight is a sparse matrix"):
        NeuronClassifier().fit(X, y, sample_weight=sparse.csr_matrix(y))


def test_another_number_of_labels_raises():
    X, y, _ = make_sparse(60)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        NeuronClassifier().fit(X, y[:-1])


# --- Matrices at the edge ---


@pytest.mark.parametrize("d", [1, 3, 1000])
@pytest.mark.parametrize("num_classes", [2, 3])
def test_a_matrix_without_values_gives_the_shares_of_the_classes(num_classes, d):
    y = np.array([0, 0, 0, 1, 1, 2][: 4 + num_classes - 1])
    y = y[y < num_classes]
    X = sparse.csr_array((len(y), d))
    found = NeuronClassifier(loss="log", tol=1e-10).fit(X, y)
    assert not found.coef_.any()
    shares = np.bincount(y) / len(y)
    np.testing.assert_allclose(found.predict_proba(X[:1])[0], shares, rtol=1e-8)


def test_one_sample_is_enough():
    X = sparse.csr_array([[0.0, 2.0, 0.0]])
    with pytest.warns(UserWarning, match="class"):
        found = NeuronClassifier().fit(X, ["a"])
    assert found.predict(X).tolist() == ["a"] and found.predict_proba(X).tolist() == [[1.0]]


def test_one_value_in_a_column_is_enough():
    X = sparse.csr_array(([1.0], ([2], [7])), shape=(5, 20))
    y = [0, 0, 1, 0, 0]
    found = NeuronClassifier(tol=1e-10).fit(X, y)
    expected = NeuronClassifier(tol=1e-10).fit(X.toarray(), y)
    np.testing.assert_allclose(parameters_of(found), parameters_of(expected), **SAME_MINIMUM)


# --- Other functions ---


DENSE, LABELS, _ = make_classes(80, 30, d=2)
SPARSE = sparse.csr_matrix(DENSE)

# Calls with sparse arguments that need dense ones, and the name of the argument.
REFUSED = {
    "train, X": ("X", lambda: oneneuron.train(SPARSE, LABELS, eta=0.01)),
    "train, y": ("y", lambda: oneneuron.train(DENSE, sparse.csr_matrix(LABELS), eta=0.01)),
    "train, init": (
        "init", lambda: oneneuron.train(DENSE, LABELS, eta=0.01, init=(SPARSE[:1], 0.0)),
    ),
    "safe_eta": ("X", lambda: oneneuron.safe_eta(SPARSE)),
    "plot_dots": ("X", lambda: oneneuron.plots.plot_dots(SPARSE, LABELS)),
    "plot_decision_boundary": (
        "X", lambda: oneneuron.plots.plot_decision_boundary(SPARSE, LABELS, np.sum),
    ),
    "plot_cost_surface": (
        "X", lambda: oneneuron.plots.plot_cost_surface(SPARSE, LABELS, short_descent()),
    ),
    "animate_training": (
        "X", lambda: oneneuron.plots.animate_training(SPARSE, LABELS, short_descent()),
    ),
    "lecture": ("x", lambda: oneneuron.lecture.first_network.build_model(SPARSE, LABELS, 0.01)),
    "the classifier's init": (
        "init", lambda: NeuronClassifier(init=(SPARSE[:1], [0.0])).fit(SPARSE, LABELS),
    ),
}  # fmt: skip


def short_descent():
    return oneneuron.train(DENSE, LABELS, eta=0.01, num_steps=4, record_every=1)


@pytest.mark.parametrize("name", REFUSED)
def test_what_needs_dense_arguments_says_how_to_convert_sparse_ones(name, pyplot):
    argument, call = REFUSED[name]
    message = rf"^{argument} is a sparse matrix: convert it with {argument}\.toarray\(\)\.$"
    with pytest.raises(TypeError, match=message):
        call()


def test_a_model_of_sparse_samples_can_be_drawn_over_dense_ones(ax):
    model = NeuronClassifier().fit(SPARSE, LABELS)
    assert oneneuron.plots.plot_decision_boundary(DENSE, LABELS, model, ax=ax) is ax


def test_the_onnx_graph_of_a_model_of_sparse_samples_has_its_probabilities():
    skl2onnx = pytest.importorskip("skl2onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    oneneuron.onnx.register()
    model = NeuronClassifier().fit(SPARSE, LABELS)
    graph = skl2onnx.to_onnx(model, DENSE[:1], options={"zipmap": False})
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    _, probabilities = session.run(None, {"X": DENSE})
    np.testing.assert_allclose(probabilities, model.predict_proba(SPARSE), rtol=1e-12)


# --- Memory ---


def peak_of(call):
    """Return the most bytes that NumPy and Python allocate at a time during a call."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def bytes_of(X):
    return X.data.nbytes + X.indices.nbytes + X.indptr.nbytes


def test_a_matrix_is_trained_on_whose_dense_form_could_not_exist():
    rng = np.random.default_rng(70)
    n, d = 200_000, 1_000_000  # 1.6 TB
    y = rng.integers(2, size=n)
    X = sparse.csr_array((np.ones(n), (np.arange(n), rng.integers(d // 2, size=n) * 2 + y)), (n, d))
    assert NeuronClassifier().fit(X, y).score(X, y) == 1.0


def make_full_rows(seed):
    """Return a matrix by rows with 500 values in a row, so that they are most of its memory."""
    rng = np.random.default_rng(seed)
    n, d = 1000, 2000
    columns = np.sort(rng.permuted(np.tile(np.arange(d, dtype=np.int32), (n, 1)), axis=1)[:, :500])
    starts = np.arange(0, 500 * n + 1, 500, dtype=np.int32)
    X = sparse.csr_array((rng.random(500 * n), columns.ravel(), starts), shape=(n, d))
    return X, rng.integers(2, size=n)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("factor", [1, 10])  # with the latter, empty columns are left out
def test_a_fit_adds_at_most_twice_the_matrix(factor, dtype):
    X, y = make_full_rows(71)
    X = wide(X, factor).astype(dtype) if factor > 1 else X.astype(dtype)
    NeuronClassifier().fit(X[:10], y[:10])  # imports what it needs
    assert peak_of(lambda: NeuronClassifier(max_iter=3, tol=1.0).fit(X, y)) < 2.0 * bytes_of(X)


@pytest.mark.parametrize("name", ["csc", "coo"])
def test_a_fit_of_another_format_adds_a_copy_by_rows_to_that(name):
    X, y = make_full_rows(74)
    stored = X.asformat(name)
    NeuronClassifier().fit(X[:10], y[:10])
    assert peak_of(lambda: NeuronClassifier(max_iter=3, tol=1.0).fit(stored, y)) < 3.0 * bytes_of(X)


def test_a_step_on_a_piece_adds_at_most_twice_the_piece():
    X, y = make_full_rows(72)
    found = NeuronClassifier().partial_fit(X[:10], y[:10], classes=[0, 1])
    assert peak_of(lambda: found.partial_fit(X, y)) < 2.0 * bytes_of(X)


def test_a_prediction_adds_less_than_the_matrix():
    X, y = make_full_rows(73)
    found = NeuronClassifier(tol=1.0).fit(X, y)
    assert peak_of(lambda: found.predict_proba(X)) < 0.5 * bytes_of(X)
