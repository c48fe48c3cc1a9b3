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
from threadkeep.base.ids import new_thread_name
from threadkeep.base.validation import validate_id
from threadkeep.cli.connection import context_values
from threadkeep.cli.failures import complain
from threadkeep.process import freeze_loaded_objects, new_event_loop, run

if TYPE_CHECKING:
    from threadkeep.cli.connection import Connection
    from threadkeep.erase.plan import Target
    from threadkeep.erase.receipt import Receipt
    from threadkeep.protocol import MemoryProtocol
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
    """One conversation in the terminal."""

    def __init__(
        self, connection: "Connection", model: str | None, choices: Mapping[str, Any]
    ) -> None:
        self.connection = connection
        self.user_id = connection.user_id
        self.context = context_values(model, choices)
        self.thread = ""
        self.memory: MemoryProtocol
        self._turn: Turn | None = None
        self._notice = ""
        self._stack = AsyncExitStack()

    async def open(self, last: bool) -> None:
        """Import what is heavy, open the memory, finish what a crash cut off."""
        await asyncio.to_thread(self.connection.load)
        self.memory = await self._stack.enter_async_context(self.connection.open())
        for sentence in await self.memory.recover(user_id=self.user_id):
            complain(sentence)
        if last:
            self.thread = await self.memory.last_thread(user_id=self.user_id)
            complain(f"Going on with thread {self.thread!r}.")

    async def answer(self, text: str) -> None:
        """Print the reply to `text`; return when it is there, not when it is stored."""
        await self.finish_turn()
        turn = self._turn = await self.memory.say(
            text, thread=self.thread, context=self.context, user_id=self.user_id
        )
        try:
            async for piece in turn:
                sys.stdout.write(piece)
                sys.stdout.flush()
        except asyncio.CancelledError:
            self._turn = None  # Its bookkeeping is not waited for.
            await turn.stop()
            raise
        finally:
            sys.stdout.write("\n")
            sys.stdout.flush()
            self._print_notice(self.memory.notice)

    def _print_notice(self, notice: str) -> None:
        """Say what a person should know about the store, once."""
        if notice and notice != self._notice:
            complain(notice)
        self._notice = notice

    async def undo(self, turns: int) -> None:
        """Take back the newest turns, and say what they were about."""
        await self.finish_turn()
        for text in await self.memory.undo(self.thread, turns, user_id=self.user_id):
            complain(f"Taken back: {text}")

    async def fork(self, name: str) -> None:
        """Go on in a copy of this thread."""
        await self.finish_turn()
        await self.memory.fork(self.thread, name, user_id=self.user_id)
        self.thread = name
        complain(f"Now in thread {name!r}.")

    async def run_command(self, command: str, rest: str) -> None:
        """Run a command that reads memory or changes it."""
        from threadkeep.cli.chat_memory import run_command

        await self.finish_turn()
        own = await self.memory.thread_context(self.thread, user_id=self.user_id)
        merged = {**own, **self.context}
        context = {name: value for name, value in merged.items() if value is not None}
        await run_command(self.memory, self.user_id, context, self.thread, command, rest)

    async def plan_forget(self, target: "Target") -> list[str]:
        """Return what would go with what is named, in lines."""
        await self.finish_turn()
        return await self.memory.plan_forget(target, user_id=self.user_id)

    async def forget(self, target: "Target", *, verify: bool) -> "Receipt":
        """Forget, and return the receipt."""
        from threadkeep.cli.forget import open_steps

        with open_steps() as progress:
            return await self.memory.forget(
                target, verify=verify, progress=progress, user_id=self.user_id
            )

    async def finish_turn(self) -> None:
        """Wait until the turn before is stored."""
        if self._turn:
            turn, self._turn = self._turn, None
            await turn.finished()
            freeze_loaded_objects(again=self.connection.vectors_loaded(self.memory))

    async def close(self) -> None:
        """Finish storing and close the memory."""
        try:
            await self.finish_turn()
        finally:
            await self._stack.aclose()


def run_chat(
    connection: "Connection",
    thread: str | None,
    last: bool,
    model: str | None,
    choices: Mapping[str, Any],
) -> None:
    """Talk until the person leaves."""
    name = validate_id(thread, "thread") if thread is not None else new_thread_name()
    if choices:
        from threadkeep.cli.context_options import context_of

        context_of(connection.user_id or "me", model, choices)
    connection.prepare()
    owner, model_phrase = run(connection.greeting(model))
    place = "your last thread" if last else f"thread {name!r}"
    complain(f"{owner}, {place}, {model_phrase}. /help for help.")
    loop, chat = Background(), Chat(connection, model, choices)
    chat.thread = name
    opening = loop.begin(chat.open(last))
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
            _do(loop, chat.run_command(word, rest))
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
    lines = loop.run(chat.plan_forget(target))
    if not sure and not agreed(lines):
        complain("Nothing was forgotten.")
        return
    print_receipt(loop.run(chat.forget(target, verify=verify)), as_json=False)
    sys.stdout.flush()


def _name(told: str) -> str:
    return validate_id(told, "thread") if told else new_thread_name()


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
