"""The serialiser of all savers: LangGraph's format, and every data type of a state comes back.

Beside the types that LangGraph considers safe, data types are restored with nothing to declare:
dataclasses, pydantic models, named tuples and enums whose module the program has imported already.
Bytes in a database can therefore neither import a module nor call anything else.
"""

import dataclasses
import sys
from collections import deque
from collections.abc import Callable, Iterable
from enum import Enum
from importlib import import_module
from typing import Any
from weakref import WeakValueDictionary

import ormsgpack
from langchain_core.runnables import Runnable
from langgraph.checkpoint.serde import jsonplus
from langgraph.checkpoint.serde._msgpack import SAFE_MSGPACK_TYPES
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.serde.types import SendProtocol, _DeltaSnapshot
from pydantic import BaseModel, SecretBytes, SecretStr
from pydantic.v1 import BaseModel as BaseModelV1
from pydantic.v1 import SecretBytes as SecretBytesV1
from pydantic.v1 import SecretStr as SecretStrV1

from threadkeep.checkpoints.compression import COMPRESSED, MSGPACK, decompressed

TypeName = tuple[str, ...]
"""A module and the qualified name of a class in it."""
SECRETS = (SecretStr, SecretBytes, SecretStrV1, SecretBytesV1)
CONSTRUCTORS = {
    jsonplus.EXT_CONSTRUCTOR_SINGLE_ARG,
    jsonplus.EXT_CONSTRUCTOR_POS_ARGS,
    jsonplus.EXT_CONSTRUCTOR_KW_ARGS,
    jsonplus.EXT_PYDANTIC_V1,
    jsonplus.EXT_PYDANTIC_V2,
}
PACK_OPTIONS = jsonplus._option | ormsgpack.OPT_PASSTHROUGH_TUPLE
_local_types: WeakValueDictionary[TypeName, type] = WeakValueDictionary()
"""Classes that no module names, such as those of a function, as far as this process wrote them."""


class StateSerializer(JsonPlusSerializer):
    """LangGraph's serialiser, which restores the data types of the program; `types` beside them."""

    def __init__(self, types: Iterable[TypeName | type] = ()) -> None:
        super().__init__(
            allowed_msgpack_modules=tuple(types) or None, __unpack_ext_hook__=self._restore
        )

    def with_msgpack_allowlist(
        self, extra_allowlist: Iterable[TypeName | type]
    ) -> "StateSerializer":
        """Return a serialiser that restores these types too, whatever they are."""
        own = self._allowed_msgpack_modules
        return StateSerializer((*(own if isinstance(own, set) else ()), *extra_allowlist))

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        """Return the kind and the bytes of a value.

        Raises:
            TypeError: the value holds an object that cannot be serialised.
        """
        if obj is None or isinstance(obj, bytes | bytearray):
            return super().dumps_typed(obj)
        return MSGPACK, _pack(obj)

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """Return a value by its kind and bytes."""
        kind, content = data
        if kind == COMPRESSED:
            return super().loads_typed((MSGPACK, decompressed(content)))
        return super().loads_typed(data)

    def _restore(self, code: int, data: bytes) -> Any:
        if code == jsonplus.EXT_DELTA_SNAPSHOT:
            return _DeltaSnapshot(self._unpack(data))
        if code not in CONSTRUCTORS:
            return jsonplus._msgpack_ext_hook(code, data)
        module, name, payload, *_ = self._unpack(data)
        if (module, name) in SAFE_MSGPACK_TYPES:
            return _construct(module, name, code, payload)
        type_ = self._type(module, name)
        if type_ is None:
            _warn(module, name, "it is not a data type of an imported module")
            return payload
        try:
            return _rebuild(type_, payload)
        except Exception as error:
            _warn(module, name, f"{type(error).__name__}: {error}")
            return payload

    def _unpack(self, data: bytes) -> Any:
        return ormsgpack.unpackb(data, ext_hook=self._restore, option=ormsgpack.OPT_NON_STR_KEYS)

    def _type(self, module: str, name: str) -> type | None:
        """Return the class if it may be restored."""
        allowed = self._allowed_msgpack_modules
        if isinstance(allowed, set) and (module, name.rpartition(".")[2]) in allowed:
            try:
                import_module(module)
            except ImportError:
                return None
            return _find(module, name)
        type_ = _find(module, name)
        return type_ if type_ is not None and _is_data(type_) else None


def _find(module: str, name: str) -> type | None:
    """Return a class by its qualified name, without an import and without a lazy attribute."""
    member: Any = sys.modules.get(module)
    # A parametrised generic model is restored as the generic one; pydantic takes them for equal.
    for part in name.partition("[")[0].split("."):
        member = getattr(member, "__dict__", {}).get(part)
    if isinstance(member, type) and member.__module__ == module:
        return member
    return _local_types.get((module, name))


def _is_data(type_: type) -> bool:
    """Tell whether a class holds data; a chat model or a tool is a pydantic model, and more."""
    is_model = issubclass(type_, BaseModel | BaseModelV1) and not issubclass(type_, Runnable)
    is_named_tuple = issubclass(type_, tuple) and hasattr(type_, "_fields")
    return (
        is_model
        or is_named_tuple
        or dataclasses.is_dataclass(type_)
        or issubclass(type_, SECRETS)
        or issubclass(type_, Enum)
        or type_ is tuple
    )


def _construct(module: str, name: str, code: int, payload: Any) -> Any:
    """Return an object of a type that LangGraph considers safe."""
    type_ = getattr(import_module(module), name)
    try:
        if code == jsonplus.EXT_CONSTRUCTOR_SINGLE_ARG:
            return type_(payload)
        if (module, name) == ("langgraph.types", "Send"):
            node, arg, *timeout = payload
            return type_(node, arg, **({"timeout": timeout[0]} if timeout else {}))
        if code == jsonplus.EXT_CONSTRUCTOR_POS_ARGS:
            return type_(*payload)
        return type_(**payload)
    except Exception as error:
        construct = getattr(type_, "model_construct", None)
        if construct is not None:
            return construct(**payload)
        _warn(module, name, f"{type(error).__name__}: {error}")
        return payload


def _rebuild(type_: type, payload: Any) -> Any:
    if issubclass(type_, Enum):
        return _member(type_, payload)
    if issubclass(type_, tuple) and hasattr(type_, "_fields"):
        return tuple.__new__(type_, [payload[field] for field in type_._fields])
    if issubclass(type_, BaseModel):
        return _model(type_, payload)
    if issubclass(type_, BaseModelV1):
        try:
            return type_(**payload)
        except Exception:
            return type_.construct(**payload)
    if dataclasses.is_dataclass(type_):
        return _dataclass(type_, payload)
    make: Callable[..., Any] = type_
    return make(**payload) if isinstance(payload, dict) else make(payload)


def _member(type_: type[Enum], payload: Any) -> Enum:
    try:
        return type_(payload)
    except ValueError:
        # Written by LangGraph's own serialiser, which makes a list of a tuple.
        return type_(tuple(payload) if isinstance(payload, list) else payload)


def _model(type_: type[BaseModel], payload: dict[str, Any]) -> BaseModel:
    try:
        return type_.model_validate(payload, by_alias=True, by_name=True)
    except Exception:
        # It was valid when it was written, or made so by its program.
        return type_.model_construct(**payload)


def _dataclass(type_: type, payload: dict[str, Any]) -> Any:
    fields = [field for field in dataclasses.fields(type_) if field.name in payload]
    try:
        restored = type_(**{field.name: payload[field.name] for field in fields if field.init})
    except Exception:
        restored = object.__new__(type_)
    for field in fields:
        # What __post_init__ would have changed once more, and fields that __init__ does not take.
        object.__setattr__(restored, field.name, payload[field.name])
    return restored


def _pack(value: Any) -> bytes:
    return ormsgpack.packb(value, default=_extension, option=PACK_OPTIONS)


def _extension(value: Any) -> Any:
    """Return what stands for an object in MessagePack, in LangGraph's format."""
    type_ = type(value)
    if (type_.__module__, type_.__name__) in SAFE_MSGPACK_TYPES and isinstance(value, BaseModel):
        return jsonplus._msgpack_default(value)  # Messages and documents: the most common ones.
    if isinstance(value, Enum):
        return _constructor(jsonplus.EXT_CONSTRUCTOR_SINGLE_ARG, type_, value.value)
    if isinstance(value, set | frozenset | deque):
        return _constructor(jsonplus.EXT_CONSTRUCTOR_SINGLE_ARG, type_, list(value))
    if isinstance(value, tuple):
        if hasattr(type_, "_fields"):
            payload = dict(zip(type_._fields, value, strict=True))
            return _constructor(jsonplus.EXT_CONSTRUCTOR_KW_ARGS, type_, payload)
        return _constructor(jsonplus.EXT_CONSTRUCTOR_SINGLE_ARG, tuple, list(value))
    if isinstance(value, _DeltaSnapshot):
        return ormsgpack.Ext(jsonplus.EXT_DELTA_SNAPSHOT, _pack(value.value))
    if isinstance(value, SendProtocol):
        timeout = getattr(value, "timeout", None)
        arguments = [value.node, value.arg, *([] if timeout is None else [timeout])]
        return _constructor(jsonplus.EXT_CONSTRUCTOR_POS_ARGS, type_, arguments)
    if isinstance(value, BaseModel | BaseModelV1):
        return _model_extension(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        payload = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return _constructor(jsonplus.EXT_CONSTRUCTOR_KW_ARGS, type_, payload)
    return jsonplus._msgpack_default(value)


def _model_extension(value: BaseModel | BaseModelV1) -> Any:
    """Return a model by its fields as they are: a dump would lose the types of what is in them."""
    if isinstance(value, BaseModelV1):
        return _constructor(jsonplus.EXT_PYDANTIC_V1, type(value), vars(value))
    fields = {name: vars(value)[name] for name in type(value).model_fields if name in vars(value)}
    try:
        payload = {**fields, **(value.model_extra or {})}
        return _constructor(jsonplus.EXT_PYDANTIC_V2, type(value), payload)
    except TypeError:
        # A field that only its own model knows to serialise, such as a URL.
        return _constructor(jsonplus.EXT_PYDANTIC_V2, type(value), value.model_dump(mode="json"))


def _constructor(code: int, type_: type, payload: Any) -> Any:
    name = type_.__qualname__
    # Of two classes of one name the newer counts: a cell of a notebook is run again.
    if _find(type_.__module__, name) is not type_:
        _local_types[type_.__module__, name] = type_
    method = ["model_validate_json"] if code == jsonplus.EXT_PYDANTIC_V2 else []
    return ormsgpack.Ext(code, _pack([type_.__module__, name, payload, *method]))


def _warn(module: str, name: str, reason: str) -> None:
    jsonplus._warn_once(
        jsonplus._warned_blocked_types,
        (module, name),
        "A value of type %s.%s comes back from its checkpoint as plain data: %s.",
        module,
        name,
        reason,
    )
