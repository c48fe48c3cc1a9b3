"""Arrange the records of an export for the report: each fact with the message it comes from."""

import json
import re
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from threadkeep.transfer.export_format import HEADER

View = dict[str, Any]
MAX_QUOTE = 240
"""Characters of a message that are quoted beside a fact."""
NOT_PRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
LISTED_KINDS = ("entity", "fact", "usage", "item", "correction", "pin")
FIELDS = {
    "thread": {"name", "title", "created", "last_used", "turns", "corrected"},
    "message": {
        *("role", "name", "text", "time", "recorded_at", "position", "thread", "before"),
        "history",
    },
    "fact": {
        *("subject", "predicate", "object", "text", "valid_from", "valid_to", "recorded_at"),
        *("written_at", "superseded_by", "sources", "history", "corrects", "corrected_at"),
    },
    "entity": {
        *("name", "type", "aliases", "attributes", "mentions", "first_seen", "last_seen"),
        *("sources", "text"),
    },
    "state": {"messages", "summary", "extract", "pins", "corrected_at"},
}
"""The fields that the page shows in their own place; other fields are listed as stored."""


class ReportView:
    """Collects the records of an export and arranges them in sections."""

    def __init__(self) -> None:
        self.header: View = {}
        self.threads: dict[str, View] = {}
        self.messages: dict[str, View] = {}
        self.records: dict[str, list[View]] = {kind: [] for kind in LISTED_KINDS}

    def add(self, record: View) -> None:
        """Add one record."""
        kind = record["kind"]
        if kind == HEADER:
            self.header = record
        elif kind == "thread":
            self._add_thread(record)
        elif kind == "message":
            self._add_message(record, self.threads[record["thread"]])
        elif kind == "abandoned":
            self.threads[record["thread"]]["abandoned"].append(record["value"]["message"])
        elif kind == "state":
            self.threads[record["thread"]]["state"] = record["value"]
        elif kind in self.records:
            self.records[kind].append(record)

    def sections(self) -> View:
        """Return the variables of the template."""
        facts = self._facts()
        return {
            "user": self.header["user"],
            "created": self.header["created"],
            "threads": list(self.threads.values()),
            "messages": len(self.messages),
            "facts": [fact for fact in facts if not fact["value"].get("superseded_by")],
            "history": [fact for fact in facts if fact["value"].get("superseded_by")],
            "entities": self._entities(),
            "pins": self._pins(),
            "corrections": self._unused_corrections(),
            "usage": self._usage(),
            "items": self.records["item"],
        }

    def _add_thread(self, record: View) -> None:
        value = record["value"] or {}
        self.threads[record["id"]] = {
            "anchor": f"t{len(self.threads) + 1}",
            "id": record["id"],
            "name": value.get("name") or record["id"],
            "value": value,
            "messages": [],
            "abandoned": [],
            "state": {},
        }

    def _add_message(self, record: View, thread: View) -> None:
        value = record["value"]
        view = {
            "anchor": f"m{len(self.messages) + 1}",
            "thread": thread,
            "value": value,
            "author": value.get("name") or value.get("role") or "",
        }
        thread["messages"].append(view)
        # A fork has copies of its messages; links lead to the first one.
        self.messages.setdefault(record["id"], view)
        if self.messages[record["id"]] is not view:
            view["anchor"] = ""

    def _facts(self) -> list[View]:
        """Return the facts, those about the user first, then by subject and time."""
        records = self.records["fact"]
        texts = _texts(records)
        views = [
            {
                "value": record["value"],
                "valid_from": record["value"].get("valid_from") or "",
                "successor": texts.get(str(record["value"].get("superseded_by")), ""),
                "sources": self._sources(record["value"]),
            }
            for record in records
        ]
        return sorted(views, key=_fact_order)

    def _entities(self) -> list[View]:
        views = [
            {"value": record["value"], "sources": self._sources(record["value"])}
            for record in self.records["entity"]
        ]
        return sorted(views, key=lambda view: (-int(view["value"]["mentions"]), _name(view)))

    def _pins(self) -> list[View]:
        """Return the pins; the text of a missing item is empty."""
        texts = _texts([*self.records["fact"], *self.records["entity"]])
        texts |= {key: str(m["value"].get("text") or "") for key, m in self.messages.items()}
        return [
            {"at": pin["at"], "text": texts.get(pin["place"][-1], "")}
            for record in self.records["pin"]
            for pin in record["value"]["pins"]
        ]

    def _unused_corrections(self) -> list[View]:
        """Return the corrections of facts that no message states at present."""
        facts = {record["id"] for record in self.records["fact"]}
        return [
            record["value"]
            for record in self.records["correction"]
            if record["value"]["fact"] not in facts
        ]

    def _usage(self) -> list[View]:
        rows = [
            {"thread": self.threads.get(record["value"]["thread"]), "value": record["value"]}
            for record in self.records["usage"]
        ]
        return sorted(
            rows, key=lambda row: (str(row["value"]["day"]), str(row["value"]["purpose"]))
        )

    def _sources(self, value: Mapping[str, Any]) -> list[View]:
        """Return the messages that an item comes from; `message` is None for a missing one."""
        sources: list[View] = []
        for key in value.get("sources") or ():
            message = self.messages.get(key)
            text = " ".join(str(message["value"].get("text") or "").split()) if message else ""
            quote = text if len(text) <= MAX_QUOTE else f"{text[:MAX_QUOTE]}…"
            sources.append({"message": message, "quote": quote})
        return sources


def other_fields(value: Mapping[str, Any], kind: str) -> list[tuple[str, str]]:
    """Return the fields without their own place on the page, as stored."""
    return [
        (key, inner if isinstance(inner, str) else json.dumps(inner, ensure_ascii=False))
        for key, inner in value.items()
        if key not in FIELDS.get(kind, set()) and inner not in (None, "", [], {})
    ]


def printable(value: object) -> object:
    """Return a value with U+FFFD in place of characters that HTML does not allow."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return NOT_PRINTABLE.sub("\ufffd", value)
    return value


def _texts(records: list[View]) -> dict[str, str]:
    return {record["id"]: str(record["value"].get("text") or "") for record in records}


def _fact_order(view: View) -> tuple[bool, str, str]:
    value = view["value"]
    subject = str(value.get("subject") or "")
    return subject != "user", subject.casefold(), str(value.get("recorded_at") or "")


def _name(view: View) -> str:
    return str(view["value"].get("name") or "").casefold()
