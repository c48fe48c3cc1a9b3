"""The receipt of an erasure: what was removed, what was searched, what cannot be proven."""

from dataclasses import asdict, dataclass, field
from typing import Any

from threadkeep.base.clock import local_minute
from threadkeep.base.settings import Settings

LABELS = {
    "messages": "messages",
    "abandoned": "messages on branches that were left",
    "notes": "notes of what messages taught",
    "entities": "entities",
    "facts": "facts",
    "threads": "thread records",
    "usage": "sums of usage",
    "open": "open turns",
    "blobs": "pictures and files",
    "blob_uses": "uses of pictures and files",
    "words": "rows of the full-text index",
}
"""Names in a receipt of the items below each label of an owner."""
DAMAGED_LABEL = "records that could not be read"
PROVIDER = "what a model's provider was sent and keeps"
BACKUPS = "backups, exports and copies made before"
PROCESSES = "the memory of processes that run right now, and what they still write of it"
BLOCKS = "what the file system or the disk keeps of blocks that are no longer in any file"


@dataclass(kw_only=True)
class Receipt:
    """The result of an erasure. The fields are the keys of its JSON."""

    forgot: str
    """user, thread, message, fact or entity."""
    at: str
    what: list[str] = field(default_factory=list)
    """The plan in lines; empty for a whole user, so that nothing of theirs is quoted."""
    removed: dict[str, int] = field(default_factory=dict)
    """Numbers by kind of data."""
    changed: dict[str, int] = field(default_factory=dict)
    """Data that was rebuilt without it."""
    kept: dict[str, int] = field(default_factory=dict)
    """Tombstones and hashes, without content."""
    scanned: dict[str, Any] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)
    """Where something still is; should be empty."""
    left: list[str] = field(default_factory=list)
    """What is still to do, and by whom."""
    not_proven: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def clean(self) -> bool:
        """Whether nothing was found and nothing is left to do."""
        return not self.found and not self.left

    @property
    def recovery_notice(self) -> str:
        """A sentence about an interrupted erasure that is completed now."""
        remains = f"; still found: {', '.join(self.found)}" if self.found else ""
        return (
            f"What was being forgotten when a process was cut off ({self.forgot}) is forgotten "
            f"now{remains}."
        )

    def count(self, label: str, number: int) -> None:
        """Add to the number of removed items."""
        add_count(self.removed, label, number)

    def as_json(self) -> dict[str, Any]:
        """Return the receipt for machines."""
        return {**asdict(self), "clean": self.clean}

    def lines(self) -> list[str]:
        """Return the receipt for people."""
        lines = [f"Forgotten: {self.forgot}, {local_minute(self.at)}"]
        lines += [f"  {line}" for line in self.what]
        for title, counts in (
            ("Removed", self.removed),
            ("Made again without it", self.changed),
            ("Kept, without content", self.kept),
        ):
            items = [f"{number:,} {label}" for label, number in counts.items() if number]
            if items:
                lines.append(f"{title}: {', '.join(items)}")
        lines.append(self._scan_line())
        lines += [f"FOUND: {place}" for place in self.found]
        lines += [f"Left to do: {task}" for task in self.left]
        lines += [f"Not proven: {reason}" for reason in self.not_proven]
        lines.append(f"Took {self.seconds:.1f} s.")
        return lines

    def _scan_line(self) -> str:
        paths = ", ".join(self.scanned.get("paths", ()))
        strings = f"{self.scanned.get('strings', 0):,} distinctive strings"
        result = "nothing found" if not self.found else f"{len(self.found)} places found"
        if "files" not in self.scanned:
            return f"Asked ({paths}) for {strings}: {result}. --verify reads the files too."
        files = f"{self.scanned['files']:,} files of {self.scanned['bytes']:,} bytes"
        return f"Scanned {files} and asked ({paths}) for {strings}: {result}."


def add_count(counts: dict[str, int], label: str, number: int) -> None:
    """Add to a number of a receipt; zero adds no entry."""
    if number > 0:
        counts[label] = counts.get(label, 0) + number


def not_proven(settings: Settings, server: str | None, *, verified: bool) -> list[str]:
    """Return what cannot be proven from this machine, for the databases in use."""
    reasons = [PROVIDER, BACKUPS, PROCESSES]
    kinds = {settings.checkpoint_database.kind, settings.item_database.kind}
    if "postgres" in kinds:
        reasons.append(
            "a PostgreSQL server's own files: dead rows until VACUUM, its write-ahead log, replicas"
        )
    if "redis" in kinds:
        reasons.append(
            "a Redis server's append-only file and snapshots until they are written anew"
        )
    if server:
        reasons.append("a Chroma server's files, which keep deleted vectors")
    if "sqlite" in kinds:
        reasons.append(BLOCKS)
        if not verified:
            reasons.append("the files themselves: they were not scanned (--verify does)")
    return reasons
