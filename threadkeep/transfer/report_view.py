"""What a report shows, from the lines of an export: each fact beside the message that taught it."""

import json
import re
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

View = dict[str, Any]
QUOTED = 240
"""Characters of a message that are quoted beside a fact."""
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
SHOWN = {
    "thread": {"name", "title", "created", "last_used", "turns", "corrected"},
    "message": {
        "role",
        "name",
        "text",
        "time",
        "recorded_at",
        "position",
        "thread",
        "before",
        "history",
    },
    "fact": {
        "subject",
        "predicate",
        "object",
        "text",
        "valid_from",
        "valid_to",
        "recorded_at",
        "written_at",
        "superseded_by",
        "sources",
        "history",
        "corrects",
        "corrected_at",
    },
    "entity": {
        "name",
        "type",
        "aliases",
        "attributes",
        "mentions",
        "first_seen",
        "last_seen",
        "sources",
        "text",
    },
    "state": {"messages", "summary", "extract", "pins", "corrected_at"},
}
"""What the page shows in a place of its own; any other key is shown as it is stored."""


class Page:
    """Takes in the records of an export and lays them out."""

    def __init__(self) -> None:
        self.threads: dict[str, View] = {}
        self.messages: dict[str, View] = {}
        self.kinds: dict[str, list[View]] = {}

    def take(self, record: View) -> None:
        """Take in one record."""
        kind, value = record["kind"], record.get("value")
        if kind == "thread":
            self.threads[record["id"]] = {
                "anchor": f"t{len(self.threads) + 1}",
                "id": record["id"],
                "name": value["name"] if value and value.get("name") else record["id"],
                "value": value or {},
                "messages": [],
                "left": [],
                "state": {},
            }
        elif kind == "message":
            self._message(record, self.threads[record["thread"]])
        elif kind == "abandoned":
            self.threads[record["thread"]]["left"].append(record["value"]["message"])
        elif kind == "state":
            self.threads[record["thread"]]["state"] = value
        elif kind in ("entity", "fact", "usage", "item", "correction", "pin"):
            self.kinds.setdefault(kind, []).append(record)

    def views(self) -> View:
        """Return what the template is given."""
        facts = self._facts()
        return {
            "threads": list(self.threads.values()),
            "messages": len(self.messages),
            "facts": [fact for fact in facts if not fact["value"].get("superseded_by")],
            "history": [fact for fact in facts if fact["value"].get("superseded_by")],
            "entities": self._entities(),
            "pins": self._pins(),
            "corrections": self._unused_corrections(),
            "usage": self._usage(),
            "items": self.kinds.get("item", []),
        }

    def _message(self, record: View, thread: View) -> None:
        value = record["value"]
        view = {
            "anchor": f"m{len(self.messages) + 1}",
            "thread": thread,
            "value": value,
            "who": value.get("name") or value.get("role") or "",
        }
        thread["messages"].append(view)
        # A fork has copies of its messages; a source is the first of them.
        self.messages.setdefault(record["id"], view)
        if self.messages[record["id"]] is not view:
            view["anchor"] = ""

    def _facts(self) -> list[View]:
        told = self.kinds.get("fact", [])
        texts = {record["id"]: str(record["value"].get("text") or "") for record in told}
        views = [
            {
                "value": record["value"],
                "since": record["value"].get("valid_from") or "",
                "after": texts.get(str(record["value"].get("superseded_by")), ""),
                "sources": self._sources(record["value"]),
            }
            for record in told
        ]
        return sorted(
            views,
            key=lambda view: (
                view["value"].get("subject") != "user",
                str(view["value"].get("subject") or "").casefold(),
                str(view["value"].get("recorded_at") or ""),
            ),
        )

    def _entities(self) -> list[View]:
        views = [
            {"value": record["value"], "sources": self._sources(record["value"])}
            for record in self.kinds.get("entity", [])
        ]
        return sorted(views, key=lambda view: (-int(view["value"]["mentions"]), _name(view)))

    def _pins(self) -> list[View]:
        """Return what is pinned; the text of what is not there is empty."""
        known = [*self.kinds.get("fact", []), *self.kinds.get("entity", [])]
        texts = {record["id"]: str(record["value"].get("text") or "") for record in known}
        texts |= {key: str(m["value"].get("text") or "") for key, m in self.messages.items()}
        return [
            {"at": pin["at"], "text": texts.get(pin["place"][-1], "")}
            for record in self.kinds.get("pin", [])
            for pin in record["value"]["pins"]
        ]

    def _unused_corrections(self) -> list[View]:
        """Return the corrections of facts that nothing teaches at present."""
        facts = {record["id"] for record in self.kinds.get("fact", [])}
        return [
            record["value"]
            for record in self.kinds.get("correction", [])
            if record["value"]["fact"] not in facts
        ]

    def _usage(self) -> list[View]:
        rows = [
            {"thread": self.threads.get(each["value"]["thread"]), "value": each["value"]}
            for each in self.kinds.get("usage", [])
        ]
        return sorted(
            rows, key=lambda row: (str(row["value"]["day"]), str(row["value"]["purpose"]))
        )

    def _sources(self, value: Mapping[str, Any]) -> list[View]:
        """Return the messages that taught something; those that are gone are told as such."""
        found: list[View] = []
        for key in value.get("sources") or ():
            message = self.messages.get(key)
            text = " ".join(str(message["value"].get("text") or "").split()) if message else ""
            quote = text if len(text) <= QUOTED else f"{text[:QUOTED]}…"
            found.append({"message": message, "quote": quote})
        return found


def more(value: Mapping[str, Any], kind: str) -> list[tuple[str, str]]:
    """Return what the page has no place of its own for, as it is stored."""
    told = {key: each for key, each in value.items() if key not in SHOWN.get(kind, set())}
    return [
        (key, each if isinstance(each, str) else json.dumps(each, ensure_ascii=False))
        for key, each in told.items()
        if each not in (None, "", [], {})
    ]


def seen(value: object) -> object:
    """Return a value as it is put on the page: what cannot be shown is marked as such."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return CONTROL.sub("\ufffd", value)
    return value


def _name(view: View) -> str:
    return str(view["value"].get("name") or "").casefold()
