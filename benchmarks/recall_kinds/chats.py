"""Two people who write each other single lines: both tell about themselves, with much chatter."""

import re
from dataclasses import replace
from random import Random

from benchmarks.recall_kinds import english
from benchmarks.recall_kinds.conversation import Conversation
from benchmarks.recall_kinds.statements import Statement, statements_of
from threadkeep.search.words import content_words, words_of

SESSIONS = 24
CHATTER = (
    "lol",
    "haha yes",
    "omg no way",
    "same here",
    "ok",
    "how was your day?",
    "pretty good, you?",
    "ugh i'm so tired today",
    "did you eat already",
    "yeah just had lunch",
    "send me a pic later",
    "brb",
    "I knew it!!",
    "hmm not sure tbh",
    "that's so cool",
    "congrats!!",
    "what happened?",
    "nothing much, just chilling",
    "can't believe it's already this late",
    "good luck 🤞",
    "[shares a photo: a cup of coffee on a wooden table]",
    "sounds fun",
    "tell me more",
    "why tho",
    "I've been meaning to ask you something",
    "nah",
    "the weather is awful",
    "talk later?",
    "👍",
    "[shares a photo: a street in the evening]",
    "so when do we meet again",
    "miss you!",
    "wow",
)
REACTIONS = (
    "Wow, {0}! How did that happen?",
    "{0}? That sounds great!",
    "Oh nice, tell me more about {0}",
    "so happy for you, {0} and {1}!",
    "hm, {0}, really?",
    "I never thought about {0} that way",
    "ooh {1}, I love that",
    "cool! we should talk about {0} some time",
)
ANSWERS = (
    "Yeah, {0} means a lot to me.",
    "Thanks! It was about time with {1}.",
    "It's only {0}, but still",
    "I'll keep you posted about {0}",
    "it felt really good tbh",
    "right? I couldn't believe it",
)
OPENINGS = ("guess what", "oh btw", "so, news", "finally some good news", "you won't believe this")


def about(name: str, question: str) -> str:
    """Return a question about oneself as one about a person of this name."""
    forms = {"do": "does", "did": "did", "have": "has", "am": "is", "was": "was", "can": "can"}

    def verb(match: re.Match[str]) -> str:
        return f"{forms[match[1].lower()]} {name}"

    question = re.sub(r"\b(do|did|have|am|was|can) (?:I|we)\b", verb, question)
    question = re.sub(r"\b(?:my|our)\b", f"{name}'s", question)
    question = re.sub(r"\bfor me\b|\bme\b", name, question)
    return re.sub(r"\bI\b", name, question)


def chats(number: int, random: Random) -> Conversation:
    """Return the chat of two people; questions name whom they are about."""
    names = tuple(random.sample(english.POOLS["name"], 2))
    conversation = Conversation(f"chats-{number}", (names[0], names[1]), SESSIONS, random)
    conversation.dates = ("{0} on {1}?", "{0} in {2}?", "{0}, as told on {1}?")
    pools = {**english.POOLS, "name": [n for n in english.POOLS["name"] if n not in names]}
    plans: list[tuple[int, Statement]] = []
    own: dict[int, str] = {}
    for speaker, name in enumerate(names):
        facts = random.sample(english.FACTS, len(english.FACTS) * 2 // 3)
        for statement in statements_of(facts, pools, random):
            asked = replace(
                statement, ask=about(name, statement.ask), label=about(name, statement.label)
            )
            plans.append((speaker, asked))
            own[id(asked)] = statement.ask
    speaker_of = {id(statement): speaker for speaker, statement in plans}

    def say(conversation: Conversation, session: int, statement: Statement, text: str) -> str:
        speaker = speaker_of[id(statement)]
        for _ in range(random.randint(0, 2)):
            conversation.add(session, random.randint(0, 1), random.choice(CHATTER))
        if random.random() < 0.3:
            conversation.add(session, speaker, random.choice(OPENINGS))
        elif random.random() < 0.3:
            conversation.add(session, 1 - speaker, about_you(own[id(statement)]))
        line = text if random.random() < 0.5 else text.lower().rstrip(".")
        message_id = conversation.add(session, speaker, line)
        topics = sorted(content_words(words_of(text)), key=len, reverse=True)[:2]
        if random.random() < 0.6:
            conversation.add(session, 1 - speaker, random.choice(REACTIONS).format(*topics))
            conversation.add(session, speaker, random.choice(ANSWERS).format(*topics))
        else:
            conversation.add(session, 1 - speaker, random.choice(CHATTER))
        return message_id

    conversation.tell([statement for _, statement in plans], english.BETWEEN, say)
    return conversation


def about_you(question: str) -> str:
    """Return a question about oneself as one to somebody else."""
    question = re.sub(r"\b(?:am|was) I\b", "are you", question)
    question = re.sub(r"\b(?:my|our)\b", "your", question)
    return re.sub(r"\b(?:I|we|me)\b", "you", question)
