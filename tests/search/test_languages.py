"""A text is found by a query in its own language, with equal scores on every database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.backends import fresh_schema
from threadkeep.base.database_url import parse_database
from threadkeep.base.settings import Settings
from threadkeep.stores.hybrid import HybridStore, open_store

NAMESPACE = ("owner", "messages", "thread")
TEXTS = {
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
QUERIES = {
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
    for number, (language, text) in enumerate(TEXTS.items()):
        value = {"text": text, "role": "user", "position": 2 * number, "time": "2025-03-04"}
        await store.aput(NAMESPACE, language, value)


@pytest.mark.parametrize("language", TEXTS)
async def test_a_text_matches_a_query_in_its_own_language(home: Settings, language: str) -> None:
    async with open_store(home) as store:
        await fill(store)
        items = await store.asearch(NAMESPACE, query=QUERIES[language], limit=1)
        assert [item.key for item in items] == [language]


@asynccontextmanager
async def store_without_memory_index(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[HybridStore]:
    """Open a store that searches only its full-text index."""

    async def do_not_open() -> None:
        pass

    monkeypatch.setattr("threadkeep.search.memory_indexes.MAX_ROWS_PER_OWNER", -1)
    async with open_store(home) as store:
        monkeypatch.setattr(store.vectors, "open", do_not_open)
        await fill(store)
        yield store


@pytest.mark.parametrize("language", TEXTS)
async def test_a_text_matches_its_query_without_a_memory_index(
    home: Settings, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    async with store_without_memory_index(home, monkeypatch) as store:
        await store.aput(("other", "messages"), "other", {"text": TEXTS[language]})
        items = await store.asearch(NAMESPACE, query=QUERIES[language], limit=9)
        assert [item.key for item in items][:1] == [language]
        assert "other" not in [item.key for item in items]


@pytest.mark.parametrize("query", ["Zurich", "Orleans", "ZÜRICH"])
async def test_accents_are_optional_without_a_memory_index(
    home: Settings, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    async with store_without_memory_index(home, monkeypatch) as store:
        (item,) = await store.asearch(NAMESPACE, query=query, limit=1)
        assert item.key == ("french" if "Orleans" in query else "german")


@pytest.mark.parametrize("query", ["Bienen in Zurich", "Ein Perroquet a Orleans", "zürich"])
async def test_accents_are_optional(home: Settings, query: str) -> None:
    async with open_store(home) as store:
        await fill(store)
        (item,) = await store.asearch(NAMESPACE, query=query, limit=1)
        assert item.key == ("french" if "Orleans" in query else "german")


@pytest.mark.sqlite
async def test_results_and_scores_are_the_same_on_every_database(
    home: Settings, tmp_path: Path
) -> None:
    async with fresh_schema() as url:
        databases = [parse_database(url), parse_database("memory://")]
        others = [
            home.model_copy(update={"home": tmp_path / str(number), "checkpoints": database})
            for number, database in enumerate(databases)
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
                for item in await store.asearch(NAMESPACE, query=query, limit=9)
            ]
            for language, query in QUERIES.items()
        }
