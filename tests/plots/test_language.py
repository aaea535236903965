"""Figures whose words are not English."""

import os
import subprocess
import sys
import warnings

import pytest
from gluon_cnn.plots import language
from matplotlib.font_manager import fontManager

DRAW = """
import sys
import matplotlib
matplotlib.use("agg")
from gluon_cnn.plots import language, plot_history
plot_history([2, 1.5], [0.5, 0.6], [0.5, 0.75], sys.argv[1])
print(sorted(language.missing), matplotlib.rcParams["font.family"])
"""
HAS_FONT = language.find_font("zh") is not None


@pytest.mark.parametrize(
    ("english", "expected"),
    [
        ("epoch", "轮次"),
        ("Test accuracy ends at 0.751", "测试准确率最终为 0.751"),
        ("Most common: shirt taken for coat", "最常见：衬衫错分为外套"),
        ("Most common: shirt taken for coat and coat taken for dress", "最常见：衬衫错分为外套，外套错分为连衣裙"),
        ("ankle boot\nas bag, 75%", "短靴\n错分为包，75%"),
        ("0.25", "0.25"),
        (r"$\mathdefault{10^{-2}}$", r"$\mathdefault{10^{-2}}$"),
        ("x", "x"),
    ],
)
def test_a_row_translates_words_and_what_stands_between_them(english, expected, monkeypatch):
    monkeypatch.setattr(language, "missing", set())
    assert language.translate(english, "zh") == expected
    assert language.missing == set()


def test_words_without_a_row_stay_and_are_noted(monkeypatch):
    monkeypatch.setattr(language, "missing", set())
    assert language.translate("an unknown title", "zh") == "an unknown title"
    assert language.missing == {"an unknown title"}


def test_each_row_is_reached_and_fills_in_what_it_matched():
    for pattern, words in language.rows("zh"):
        assert words.count("{") == pattern.groups
        example = pattern.pattern.replace("(.+?)", "7").replace("\\", "")
        assert next(row for row in language.rows("zh") if row[0].fullmatch(example)) == (pattern, words), example


def draw(file, chosen):
    environment = {**os.environ, "GLUON_CNN_LANGUAGE": chosen}
    command = [sys.executable, "-W", "always", "-c", DRAW, str(file)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=120)


@pytest.mark.skipif(not HAS_FONT, reason="no Chinese font: apt-get install fonts-wqy-microhei")
def test_a_figure_is_drawn_in_the_chosen_language(tmp_path):
    draw(tmp_path / "en.png", "en")
    done = draw(tmp_path / "zh.png", "zh")
    assert "[]" in done.stdout  # every word has a row
    assert "Glyph" not in done.stderr  # no boxes
    assert (tmp_path / "en.png").read_bytes() != (tmp_path / "zh.png").read_bytes()


@pytest.mark.parametrize(
    ("chosen", "remark"),
    [("zh", "ext in figures stays English: no font for GLUON_CNN_LANGUAGE=zh"), ("xy", "figure text exists in en, zh")],
)
def test_figures_stay_english_with_a_remark(chosen, remark, monkeypatch):
    monkeypatch.setenv("GLUON_CNN_LANGUAGE", chosen)
    monkeypatch.setattr(fontManager, "ttflist", [])
    monkeypatch.setattr(language, "findSystemFonts", list)
    get_text = language.Text.get_text
    with pytest.warns(UserWarning, match=remark):
        language.choose_language.__wrapped__()
    assert language.Text.get_text is get_text


def test_english_needs_nothing(monkeypatch):
    monkeypatch.delenv("GLUON_CNN_LANGUAGE", raising=False)
    get_text = language.Text.get_text
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        language.choose_language.__wrapped__()
    assert language.Text.get_text is get_text
