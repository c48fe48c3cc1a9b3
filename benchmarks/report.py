"""The output of every benchmark: a table on stderr, and with `--json` one object on stdout."""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from threadkeep.process import run

Figures = Mapping[str, float]
Met = Mapping[str, bool]


def main_over_turns(
    benchmark: str,
    about: str | None,
    measure: Callable[[Path, int], Awaitable[tuple[Figures, Met]]],
    turns: int,
) -> None:
    """Run a benchmark of so many turns as a program, in a temporary data folder."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--turns", type=int, default=turns)
    options = parser.parse_args()

    async def run_measure() -> tuple[Figures, Met]:
        return await measure(Path(folder), options.turns)

    with tempfile.TemporaryDirectory() as folder:
        os.environ["THREADKEEP_HOME"] = folder
        figures, met = run(run_measure())
    report(benchmark, figures, met, as_json=options.json)


def report(benchmark: str, figures: Figures, met: Met, *, as_json: bool) -> None:
    """Print the figures and which targets they meet."""
    for name, figure in figures.items():
        print(f"{name:<48} {figure:>12,.3f}", file=sys.stderr)
    for target, reached in met.items():
        print(f"{'met' if reached else 'MISSED':<8} {target}", file=sys.stderr)
    if as_json:
        result = {
            "benchmark": benchmark,
            "machine": machine(),
            "figures": dict(figures),
            "met": dict(met),
        }
        print(json.dumps(result))


def machine() -> str:
    """Return the machine that the figures were measured on."""
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}"
    )


def percentile(values: list[float], share: float) -> float:
    """Return the value below which `share` of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
