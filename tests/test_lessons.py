"""What the lessons use besides networks."""

import inspect

import gluon_cnn as g
from gluon_cnn import lessons


def test_the_source_shown_is_the_packages(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda item: shown.append(item.data))
    lessons.show_source(g.LeNet, g.train)
    assert shown == [f"```python\n{inspect.getsource(item)}```" for item in (g.LeNet, g.train)]


def judged(capsys, answer, is_right=lambda value: value == 3):
    lessons.judge(2, answer, is_right, "count again.", "Well done.")
    return capsys.readouterr().out


def test_an_answer_is_judged(capsys):
    assert judged(capsys, 3) == "Exercise 2: right. Well done.\n"
    assert judged(capsys, 4) == "Exercise 2: not yet. Hint: count again.\n"
    assert "replace None" in judged(capsys, None)


def test_a_reason_is_given(capsys):
    def is_right(value):
        raise lessons.WrongAnswer("it is too large")

    assert judged(capsys, 4, is_right) == "Exercise 2: not yet: it is too large. Hint: count again.\n"


def test_an_answer_that_fails_gets_the_hint_and_no_traceback(capsys):
    printed = judged(capsys, 3, lambda value: value / 0)
    assert "raised ZeroDivisionError: division by zero" in printed
    assert "Hint: count again." in printed
