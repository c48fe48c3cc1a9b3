"""All corpora of the recall benchmark: files in LoCoMo's format, and the generated kinds."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from benchmarks.locomo import open_dataset
from benchmarks.recall_examples import Corpus, corpus_of
from benchmarks.recall_kinds.generate import KINDS, write_kind
from benchmarks.recall_kinds.unrelated import unrelated_questions

CONVERSATIONS, GENERATED_WEIGHT, CONVERSATION_WEIGHT = ("chats", "advice"), 0.07, 0.3
"""The weights of generated kinds in a fit, more of those with most talk; a file has 1."""


@asynccontextmanager
async def open_corpora(
    folder: Path, files: Sequence[Path], embeddings: str = "static"
) -> AsyncIterator[list[Corpus]]:
    """Import files and generated kinds into stores below a folder, and open them all."""
    corpora: list[Corpus] = []
    async with AsyncExitStack() as stack:
        for path in files:
            dataset = await stack.enter_async_context(
                open_dataset(folder / path.stem, path, embeddings)
            )
            unrelated = unrelated_questions(path.stem)
            corpora.append(await corpus_of(path.stem, 1.0, dataset, unrelated, others=True))
        for kind in KINDS:
            path = write_kind(kind, folder)
            dataset = await stack.enter_async_context(open_dataset(folder / kind, path, embeddings))
            unrelated = unrelated_questions(kind)
            weight = CONVERSATION_WEIGHT if kind in CONVERSATIONS else GENERATED_WEIGHT
            corpora.append(await corpus_of(kind, weight, dataset, unrelated, others=False))
        yield corpora
