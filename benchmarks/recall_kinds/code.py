"""Logs and code that a user pastes, with questions about what was in them."""

from random import Random

from benchmarks.recall_kinds.conversation import INFORMATION, SEVERAL, UPDATE, Conversation

SESSIONS = 8
MODULES = (
    "billing",
    "auth",
    "search",
    "export",
    "mailer",
    "reports",
    "uploads",
    "scheduler",
    "payments",
    "sessions",
    "catalog",
    "webhooks",
)
ERRORS = (
    ("KeyError: 'customer_id'", "customer_id was missing"),
    ("TimeoutError: read timed out after 30 s", "the read timed out"),
    ("sqlite3.OperationalError: database is locked", "the database was locked"),
    ("PermissionError: [Errno 13] Permission denied: '/var/spool/jobs'", "permission was denied"),
    ("UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff", "a byte could not be decoded"),
    ("ConnectionResetError: [Errno 104] Connection reset by peer", "the peer closed it"),
    ("ValueError: invalid literal for int() with base 10: 'N/A'", "N/A is no number"),
    ("ZeroDivisionError: division by zero", "a division by zero"),
)
SETTINGS = ("max_retries", "pool_size", "batch_size", "cache_ttl", "timeout_seconds", "page_limit")
LINES = (
    "INFO  {module}.worker  started job {n} in {m} ms",
    "DEBUG {module}.cache   hit ratio 0.{n}",
    "INFO  http.access      GET /{module}/{n} 200 {m} ms",
    "WARN  {module}.queue   {n} items waiting",
    "INFO  core.health      ok, load 0.{n}, memory {m} MB",
)
REPLIES = (
    "Let's look at it step by step.\n\n1. **Read the traceback from the bottom**: the last line "
    "names the error.\n2. **Reproduce it** with a small input.\n3. **Add logging** around the call "
    "in `{module}` and check the values.\n4. **Write a test** that fails, then fix it.\n\n"
    "```python\ndef handle(event):\n    log.info('handling %s', event)\n    try:\n        "
    "return process(event)\n    except Exception:\n        log.exception('{module} failed')\n"
    "        raise\n```\n\nIf the error in {module} stays, send me the configuration.",
    "That configuration of `{module}` looks reasonable. Watch memory and latency after the change, "
    "raise limits slowly, and keep the former values in version control so you can go back.",
)


def code(number: int, random: Random) -> Conversation:
    """Return the chat of a programmer who pastes logs, settings and functions."""
    conversation = Conversation(f"code-{number}", ("user", "assistant"), SESSIONS, random)
    modules = random.sample(MODULES, len(MODULES))
    for module in modules[:5]:
        _paste_log(conversation, module, random)
    for module in modules[5:9]:
        _paste_settings(conversation, module, random)
    for module in modules[9:]:
        _paste_function(conversation, module, random)
    _merge_counts(conversation, random)
    return conversation


def _paste_log(conversation: Conversation, module: str, random: Random) -> None:
    session, (error, _) = random.randrange(SESSIONS), random.choice(ERRORS)
    before, after = (_log_lines(module, random) for _ in range(2))
    trace = (
        f'Traceback (most recent call last):\n  File "/srv/app/{module}/tasks.py", line '
        f"{random.randrange(20, 400)}, in run\n    result = self.step(payload)\n{error}"
    )
    opening = random.choice(("I get this when I run the {} job:", "The {} module fails, log:"))
    text = f"{opening.format(module)}\n\n" + "\n".join([*before, trace, *after])
    message_id = conversation.add(session, 0, text)
    conversation.add(session, 1, REPLIES[0].format(module=module))
    question = random.choice(
        (
            "What error did the {} job raise?",
            "Why did my {} module crash?",
            "Which exception was in the {} log?",
        )
    )
    conversation.ask(INFORMATION, question.format(module), [message_id], error)


def _log_lines(module: str, random: Random) -> list[str]:
    return [
        f"2024-03-{random.randrange(10, 28)} {random.randrange(10, 24)}:{random.randrange(10, 60)} "
        + random.choice(LINES).format(
            module=random.choice((module, "core")),
            n=random.randrange(10, 99),
            m=random.randrange(900),
        )
        for _ in range(random.randrange(8, 30))
    ]


def _paste_settings(conversation: Conversation, module: str, random: Random) -> None:
    first, second = sorted(random.sample(range(SESSIONS), 2))
    name = random.choice(SETTINGS)
    rows = [f"{key} = {random.randrange(2, 900)}" for key in SETTINGS]
    text = f"My configuration of {module}:\n\n```toml\n[{module}]\n" + "\n".join(rows) + "\n```"
    old = conversation.add(first, 0, text)
    conversation.add(first, 1, REPLIES[1].format(module=module))
    question = random.choice(
        ("What is {name} in {module}?", "Which value does {module} have for {name}?")
    )
    question = question.format(name=name, module=module)
    if random.random() < 0.6:
        change = f"I set {name} of {module} to {random.randrange(2, 900)} and restarted."
        new = conversation.add(second, 0, change)
        conversation.add(second, 1, REPLIES[1].format(module=module))
        conversation.ask(UPDATE, question, [old, new], change)
    else:
        answer = next(row for row in rows if row.startswith(name))
        conversation.ask(INFORMATION, question, [old], answer)


def _paste_function(conversation: Conversation, module: str, random: Random) -> None:
    session, limit = random.randrange(SESSIONS), random.randrange(3, 90)
    noun = random.choice(("token", "invoice", "thumbnail", "ticket", "discount"))
    text = (
        f"Is this right?\n\n```python\ndef check_{noun}_{module}(value, now):\n    "
        f"# {noun}s older than {limit} days are refused\n    age = now - value.created_at\n    "
        f"if age.days > {limit}:\n        raise Expired(value.id)\n    return value\n```"
    )
    message_id = conversation.add(session, 0, text)
    conversation.add(session, 1, REPLIES[0].format(module=module))
    question = f"After how many days does my {module} code refuse a {noun}?"
    conversation.ask(INFORMATION, question, [message_id], f"> {limit}")


def _merge_counts(conversation: Conversation, random: Random) -> None:
    """Say several times how many pull requests were merged, and ask for the sum."""
    ids = []
    for session in sorted(random.sample(range(SESSIONS), 3)):
        count = random.randrange(2, 20)
        text = random.choice(
            ("We merged {} pull requests this sprint.", "Sprint done, {} pull requests merged.")
        )
        ids.append(conversation.add(session, 0, text.format(count)))
        conversation.add(session, 1, "Well done! A short retrospective keeps the pace healthy.")
    conversation.ask(SEVERAL, "How many pull requests did we merge in all sprints?", ids)
