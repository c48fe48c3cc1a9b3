"""What the rules note of single sentences, a third of which say nothing that may be noted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from threadkeep.base.predicates import predicate_table
from threadkeep.extract.extraction import Fact
from threadkeep.extract.rules import extract

Sentence = dict[str, Any]
WRITTEN_AT = datetime(2026, 3, 4, 12, tzinfo=UTC)
_ARTICLES = ("the ", "a ", "an ", "der ", "die ", "den ", "el ", "la ", "los ", "le ", "les ")


@dataclass(frozen=True)
class Result:
    """What one sentence gave."""

    sentence: Sentence
    right: list[Fact]
    wrong: list[Fact]
    missing: list[Any]


def read_sentence(sentence: Sentence) -> Result:
    """Return which facts of a sentence were expected, and which expected ones are missing."""
    facts = extract(sentence["text"], written_at=WRITTEN_AT).facts
    expected = {_key(Fact.model_validate(fact)) for fact in sentence["facts"]}
    keys = [_key(fact) for fact in facts]
    return Result(
        sentence,
        right=[fact for fact, key in zip(facts, keys, strict=True) if key in expected],
        wrong=[fact for fact, key in zip(facts, keys, strict=True) if key not in expected],
        missing=sorted(expected - set(keys)),
    )


def sentence_figures(results: Sequence[Result]) -> dict[str, float]:
    """Return precision and recall, in all and by language, and the falsehoods of the traps."""
    traps = [result for result in results if result.sentence.get("trap")]
    figures = {
        "sentences": float(len(results)),
        "traps": float(len(traps)),
        "sentences_precision": _precision(results),
        "sentences_recall": _recall(results),
        "sentences_falsehoods": float(sum(len(result.wrong) for result in traps)),
    }
    for language in sorted({result.sentence["lang"] for result in results}):
        some = [result for result in results if result.sentence["lang"] == language]
        figures[f"sentences_precision_{language}"] = _precision(some)
        figures[f"sentences_recall_{language}"] = _recall(some)
    return figures


def _precision(results: Sequence[Result]) -> float:
    right = sum(len(result.right) for result in results)
    return right / max(1, right + sum(len(result.wrong) for result in results))


def _recall(results: Sequence[Result]) -> float:
    """Return the share of the sentences with facts of which at least one was noted."""
    some = [result for result in results if result.sentence["facts"]]
    return sum(bool(result.right) for result in some) / max(1, len(some))


def _key(fact: Fact) -> tuple[str, str, str, bool]:
    table = predicate_table()
    object_ = fact.object.casefold().strip(" .")
    for article in _ARTICLES:
        object_ = object_.removeprefix(article)
    return fact.subject.casefold(), table.canonical(fact.predicate), object_, fact.negated
