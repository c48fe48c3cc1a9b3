"""The conversation of one `threadkeep chat`: its memory, its thread, and its turn under way."""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from threadkeep.cli.exit_codes import print_error
from threadkeep.cli.output import print_notice
from threadkeep.cli.reply import print_reply
from threadkeep.process import freeze_loaded_objects

if TYPE_CHECKING:
    from threadkeep.cli.connection import Connection
    from threadkeep.erase.plan import Target
    from threadkeep.erase.receipt import Receipt
    from threadkeep.protocol import MemoryProtocol
    from threadkeep.turn import Turn


class ChatSession:
    """One conversation in the terminal; `context` holds the fields that options name."""

    def __init__(
        self,
        connection: "Connection",
        context: Mapping[str, Any],
        thread: str,
        *,
        show_reasoning: bool = False,
    ) -> None:
        self.connection = connection
        self.user_id = connection.user_id
        self.context = context
        self.show_reasoning = show_reasoning
        self.thread = thread
        """The name of the thread."""
        self.exit_code = 0
        """The highest exit code of what failed."""
        self.memory: MemoryProtocol
        self._turn: Turn | None = None
        self._notice = ""
        self._stack = AsyncExitStack()

    async def open(self, *, continue_last: bool) -> None:
        """Import the heavy packages, open the memory, and finish turns that a crash cut off."""
        await asyncio.to_thread(self.connection.load)
        self.memory = await self._stack.enter_async_context(self.connection.open())
        for sentence in await self.memory.recover(user_id=self.user_id):
            print_notice(sentence)
        if continue_last:
            self.thread = await self.memory.last_thread(user_id=self.user_id)
            print_notice(f"Going on with thread {self.thread!r}.")

    async def answer(self, text: str | None) -> None:
        """Print the reply to `text`; return when it is complete, before it is stored.

        None stands for the message of this thread that got no answer.
        """
        await self.finish_turn()
        context, user = self.context, self.user_id
        turn = self._turn = (
            await self.memory.retry(self.thread, context=context, user_id=user)
            if text is None
            else await self.memory.say(text, thread=self.thread, context=context, user_id=user)
        )
        try:
            await print_reply(turn, show_reasoning=self.show_reasoning)
        except BaseException as error:
            self._turn = None  # Its bookkeeping is not waited for.
            if isinstance(error, asyncio.CancelledError):
                await turn.stop()
            raise
        finally:
            sys.stdout.write("\n")
            sys.stdout.flush()
            self._print_new_notice(self.memory.notice)
        if turn.incomplete:
            print_notice(turn.incomplete["sentence"])

    async def undo(self, turns: int) -> None:
        """Take back the newest turns, and print the user's messages in them."""
        await self.finish_turn()
        for text in await self.memory.undo(self.thread, turns, user_id=self.user_id):
            print_notice(f"Taken back: {text}")

    async def fork(self, name: str) -> None:
        """Go on in a copy of this thread."""
        await self.finish_turn()
        await self.memory.fork(self.thread, name, user_id=self.user_id)
        self.thread = name
        print_notice(f"Now in thread {name!r}.")

    async def run_memory_command(self, command: str, arguments: str) -> None:
        """Run a command that reads memory or changes it."""
        from threadkeep.cli.chat_memory import run_memory_command

        await self.finish_turn()
        own = await self.memory.thread_context(self.thread, user_id=self.user_id)
        context = {**own, **self.context}
        await run_memory_command(
            self.memory, self.user_id, context, self.thread, command, arguments
        )

    async def plan_forget(self, target: "Target") -> list[str]:
        """Return what would go with the target, in lines."""
        await self.finish_turn()
        return await self.memory.plan_forget(target, user_id=self.user_id)

    async def forget(self, target: "Target", *, verify: bool) -> "Receipt":
        """Erase the target, and return the receipt."""
        from threadkeep.cli.progress import open_step_progress

        with open_step_progress("Forgetting") as progress:
            return await self.memory.forget(
                target, verify=verify, progress=progress, user_id=self.user_id
            )

    async def finish_turn(self) -> None:
        """Wait until the newest turn is stored; print what kept it from that."""
        if self._turn:
            turn, self._turn = self._turn, None
            try:
                await turn.finished()
            except Exception as error:
                self.exit_code = max(self.exit_code, print_error(error))
            freeze_loaded_objects(again=self.connection.vectors_loaded(self.memory))

    async def close(self) -> None:
        """Finish storing and close the memory."""
        try:
            await self.finish_turn()
        finally:
            await self._stack.aclose()

    def _print_new_notice(self, notice: str) -> None:
        """Print a notice about the search once."""
        if notice and notice != self._notice:
            print_notice(notice)
        self._notice = notice
