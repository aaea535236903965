"""Source listings in the lessons."""

import ast
import inspect
from typing import Any


def show_source(*objects: Any) -> None:
    """Show the source code of functions or classes, with only the first line of each docstring."""
    from IPython.display import Markdown, display

    for item in objects:
        display(Markdown(f"```python\n{_with_short_docstrings(inspect.getsource(item))}```"))


def _with_short_docstrings(source: str) -> str:
    lines = source.splitlines(keepends=True)
    definitions = (ast.FunctionDef, ast.ClassDef)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, definitions) and ast.get_docstring(node):
            text = node.body[0]
            first, last = text.lineno - 1, text.end_lineno or text.lineno
            if last - first > 1:
                lines[first] = lines[first].rstrip() + '"""\n'
                lines[first + 1 : last] = [""] * (last - first - 1)
    return "".join(lines)
