"""Progress bars on stderr."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from threadkeep.cli.output import inert

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from threadkeep.opened import Progress as StepProgress
    from threadkeep.stores.indexing import Progress


@contextmanager
def open_progress(task_name: str) -> Iterator["Progress | None"]:
    """Yield what draws how much is done; None where stderr is no terminal."""
    with _open_bar() as bar:
        if bar is None:
            yield None
            return
        task = bar.add_task(task_name, total=None)
        yield lambda completed, total: bar.update(task, completed=completed, total=total)


@contextmanager
def open_step_progress(task_name: str) -> Iterator["StepProgress | None"]:
    """Yield what draws the step, and how much of it is done; None where stderr is no terminal."""
    with _open_bar() as bar:
        if bar is None:
            yield None
            return
        task = bar.add_task(task_name, total=None)
        yield lambda step, completed, total: bar.update(
            task, description=inert(step.capitalize()), completed=completed, total=total
        )


@contextmanager
def _open_bar() -> Iterator["Bar | None"]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        yield bar
