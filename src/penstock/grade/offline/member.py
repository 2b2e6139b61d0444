"""Graded answers that were learned from, as they are needed to predict new ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from penstock.grade.offline import peers
from penstock.grade.offline.kernel import Mix, line, near
from penstock.grade.offline.peers import Peers
from penstock.grade.offline.process import Solution, kernel, solve
from penstock.grade.offline.relevance import Relevance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from penstock.grade.offline.rows import Rows

    Floats = NDArray[np.floating[Any]]
    Doubles = NDArray[np.floating[Any]]
    Ints = NDArray[np.integer[Any]]

_FAR = 5.0  # standard deviations beyond which a figure says no more


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Material:
    """Graded answers to learn from.

    Attributes:
        figures: Of resemblance, standardised, shape (n, n_figures).
        rows: Their bags, each scaled by its share.
        shared: Products of the rows, shape (n, n).
        questions: Number of each answer's question, shape (n,).
        targets: Score and rightness, each from 0 to 1, shape (n, 2).
        first_run: The first of the rows' columns that is a run of letters.
    """

    figures: Doubles
    rows: Rows
    shared: Floats
    questions: Ints
    targets: Doubles
    first_run: int

    def some(self, places: Ints) -> Material:
        """Keep some of the answers."""
        return Material(
            figures=self.figures[places],
            rows=self.rows.take(places),
            shared=self.shared[np.ix_(places, places)],
            questions=self.questions[places],
            targets=self.targets[places],
            first_run=self.first_run,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Member:
    """One part of the graded answers; a grader of very many has several, each with questions of its own.

    Attributes:
        weights: Of the kernels.
        terms: Weights of the features that answers of a question are compared by, shape (n_terms,).
        figures: Of resemblance, standardised, shape (n, n_figures).
        beside: Figures of peers, standardised, shape (n, 16).
        beside_centre: Mean of each figure of peers before.
        beside_spread: Its standard deviation.
        rows: Bags of the answers.
        questions: Number of each answer's question, shape (n,).
        scores: Marks, shape (n,).
        first_run: The first of the rows' columns that is a run of letters.
        centre: Mean of each target, shape (2,).
        known: What each answer adds for a question with graded answers, shape (n, 2).
        new: What each adds for another question, shape (n, 2).
    """

    weights: Mix
    terms: Floats
    figures: Doubles
    beside: Doubles
    beside_centre: Doubles
    beside_spread: Doubles
    rows: Rows
    questions: Ints
    scores: Doubles
    first_run: int
    centre: Doubles
    known: Doubles
    new: Doubles
    _words: tuple[Floats, ...] = field(init=False, repr=False)
    _of: dict[int, _Question] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Add up what each feature says, and lay the answers of each question side by side."""
        mixes = np.column_stack([self.known, self.new]).astype(np.float32)
        object.__setattr__(self, "_words", tuple(self.rows.mixed(mix) for mix in mixes.T))
        gathered = _gathered(self.rows, self.questions, self.scores, terms=self.terms, first_run=self.first_run)
        object.__setattr__(self, "_of", gathered)

    @classmethod
    def learn(cls, material: Material, *, weights: Mix, terms: Floats, new: Solution | None = None) -> Member:
        """Learn from graded answers; `new` is what was learned for questions that have none."""
        scores = material.targets[:, 0]
        beside = np.zeros((len(scores), peers.N_FIGURES))
        telling = np.zeros_like(material.shared)
        gathered = _gathered(material.rows, material.questions, scores, terms=terms, first_run=material.first_run)
        for each in gathered.values():
            square = np.ix_(each.places, each.places)
            own = np.arange(len(each.places))
            beside[each.places] = each.peers.measure(each.rows, material.shared[square], n_terms=len(terms), own=own)
            telling[square] = each.telling.gram()
        centre, spread = beside.mean(axis=0), beside.std(axis=0)
        spread = np.where(spread > 1e-9, spread, 1.0)
        beside = np.clip((beside - centre) / spread, -_FAR, _FAR)
        parts = (material.figures, beside, material.shared, material.questions)
        known = solve(kernel(*parts, weights, telling=telling), material.targets)
        return cls(
            weights=weights,
            terms=terms,
            figures=material.figures,
            beside=beside,
            beside_centre=centre,
            beside_spread=spread,
            rows=material.rows,
            questions=material.questions,
            scores=scores,
            first_run=material.first_run,
            centre=known.centre,
            known=known.mix,
            new=known.mix if new is None else new.mix,
        )

    @staticmethod
    def solve_new(material: Material, weights: Mix) -> Solution:
        """Learn what can be said of questions without graded answers: nothing that takes the marks of peers."""
        nothing = np.zeros((len(material.targets), peers.N_FIGURES))
        parts = (material.figures, nothing, material.shared, material.questions)
        return solve(kernel(*parts, weights.without_peers()), material.targets)

    def knows(self, question: int) -> bool:
        """Tell whether it has graded answers of a question."""
        return question in self._of

    def predict(self, figures: Doubles, rows: Rows, questions: Ints) -> tuple[Doubles, Doubles]:
        """Predict the targets of answers, shape (m, 2), and find their nearest cosine, shape (m,)."""
        alike = near(figures, self.figures, reach=self.weights.reach)
        general = self.weights.general(alike, line(figures, self.figures)).astype(np.float64)
        known = np.array([question in self._of for question in questions.tolist()], dtype=bool)
        predicted = self.centre + np.where(known[:, None], general @ self.known, general @ self.new)
        shared = self.weights.shared * np.column_stack([rows.times(words) for words in self._words])
        predicted += np.where(known[:, None], shared[:, :2], shared[:, 2:])
        nearest = np.zeros(len(questions))
        cosines: dict[int, Floats] = {}
        figures = np.zeros((len(questions), peers.N_FIGURES))
        asked = {each: np.flatnonzero(questions == each) for each in np.unique(questions[known]).tolist()}
        for question, places in asked.items():
            graded = self._of[question]
            cosines[question] = _cosines(rows.take(places), graded.rows)
            figures[places] = graded.peers.measure(rows.take(places), cosines[question], n_terms=len(self.terms))
        standard = np.clip((figures - self.beside_centre) / self.beside_spread, -_FAR, _FAR)
        beside = near(standard, self.beside, reach=self.weights.reach)
        predicted[known] += self.weights.peers * (beside[known].astype(np.float64) @ self.known)
        for question, places in asked.items():
            graded = self._of[question]
            within = np.ix_(places, graded.places)
            compared = self.weights.within(alike[within], cosines[question]) + self.weights.peers_same * beside[within]
            runs = rows.take(places).between(self.first_run, rows.width)
            compared += self.weights.relevant * _cosines(graded.relevance.weigh(runs), graded.telling)
            predicted[places] += compared.astype(np.float64) @ self.known[graded.places]
            nearest[places] = cosines[question].max(axis=1)
        return predicted, nearest


def _cosines(rows: Rows, graded: Rows) -> Floats:
    """Multiply every row with every graded one; shape (n_rows, n_graded)."""
    products = np.empty((len(rows), len(graded)), np.float32)
    column = np.zeros(rows.width, np.float32)
    for row in range(len(rows)):
        entries = slice(rows.starts[row], rows.starts[row + 1])
        column[rows.columns[entries]] = rows.values[entries]
        products[row] = graded.times(column)
        column[rows.columns[entries]] = 0
    return products


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Question:
    """The graded answers of one question side by side.

    Attributes:
        places: Where they stand among all.
        rows: Their bags.
        peers: What others are compared with.
        relevance: What each run of letters tells of their marks.
        telling: Their runs, weighed by that.
    """

    places: Ints
    rows: Rows
    peers: Peers
    relevance: Relevance
    telling: Rows


def _gathered(rows: Rows, questions: Ints, scores: Doubles, *, terms: Floats, first_run: int) -> dict[int, _Question]:
    gathered: dict[int, _Question] = {}
    for question in np.unique(questions).tolist():
        places = np.flatnonzero(questions == question)
        some = rows.take(places)
        runs = some.between(first_run, some.width)
        relevance = Relevance.of(runs, scores[places])
        gathered[question] = _Question(
            places=places,
            rows=some,
            peers=Peers.of(some, scores[places], terms),
            relevance=relevance,
            telling=relevance.weigh(runs),
        )
    return gathered
