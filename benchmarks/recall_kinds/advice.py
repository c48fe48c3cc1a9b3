"""Long answers of an assistant to people who mention facts while they ask for help."""

import re
from random import Random

from benchmarks.recall_kinds import english
from benchmarks.recall_kinds.conversation import INFORMATION, Conversation
from benchmarks.recall_kinds.statements import Statement, statements_of

SESSIONS = 6
REQUESTS = (
    "can you help me plan around that?",
    "what should I keep in mind?",
    "I'm a bit worried about it.",
    "could you make a checklist for me?",
    "how would you prepare for this?",
    "is that a good idea?",
    "can you help me decide what comes first?",
    "I'd like some ideas on how to handle it.",
)
FOLLOW_UPS = (
    "That sounds good, I'll start with the first step. What about the second one?",
    "Thanks! Could you go into more detail on the last point?",
    "Makes sense. And if it goes wrong?",
    "Hmm, what would you do with less time?",
    "Great, I think the schedule works for me.",
)
HEADINGS = (
    "Clarify the goal",
    "Gather what you need",
    "Set milestones",
    "Plan the time",
    "Talk to the people involved",
    "Prepare for problems",
    "Review and adjust",
    "Keep a record",
    "Check the details",
    "Follow up",
)
SENTENCES = (
    "Write down everything that belongs to {topic}, so that nothing is forgotten.",
    "Start early with {topic} and leave a buffer of a few days before the deadline.",
    "Confirm date, time and place of {topic} a day before by phone or email.",
    "Break {topic} into smaller tasks and give each of them a time and a budget.",
    "If the cost of {topic} changes, compare at least two alternatives before you decide.",
    "Ask your contact whether anything about {topic} has changed since you last spoke.",
    "Use a calendar with reminders, and colour what is related to {topic}.",
    "Once {topic} is done, note what went well and what you would do differently.",
    "Keep receipts, codes and documents for {topic} together in one place.",
    "It's normal to feel nervous about {topic}; a short walk or music may help.",
    "For example, you might plan {topic} on Monday at 9 am and review it on Friday at 4 pm.",
    "Make sure that everyone who takes part in {topic} knows when and where it happens.",
)
TIPS = {
    "staying calm before a difficult talk": "Breathe in for four counts and out for six, five times.",
    "sorting the photo archive": "Name every folder by year and event, then delete duplicates.",
    "reducing the electricity bill": "Put the router and the television on a switchable socket.",
    "learning irregular verbs": "Sing the verbs in groups of five to a tune that you know.",
    "backing up the laptop": "Keep three copies on two kinds of media, one of them elsewhere.",
    "keeping the basil alive": "Water it from below and cut above a pair of leaves each week.",
    "speeding up the test suite": "Split the slow database fixtures from the pure unit tests.",
    "preparing the speech": "Open with a short anecdote and end on one sentence to remember.",
}
_CAPITALISED = re.compile(r"^(It|My|The|We|No|Got|Just|Made|Went|New|Our|To|On|By)\b")


def topic_of(statement: Statement) -> str:
    """Return the words by which an answer speaks of a statement: those of its question."""
    words = re.sub(r"^(\w+ )+?(is|are|do|does|did|have|has|can) ", "", statement.ask.rstrip("?"))
    return re.sub(r"\b(my|our)\b", "your", re.sub(r"\b(I|we)\b", "you", words))


def advice_on(topic: str, random: Random, tip: str = "") -> str:
    """Return a long answer in sections about a topic."""
    lines = [f"Absolutely! Here is a plan for {topic} that you can adapt.", ""]
    headings = random.sample(HEADINGS, random.randint(4, 7))
    place = random.randrange(len(headings))
    for number, heading in enumerate(headings, start=1):
        sentences = random.sample(SENTENCES, random.randint(3, 5))
        lines += [
            f"### Step {number}: {heading}",
            *(f"- {s.format(topic=topic)}" for s in sentences),
        ]
        lines += [f"- **Tip**: {tip}"] if tip and number == place + 1 else []
        lines += [""]
    return "\n".join([*lines, "Would you like me to go into more detail on any of these steps?"])


def advice(number: int, random: Random) -> Conversation:
    """Return the chat of a user with an assistant that answers at length."""
    conversation = Conversation(f"advice-{number}", ("user", "assistant"), SESSIONS, random)
    tips = random.sample(sorted(TIPS), 4)

    def say(conversation: Conversation, session: int, statement: Statement, text: str) -> str:
        start = text[0].lower() + text[1:] if _CAPITALISED.match(text) else text
        wordings = (
            f"{text} {random.choice(REQUESTS).capitalize()}",
            f"I'm trying to get organised, {start.rstrip('.')}, and {random.choice(REQUESTS)}",
            f"Some background first: {start} So, {random.choice(REQUESTS)}",
        )
        message_id = conversation.add(session, 0, random.choice(wordings))
        conversation.add(session, 1, advice_on(topic_of(statement), random))
        if random.random() < 0.5:
            conversation.add(session, 0, random.choice(FOLLOW_UPS))
            conversation.add(session, 1, advice_on(topic_of(statement), random))
        return message_id

    facts = random.sample(english.FACTS, len(english.FACTS) * 3 // 4)
    for topic in tips[:2]:
        _give_tip(conversation, topic, random)
    conversation.tell(statements_of(facts, english.POOLS, random), english.BETWEEN, say)
    for topic in tips[2:]:
        _give_tip(conversation, topic, random)
    return conversation


def _give_tip(conversation: Conversation, topic: str, random: Random) -> None:
    session = random.randrange(SESSIONS)
    conversation.add(session, 0, f"I need help with {topic}, {random.choice(REQUESTS)}")
    message_id = conversation.add(session, 1, advice_on(topic, random, TIPS[topic]))
    question = random.choice(
        (
            "What did you recommend for {}?",
            "Which tip did you give me about {}?",
            "How did you suggest I go about {}?",
        )
    )
    conversation.ask(INFORMATION, question.format(topic), [message_id], TIPS[topic])
