"""The public door: what `oneneuron` offers, when it loads it, and what its pickles name."""

import pickle

import numpy as np
import pytest
from helpers import printed_by

import oneneuron
from oneneuron import NeuronClassifier

MODULES = {"compare", "lecture", "onnx", "plots", "reference"}
NAMES = {
    "Descent",
    "History",
    "Model",
    "NeuronClassifier",
    "__version__",
    "safe_eta",
    "train",
} | MODULES

WITHOUT_SKL2ONNX = "import sys; sys.modules['skl2onnx'] = None; "


def loaded_after(code):
    """Return the names of all modules that a new interpreter has loaded after the code."""
    return set(printed_by(f"import sys\n{code}\nprint(*sys.modules)").split())


# --- Names ---


def test_all_lists_the_public_names_and_modules():
    assert len(oneneuron.__all__) == len(NAMES)
    assert set(oneneuron.__all__) == NAMES


def test_dir_lists_the_modules_of_the_lecture_before_any_of_them_is_loaded():
    listed = printed_by("from oneneuron import lecture; print(*dir(lecture))").split()
    assert listed == ["example1", "first_network", "lessons", "plotting_routines"]


def test_dir_lists_the_public_names_before_any_of_them_is_loaded():
    assert set(printed_by("import oneneuron; print(*dir(oneneuron))").split()) == NAMES


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_public_module_is_an_attribute_at_once(name):
    printed = printed_by(f"import oneneuron; print(oneneuron.{name}.__name__)")
    assert printed.strip() == f"oneneuron.{name}"


def test_each_public_name_is_an_attribute():
    assert [name for name in NAMES if not hasattr(oneneuron, name)] == []


def test_an_unknown_attribute_raises_attribute_error():
    with pytest.raises(AttributeError, match=r"^module 'oneneuron' has no attribute 'Neuron'$"):
        oneneuron.Neuron  # noqa: B018


def test_the_version_is_that_of_the_distribution():
    from importlib.metadata import version

    assert oneneuron.__version__ == version("oneneuron")


# --- Loading ---


def test_the_package_alone_loads_no_other_package_and_no_module_of_its_own():
    loaded = loaded_after("import oneneuron")
    assert {"numpy", "sklearn", "scipy", "matplotlib", "dask", "mpi4py"} & loaded == set()
    assert [name for name in loaded if name.startswith("oneneuron.")] == []


def test_train_loads_no_other_package_but_numpy():
    loaded = loaded_after("from oneneuron import Model, train")
    assert {"sklearn", "scipy", "matplotlib", "dask", "mpi4py"} & loaded == set()


def test_train_loads_no_scikit_learn_matplotlib_or_scipy():
    loaded = loaded_after(
        "import oneneuron\n"
        "oneneuron.train([[0.0], [1.0]], [0, 1], eta='auto', num_steps=2)"
    )  # fmt: skip
    assert {"sklearn", "scipy", "matplotlib"} & loaded == set()


def test_a_classifier_loads_no_dask():
    loaded = loaded_after("from oneneuron import NeuronClassifier")
    assert {"dask", "distributed", "oneneuron.dask"} & loaded == set()


def test_plots_does_not_load_compare():
    loaded = loaded_after("import oneneuron.plots")
    assert not any(name.startswith("oneneuron.compare") for name in loaded)


@pytest.mark.parametrize("code", ["from oneneuron import *", "import oneneuron; help(oneneuron)"])
def test_star_import_and_help_work_without_skl2onnx(code):
    printed_by(WITHOUT_SKL2ONNX + code)


def test_help_describes_the_functions_and_lists_the_modules():
    text = printed_by("import oneneuron; help(oneneuron)")
    assert "train(" in text and "class NeuronClassifier" in text
    assert all(module in text for module in MODULES)


# --- Pickles ---


def test_public_classes_have_public_modules():
    for name in ("Descent", "History", "Model", "NeuronClassifier"):
        assert getattr(oneneuron, name).__module__ == "oneneuron"
    assert oneneuron.compare.Timing.__module__ == "oneneuron.compare"


def results():
    """Return one result of each public class, by its name."""
    X, y = np.arange(8.0).reshape(4, 2), [0, 1, 0, 1]
    descent = oneneuron.train(X, y, eta=0.1, num_steps=3, init=([0.0, 0.0], 0.0), record_every=1)
    return {
        "Descent": descent,
        "History": descent.history,
        "Model": descent.best,
        "NeuronClassifier": NeuronClassifier(record_every=1).fit(X, y),
    }


@pytest.mark.parametrize("name", ["Descent", "History", "Model", "NeuronClassifier"])
def test_a_pickle_names_no_private_module(name):
    result = results()[name]
    assert type(result).__name__ == name
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        pickled = pickle.dumps(result, protocol)
        assert b"oneneuron" in pickled
        assert b"oneneuron._" not in pickled
        assert type(pickle.loads(pickled)) is type(result)
