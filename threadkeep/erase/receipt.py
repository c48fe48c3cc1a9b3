"""The receipt: what was removed where, what was looked through, what nobody here can prove."""

from dataclasses import asdict, dataclass, field
from typing import Any

from threadkeep.base.settings import Settings

PROVIDER = "what a model's provider was sent and keeps"
BACKUPS = "backups, exports and copies made before"
BLOCKS = "what the file system or the disk keeps of blocks that are no longer in any file"


@dataclass(kw_only=True)
class Receipt:
    """What became of it."""

    forgot: str
    """user, thread, message, fact or entity."""
    at: str
    what: list[str] = field(default_factory=list)
    """Each thing that went, in a line; on a receipt of a whole user nothing of theirs is quoted."""
    removed: dict[str, int] = field(default_factory=dict)
    """How many, by place."""
    changed: dict[str, int] = field(default_factory=dict)
    """What was made again without it."""
    kept: dict[str, int] = field(default_factory=dict)
    """Marks without content, by which late writes are known."""
    scanned: dict[str, Any] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)
    """Where something of it still is; must be empty."""
    left: list[str] = field(default_factory=list)
    """What is still to be done, and by whom."""
    not_proven: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def clean(self) -> bool:
        """Whether nothing was found and nothing is left to do."""
        return not self.found and not self.left

    @property
    def finished(self) -> str:
        """What is told of an erasure that an earlier process was killed at."""
        found = f"; still found: {', '.join(self.found)}" if self.found else ""
        return (
            f"What was being forgotten when a process was cut off ({self.forgot}) is forgotten "
            f"now{found}."
        )

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {**asdict(self), "clean": self.clean}

    def lines(self) -> list[str]:
        """Return it for people."""
        told = [f"Forgotten: {self.forgot}, {self.at[:19].replace('T', ' ')}"]
        told += [f"  {each}" for each in self.what]
        for name, counts in (
            ("Removed", self.removed),
            ("Made again without it", self.changed),
            ("Kept, without content", self.kept),
        ):
            if said := ", ".join(f"{number:,} {what}" for what, number in counts.items() if number):
                told.append(f"{name}: {said}")
        told.append(self._scan())
        told += [f"FOUND: {each}" for each in self.found]
        told += [f"Left to do: {each}" for each in self.left]
        told += [f"Not proven: {each}" for each in self.not_proven]
        told.append(f"Took {self.seconds:.1f} s.")
        return told

    def _scan(self) -> str:
        paths = ", ".join(self.scanned.get("paths", ()))
        strings = f"{self.scanned.get('strings', 0):,} telling strings"
        result = "nothing found" if not self.found else f"{len(self.found)} places found"
        if "files" not in self.scanned:
            return f"Asked ({paths}) for {strings}: {result}. --verify reads the files too."
        files = f"{self.scanned['files']:,} files of {self.scanned['bytes']:,} bytes"
        return f"Scanned {files} and asked ({paths}) for {strings}: {result}."


def not_proven(settings: Settings, server: str | None, *, verified: bool) -> list[str]:
    """Return what nobody can prove from here, by where memory is kept."""
    told = [PROVIDER, BACKUPS, "the memory of other processes that run right now"]
    kinds = {settings.checkpoint_database.kind, settings.item_database.kind}
    if "postgres" in kinds:
        told.append(
            "a PostgreSQL server's own files: dead rows until VACUUM, its write-ahead log, replicas"
        )
    if "redis" in kinds:
        told.append("a Redis server's append-only file and snapshots until they are written anew")
    if server:
        told.append("a Chroma server's files, which keep deleted vectors")
    if "sqlite" in kinds:
        told.append(BLOCKS)
        if not verified:
            told.append("the files themselves: they were not scanned (--verify does)")
    return told
