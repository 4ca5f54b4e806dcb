"""A model in a file: numbers in JSON, checked when read, so that a file from a stranger can do nothing but be wrong."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic import ValidationError as Invalid

from gpt_trader.core.context import Artifact
from gpt_trader.core.errors import NotFound, ValidationError
from gpt_trader.slices.ml_strategy.features import FEATURE_SET, FEATURES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpt_trader.core.context import Artifacts

    Floats = NDArray[np.float64]

FORMAT = "gpt-trader strategy model"
VERSION = 1
KIND = "model"
MOST_BYTES = 64 * 1024 * 1024
_HASH = re.compile(r"[0-9a-f]{64}")
GIVE = "give the output `model` of `train`, or the path of such a file"
AGAIN = "train it again with this version: {slice: ml_strategy, method: train}"


class Part(BaseModel):
    """Strict, closed, frozen, and finite."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class Logistic(Part):
    """Features minus their centre over their scale, times weights; the greatest sum is the likeliest class."""

    kind: Literal["logistic"] = "logistic"
    classes: list[int]
    centre: list[float]
    scale: list[float]
    weights: list[list[float]]
    intercepts: list[float]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        width = len(self.centre)
        fits = len(self.scale) == width and all(len(row) == width for row in self.weights)
        if not fits or not len(self.weights) == len(self.intercepts) == len(self.classes) > 0:
            raise ValueError("the weights do not fit the classes and features")
        if not all(s > 0 for s in self.scale):
            raise ValueError("a scale is not above zero")
        return self

    @property
    def width(self) -> int:
        """How many features it reads."""
        return len(self.centre)

    def scores(self, rows: Floats) -> Floats:
        """A number for each row and class."""
        scaled = (rows - np.array(self.centre)) / np.array(self.scale)
        found: Floats = scaled @ np.array(self.weights).T + np.array(self.intercepts)
        return found


class Tree(Part):
    """Questions by number: a feature at most a threshold goes left, else right; a leaf has no feature (-1)."""

    feature: list[int]
    threshold: list[float]
    left: list[int]
    right: list[int]
    value: list[float]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        count = len(self.feature)
        if not count == len(self.threshold) == len(self.left) == len(self.right) == len(self.value) > 0:
            raise ValueError("the columns of a tree differ in length")
        for at, (feature, left, right) in enumerate(zip(self.feature, self.left, self.right, strict=True)):
            if feature >= 0 and not (at < left < count and at < right < count):
                raise ValueError("a tree does not lead down to its leaves")
        return self

    def values(self, rows: NDArray[np.float32]) -> Floats:
        """The value of the leaf that each row comes to."""
        feature, threshold = np.array(self.feature), np.array(self.threshold)
        left, right = np.array(self.left), np.array(self.right)
        at = np.zeros(len(rows), dtype=np.int64)
        while (inner := feature[at] >= 0).any():
            place = np.flatnonzero(inner)
            here = at[place]
            goes_left = rows[place, feature[here]] <= threshold[here]
            at[place] = np.where(goes_left, left[here], right[here])
        return np.array(self.value)[at]


class Boosted(Part):
    """A start for each class, and the sum of its trees."""

    kind: Literal["boosting"] = "boosting"
    classes: list[int]
    width: int = Field(gt=0)
    start: list[float]
    trees: list[list[Tree]]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        count = len(self.classes)
        if count == 0 or len(self.start) != count or any(len(row) != count for row in self.trees):
            raise ValueError("the trees do not fit the classes")
        if any(f >= self.width for row in self.trees for tree in row for f in tree.feature):
            raise ValueError("a tree asks for a feature that does not exist")
        return self

    def scores(self, rows: Floats) -> Floats:
        """A number for each row and class."""
        single = rows.astype(np.float32)  # the library that grew the trees compares in single precision
        found = np.tile(np.array(self.start), (len(rows), 1))
        for row in self.trees:
            found += np.stack([tree.values(single) for tree in row], axis=1)
        return found


Learner = Annotated[Logistic | Boosted, Field(discriminator="kind")]


class Drift(Part):
    """How each feature was spread in training: the edges of its bins, their shares, and how far parts of it strayed."""

    bars: int
    edges: list[list[float]]
    shares: list[list[float]]
    usual: list[float]


class Candidate(Part):
    """A strategy that the model may name."""

    strategy: str
    params: dict[str, Any]
    source: str | None


class StoredModel(Part):
    """A trained model with all that is needed to use it, to judge it and to make it again."""

    format: Literal["gpt-trader strategy model"] = "gpt-trader strategy model"
    version: int = VERSION
    feature_set: int = FEATURE_SET
    features: list[str]
    learner: Learner
    candidates: list[Candidate]
    baseline: int
    timeframe: str
    horizon: int
    trained_until: int
    drift: Drift
    training: dict[str, Any]
    provenance: dict[str, Any]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        count, width = len(self.candidates), len(self.features)
        if self.learner.width != width or not 0 <= self.baseline < count:
            raise ValueError("the learner does not fit the features and candidates")
        if not all(0 <= c < count for c in self.learner.classes):
            raise ValueError("the learner names a candidate that does not exist")
        if not len(self.drift.edges) == len(self.drift.shares) == len(self.drift.usual) == width:
            raise ValueError("the drift does not fit the features")
        return self

    def probabilities(self, rows: Floats) -> Floats:
        """For each row the probability of each candidate to be the best one."""
        return probabilities(self.learner, rows, len(self.candidates))

    def to_bytes(self) -> bytes:
        """The file."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, allow_nan=False).encode()


def probabilities(learner: Logistic | Boosted, rows: Floats, count: int) -> Floats:
    """Scores as probabilities of all candidates; one that was never the best in training has none."""
    scores = learner.scores(rows)
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    found = np.zeros((len(rows), count))
    found[:, learner.classes] = weights / weights.sum(axis=1, keepdims=True)
    return found


def model_of(given: Any, artifacts: Artifacts) -> StoredModel:
    """The model that is meant: what `train` gave, or the path of such a file."""
    data, where = _bytes_of(given, artifacts)
    try:
        found = json.loads(data)
    except ValueError:
        raise ValidationError(f"{where} is no model: it is not JSON", hint=AGAIN) from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ValidationError(f"{where} is no strategy model of this program", hint=AGAIN)
    if found.get("version") != VERSION:
        raise ValidationError(
            f"{where} has the format version {found.get('version')}, and this program reads version {VERSION}",
            hint=AGAIN,
        )
    known = (found.get("feature_set"), found.get("features"))
    if known != (FEATURE_SET, list(FEATURES)):
        raise ValidationError(f"{where} was trained on other features than this program works out", hint=AGAIN)
    try:
        return StoredModel.model_validate(found)
    except Invalid as invalid:
        fault = invalid.errors(include_url=False)[0]
        place = ".".join(map(str, fault["loc"])) or "it"
        raise ValidationError(f"{where} is damaged: {place}: {fault['msg']}", hint=AGAIN) from None


def _bytes_of(given: Any, artifacts: Artifacts) -> tuple[bytes, str]:
    if isinstance(given, dict):  # what an earlier step gave, as the journal keeps it
        given = Artifact(str(given.get("hash")), str(given.get("kind")), 0)
    if isinstance(given, Artifact) and not (_HASH.fullmatch(given.hash) and given.kind == KIND):
        raise ValidationError(f"{given.hash!r} of kind {given.kind!r} is no model", hint=GIVE)
    if not isinstance(given, (Artifact, str)):
        raise ValidationError(f"a {type(given).__name__} is no model", hint=GIVE)
    path = artifacts.path(given) if isinstance(given, Artifact) else Path(given).expanduser()
    try:
        size = path.stat().st_size
        data = path.read_bytes() if path.is_file() and size <= MOST_BYTES else None
    except OSError as error:
        raise NotFound(f"the model {path} cannot be read: {error.strerror}", hint=AGAIN) from None
    if data is None:
        raise ValidationError(f"{path} is no model file", hint=f"a file of at most {MOST_BYTES // 1024**2} MB")
    if isinstance(given, Artifact) and hashlib.sha256(data).hexdigest() != given.hash:
        raise ValidationError(f"the model {path} is damaged: its content is not what its name says", hint=AGAIN)
    return data, f"the model {path.name[:16]}"
