"""What the lessons use besides networks: showing the package's code, judging answers to exercises."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

__all__ = ["WrongAnswer", "judge", "show_source"]


class WrongAnswer(Exception):
    """What is wrong with an answer, as a part of a sentence."""


def show_source(*objects: Any) -> None:
    """Show the code of functions or classes as it is in the package, below a notebook's cell."""
    from IPython.display import Markdown, display

    for item in objects:
        display(Markdown(f"```python\n{inspect.getsource(item)}```"))


def judge(number: int, answer: Any, is_right: Callable[[Any], bool], hint: str, explanation: str) -> None:
    """Print whether an answer is right; a wrong one gets a hint and no traceback.

    Parameters
    ----------
    number : int
        Number of the exercise.
    answer : object
        The learner's answer; None means not answered yet.
    is_right : callable
        Called with the answer; it may raise :class:`WrongAnswer` with the reason. Any other exception counts as a wrong
        answer, too, and is named.
    hint, explanation : str
        Printed after a wrong and after a right answer.
    """
    if answer is None:
        print(f"Exercise {number}: replace None by your answer, then run the cell again.")
        return
    try:
        right = is_right(answer)
    except WrongAnswer as reason:
        print(f"Exercise {number}: not yet: {reason}. Hint: {hint}")
        return
    except Exception as error:  # the learner's code may fail in any way
        lines = str(error).strip().splitlines() or [""]
        line = next((line for line in lines if line.startswith("MXNetError")), lines[0])  # below a C++ trace
        print(f"Exercise {number}: not yet. Your answer raised {type(error).__name__}: {line}\nHint: {hint}")
        return
    print(f"Exercise {number}: right. {explanation}" if right else f"Exercise {number}: not yet. Hint: {hint}")
