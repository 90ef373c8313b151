"""The import graph of `runs/`: shallow, and without a cycle."""

from functools import cache

import grimp
import pytest

RUNS = "tradewind_airflow.runs"
LEVELS = 5

Graph = dict[str, set[str]]


@pytest.fixture(scope="module")
def graph() -> Graph:
    """Each module of `runs/` and what it imports there, inside functions too."""
    found = grimp.build_graph("tradewind_airflow", cache_dir=None)
    modules = {name for name in found.modules if name.startswith(f"{RUNS}.")}
    return {name: found.find_modules_directly_imported_by(name) & modules for name in modules}


def chains(graph: Graph) -> list[tuple[str, ...]]:
    """Return the longest chain of imports that begins at each module; fail on a cycle."""

    @cache
    def longest(name: str) -> tuple[str, ...]:
        return (name, *max((longest(imported) for imported in graph[name]), key=len, default=()))

    try:
        return [longest(name) for name in graph]
    except RecursionError:
        pytest.fail("a module imports itself by way of others")


def test_no_chain_of_imports_is_longer_than_five_modules(graph: Graph) -> None:
    assert len(graph) > 20
    assert [chain for chain in chains(graph) if len(chain) > LEVELS] == []


def test_a_cycle_would_be_found() -> None:
    with pytest.raises(pytest.fail.Exception):
        chains({"a": {"b"}, "b": {"a"}})
