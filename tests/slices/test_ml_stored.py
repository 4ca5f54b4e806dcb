"""The file of a model: it says what scikit-learn says, and what is not such a file is refused with a cure."""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpt_trader.core.errors import ConfigError, NotFound, ValidationError
from gpt_trader.slices.ml_strategy.drifting import drift_of, reference_of, shifted, stability_index
from gpt_trader.slices.ml_strategy.features import FEATURES
from gpt_trader.slices.ml_strategy.learners import DEPTH, RATE, learned
from gpt_trader.slices.ml_strategy.params import TrainParams
from gpt_trader.slices.ml_strategy.stored import (
    Boosted,
    Candidate,
    Drift,
    Logistic,
    StoredModel,
    Tree,
    model_of,
    probabilities,
)

WIDTH = len(FEATURES)


def params_for(**more: Any) -> TrainParams:
    return TrainParams(bars=None, regimes=None, **more)


def made(**changes: Any) -> StoredModel:
    nothing = [0.0] * WIDTH
    given: dict[str, Any] = {
        "features": list(FEATURES),
        "learner": Logistic(
            classes=[0, 1], centre=nothing, scale=[1.0] * WIDTH, weights=[nothing, nothing], intercepts=[0.0, 1.0]
        ),
        "candidates": [
            Candidate(strategy="sma_cross", params={"fast": 3}, source="abc"),
            Candidate(strategy="buy_and_hold", params={}, source=None),
        ],
        "baseline": 1,
        "timeframe": "1d",
        "horizon": 21,
        "trained_until": 1,
        "drift": Drift(bars=50, edges=[[]] * WIDTH, shares=[[1.0]] * WIDTH, usual=nothing),
        "training": {"beats_baseline": True, "why": "it did"},
        "provenance": {},
    }
    return StoredModel(**{**given, **changes})


@pytest.fixture
def read(tmp_path, artifacts):
    """Write this as a file, and read it as a model."""

    def run(content: bytes | str | dict):
        path = tmp_path / "some.model"
        text = json.dumps(content) if isinstance(content, dict) else content
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return model_of(str(path), artifacts)

    return run


def changed(**changes: Any) -> dict[str, Any]:
    return {**json.loads(made().to_bytes()), **changes}


def test_what_was_written_is_read_again(read, artifacts):
    model = made()
    assert read(model.to_bytes()) == model
    artifact = artifacts.put(model.to_bytes(), kind="model")
    assert model_of(artifact, artifacts) == model
    after = artifacts.decode(artifacts.encode({"model": artifact}))["model"]
    assert model_of(after, artifacts) == model


@pytest.mark.parametrize(
    "given", [{"hash": "../../secret", "kind": "model"}, {"hash": "a" * 64, "kind": "json"}, {}, 7]
)
def test_what_names_no_model_opens_no_file(given, artifacts, monkeypatch):
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail(f"{self} was opened"))
    with pytest.raises(ValidationError, match="is no model") as caught:
        model_of(given, artifacts)
    assert "the output `model` of `train`" in str(caught.value.hint)


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("learner", ["logistic", "boosting"])
def test_the_stored_numbers_say_what_scikit_learn_says(learner, classes):
    linear, ensemble = pytest.importorskip("sklearn.linear_model"), pytest.importorskip("sklearn.ensemble")
    rng = np.random.default_rng(classes)
    rows = rng.normal(0, 1, (200, 4)) * [1, 10, 0.1, 5] + [0, 3, 0, -2]
    best = np.argmax(rows[:, :1] * np.linspace(-1, 1, classes) + rng.normal(0, 0.5, (200, classes)), axis=1) + 1
    fresh = rng.normal(0, 1, (50, 4)) * [1, 10, 0.1, 5]
    stored = learned(rows, best, params_for(learner=learner, trees=15, strength=0.5, seed=3))
    if learner == "logistic":
        centre, scale = rows.mean(axis=0), rows.std(axis=0)
        fit = linear.LogisticRegression(C=0.5, max_iter=2_000, tol=1e-6).fit((rows - centre) / scale, best)
        want = fit.predict_proba((fresh - centre) / scale)
    else:
        fit = ensemble.GradientBoostingClassifier(
            n_estimators=15, max_depth=DEPTH, learning_rate=RATE, random_state=3
        ).fit(rows, best)
        want = fit.predict_proba(fresh)
    again = type(stored).model_validate_json(stored.model_dump_json())
    got = probabilities(again, fresh, classes + 2)
    np.testing.assert_allclose(got[:, fit.classes_], want, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(got.sum(axis=1), 1.0)
    assert (got[:, 0] == 0.0).all()  # it was never the best


def test_where_one_was_always_the_best_it_is_sure():
    stored = learned(np.zeros((40, WIDTH)), np.full(40, 2), params_for())
    np.testing.assert_array_equal(probabilities(stored, np.ones((3, WIDTH)), 4), [[0, 0, 1, 0]] * 3)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("not json", "it is not JSON"),
        (pickle.dumps({"format": "gpt-trader strategy model"}), "it is not JSON"),
        ("[]", "is no strategy model of this program"),
        ({"format": "something else"}, "is no strategy model of this program"),
        (changed(version=2), "has the format version 2, and this program reads version 1"),
        (changed(version=None), "has the format version None"),
        (changed(features=["return_5"]), "was trained on other features"),
        (changed(features=list(reversed(FEATURES))), "was trained on other features"),
        (changed(feature_set=0), "was trained on other features"),
        (changed(extra=1), "is damaged: extra"),
        (changed(baseline=7), "is damaged"),
        (changed(horizon="21"), "is damaged: horizon"),
        (changed(learner={"kind": "pickle"}), "is damaged: learner"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_such_model_is_refused_and_the_cure_is_named(read, content, said):
    with pytest.raises(ValidationError, match=said) as caught:
        read(content)
    assert "train it again" in str(caught.value.hint)


def test_a_learner_that_does_not_fit_or_is_not_finite_is_refused(read):
    whole = json.loads(made().to_bytes())["learner"]
    faults: list[dict[str, Any]] = [
        {"weights": [[0.0] * WIDTH]},
        {"weights": [[0.0], [0.0]]},
        {"scale": [0.0] * WIDTH},
        {"classes": [0, 9]},
        {"intercepts": [float("nan"), 0.0]},
        {"centre": [], "scale": [], "weights": [[], []]},
    ]
    for wrong in faults:
        with pytest.raises(ValidationError, match="is damaged"):
            read(json.dumps(changed(learner={**whole, **wrong})))


def leaf(value: float = 0.0) -> Tree:
    return Tree(feature=[-1], threshold=[0.0], left=[-1], right=[-1], value=[value])


@pytest.mark.parametrize(
    "tree",
    [
        {"feature": [0, -1, -1], "threshold": [0.0] * 3, "left": [0, -1, -1], "right": [2, -1, -1], "value": [0.0] * 3},
        {"feature": [0, -1, -1], "threshold": [0.0] * 3, "left": [1, -1, -1], "right": [9, -1, -1], "value": [0.0] * 3},
        {"feature": [0], "threshold": [0.0, 1.0], "left": [-1], "right": [-1], "value": [0.0]},
        {"feature": [], "threshold": [], "left": [], "right": [], "value": []},
    ],
    ids=["in a circle", "out of itself", "uneven", "empty"],
)
def test_a_tree_that_never_ends_or_leads_nowhere_is_refused(tree):
    with pytest.raises(ValueError, match="tree"):
        Tree(**tree)


def test_trees_must_fit_the_classes_and_features():
    far = Tree(feature=[5, -1, -1], threshold=[0.0] * 3, left=[1, -1, -1], right=[2, -1, -1], value=[0.0] * 3)
    with pytest.raises(ValueError, match="a feature that does not exist"):
        Boosted(classes=[0], width=3, start=[0.0], trees=[[far]])
    with pytest.raises(ValueError, match="do not fit the classes"):
        Boosted(classes=[0, 1], width=3, start=[0.0, 0.0], trees=[[leaf()]])


def test_a_damaged_a_missing_or_no_file_at_all_is_named(artifacts, tmp_path, monkeypatch):
    artifact = artifacts.put(made().to_bytes(), kind="model")
    artifacts.path(artifact).write_bytes(made(horizon=5).to_bytes())
    with pytest.raises(ValidationError, match="is damaged: its content is not what its name says"):
        model_of(artifact, artifacts)
    with pytest.raises(NotFound, match="cannot be read: No such file"):
        model_of(str(tmp_path / "none.model"), artifacts)
    with pytest.raises(ValidationError, match="is no model file"):
        model_of(str(tmp_path), artifacts)
    big = tmp_path / "big.model"
    big.write_bytes(made().to_bytes())
    monkeypatch.setattr("gpt_trader.slices.ml_strategy.stored.MOST_BYTES", 100)
    with pytest.raises(ValidationError, match="is no model file"):
        model_of(str(big), artifacts)


def test_training_without_the_extra_names_the_line_that_installs_it(monkeypatch):
    for name in ("sklearn", "sklearn.linear_model"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigError, match="training needs sklearn") as caught:
        learned(np.zeros((4, 2)), np.array([0, 1, 0, 1]), params_for())
    assert caught.value.hint == "pip install 'gpt-trader[ml]'"


def test_the_stability_index_by_hand():
    """Half and half became three quarters and a quarter: 0.25 ln 1.5 - 0.25 ln 0.5."""
    want = 0.25 * np.log(1.5) - 0.25 * np.log(0.5)
    assert stability_index(np.array([0.5, 0.5]), np.array([75.0, 25.0])) == pytest.approx(want, rel=1e-12)
    assert stability_index(np.array([0.2, 0.8]), np.array([20.0, 80.0])) == pytest.approx(0.0, abs=1e-15)


def test_a_shift_is_found_and_what_training_itself_showed_is_none():
    rng = np.random.default_rng(1)
    train = rng.normal(0, 1, (2_000, 2))
    reference = reference_of([train], 250)
    assert len(reference.edges[0]) == 9
    np.testing.assert_allclose(reference.shares[0], 0.1, atol=0.01)
    same = drift_of(train[300:550], reference, ["a", "b"])
    assert shifted(same) == []
    fresh = drift_of(rng.normal(0, 1, (250, 2)), reference, ["a", "b"])
    assert shifted(fresh) == []
    moved = drift_of(rng.normal([0, 2], 1, (250, 2)), reference, ["a", "b"])
    assert shifted(moved) == ["b"]
    assert moved["b"]["index"] > 1 > moved["b"]["usual"]


def test_a_trending_feature_warns_only_beyond_its_own_past():
    """A feature that wanders strays far from its whole past in every stretch: that is no news."""
    wander = np.sin(np.arange(2_000) / 300)[:, None]
    reference = reference_of([wander], 250)
    assert reference.usual[0] > 0.25
    assert shifted(drift_of(wander[1_000:1_250], reference, ["a"])) == []
    assert shifted(drift_of(wander[1_000:1_250] + 5, reference, ["a"])) == ["a"]
