"""Text in LaTeX."""

from __future__ import annotations


def escaped(text: str) -> str:
    """A text as LaTeX prints it to the letter."""
    special = {character: f"\\{character}" for character in "&%$#_{}"}
    special |= {"~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "\\": "\\textbackslash{}"}
    special |= {"<": "\\textless{}", ">": "\\textgreater{}"}
    return "".join(special.get(character, character) for character in text)
