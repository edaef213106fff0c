"""Options: what is taken as it is is what Typer would make of it."""

import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labelkit.command.plain_values import PlainFirst, plain_first


class Way(StrEnum):
    here = "here"
    there = "there"


def command(
    name: str = "x",
    words: Annotated[list[str] | None, typer.Option()] = None,
    number: int = 3,
    maybe: int | None = None,
    bounded: Annotated[int, typer.Option(min=1, max=9)] = 2,
    share: float = 0.5,
    way: Way = Way.here,
    yes: bool = False,
    file: Path | None = None,
) -> None:
    """Take options of every kind that commands have."""


def params() -> dict[str, Any]:
    app = typer.Typer(add_completion=False)
    app.command()(command)
    return {param.name: param for param in typer.main.get_command(app).params}


def read(param: Any, value: Any) -> Any:
    try:
        return param.get_runtime_param().coerce(value, param=param, ctx=None)
    except Exception as error:
        return type(error), str(error)


PLAIN, TYPERS = params(), params()
ANY = st.one_of(
    st.none(),
    st.text(max_size=5),
    st.integers(-20, 20).map(str),
    st.sampled_from(
        ["here", "HERE", "1e3", "0.5", "1_0", "٣", " 3", "+3", "007", "true", "9" * 5000]
    ),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(PLAIN)), ANY)
def test_values_are_what_typer_makes_of_them(name: str, value: Any) -> None:
    if name == "words" and value is not None:
        value = (value, "b")
    plain_first([PLAIN[name]])
    # As text: nan is not equal to itself.
    assert repr(read(PLAIN[name], value)) == repr(read(TYPERS[name], value))


@pytest.mark.parametrize(
    ("name", "default"), [("number", 3), ("way", Way.here), ("yes", False), ("words", ["a"])]
)
def test_defaults_pass(name: str, default: Any) -> None:
    param = PLAIN[name]
    param._runtime_param = PlainFirst()
    assert read(param, default) == default


def test_a_command_with_plain_options_loads_no_pydantic(write: Any) -> None:
    write("data.csv", "id,text\na,b\n")
    code = (
        "import sys\n"
        "from labelkit.cli.app import app\n"
        "try: app(['annotate', 'data.csv', '--classes', 'a,b', '--labels', '3', '--blind'])\n"
        "except SystemExit: pass\n"
        "print('pydantic' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, input="", check=True
    )
    assert done.stdout == "False\n", done.stderr
