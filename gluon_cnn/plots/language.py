"""Text of figures in a language other than English, named by GLUON_CNN_LANGUAGE: zh takes it from zh.csv."""

import csv
import os
import re
import warnings
from contextlib import suppress
from functools import cache
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.font_manager import findSystemFonts, fontManager
from matplotlib.text import Text

FONTS = {
    "zh": (
        *("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN"),
        *("WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "SimHei"),
        "Noto Sans CJK JP",  # all that matplotlib before 3.11 sees of Noto's collection
    )
}
missing: set[str] = set()  # texts that were drawn but have no row in the table


NO_FONT = (
    "Text in figures stays English: no font for GLUON_CNN_LANGUAGE={} was found. "
    "On Debian and Ubuntu: sudo apt-get install fonts-wqy-microhei, then restart the kernel"
)


@cache
def choose_language() -> None:
    """Show the text of figures in the chosen language, if there is a font for it."""
    language = os.environ.get("GLUON_CNN_LANGUAGE") or "en"
    if language == "en":
        return
    if language not in FONTS:
        warnings.warn(f"GLUON_CNN_LANGUAGE={language}: figure text exists in en, {', '.join(FONTS)}", stacklevel=3)
    elif font := find_font(language):
        get_text = Text.get_text
        plt.rcParams["font.family"] = [*plt.rcParams["font.family"], font]  # for characters that the first one lacks
        Text.get_text = lambda text: translate(get_text(text), language)
    else:
        warnings.warn(NO_FONT.format(language), stacklevel=3)


def find_font(language: str) -> str | None:
    """Return the name of an installed font with a language's characters."""
    if name := _find_known_font(language):
        return name
    for path in set(findSystemFonts()) - {font.fname for font in fontManager.ttflist}:  # installed since it was cached
        with suppress(RuntimeError):  # a font that matplotlib cannot read
            fontManager.addfont(path)
    return _find_known_font(language)


def _find_known_font(language: str) -> str | None:
    known = {font.name for font in fontManager.ttflist}
    return next((name for name in FONTS[language] if name in known), None)


@cache
def rows(language: str) -> list[tuple[re.Pattern, str]]:
    """Return the patterns of English texts, the most specific first, and their translations."""
    with open(Path(__file__).parent / f"{language}.csv", encoding="utf-8", newline="") as file:
        _, *table = [[word.replace("\\n", "\n") for word in row] for row in csv.reader(file)]
    table.sort(key=lambda row: ("{}" in row[0], -row[0].count("\n"), -len(row[0].replace("{}", ""))))
    return [(re.compile(re.escape(english).replace(r"\{\}", "(.+?)"), re.DOTALL), words) for english, words in table]


def translate(text: str, language: str) -> str:
    """Translate a figure's text by the most specific row that matches; each ``{}`` in a row stands for any words."""
    if "$" in text or not re.search("[A-Za-z]{2}", text):  # formulas and numbers
        return text
    for pattern, words in rows(language):
        if match := pattern.fullmatch(text):
            return words.format(*(translate(part, language) for part in match.groups()))
    missing.add(text)
    return text
