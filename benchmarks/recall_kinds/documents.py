"""Long documents that a user pastes, each with many paragraphs, and questions about one of them."""

from random import Random

from benchmarks.recall_kinds import english
from benchmarks.recall_kinds.conversation import INFORMATION, UPDATE, Conversation
from benchmarks.recall_kinds.statements import draw, slots_of

SESSIONS, DOCUMENTS, PARAGRAPHS = 8, 12, 14
FILLER = (
    "The group went through the open points of the last meeting and confirmed the minutes.",
    "There was some discussion about wording, which will be continued by email.",
    "Everybody agreed that communication between the teams has to become simpler.",
    "The figures of the previous quarter were presented and compared with the plan.",
    "No objections were raised, and the chair thanked all who had contributed.",
    "A short break followed, after which the agenda was taken up again.",
    "Further details are in the annex, which is sent around with these pages.",
    "The proposal was welcomed, though several questions on its cost remained open.",
    "It was noted that a final decision needs the approval of the board.",
    "Members are asked to send comments within two weeks.",
)
POINTS = (
    ("The {place} project will cost {sum} more than planned.",
     "How much does the {place} project go over budget?"),
    ("{name} takes over the coordination with {firm}.", "Who coordinates the work with {firm}?"),
    ("The annual audit of {firm} takes place on {day}.", "When is {firm} audited?"),
    ("Complaints about the {tool} rollout rose by {percent}.",
     "How much did complaints on the {tool} rollout grow?"),
    ("The lease for {place} runs until {day}.", "Until when is {place} rented?"),
    ("{name} objected to the sale of the {city} branch.", "Who was against selling in {city}?"),
    ("The warehouse in {city} holds {number},000 pallets.",
     "What is the capacity of the {city} warehouse?"),
    ("Supplier {firm} delivers every {number} days.", "How often does {firm} deliver?"),
    ("The emergency code for {place} is {code}.", "What's the emergency code of {place}?"),
    ("{name} will train the new staff in {city}.", "Who teaches the new employees in {city}?"),
)  # fmt: skip
CHANGES = {
    0: "Correction to the minutes: the {place} project will cost {sum} more, not less.",
    2: "The audit of {firm} has been moved to {day}.",
    4: "The lease for {place} was extended until {day}.",
}
TITLES = (
    "Minutes of the steering committee",
    "Quarterly report",
    "Notes of the site visit",
    "Internal memo",
    "Summary of the works council",
    "Report on the supplier review",
)
REPLIES = (
    "Thank you for sharing. The document covers several decisions, costs and dates; I can summarise "
    "it, list the open points or draft a reply, whichever helps you more.",
    "I've read it. Shall I extract the action items and who is responsible for each?",
)


def documents(number: int, random: Random) -> Conversation:
    """Return the chat of a user who pastes documents and asks the assistant about them."""
    conversation = Conversation(f"documents-{number}", ("user", "assistant"), SESSIONS, random)
    used: set[str] = set()
    places = sorted(random.randrange(SESSIONS) for _ in range(DOCUMENTS))
    for session in places:
        points = [_point(random, used) for _ in range(PARAGRAPHS)]
        kept = [point for point in points if point]
        text = _document(random, [sentence for sentence, _, _ in kept])
        message_id = conversation.add(session, 0, f"Please keep this for later:\n\n{text}")
        conversation.add(session, 1, random.choice(REPLIES))
        for sentence, question, change in random.sample(kept, min(4, len(kept))):
            if change and session + 1 < SESSIONS:
                newer = conversation.add(random.randrange(session + 1, SESSIONS), 0, change)
                conversation.ask(UPDATE, question, [message_id, newer], change)
            else:
                conversation.ask(INFORMATION, question, [message_id], sentence)
    return conversation


def _point(random: Random, used: set[str]) -> tuple[str, str, str] | None:
    """Return a sentence, its question and a later change; None if the question was there before."""
    place = random.randrange(len(POINTS))
    sentence, question = POINTS[place]
    fixed = draw(slots_of(question), english.POOLS, random)
    asked = question.format_map(fixed)
    if asked in used:
        return None
    used.add(asked)

    def worded(text: str) -> str:
        rest = [name for name in slots_of(text) if name not in fixed]
        return text.format_map(fixed | draw(rest, english.POOLS, random))

    change = worded(CHANGES[place]) if place in CHANGES and random.random() < 0.5 else ""
    return worded(sentence), asked, change


def _document(random: Random, sentences: list[str]) -> str:
    """Return a document with a paragraph around each sentence."""
    paragraphs = [f"# {random.choice(TITLES)}"]
    for sentence in sentences:
        filler = random.sample(FILLER, random.randint(2, 5))
        filler.insert(random.randrange(len(filler) + 1), sentence)
        paragraphs.append(" ".join(filler))
    return "\n\n".join(paragraphs)
