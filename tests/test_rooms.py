"""The rule of the house: a room imports only from floors below it, and no private name crosses a module."""

import ast
import graphlib
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "gluon_cnn"
FLOORS = (
    {"compat"},
    {"_core"},
    {"data", "distributed", "layers"},
    {"deploy", "networks"},
    {"plots"},
    {"training"},
    {"course", "experiments"},
    {"cli"},
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
MODULES = {
    path.relative_to(PACKAGE.parent).with_suffix("").as_posix().replace("/", "."): path
    for path in PACKAGE.rglob("*.py")
    if path.name != "__init__.py"
}


def imports(module):
    """Yield (module or package, name) of all that a module imports from this package, inside functions too."""
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "gluon_cnn":
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if alias.name.split(".")[0] == "gluon_cnn")


def room_of(module):
    return module.split(".")[1]


EVERY = [(module, source, name) for module in MODULES for source, name in imports(module)]


def test_imports_point_down():
    for module, source, name in EVERY:
        full = f"{source}.{name}" if source == "gluon_cnn" and name != "__version__" else source
        if full in ("gluon_cnn", f"gluon_cnn.{room_of(module)}") or room_of(full) == room_of(module):
            continue
        assert FLOOR[room_of(full)] < FLOOR[room_of(module)], f"{module} imports {full}"


def test_no_private_name_crosses_a_module():
    allowed = ("_core", "__version__")
    assert [each for each in EVERY if each[2].startswith("_") and each[2] not in allowed] == []


def test_no_module_imports_itself_by_a_detour():
    graph = {
        m: {n for source, name in imports(m) for n in (source, f"{source}.{name}") if n in MODULES} for m in MODULES
    }
    assert len(list(graphlib.TopologicalSorter(graph).static_order())) == len(MODULES)
