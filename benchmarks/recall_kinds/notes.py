"""Short notes to an assistant that acknowledges them, in six languages."""

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from benchmarks.recall_kinds import east_asian, english, languages
from benchmarks.recall_kinds.conversation import Conversation
from benchmarks.recall_kinds.statements import Fact, Pools, Statement, statements_of

SESSIONS = 14
TALK_SHARE = 0.5


class Language(NamedTuple):
    """What is said in a language, and what the assistant answers: `{}` repeats the statement."""

    facts: Sequence[Fact]
    pools: Pools
    talk: Sequence[str]
    between: Sequence[str]
    acknowledge: Sequence[str]
    chat: Sequence[str]


LANGUAGES = {
    "notes": Language(
        english.FACTS,
        english.POOLS,
        english.SMALL_TALK,
        english.BETWEEN,
        (
            "Noted.",
            "Got it, I'll remember that: {}",
            "Okay! Anything else?",
            "Thanks for telling me.",
        ),
        (
            "Happy to help!",
            "A cup of tea and an early night often do it.",
            "Of course, take your time.",
        ),
    ),
    "german": Language(
        languages.GERMAN,
        languages.GERMAN_POOLS,
        languages.GERMAN_TALK,
        languages.GERMAN_BETWEEN,
        ("Notiert.", "Verstanden, ich merke mir: {}", "Gut zu wissen! Sonst noch etwas?"),
        ("Gern!", "Am besten mit Salz und Wasser.", "Natürlich, lass dir Zeit."),
    ),
    "spanish": Language(
        languages.SPANISH,
        languages.SPANISH_POOLS,
        languages.SPANISH_TALK,
        languages.SPANISH_BETWEEN,
        ("Anotado.", "Entendido, lo recuerdo: {}", "¡Bien! ¿Algo más?"),
        ("¡Con gusto!", "Lo mejor es sal y agua fría.", "Claro, tómate tu tiempo."),
    ),
    "french": Language(
        languages.FRENCH,
        languages.FRENCH_POOLS,
        languages.FRENCH_TALK,
        languages.FRENCH_BETWEEN,
        ("C'est noté.", "Compris, je retiens : {}", "Très bien ! Autre chose ?"),
        (
            "Avec plaisir !",
            "Le mieux, c'est du sel et de l'eau froide.",
            "Bien sûr, prends ton temps.",
        ),
    ),
    "chinese": Language(
        east_asian.CHINESE,
        east_asian.CHINESE_POOLS,
        east_asian.CHINESE_TALK,
        east_asian.CHINESE_BETWEEN,
        ("好的，记下了。", "明白，我记住了：{}", "知道了，还有别的吗？"),
        ("不客气！", "用盐和冷水最好。", "当然，慢慢来。"),
    ),
    "japanese": Language(
        east_asian.JAPANESE,
        east_asian.JAPANESE_POOLS,
        east_asian.JAPANESE_TALK,
        east_asian.JAPANESE_BETWEEN,
        ("メモしました。", "了解しました：{}", "わかりました。ほかには？"),
        ("どういたしまして！", "塩と冷たい水が一番です。", "もちろん、ごゆっくり。"),
    ),
}


def notes(language: str, number: int, random: Random) -> Conversation:
    """Return one user's notes in a language."""
    words = LANGUAGES[language]
    conversation = Conversation(f"{language}-{number}", ("user", "assistant"), SESSIONS, random)

    def say(conversation: Conversation, session: int, statement: Statement, text: str) -> str:
        if random.random() < TALK_SHARE:
            conversation.add(session, 0, random.choice(words.talk))
            conversation.add(session, 1, random.choice(words.chat))
        message_id = conversation.add(session, 0, text)
        conversation.add(session, 1, random.choice(words.acknowledge).format(text))
        return message_id

    conversation.tell(statements_of(words.facts, words.pools, random), words.between, say)
    return conversation
