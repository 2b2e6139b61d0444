"""The trained judge: learns categories from labelled examples and says how well."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from penstock.errors import InputError
from penstock.judge import agreement, archive
from penstock.judge.agreement import Agreement, CategoryAgreement
from penstock.judge.bag import Bag
from penstock.judge.calibrate import Calibration
from penstock.judge.category import Category
from penstock.judge.lexical import LexicalJudge
from penstock.judge.linear import Linear
from penstock.judge.words import split

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

FEWEST = 5  # distinct positive (and negative) texts a category needs to be trained
_FOLDS = 5
_PENALTIES = (0.33, 0.1, 0.03)  # from firm to loose
_AS_GOOD = 1.01
_LEXICAL_THRESHOLD = 0.25
_FORMAT = 1
_KIND = "trained judge"
_BAG = ("pairs", "word_weights", "piece_weights", "pair_weights")
_LINEAR = ("word_terms", "piece_terms", "pair_terms", "offset")
_CALIBRATION = ("weights", "centre", "spread")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainedJudge:
    """Scores texts as the labelled examples would have them labelled.

    Words, their pieces and pairs of words are weighed by logistic regression, joined with the lexical judge's scores,
    and calibrated on texts the model had not seen. A category with fewer than five distinct positive or negative
    examples keeps its lexical score, and `methods` says so.

    One judge may serve many threads.

    Attributes:
        categories: What is scored, in order.
        methods: Per category `local:trained` or `local:lexical`.
        thresholds: Per category the score from which a "yes" agreed best with the labels.
        agreement: How well the scores agree with the labels, every figure from texts the model had not seen.
    """

    categories: tuple[Category, ...]
    methods: tuple[str, ...]
    thresholds: tuple[float, ...]
    agreement: Agreement
    _lexical: LexicalJudge = field(repr=False)
    _linear: Linear | None = field(repr=False)
    _calibration: Calibration | None = field(repr=False)

    method = "local:trained"

    @classmethod
    def fit(
        cls, texts: Sequence[str], labels: ArrayLike, categories: Sequence[Category], *, seed: int = 0
    ) -> TrainedJudge:
        """Learn from texts and their labels.

        Args:
            texts: The examples.
            labels: From 0 to 1, shape (n_texts, n_categories).
            categories: The categories, in the order of the labels' columns.
            seed: Decides which examples are held out together.

        Raises:
            InputError: There is no example, or the labels do not fit the texts and categories.
        """
        wanted = _checked(texts, labels, categories)
        tokens = [split(text) for text in texts]
        lexical = LexicalJudge(categories)
        words = lexical.weigh(tokens)
        folds, distinct = _deal(tokens, wanted, seed)
        columns = _trainable(wanted[distinct])
        scores = words.copy()
        linear = calibration = None
        if columns.size:
            chosen, penalty = _cross_logits(tokens, wanted[:, columns], folds)
            scores[:, columns] = _cross_calibrated(chosen, words[:, columns], wanted[:, columns], folds)
            calibration = Calibration.fit(chosen, words[:, columns], wanted[:, columns])
            linear = Linear.fit(tokens, wanted[:, columns], l2=np.full(columns.size, penalty))
        scores = np.round(scores, 2)
        methods = tuple(cls.method if k in columns else LexicalJudge.method for k in range(len(categories)))
        thresholds = tuple(_thresholds(wanted, scores, columns).tolist())
        agreed = agreement.compare(
            wanted,
            scores,
            decisions=_cross_decided(wanted, scores, folds, columns),
            thresholds=thresholds,
            names=[category.name for category in categories],
            methods=methods,
        )
        return cls(
            categories=tuple(categories),
            methods=methods,
            thresholds=thresholds,
            agreement=agreed,
            _lexical=lexical,
            _linear=linear,
            _calibration=calibration,
        )

    def score(self, texts: Sequence[str]) -> Floats:
        """Score texts: an array of shape (n_texts, n_categories) from 0 to 1 in steps of 0.01."""
        tokens = [split(text) for text in texts]
        scores = self._lexical.weigh(tokens)
        if self._linear is not None and self._calibration is not None:
            columns = np.flatnonzero([method == self.method for method in self.methods])
            trained = self._calibration.apply(self._linear.logits(tokens), scores[:, columns])
            scores[:, columns] = np.round(trained, 2)
        return scores

    def save(self, path: Path) -> None:
        """Write the judge to one file of arrays and JSON; the same judge gives the same bytes."""
        parts: dict[str, Any] = {
            "format": _FORMAT,
            "categories": [asdict(category) for category in self.categories],
            "methods": self.methods,
            "thresholds": self.thresholds,
            "agreement": asdict(self.agreement),
        }
        arrays: dict[str, NDArray[Any]] = {}
        if self._linear is not None and self._calibration is not None:
            bag = self._linear.bag
            parts |= {"words": list(bag.words), "pieces": list(bag.pieces)}
            arrays |= {name: getattr(bag, name) for name in _BAG}
            arrays |= {name: getattr(self._linear, name) for name in _LINEAR}
            arrays |= {name: getattr(self._calibration, name) for name in _CALIBRATION}
        archive.write(path, parts=parts, arrays=arrays)

    @classmethod
    def load(cls, path: Path) -> TrainedJudge:
        """Read a judge that `save` wrote.

        Raises:
            InputError: The file is not one, or was written by another version.
        """
        parts, arrays = archive.read(path, what=_KIND)
        try:
            return _restored(parts, arrays)
        except (KeyError, ValueError, TypeError) as error:
            raise archive.unreadable(path, _KIND) from error


def _restored(parts: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> TrainedJudge:
    if parts["format"] != _FORMAT:
        raise ValueError(parts["format"])
    linear = calibration = None
    if arrays:
        bag = Bag(
            words={word: place for place, word in enumerate(parts["words"], start=2)},
            pieces={piece: place for place, piece in enumerate(parts["pieces"])},
            **{name: arrays[name] for name in _BAG},
        )
        linear = Linear(bag=bag, **{name: arrays[name] for name in _LINEAR})
        calibration = Calibration(**{name: arrays[name] for name in _CALIBRATION})
    categories = tuple(Category(**category) for category in parts["categories"])
    agreed = parts["agreement"]
    agreed["categories"] = tuple(CategoryAgreement(**category) for category in agreed["categories"])
    return TrainedJudge(
        categories=categories,
        methods=tuple(parts["methods"]),
        thresholds=tuple(parts["thresholds"]),
        agreement=Agreement(**agreed),
        _lexical=LexicalJudge(categories),
        _linear=linear,
        _calibration=calibration,
    )


def _checked(texts: Sequence[str], labels: ArrayLike, categories: Sequence[Category]) -> Floats:
    wanted = np.asarray(labels, dtype=np.float64)
    if not len(texts):
        raise InputError("There is no example to learn from: give at least one text with its labels.")
    if wanted.shape != (len(texts), len(categories)):
        raise InputError(
            f"The labels have shape {wanted.shape}, but {len(texts)} texts and {len(categories)} categories were given."
        )
    if not np.all((wanted >= 0) & (wanted <= 1)):
        raise InputError("Labels must lie between 0 and 1.")
    return wanted


def _deal(tokens: Sequence[list[str]], labels: Floats, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Deal texts into folds: the same words always together, each category's positives evenly.

    Returns:
        The fold of each text, shape (n_texts,), and the place of the first text of each group of the same words.
    """
    names = [
        hashlib.blake2b(" ".join(words).encode(), key=str(seed).encode(), digest_size=16).digest() for words in tokens
    ]
    first: dict[bytes, int] = {}
    for place, name in enumerate(names):
        first.setdefault(name, place)
    positive = labels >= 0.5
    rarity = np.argsort(np.argsort(positive.sum(axis=0), kind="stable"))
    last = labels.shape[1]
    rarest = [int(min(rarity[row], default=last)) for row in positive]
    order = sorted(first, key=lambda name: (rarest[first[name]], name))
    fold = {name: place % _FOLDS for place, name in enumerate(order)}
    return np.array([fold[name] for name in names]), np.array(sorted(first.values()))


def _trainable(labels: Floats) -> NDArray[np.intp]:
    positive = (labels >= 0.5).sum(axis=0)
    return np.flatnonzero((positive >= FEWEST) & (len(labels) - positive >= FEWEST))


def _cross_logits(tokens: Sequence[list[str]], labels: Floats, folds: NDArray[np.intp]) -> tuple[Floats, float]:
    """Give each text the log-odds of a model that has not seen it, under the best penalty; and that penalty."""
    n_texts, n_targets = labels.shape
    logits = np.empty((n_texts, len(_PENALTIES), n_targets))
    l2 = np.repeat(_PENALTIES, n_targets)
    for fold in range(_FOLDS):
        seen, held = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        model = Linear.fit([tokens[k] for k in seen.tolist()], np.tile(labels[seen], len(_PENALTIES)), l2=l2)
        logits[held] = model.logits([tokens[k] for k in held.tolist()]).reshape(len(held), len(_PENALTIES), n_targets)
    wanted = labels[:, None, :]
    losses = (np.logaddexp(0, logits) - wanted * logits).mean(axis=(0, 2))
    best = int(np.argmax(losses <= _AS_GOOD * losses.min()))  # the firmest that is about as good as the best
    return logits[:, best], _PENALTIES[best]


def _cross_calibrated(logits: Floats, lexical: Floats, labels: Floats, folds: NDArray[np.intp]) -> Floats:
    scores = np.empty_like(logits)
    for fold in range(_FOLDS):
        seen, held = folds != fold, folds == fold
        calibration = Calibration.fit(logits[seen], lexical[seen], labels[seen])
        scores[held] = calibration.apply(logits[held], lexical[held])
    return scores


def _thresholds(labels: Floats, scores: Floats, columns: NDArray[np.intp]) -> Floats:
    """Choose thresholds for the trained columns; a lexical score stays at what one word of a definition is worth.

    Half of the weight goes to the labels, half to the calibrated scores: steadier where positives are few.
    """
    thresholds = np.full(labels.shape[1], _LEXICAL_THRESHOLD)
    trained = scores[:, columns]
    thresholds[columns] = agreement.best_thresholds((labels[:, columns] + trained) / 2, trained)
    return thresholds


def _cross_decided(
    labels: Floats, scores: Floats, folds: NDArray[np.intp], columns: NDArray[np.intp]
) -> NDArray[np.bool_]:
    decided = np.zeros(labels.shape, dtype=bool)
    for fold in range(_FOLDS):
        seen, held = folds != fold, folds == fold
        decided[held] = scores[held] >= _thresholds(labels[seen], scores[seen], columns)
    return decided
