"""The formats of files that can be imported; apart, so that `--help` needs no importer."""

from typing import Literal, get_args

Format = Literal[
    "export",
    "jsonl",
    "chatgpt",
    "claude",
    "gemini",
    "langchain",
    "openai",
    "zep",
    "letta",
    "mem0",
    "locomo",
]
FORMATS: tuple[Format, ...] = get_args(Format)
