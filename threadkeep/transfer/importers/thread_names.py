"""Names of threads, made of the titles of conversations."""

from datetime import datetime

from threadkeep.base.validation import MAX_ID_CHARACTERS, sanitise_text, validate_id


class ThreadNames:
    """Gives each conversation of a file a name of its own."""

    def __init__(self, untitled: str) -> None:
        self._untitled = untitled
        self._names: set[str] = set()

    def add(self, title: object, created: datetime) -> str:
        """Return a new name: the title, with a date if necessary."""
        words = " ".join(sanitise_text(title).split()) if isinstance(title, str) else ""
        printable = "".join(letter for letter in words if letter.isprintable()).strip()
        base = printable or self._untitled
        suffixes = ["", f" ({created:%Y-%m-%d})", f" ({created:%Y-%m-%d %H:%M:%S})"]
        suffixes += [f" ({number})" for number in range(2, len(self._names) + 3)]
        for suffix in suffixes:
            shortened = base[: MAX_ID_CHARACTERS - len(suffix)].strip()
            name = validate_id(shortened + suffix, "thread")
            if name not in self._names:
                break
        self._names.add(name)
        return name
