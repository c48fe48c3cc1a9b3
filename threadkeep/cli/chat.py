"""`threadkeep chat`: a conversation in the terminal.

The terminal belongs to the main thread; the graph lives in an event loop of its own, so that the
prompt is there before the heavy imports are, and again while bookkeeping goes on.
"""

import asyncio
import contextlib
import sys
import threading
from collections.abc import Coroutine, Mapping
from concurrent.futures import Future
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, TypeVar

from threadkeep.base.errors import BadInput, ThreadkeepError
from threadkeep.base.validation import validate_id
from threadkeep.cli.event_loop import new_event_loop, run
from threadkeep.cli.failures import complain

if TYPE_CHECKING:
    from threadkeep.cli.agent import Agent, Home
    from threadkeep.erase.plan import Target
    from threadkeep.erase.receipt import Receipt
    from threadkeep.graph.context import Context
    from threadkeep.turn import Turn

T = TypeVar("T")
PROMPT = "> "
HELP = (
    "/new [NAME] begins another thread, /undo [N] takes back turns, /fork [NAME] goes on in a copy "
    "of this thread, /why tells what the last answer rests on, /correct ID TEXT corrects a memory, "
    "/pin [ID] and /unpin ID choose what is always shown, /forget ID, /forget thread [NAME] and "
    "/forget everything forget for good, /quit ends (so does Ctrl-D), anything "
    "else is a message."
)


class Background:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def begin(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Start a coroutine on the loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Wait for a coroutine on the loop; an interrupt cancels it there too."""
        future = self.begin(coroutine)
        try:
            return future.result()
        except KeyboardInterrupt:
            future.cancel()
            raise


class Chat:
    """What one conversation in the terminal holds."""

    def __init__(
        self, home: "Home", user: str, model: str | None, chosen: Mapping[str, Any]
    ) -> None:
        self.home = home
        self.user = user
        self.model = model
        self.chosen = chosen
        self.thread = ""
        self.turn: Turn | None = None
        self.told = ""
        self.agent: Agent
        self._contexts: dict[str, Context] = {}
        self._open = AsyncExitStack()

    async def open(self, thread: str | None, last: bool) -> None:
        """Import what is heavy, open the home, finish what a crash left."""
        await asyncio.to_thread(self.home.load)
        self.agent = await self._open.enter_async_context(self.home.open())
        for sentence in await self.agent.finish(await self._context()):
            complain(sentence)
        if last:
            self.thread = await self.agent.last_thread(self.user)
            complain(f"Going on with thread {self.thread!r}.")

    async def answer(self, text: str) -> None:
        """Print the reply to `text`; return when it is there, not when it is written down."""
        await self.written()
        turn = self.turn = await self.agent.say(await self._context(), self.thread, text)
        try:
            async for piece in turn:
                sys.stdout.write(piece)
                sys.stdout.flush()
        except asyncio.CancelledError:
            self.turn = None  # Nothing of it is to be waited for.
            await turn.stop()
            raise
        finally:
            sys.stdout.write("\n")
            sys.stdout.flush()
            self._tell(self.agent.notice)

    def _tell(self, notice: str) -> None:
        """Say what a person should know about the store, once."""
        if notice and notice != self.told:
            complain(notice)
        self.told = notice

    async def undo(self, turns: int) -> None:
        """Take back the newest turns, and say what they were about."""
        await self.written()
        for text in await self.agent.undo(await self._context(), self.thread, turns):
            complain(f"Taken back: {text}")

    async def fork(self, name: str) -> None:
        """Go on in a copy of this thread."""
        await self.written()
        await self.agent.fork_thread(await self._context(), self.thread, name)
        self.thread = name
        complain(f"Now in thread {name!r}.")

    async def remember(self, word: str, rest: str) -> None:
        """Obey what asks of memory or changes it."""
        from threadkeep.cli.chat_memory import obey

        await self.written()
        await obey(self.agent, await self._context(), self.thread, word, rest)

    async def plan_erasure(self, target: "Target") -> list[str]:
        """Return what would go with what is named, in lines."""
        from threadkeep.cli import chat_forget

        await self.written()
        return await chat_forget.plan(self.agent, await self._context(), target)

    async def forget(self, target: "Target", *, verify: bool) -> "Receipt":
        """Forget, and return the receipt."""
        from threadkeep.cli import chat_forget

        return await chat_forget.forget(self.agent, await self._context(), target, verify=verify)

    async def written(self) -> None:
        """Wait until the turn before is written down."""
        if self.turn:
            turn, self.turn = self.turn, None
            await turn.finished()

    async def close(self) -> None:
        """Finish writing and close the home."""
        try:
            await self.written()
        finally:
            await self._open.aclose()

    async def _context(self) -> "Context":
        from threadkeep.cli.context_options import context_of

        if self.thread not in self._contexts:
            own = await self.agent.choices(self.user, self.thread)
            self._contexts[self.thread] = context_of(self.user, self.model, self.chosen, own)
        return self._contexts[self.thread]


def run_chat(
    home: "Home",
    user: str,
    thread: str | None,
    last: bool,
    model: str | None,
    chosen: Mapping[str, Any],
) -> None:
    """Talk until the person leaves."""
    from threadkeep.cli.thread_names import new_thread

    name = validate_id(thread, "thread") if thread is not None else new_thread()
    if chosen:
        from threadkeep.cli.context_options import context_of

        context_of(user, model, chosen)
    home.prepare()
    whose, answers = run(home.whose(user, model))
    where = "your last thread" if last else f"thread {name!r}"
    complain(f"{whose}, {where}, {answers}. /help for help.")
    loop, chat = Background(), Chat(home, user, model, chosen)
    chat.thread = name
    opening = loop.begin(chat.open(thread, last))
    try:
        while (line := _read()) is not None:
            opening.result()
            if not _command(loop, chat, line):
                _say(loop, chat, line)
        opening.result()
    except EOFError:
        pass
    finally:
        loop.run(chat.close())


def _say(loop: Background, chat: Chat, line: str) -> None:
    _do(loop, chat.answer(line))


def _do(loop: Background, work: Coroutine[Any, Any, None]) -> None:
    try:
        loop.run(work)
    except KeyboardInterrupt:
        complain("Stopped.")
    except ThreadkeepError as error:
        complain(str(error))


def _command(loop: Background, chat: Chat, line: str) -> bool:
    """Obey a line that begins with a slash; tell whether it was one."""
    word, _, rest = line.strip().partition(" ")
    rest = rest.strip()
    if not word:
        return True
    if word == "/quit":
        raise EOFError
    if not (word.startswith("/") and word[1:].isalpha()):
        return False
    try:
        if word == "/new":
            chat.thread = _name(rest)
            complain(f"Now in thread {chat.thread!r}.")
        elif word == "/undo":
            _do(loop, chat.undo(_number(rest)))
        elif word == "/fork":
            _do(loop, chat.fork(_name(rest)))
        elif word == "/forget":
            _forget(loop, chat, rest)
        elif word in ("/why", "/correct", "/pin", "/unpin"):
            _do(loop, chat.remember(word, rest))
        else:
            complain(HELP if word == "/help" else f"There is no command {word!r}. {HELP}")
    except ThreadkeepError as error:
        complain(str(error))
    return True


def _forget(loop: Background, chat: Chat, rest: str) -> None:
    """Ask, forget, and print the receipt."""
    from threadkeep.cli import chat_forget
    from threadkeep.cli.forget import agreed, print_receipt

    target, verify, sure = chat_forget.parse(rest, chat.thread)
    lines = loop.run(chat.plan_erasure(target))
    if not sure and not agreed(lines):
        complain("Nothing was forgotten.")
        return
    print_receipt(loop.run(chat.forget(target, verify=verify)), as_json=False)
    sys.stdout.flush()


def _name(told: str) -> str:
    from threadkeep.cli.thread_names import new_thread

    return validate_id(told, "thread") if told else new_thread()


def _number(told: str) -> int:
    if told and not (told.isascii() and told.isdigit() and 0 < int(told) < 1_000):
        raise BadInput(f"{told!r:.60} is no number of turns; write it like /undo 2.")
    return int(told or 1)


def _read() -> str | None:
    """Return the next line, None at the end of input."""
    if sys.stdin.isatty():
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401  (arrow keys and history in input())
        try:
            return input(PROMPT)
        except EOFError:
            sys.stderr.write("\n")
            return None
    line = sys.stdin.readline()
    return line.rstrip("\n") if line else None
