#!/usr/bin/env python3
"""Lists the functions over 60 lines, and fails when there are any.

    scripts/function-length.py [FILE ...]

Without arguments it looks at every file of the repository that is C, C++, Rust, Python or shell.
A function counts from its name to its closing brace, comments and blank lines included. A function
that is defined inside another counts in both.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

LIMIT = 60
ROOT = Path(__file__).resolve().parent.parent

# (name, first line, last line), lines counted from 0.
Function = tuple[str, int, int]

# Comments and literals, whose braces do not count. In Rust `'a` is a lifetime and `'a'` a character.
C_OPAQUE = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\\n])+'", re.S)
RUST_OPAQUE = re.compile(
    r"//[^\n]*|/\*.*?\*/|\bb?r(#*)\".*?\"\1|\"(?:\\.|[^\"\\])*\"|'(?:\\[^\n]+?|[^'\\\n])'", re.S
)


def blank(text: str, opaque: re.Pattern[str]) -> str:
    """Replaces comments and literals by spaces, line by line."""
    return opaque.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def closing(text: str, opening: int) -> int:
    """Returns where the brace at `opening` is closed, or the end of the text."""
    depth = 0
    for match in re.compile(r"[{}]").finditer(text, opening):
        depth += 1 if match.group() == "{" else -1
        if depth == 0:
            return match.start()
    return len(text)


def span(text: str, name: str, start: int, opening: int) -> Function:
    return name, text.count("\n", 0, start), text.count("\n", 0, closing(text, opening))


def c_functions(text: str) -> Iterator[Function]:
    """Yields what stands outside other braces, or inside of a namespace or class, with a body."""
    text = blank(text, C_OPAQUE)
    text = re.sub(r"^[ \t]*#(?:\\\n|[^\n])*", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.M)
    at = 0
    while (opening := text.find("{", at)) != -1:
        head_start = max(text.rfind(end, 0, opening) for end in ";{}") + 1
        head = text[head_start:opening]
        name = re.search(r"\w*TEST\w*\(\w+\)|\w+(?=\s*\()", head)
        if re.match(r"\s*(?:extern\s|namespace\b|class\b|struct\s+\w+\s*(?::|$))", head):
            at = opening + 1
            continue
        if name and not re.search(r"=\s*$|^\s*(?:typedef|enum|union)\b", head):
            first = head_start + len(head) - len(head.lstrip())
            yield span(text, name.group(), first, opening)
        at = closing(text, opening) + 1


def rust_functions(text: str) -> Iterator[Function]:
    text = blank(text, RUST_OPAQUE)
    for match in re.finditer(r"\bfn\s+(\w+)", text):
        depth = 0
        for sign in re.compile(r"[][(){;]").finditer(text, match.end()):
            if sign.group() in "([":
                depth += 1
            elif sign.group() in ")]":
                depth -= 1
            elif depth == 0:
                if sign.group() == "{":
                    yield span(text, match.group(1), match.start(), sign.start())
                break


def python_functions(text: str) -> Iterator[Function]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.lineno - 1, (node.end_lineno or node.lineno) - 1


def shell_functions(text: str) -> Iterator[Function]:
    for match in re.finditer(r"^([ \t]*)(?:function +)?([\w-]+) *\(\) *[{(] *$", text, re.M):
        end = re.compile(rf"^{match.group(1)}[}})]", re.M).search(text, match.end())
        last = end.start() if end else len(text)
        yield match.group(2), text.count("\n", 0, match.start(2)), text.count("\n", 0, last)


PARSERS = {
    ".c": c_functions,
    ".cc": c_functions,
    ".h": c_functions,
    ".rs": rust_functions,
    ".py": python_functions,
    ".sh": shell_functions,
}


def tracked() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    return [ROOT / name for name in listing.split("\0") if Path(name).suffix in PARSERS]


def main() -> int:
    seen = too_long = 0
    for path in [Path(name) for name in sys.argv[1:]] or tracked():
        if not path.exists():  # deleted, but not committed yet
            continue
        for name, first, last in PARSERS[path.suffix](path.read_text()):
            seen += 1
            lines = last - first + 1
            if lines > LIMIT:
                too_long += 1
                shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
                print(f"{shown}:{first + 1}: {name} has {lines} lines")
    print(f"{seen} functions, {too_long} over {LIMIT} lines")
    return 1 if too_long or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
