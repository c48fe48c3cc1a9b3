"""The serialiser restores the data types of a state, and nothing that does more than hold data."""

import dataclasses
import enum
import subprocess
import sys
from collections import deque
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

import ormsgpack
import pydantic
import pydantic.v1
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.serde import jsonplus
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.graph import START, StateGraph
from langgraph.types import Command, Send, interrupt
from typing_extensions import TypedDict

from tests.backends import BACKENDS, fresh_database
from threadkeep import open_checkpointer
from threadkeep.checkpoints.savers import open_saver
from threadkeep.checkpoints.serializer import StateSerializer

T = TypeVar("T")


@dataclasses.dataclass
class Order:
    total: int
    lines: Any = None
    number: int = dataclasses.field(init=False, default=7)


@dataclasses.dataclass(frozen=True, slots=True)
class Point:
    at: tuple[int, ...]


@dataclasses.dataclass
class Taxed:
    price: int

    def __post_init__(self) -> None:
        self.price += 1


class Pair(NamedTuple):
    first: Any
    second: Any = None


class Color(enum.Enum):
    RED = (255, 0, 0)
    BLUE = "blue"


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


class Customer(pydantic.BaseModel):
    class Address(pydantic.BaseModel):
        street: str

    name: str = pydantic.Field(alias="fullName")
    extra_value: Any = None
    home: pydantic.HttpUrl | None = None


class Special(Customer):
    discount: Decimal = Decimal("0.1")


class Box(pydantic.BaseModel, Generic[T]):
    value: T


class Old(pydantic.v1.BaseModel):
    number: int
    extra_value: Any = None


class Desk(TypedDict):
    order: Order
    customer: Customer
    pair: Pair
    color: Color
    history: list[Order]
    by_name: dict[str, Old]


VALUES = [
    Order(1, [Pair(1, Color.RED), {"points": {Point((1, 2))}}]),
    Point((1, 2)),
    Taxed(5),
    Pair(Order(2), (1, 2)),
    Color.RED,
    Color.BLUE,
    Rights.READ | Rights.WRITE,
    Customer(fullName="Ada", extra_value=[Order(1), Pair(1)]),
    Customer(fullName="Ada", home=pydantic.HttpUrl("https://example.org/")),
    Special(fullName="Ada"),
    [Customer(fullName="Ada", extra_value=Special(fullName="Eve"))],
    Customer.Address(street="Main"),
    Box[int](value=3),
    Old(number=1, extra_value=Order(2)),
    {"set": {Color.BLUE}, "frozen": frozenset({Point((1,))}), "deque": deque([Order(1)])},
    Send("node", Order(1)),
    Command(update={"order": Order(1)}),
    pydantic.SecretStr("secret"),
    {"plain": [1, 1.5, None, True, "x", b"y"], "uuid": UUID(int=1), "path": Path("/tmp/x")},
    datetime(2026, 1, 2, tzinfo=UTC),
    [HumanMessage("hi", id="1"), AIMessage("ho", id="2", additional_kwargs={"a": 1})],
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    serializer = StateSerializer()
    restored = serializer.loads_typed(serializer.dumps_typed(value))
    assert restored == value
    assert type(restored).__name__.partition("[")[0] == type(value).__name__.partition("[")[0]


leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(st.characters(codec="utf-8"))
)


@given(
    st.recursive(
        leaves | st.sampled_from(list(Color)),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.text(st.characters(codec="utf-8")), inner)
            | st.builds(Order, st.integers(0, 9), inner)
            | st.builds(Pair, inner, inner)
            | st.builds(Old, number=st.integers(0, 9), extra_value=inner)
            | st.builds(Customer, fullName=st.just("Ada"), extra_value=inner)
            | st.tuples(inner, inner)
        ),
        max_leaves=12,
    )
)
def test_any_nesting_comes_back_as_it_was(value: Any) -> None:
    serializer = StateSerializer()
    assert serializer.loads_typed(serializer.dumps_typed(value)) == value


def test_a_class_of_a_function_comes_back_in_its_process() -> None:
    @dataclasses.dataclass
    class Local:
        number: int

    serializer = StateSerializer()
    assert serializer.loads_typed(serializer.dumps_typed([Local(1)])) == [Local(1)]


def test_of_two_classes_of_one_name_the_newer_counts() -> None:
    def make() -> type[pydantic.BaseModel]:
        class Total(pydantic.BaseModel):
            total: int

        return Total

    serializer, old, new = StateSerializer(), make(), make()
    for type_ in (old, new):
        value = type_(total=1)
        assert serializer.loads_typed(serializer.dumps_typed(value)) == value


def test_values_of_langgraphs_serialiser_are_read() -> None:
    packed = JsonPlusSerializer().dumps_typed(Order(1, "x"))
    assert StateSerializer().loads_typed(packed) == Order(1, "x")


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("subprocess", "Popen"),
        ("builtins", "eval"),
        ("antigravity", "webbrowser"),
        ("threadkeep.models.offline", "OfflineChatModel"),
        ("nowhere", "Nothing"),
    ],
)
@pytest.mark.parametrize("code", [0, 1, 2, 4, 5])
def test_stored_bytes_neither_call_nor_import_anything(module: str, name: str, code: int) -> None:
    payload: Any = {"args": "true"} if code in (2, 4, 5) else ["true"]
    header = ormsgpack.packb([module, name, payload, "model_validate_json"])
    data = ormsgpack.packb({"x": ormsgpack.Ext(code, header)})
    assert StateSerializer().loads_typed(("msgpack", data)) == {"x": payload}
    assert "antigravity" not in sys.modules


def test_a_method_of_a_stored_name_is_not_called() -> None:
    header = ormsgpack.packb(["os", "path", "x", "expanduser"])
    data = ormsgpack.packb(ormsgpack.Ext(jsonplus.EXT_METHOD_SINGLE_ARG, header))
    assert StateSerializer().loads_typed(("msgpack", data)) == "x"


def test_a_data_class_that_is_gone_comes_back_as_plain_data() -> None:
    packed = ormsgpack.packb(ormsgpack.Ext(2, ormsgpack.packb([__name__, "Gone", {"a": 1}])))
    assert StateSerializer().loads_typed(("msgpack", packed)) == {"a": 1}


@pytest.mark.parametrize("guarded", [True, False], ids=["owned", "bare"])
@pytest.mark.parametrize("kind", BACKENDS)
async def test_declared_types_survive_an_interrupt(kind: str, guarded: bool) -> None:
    def work(desk: Desk) -> dict[str, Any]:
        number = interrupt("how many?")
        return {
            "order": Order(desk["order"].total + number),
            "customer": desk["customer"].model_copy(update={"extra_value": desk["pair"].first}),
            "pair": desk["pair"]._replace(second=desk["color"]),
            "history": [*desk["history"], desk["order"]],
            "by_name": {**desk["by_name"], "new": Old(number=desk["by_name"]["a"].number + 1)},
        }

    builder: Any = StateGraph(Desk)
    builder.add_node("work", work)
    builder.add_edge(START, "work")
    opener = open_checkpointer if guarded else open_saver
    config: Any = {"configurable": {"thread_id": "t", "user_id": "ada"}}
    start: Any = {
        "order": Order(1),
        "customer": Customer(fullName="Ada"),
        "pair": Pair(Order(2)),
        "color": Color.RED,
        "history": [],
        "by_name": {"a": Old(number=1)},
    }
    async with fresh_database(kind) as url, opener(url) as saver:
        graph = builder.compile(checkpointer=saver)
        await graph.ainvoke(start, config)
        await graph.ainvoke(Command(resume=1), config)
        values = (await graph.aget_state(config)).values
    assert values == {
        "order": Order(2),
        "customer": Customer(fullName="Ada", extra_value=Order(2)),
        "pair": Pair(Order(2), Color.RED),
        "color": Color.RED,
        "history": [Order(1)],
        "by_name": {"a": Old(number=1), "new": Old(number=2)},
    }


def test_an_allowlist_of_langgraph_adds_types(tmp_path: Path) -> None:
    (tmp_path / "late_types.py").write_text(
        "import dataclasses\n\n\n@dataclasses.dataclass\nclass Late:\n    number: int\n"
    )
    program = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
import ormsgpack
from threadkeep.checkpoints.serializer import StateSerializer
packed = ormsgpack.packb(["late_types", "Late", {{"number": 1}}])
data = "msgpack", ormsgpack.packb(ormsgpack.Ext(2, packed))
plain = StateSerializer()
assert plain.loads_typed(data) == {{"number": 1}}
assert "late_types" not in sys.modules
allowed = plain.with_msgpack_allowlist([("late_types", "Late")])
assert type(allowed.loads_typed(data)).__name__ == "Late"
"""
    subprocess.run([sys.executable, "-c", program], check=True)
