"""The data of `sparse_fits.py`: each name in its tables, and a function that makes X and y."""

from functools import cache

import numpy as np
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.preprocessing import OneHotEncoder

NUM_TEXTS, NUM_WORDS, NUM_TOPICS = 20_000, 100_000, 20
# A text has a log-normal number of words. The median is e^5, which is 148.
MEAN_LOG_LENGTH, SPREAD_OF_LOG_LENGTH, LEAST_LENGTH = 5.0, 0.7, 5
OWN_SHARE = 0.15  # of the words of a text come from its topic's own list
WRONG_SHARE = 0.05  # of the labels are drawn at random

NUM_ROWS = 200_000
LEVELS = (2, 3, 4, 6, 10, 15, 25, 40, 80, 150)  # of each column of the table


@cache
def words():
    """Return the row and the word of each occurrence of a word, and the topic of each text.

    The frequencies of the words follow Zipf's law, in a random order. Each topic has a list of its
    own, with all words in another order.
    """
    rng = np.random.default_rng(0)
    shares = 1.0 / np.arange(1, NUM_WORDS + 1)
    shares /= shares.sum()
    topics = rng.integers(NUM_TOPICS, size=NUM_TEXTS)
    lengths = rng.lognormal(MEAN_LOG_LENGTH, SPREAD_OF_LOG_LENGTH, NUM_TEXTS)
    rows = np.repeat(np.arange(NUM_TEXTS), np.maximum(LEAST_LENGTH, lengths).astype(int))
    ranks = rng.choice(NUM_WORDS, size=len(rows), p=shares)
    found = rng.permutation(NUM_WORDS)[ranks]
    is_own = rng.random(len(rows)) < OWN_SHARE
    for topic in range(NUM_TOPICS):
        chosen = is_own & (topics[rows] == topic)
        found[chosen] = rng.permutation(NUM_WORDS)[ranks[chosen]]
    return rows, found, topics


def tf_idf(num_texts, labels):
    """Return the tf-idf features of some texts, and a label for each topic."""
    rows, found, topics = words()
    counts = csr_array((np.ones(len(rows)), (rows, found)), shape=(NUM_TEXTS, NUM_WORDS))
    X = TfidfTransformer().fit_transform(counts)
    return X[:num_texts], _with_noise(topics, labels)[:num_texts]


def hashed(labels):
    """Return the same texts after `HashingVectorizer`, with its default of 2^20 features."""
    rows, found, topics = words()
    texts = np.split(found.astype(str), np.flatnonzero(np.diff(rows)) + 1)
    X = HashingVectorizer(analyzer=list).transform(texts)
    return X, _with_noise(topics, labels)


def _with_noise(topics, labels):
    """Return the label of each text, some of them drawn at random."""
    rng = np.random.default_rng(1)
    y = labels(topics)
    is_wrong = rng.random(len(y)) < WRONG_SHARE
    return np.where(is_wrong, rng.choice(y, size=len(y)), y)


def _of_two(topics):
    return topics % 2


def _of_all(topics):
    return topics


def one_hot():
    """Return a table of categories, encoded, whose effects on the log odds are normal."""
    rng = np.random.default_rng(2)
    columns, odds = [], np.zeros(NUM_ROWS)
    for num_levels in LEVELS:
        shares = 1.0 / np.arange(1, num_levels + 1)
        columns.append(rng.choice(num_levels, size=NUM_ROWS, p=shares / shares.sum()))
        odds += 0.5 * rng.standard_normal(num_levels)[columns[-1]]
    y = rng.random(NUM_ROWS) < 1 / (1 + np.exp(-odds))
    return OneHotEncoder().fit_transform(np.column_stack(columns)), y.astype(int)


DATA = {
    "tf-idf": lambda: tf_idf(NUM_TEXTS, _of_two),
    "hashing": lambda: hashed(_of_two),
    "tf-idf, 20 classes": lambda: tf_idf(5_000, _of_all),
    "one-hot": one_hot,
}
