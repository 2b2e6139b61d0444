"""The offline grader learns from graded answers, says what it is worth, and survives any text."""

from __future__ import annotations

import zipfile
from functools import cache
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import InputError
from penstock.grade.offline import Exercise, GradedAnswer, OfflineGrader

if TYPE_CHECKING:
    from pathlib import Path

_REFERENCE = "The sun heats the puddle and the water evaporates into the air."
_RIGHT = ("the water evaporates", "it turns into vapour", "the liquid becomes gas and rises", "it dries by evaporation")
_WRONG = ("the water sinks into the ground", "somebody drinks it", "it freezes to ice", "dogs splash it away")
_STARTS = ("I think", "Because", "After some hours", "When the sun shines", "In summer", "My guess is that")
_ENDS = ("", "in the end", "very slowly", "as we saw in class")


def _exercise(answer: str, question: str = "puddle") -> Exercise:
    return Exercise(question_id=question, question="Where does a puddle go?", references=(_REFERENCE,), answer=answer)


def _graded(question: str = "puddle") -> list[GradedAnswer]:
    kinds = [(core, 1.0) for core in _RIGHT] + [(core, 0.0) for core in _WRONG]
    written = product(_STARTS, kinds, _ENDS)
    return [
        GradedAnswer(exercise=_exercise(f"{start} {core} {end}", question), score=score)
        for start, (core, score), end in written
    ]


@cache
def _trained() -> OfflineGrader:
    return OfflineGrader.fit(_graded()[::2])


def test_what_was_learned_holds_for_answers_that_were_not_seen() -> None:
    held = _graded()[1::2]
    estimates = _trained().estimate([each.exercise for each in held])
    agreed = [
        estimate is not None and (estimate.chance >= 0.5) == (each.score == 1)
        for estimate, each in zip(estimates, held, strict=True)
    ]
    assert np.mean(agreed) > 0.95


def test_a_trained_grader_says_how_well_it_does() -> None:
    quality = _trained().quality
    assert quality["n_examples"] == len(_graded()) // 2
    assert quality["accuracy"] > 0.9
    assert 0 <= quality["rmse"] < 0.35
    assert 0 <= quality["ece"] <= 1


def test_marks_without_meaning_are_not_learned_with_confidence() -> None:
    random = np.random.default_rng(0)
    noise = [GradedAnswer(exercise=each.exercise, score=float(random.random() < 0.5)) for each in _graded()]
    grader = OfflineGrader.fit(noise)
    confidences = [each.confidence for each in grader.estimate([one.exercise for one in noise[:40]]) if each]
    assert grader.quality["accuracy"] < 0.65
    assert np.mean(confidences) < 0.8


def test_an_untrained_grader_ranks_answers_and_admits_a_large_error() -> None:
    grader = OfflineGrader()
    right, wrong = grader.estimate([_exercise(_RIGHT[0]), _exercise(_WRONG[1])])
    assert grader.method == "offline:keywords"
    assert right is not None
    assert wrong is not None
    assert right.score > wrong.score
    assert min(right.expected_error, wrong.expected_error) > 0.3
    assert max(right.confidence, wrong.confidence) < 0.9


def test_keywords_alone_are_enough_to_estimate() -> None:
    exercise = Exercise(keywords=("evaporation", "sun", "ice"), answer="The sun makes it evaporate.")
    (estimate,) = OfflineGrader().estimate([exercise])
    assert estimate is not None
    assert estimate.keywords == ("evaporation", "sun")
    assert estimate.score == pytest.approx(2 / 3, abs=0.001)


def test_with_nothing_to_compare_with_there_is_no_estimate() -> None:
    nothing = Exercise(question="Where does a puddle go?", answer="Up.")
    assert OfflineGrader().estimate([nothing, _exercise("Up.")])[0] is None


def test_a_trained_grader_needs_no_reference_for_a_question_it_knows() -> None:
    graded = [
        GradedAnswer(exercise=Exercise(question_id="p", answer=each.exercise.answer), score=each.score)
        for each in _graded()
    ]
    grader = OfflineGrader.fit(graded)
    right, wrong = grader.estimate([Exercise(question_id="p", answer=text) for text in (_RIGHT[2], _WRONG[2])])
    assert right is not None
    assert wrong is not None
    assert right.score > 0.7
    assert wrong.score < 0.3


def test_a_question_never_seen_is_graded_with_less_confidence() -> None:
    known, new = _trained().estimate([_exercise(_RIGHT[0]), _exercise(_RIGHT[0], question="other")])
    assert known is not None
    assert new is not None
    assert new.confidence < known.confidence
    assert new.expected_error > known.expected_error


@pytest.mark.parametrize("answer", ["", "   \n", "...", "-", "\u200b"])
@pytest.mark.parametrize("trained", [True, False])
def test_a_blank_answer_scores_nothing_for_certain(answer: str, trained: bool) -> None:  # noqa: FBT001 - a parameter of the test
    grader = _trained() if trained else OfflineGrader()
    (estimate,) = grader.estimate([_exercise(answer)])
    assert estimate is not None
    assert estimate.score == 0
    assert estimate.confidence > 0.95


def test_estimates_come_in_the_order_of_the_answers() -> None:
    texts = [_RIGHT[0], "", _WRONG[0], _RIGHT[1]]
    together = _trained().estimate([_exercise(text) for text in texts])
    alone = [_trained().estimate([_exercise(text)])[0] for text in texts]
    assert [each.score for each in together if each] == pytest.approx([each.score for each in alone if each], abs=2e-4)


@given(st.lists(st.text(max_size=60), max_size=4), st.text(max_size=30), st.text(max_size=30))
@settings(deadline=None, max_examples=60)
def test_any_text_has_an_estimate_within_its_range(answers: list[str], reference: str, question: str) -> None:
    exercises = [
        Exercise(question_id=name, question=question, references=(reference, "x"), keywords=(question,), answer=answer)
        for answer in answers
        for name in ("puddle", "")
    ]
    for grader in (_trained(), OfflineGrader()):
        estimates = grader.estimate(exercises)
        assert len(estimates) == len(exercises)
        for each in estimates:
            assert each is not None
            assert 0 <= each.score <= 1
            assert 0 <= each.chance <= 1
            assert 0.5 <= each.confidence <= 1
            assert 0 <= each.expected_error <= 1


@pytest.mark.timeout(60)
@pytest.mark.parametrize("part", ["a", "water ", "水", "((", "a b c d e f g ", "증발 "])
def test_a_very_long_answer_is_graded_like_any_other(part: str) -> None:
    estimates = _trained().estimate([_exercise(part * (100_000 // len(part)))])
    assert estimates[0] is not None


def test_a_saved_grader_answers_as_before_bit_by_bit(tmp_path: Path) -> None:
    exercises = [each.exercise for each in _graded()[::3]] + [_exercise("who knows", question="new")]
    _trained().save(tmp_path / "grader.npz")
    loaded = OfflineGrader.load(tmp_path / "grader.npz")
    assert loaded.estimate(exercises) == _trained().estimate(exercises)
    assert (loaded.method, loaded.quality) == (_trained().method, _trained().quality)


def test_the_same_examples_make_the_same_file(tmp_path: Path) -> None:
    for name in ("one", "two"):
        OfflineGrader.fit(_graded()[::4], seed=3).save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_an_untrained_grader_is_saved_as_such(tmp_path: Path) -> None:
    OfflineGrader(passing=0.6).save(tmp_path / "grader.npz")
    loaded = OfflineGrader.load(tmp_path / "grader.npz")
    assert (loaded.method, loaded.passing) == ("offline:keywords", 0.6)


def test_a_file_that_is_no_grader_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a grader")
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
        archive.writestr("parts.json", '{"format": 99}')
    for name in ("text", "zip", "missing"):
        with pytest.raises(InputError):
            OfflineGrader.load(tmp_path / name)


def test_too_few_usable_examples_are_refused() -> None:
    few = [*_graded()[:19], GradedAnswer(exercise=_exercise(""), score=0.0)]
    broken = [GradedAnswer(exercise=_exercise("x"), score=score) for score in (float("nan"), -1.0, 2.0)]
    with pytest.raises(InputError, match="19 of 23"):
        OfflineGrader.fit([*few, *broken])


def test_twenty_examples_are_enough() -> None:
    grader = OfflineGrader.fit(_graded()[:40:2])
    assert grader.method == "offline:trained"
    assert grader.quality["n_examples"] == 20


def test_examples_of_one_mark_alone_do_no_harm() -> None:
    same = [GradedAnswer(exercise=each.exercise, score=1.0) for each in _graded()[:30]]
    (estimate,) = OfflineGrader.fit(same).estimate([_exercise("the water evaporates")])
    assert estimate is not None
    assert estimate.score > 0.8


def test_many_questions_are_learned_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penstock.grade.offline.learning._LARGEST", 60)
    graded = [one for name in ("a", "b", "c") for one in _graded(name)[::4]]
    grader = OfflineGrader.fit(graded)
    right, wrong = grader.estimate([_exercise(_RIGHT[0], question="b"), _exercise(_WRONG[0], question="b")])
    assert right is not None
    assert wrong is not None
    assert right.score > wrong.score + 0.3
    assert grader.estimate([_exercise(_RIGHT[0], question="unheard of")])[0] is not None


def test_a_mark_can_be_right_below_the_passing_score() -> None:
    graded = [GradedAnswer(exercise=each.exercise, score=each.score / 2, correct=each.score > 0) for each in _graded()]
    (estimate,) = OfflineGrader.fit(graded, passing=0.8).estimate([_exercise(_RIGHT[0])])
    assert estimate is not None
    assert estimate.chance > 0.7
    assert estimate.score < 0.65
