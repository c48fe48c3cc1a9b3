"""What every benchmark prints: a table on stderr, and with `--json` one object on stdout."""

import json
import os
import platform
import sys
from collections.abc import Mapping


def report(
    benchmark: str, figures: Mapping[str, float], met: Mapping[str, bool], *, as_json: bool
) -> None:
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
    """Return what the figures were made on."""
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}"
    )


def percentile(values: list[float], share: float) -> float:
    """Return the value below which `share` of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
