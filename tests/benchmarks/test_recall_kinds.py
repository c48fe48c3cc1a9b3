"""Generated conversations are the same for a seed, and their questions have answers in them."""

import json
from pathlib import Path

import pytest

from benchmarks.recall_kinds.generate import KINDS, write_kind
from threadkeep.transfer.importers.locomo import read_locomo


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_kind_is_the_same_for_a_seed_and_its_evidence_is_in_it(kind: str, tmp_path: Path) -> None:
    first = write_kind(kind, tmp_path).read_text(encoding="utf-8")
    assert write_kind(kind, tmp_path).read_text(encoding="utf-8") == first
    assert write_kind(kind, tmp_path, seed=2).read_text(encoding="utf-8") != first
    (tmp_path / f"{kind}.json").write_text(first, encoding="utf-8")
    transcript = read_locomo(tmp_path / f"{kind}.json")
    texts = {(one.user, one.source_id): one.text for one in transcript.messages}
    for record in json.loads(first):
        assert record["qa"]
        for question in record["qa"]:
            messages = [texts[record["sample_id"], source] for source in question["evidence"]]
            assert messages
            if question["shown"]:
                answer = question["shown"].casefold().rstrip(".")
                assert any(answer in text.casefold() for text in messages), question
