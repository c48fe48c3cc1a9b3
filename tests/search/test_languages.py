"""What was said is found in its own language, the same on every database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.backends import fresh_schema
from threadkeep.base.database_url import parse_database
from threadkeep.base.settings import Settings
from threadkeep.stores.hybrid import HybridStore, open_store

HERE = ("owner", "messages", "thread")
SAID = {
    "chinese": "我去年和妹妹一起去了京都旅行。",
    "japanese": "妹は三月にリスボンへ引っ越しました。",
    "thai": "น้องสาวของฉันย้ายไปลิสบอนในเดือนมีนาคม",
    "german": "Meine Schwester züchtet Bienen in Zürich.",
    "french": "Ma sœur a adopté un perroquet à Orléans.",
    "russian": "Моя сестра переехала в Лиссабон весной.",
    "arabic": "انتقلت أختي إلى لشبونة في الربيع",
    "hindi": "मेरी बहन मार्च में लिस्बन चली गई",
    "english": "My brothers were running a bakery.",
}
ASKED = {
    "chinese": "京都旅行怎么样?",
    "japanese": "リスボンに引っ越したのは誰?",
    "thai": "ใครย้ายไปลิสบอน",
    "german": "Wer züchtet Bienen?",
    "french": "Qui a adopté un perroquet?",
    "russian": "Кто переехала в Лиссабон?",
    "arabic": "من انتقلت إلى لشبونة؟",
    "hindi": "लिस्बन कौन गई?",
    "english": "Who runs bakeries?",
}


async def fill(store: HybridStore) -> None:
    for place, (key, text) in enumerate(SAID.items()):
        value = {"text": text, "role": "user", "position": 2 * place, "time": "2025-03-04"}
        await store.aput(HERE, key, value)


@pytest.mark.parametrize("language", SAID)
async def test_what_was_said_is_found_in_its_own_language(home: Settings, language: str) -> None:
    async with open_store(home) as store:
        await fill(store)
        found = await store.asearch(HERE, query=ASKED[language], limit=1)
        assert [item.key for item in found] == [language]


@asynccontextmanager
async def searched_by_words(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[HybridStore]:
    """Hold no index in memory, and leave Chroma closed."""

    async def stays_away() -> None:
        pass

    monkeypatch.setattr("threadkeep.search.memory_indexes.MAX_ROWS_PER_OWNER", -1)
    async with open_store(home) as store:
        monkeypatch.setattr(store.vectors, "open", stays_away)
        await fill(store)
        yield store


@pytest.mark.parametrize("language", SAID)
async def test_so_it_is_of_somebody_who_has_too_much_to_hold_in_memory(
    home: Settings, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    async with searched_by_words(home, monkeypatch) as store:
        await store.aput(("other", "messages"), "other", {"text": SAID[language]})
        found = await store.asearch(HERE, query=ASKED[language], limit=9)
        assert [item.key for item in found][:1] == [language]
        assert "other" not in [item.key for item in found]


@pytest.mark.parametrize("query", ["Zurich", "Orleans", "ZÜRICH"])
async def test_nor_need_accents_be_typed_there(
    home: Settings, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    async with searched_by_words(home, monkeypatch) as store:
        (found,) = await store.asearch(HERE, query=query, limit=1)
        assert found.key == ("french" if "Orleans" in query else "german")


@pytest.mark.parametrize("query", ["Bienen in Zurich", "Ein Perroquet a Orleans", "zürich"])
async def test_accents_need_not_be_typed(home: Settings, query: str) -> None:
    async with open_store(home) as store:
        await fill(store)
        (found,) = await store.asearch(HERE, query=query, limit=1)
        assert found.key == ("french" if "Orleans" in query else "german")


@pytest.mark.sqlite
async def test_results_and_scores_are_the_same_on_every_database(
    home: Settings, tmp_path: Path
) -> None:
    async with fresh_schema() as url:
        elsewhere = [parse_database(url), parse_database("memory://")]
        others = [
            replace(home, home=tmp_path / str(place), checkpoints=each)
            for place, each in enumerate(elsewhere)
        ]
        scores = [await _scores(settings) for settings in (home, *others)]
    assert scores[0] == scores[1] == scores[2]
    assert all(scores[0].values())


async def _scores(settings: Settings) -> dict[str, list[tuple[str, float]]]:
    async with open_store(settings) as store:
        await fill(store)
        return {
            language: [
                (item.key, round(item.score or 0.0, 5))
                for item in await store.asearch(HERE, query=query, limit=9)
            ]
            for language, query in ASKED.items()
        }
