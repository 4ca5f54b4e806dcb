"""Training by scikit-learn, at once translated into the form in which models are kept, judged and used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core.extras import needed
from gpt_trader.slices.ml_strategy.stored import Boosted, Logistic, Tree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpt_trader.slices.ml_strategy.params import TrainParams

    Floats = NDArray[np.float64]
    Places = NDArray[np.int64]

DEPTH = 2
RATE = 0.1
ROUNDS = 2_000


def learned(rows: Floats, best: Places, params: TrainParams) -> Logistic | Boosted:
    """What tells the best candidate from features; where one was always the best, that is the answer."""
    classes = np.unique(best).tolist()
    if len(classes) == 1:
        width = rows.shape[1]
        zeros = [0.0] * width
        return Logistic(classes=classes, centre=zeros, scale=[1.0] * width, weights=[zeros], intercepts=[0.0])
    return _boosted(rows, best, params) if params.learner == "boosting" else _logistic(rows, best, params)


def _logistic(rows: Floats, best: Places, params: TrainParams) -> Logistic:
    library = needed("sklearn.linear_model", extra="ml", what="training")
    centre, spread = rows.mean(axis=0), rows.std(axis=0)
    scale = np.where(spread > 1e-12, spread, 1.0)
    fit = library.LogisticRegression(C=params.strength, max_iter=ROUNDS, tol=1e-6)
    fit.fit((rows - centre) / scale, best)
    weights, intercepts = fit.coef_, fit.intercept_
    if len(weights) == 1:  # of two classes the library keeps the second one only
        weights, intercepts = np.stack([np.zeros_like(weights[0]), weights[0]]), np.array([0.0, intercepts[0]])
    return Logistic(
        classes=fit.classes_.tolist(),
        centre=centre.tolist(),
        scale=scale.tolist(),
        weights=weights.tolist(),
        intercepts=intercepts.tolist(),
    )


def _boosted(rows: Floats, best: Places, params: TrainParams) -> Boosted:
    library = needed("sklearn.ensemble", extra="ml", what="training")
    fit = library.GradientBoostingClassifier(
        n_estimators=params.trees, max_depth=DEPTH, learning_rate=RATE, random_state=params.seed
    )
    fit.fit(rows, best)
    prior = np.log(np.bincount(np.searchsorted(fit.classes_, best)) / len(best))
    trees = [[_tree(grown.tree_) for grown in row] for row in fit.estimators_]
    if len(fit.classes_) == 2:  # one tree a round speaks for the second class
        nothing = Tree(feature=[-1], threshold=[0.0], left=[-1], right=[-1], value=[0.0])
        trees = [[nothing, row[0]] for row in trees]
    return Boosted(classes=fit.classes_.tolist(), width=rows.shape[1], start=prior.tolist(), trees=trees)


def _tree(grown: Any) -> Tree:
    leaf = grown.children_left < 0
    return Tree(
        feature=np.where(leaf, -1, grown.feature).tolist(),
        threshold=np.where(leaf, 0.0, grown.threshold).tolist(),
        left=grown.children_left.tolist(),
        right=grown.children_right.tolist(),
        value=(RATE * grown.value[:, 0, 0]).tolist(),
    )
