"""How well objective answers are read: every question answered in twelve styles, rightly and wrongly.

    python benchmarks/grade_objective.py --data DIR

DIR holds mc_tf_questions.csv with the columns qid, lang, question_type, question, choices (a JSON list) and
correct_answer ("A"..., "true" or "false"). Each choice is answered in each style; what must come out is known.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections import Counter
from pathlib import Path

from penstock.errors import Unfit
from penstock.grade.objective import judge_choice, judge_truth

WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
CHOICE = {
    "letter": "{letter}",
    "small letter with bracket": " {small}) ",
    "in brackets": "({small})",
    "full width": "{wide_letter}．",
    "place": "{place}",
    "circled": "{circled}",
    "in a sentence": "I think the answer is {letter}.",
    "in Japanese": "答えは{letter}です。",
    "in Korean": "정답: {place}번",
    "text": "{text}",
    "text in other case and width": "  {wide_text} .",
    "letter and text": "{letter}) {text}",
}
TRUTH = {
    "word": ("true", "false"),
    "capital letter": ("T", "F"),
    "yes or no": (" Yes.", "no "),
    "full width": ("ＴＲＵＥ", "Ｆａｌｓｅ"),
    "digit": ("1", "0"),
    "mark": ("○", "×"),
    "in a sentence": ("I think that is correct.", "No, it is not true."),
    "in Japanese": ("正しいです", "この文は正しくない。"),
    "in Korean": ("맞습니다", "틀린 말이다"),
    "in Chinese": ("正确", "这是错的"),
    "in Spanish": ("Es verdadero", "Falso"),
    "in Russian": ("Да, верно", "это неправда"),
}


def forms(text, *, place):
    letter = chr(64 + place)
    return {
        "letter": letter,
        "small": letter.lower(),
        "wide_letter": letter.translate(WIDE),
        "place": place,
        "circled": chr(0x245F + place),
        "text": text,
        "wide_text": text.upper().translate(WIDE),
    }


def choice_cases(row):
    choices = json.loads(row["choices"])
    right = choices[ord(row["correct_answer"]) - 65]
    for place, text in enumerate(choices, start=1):
        ways = forms(text, place=place)
        for name, style in CHOICE.items():
            answer = style.format_map(ways)
            yield name, answer, text == right, lambda told: judge_choice(told, row["correct_answer"], choices=choices)


def truth_cases(row):
    for name, told in TRUTH.items():
        for value, answer in zip(("true", "false"), told, strict=True):
            yield name, answer, value == row["correct_answer"], lambda given: judge_truth(given, row["correct_answer"])


def attempt(judge, answer, *, right):
    try:
        return ("right as right" if right else "wrong as wrong") if judge(answer).correct is right else "misjudged"
    except Unfit:
        return "unreadable"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--show", type=int, default=5, help="how many of the answers that went amiss to print")
    given = parser.parse_args()
    with (given.data / "mc_tf_questions.csv").open(encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(source))
    counts, seconds, amiss = Counter(), Counter(), []
    for row in rows:
        group = row["lang"], row["question_type"]
        cases = list((choice_cases if row["choices"] else truth_cases)(row))
        began = time.perf_counter()
        results = [attempt(judge, answer, right=right) for _, answer, right, judge in cases]
        seconds[group] += time.perf_counter() - began
        counts[group, "questions"] += 1
        for (name, answer, right, _), result in zip(cases, results, strict=True):
            counts[group, "right" if right else "wrong"] += 1
            counts[group, result] += 1
            if result in {"misjudged", "unreadable"}:
                amiss.append((row["qid"], name, answer, result))
    heads = [f"{head:>20}" for head in ("right as right", "wrong as wrong")]
    print(f"{'':20}{'questions':>10}{'answers':>10}{''.join(heads)}{'unreadable':>12}{'per s':>9}")
    for group in sorted(seconds):
        count = {name: counts[group, name] for name in ("questions", "right", "wrong", "unreadable")}
        tried = count["right"] + count["wrong"]
        rates = [f"{counts[group, f'{kind} as {kind}']:,} of {count[kind]:,}" for kind in ("right", "wrong")]
        print(
            f"{' '.join(group):20}{count['questions']:>10,}{tried:>10,}{rates[0]:>20}{rates[1]:>20}"
            f"{count['unreadable']:>12,}{tried / seconds[group]:>9,.0f}"
        )
    for qid, name, answer, result in amiss[: given.show]:
        print(f"{result}: {qid}, {name}: {answer}")


if __name__ == "__main__":
    main()
