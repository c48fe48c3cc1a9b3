"""The settings of one run, chosen by the caller; LangGraph Studio draws its form from them."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from threadkeep.base.errors import BadInput
from threadkeep.base.validation import validate_id

Preset = Literal[
    "hybrid",
    "buffer",
    "window",
    "tokens",
    "summary",
    "progressive",
    "entity",
    "vector",
    "graph",
]


class Context(BaseModel):
    """The settings of one run. Frozen.

    Raises:
        BadInput: a field is unknown or out of range; the sentence names the value and the remedy.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    user_id: Annotated[
        str, Field(description="Whose memory this is. There is no default.", min_length=1)
    ]
    memory: Annotated[
        Preset, Field(description="Which kinds of memory a turn uses (see docs/presets.md).")
    ] = "hybrid"
    model: Annotated[
        str | None,
        Field(description="offline, openai/NAME or PROVIDER:NAME; unset is the default model."),
    ] = None
    system_prompt: Annotated[
        str, Field(description="The first message of every prompt.", max_length=16_000)
    ] = "You are a helpful assistant with a long memory. Be brief and precise."
    max_tokens: Annotated[
        int, Field(description="Size of the context window, in tokens.", ge=512, le=2_000_000)
    ] = 8_000
    reserve_tokens: Annotated[
        int, Field(description="Kept free for the reply, in tokens.", ge=64, le=200_000)
    ] = 1_000
    recall_tokens: Annotated[
        int, Field(description="The most tokens of recalled items.", ge=0, le=100_000)
    ] = 1_000
    pinned_tokens: Annotated[
        int, Field(description="The most tokens of pins.", ge=0, le=100_000)
    ] = 300
    history_tokens: Annotated[
        int, Field(description="Tokens of messages shown by `tokens`.", ge=16, le=2_000_000)
    ] = 2_000
    window: Annotated[
        int, Field(description="Exchanges shown by `window`, `entity`, `graph`.", ge=1, le=1_000)
    ] = 5
    extract_every: Annotated[
        int,
        Field(description="Messages a call for facts; 0: at compaction.", ge=0, le=20),
    ] = 1

    @property
    def recalls_messages(self) -> bool:
        """Whether past turns are searched."""
        return self.memory in ("hybrid", "vector")

    @property
    def recalls_entities(self) -> bool:
        """Whether entities and facts are extracted and shown."""
        return self.memory in ("hybrid", "entity", "graph")

    @property
    def recalls_facts(self) -> bool:
        """Whether facts are shown beside the entities that they are about."""
        return self.memory in ("hybrid", "graph")

    @property
    def summarizes(self) -> bool:
        """Whether older messages are compacted into a summary."""
        return self.memory in ("hybrid", "progressive", "summary")

    @property
    def prompt_tokens(self) -> int:
        """The most tokens of a prompt."""
        return self.max_tokens - self.reserve_tokens

    @field_validator("user_id")
    @classmethod
    def _validate_user_id(cls, value: str) -> str:
        return validate_id(value, "user")

    @model_validator(mode="wrap")
    @classmethod
    def _validate(cls, data: Any, handler: Callable[[Any], Self]) -> Self:
        try:
            context = handler(data)
        except ValidationError as error:
            raise BadInput(_sentence(error)) from None
        if context.reserve_tokens >= context.max_tokens:
            raise BadInput(
                f"Context: reserve_tokens {context.reserve_tokens} leaves nothing of max_tokens "
                f"{context.max_tokens}; make the reserve smaller or the window larger."
            )
        return context


def _sentence(error: ValidationError) -> str:
    """Return the first error: the field, the value, and what is allowed."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"]) or "context"
    if first["type"] == "extra_forbidden":
        allowed = ", ".join(Context.model_fields)
        return f"Context: there is no field {field!r}; the fields are {allowed}."
    if first["type"] == "missing":
        return f"Context: {field} is missing; name whose memory this is."
    value = repr(first["input"])
    allowed = first["msg"][:1].lower() + first["msg"][1:]
    return f"Context: {field} {value:.60} is not allowed; {allowed}."
