"""The checks of lesson 06 accept right answers and no others; the lesson itself runs its worked solutions."""

import pytest
from gluon_cnn.exercises import lesson_06


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (lesson_06.check_1, [34_944], [34_848, 11_712, "many"]),
        (lesson_06.check_2, [0.8276, 0.83], [84.4, 0.94, "most"]),
        (lesson_06.check_3, [195], [224, 67, [195]]),
    ],
)
def test_right_and_wrong_answers(capsys, check, right, wrong):
    def verdict(answer):
        check(answer)
        return capsys.readouterr().out.split(": ", 1)[1].split(".")[0].split(":")[0]

    assert [verdict(answer) for answer in right] == ["right"] * len(right)
    assert [verdict(answer) for answer in wrong] == ["not yet"] * len(wrong)
    assert verdict(None).startswith("replace None")
