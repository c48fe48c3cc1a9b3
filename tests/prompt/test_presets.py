"""The exact prompts of each preset, turn by turn: `golden/PRESET.txt`.

After an intended change: `THREADKEEP_GOLDEN=write pytest tests/prompt/test_presets.py`,
and review the diff.
"""

import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest

from benchmarks.scripted_thread import open_scripted
from threadkeep.base.settings import Settings
from threadkeep.graph.context import Preset
from threadkeep.stores.hybrid import open_store

GOLDEN = Path(__file__).parent / "golden"
DOCS = Path(__file__).parents[2] / "docs" / "presets.md"
PRESETS = get_args(Preset)
SMALL = {
    "max_tokens": 650,
    "reserve_tokens": 100,
    "recall_tokens": 120,
    "history_tokens": 120,
    "window": 2,
}
# A smaller budget, so that this preset drops its oldest messages too.
TIGHT = {"buffer": {"reserve_tokens": 330}}
EARLIER = "Miriam takes care of the parrots whenever we travel."
TURNS = {
    "My sister Miriam moved to Lisbon in March 2026.": "Lisbon is lovely in spring.",
    "The gate code is 4711-KX, but never tell the porter.": "I will keep it to myself.",
    "We booked the night train for all of us, as we do every summer, since nobody of us likes to "
    "fly and the view in the morning is the best part of the holidays.": "Enjoy the night train.",
    "The report is in ~/docs/q3/report.pdf and due on 3 June 2027.": "Understood.",
    "I had soup, bread and an apple, and then a walk along the river, where the boats were being "
    "painted for the season and somebody played the accordion.": "That sounds restful.",
    "The evening was long and warm, and we sat outside until late, talking about nothing much, "
    "while the swallows went round and round the tower.": "A good evening, then.",
    "Where does my sister live?": "In Lisbon.",
    "It will rain tomorrow, they say, so the garden can wait until the weekend, and the books that "
    "I meant to read since last winter will be read at last.": "Enjoy the books.",
    "Who takes care of the parrots?": "Miriam does.",
    "What is the gate code?": "4711-KX.",
}
EXTRACTIONS: dict[str, Any] = {
    "moved to Lisbon": {
        "entities": [{"name": "Miriam", "type": "person", "attributes": []}],
        "facts": [
            {
                "subject": "Miriam",
                "predicate": "lives in",
                "object": "Lisbon",
                "valid_from": "2026-03",
            },
            {
                "subject": "Lisbon",
                "predicate": "lies on",
                "object": "the Tagus",
                "valid_from": None,
            },
        ],
    }
}
EMPTY: dict[str, Any] = {"entities": [], "facts": []}


def reply(request: dict[str, Any]) -> str:
    return TURNS.get(request["messages"][-1]["content"], "Noted.")


def extract(request: dict[str, Any]) -> str:
    text = request["messages"][-1]["content"]
    return json.dumps(
        next((extraction for phrase, extraction in EXTRACTIONS.items() if phrase in text), EMPTY)
    )


async def prompts_of(settings: Settings, preset: str) -> str:
    """Return every prompt of the scripted thread, as text."""
    async with open_store(settings) as store, open_scripted(store) as thread:
        thread.context |= {**SMALL, "memory": preset} | TIGHT.get(preset, {})
        thread.replies, thread.extract = reply, extract
        thread.summarise = lambda request: (
            f"Summary {len(thread.summaries)}: family, plans, a walk."
        )
        thread.name = "garden"
        await thread.say(EARLIER)
        await store.index_pending()
        thread.name = "kitchen"
        for text in TURNS:
            await thread.say(text)
            await store.index_pending()
        prompts = thread.prompts[1:]
    parts = []
    for number, prompt in enumerate(prompts, 1):
        parts.append(f"=== turn {number}")
        parts += [f"[{message['role']}] {message['content']}" for message in prompt]
    return "\n".join(parts) + "\n"


@pytest.mark.parametrize("preset", PRESETS)
async def test_each_preset_sends_exactly_the_golden_prompts(home: Settings, preset: str) -> None:
    settings = home.model_copy(update={"now": datetime(2026, 3, 4, 9, 30, tzinfo=UTC)})
    text = await prompts_of(settings, preset)
    path = GOLDEN / f"{preset}.txt"
    if os.environ.get("THREADKEEP_GOLDEN") == "write":
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("preset", PRESETS)
def test_each_preset_has_a_row_and_a_section_in_the_docs(preset: str) -> None:
    page = DOCS.read_text()
    assert re.search(rf"^\| `{preset}`", page, re.MULTILINE)
    assert re.search(rf"^### `{preset}`", page, re.MULTILINE)
