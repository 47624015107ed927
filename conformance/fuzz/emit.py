"""Writes a program as C: the parts of world.c that it needs, and its lines as calls."""

import re
from pathlib import Path

WORLD = Path(__file__).resolve().parent / "world.c"
ROW = re.compile(r'\{"(\w+)", (op_\w+), ([^{}]*?), ([^,{}]+), ([^,{}]+), (\d+)\}')


def parts(text):
    """Yields the top-level pieces of a C file, with the comments before them."""
    piece, depth = [], 0
    for line in text.splitlines():
        if line.startswith("/* ----"):
            continue
        if line.startswith("#") and depth == 0 and not piece:
            yield line
            continue
        if not line and depth == 0 and not piece:
            continue
        piece.append(line)
        code = re.sub(r'/\*.*?\*/|"(\\.|[^"])*"|\'(\\.|[^\'])*\'', "", line)
        depth += code.count("{") - code.count("}")
        if depth == 0 and not line.endswith("\\") and re.search(r"[;})]\s*$", code) and code.strip():
            yield "\n".join(piece)
            piece = []
    if piece:
        yield "\n".join(piece)


def defined(piece):
    """Returns the names that a piece defines."""
    code = re.sub(r"/\*.*?\*/", "", piece, flags=re.S).strip()
    names = set(re.findall(r"^(?:static )?(?:__thread )?[\w ]+?[ *]\(?\*?(\w+)\)?(?:\[[^\]]*\])*(?:[,(;= ]|$)", code, re.M)[:1])
    if code.startswith(("static", "int", "enum", "struct")) and "(" not in code.split("{")[0].split("=")[0]:
        names |= set(re.findall(r"\b\w+\b", code.split("=")[0] if "{" not in code.split("=")[0] else code))
    if code.startswith("ON_DONE"):
        names |= set(re.findall(r"ON_DONE\((\w+)", code))
    return names


def program(lines):
    """Returns a C program that does what the lines say."""
    text = WORLD.read_text()
    rows = {name: (act, kinds) for name, act, kinds, *_ in ROW.findall(text)}
    steps = [line.split() for line in lines if line and not line.startswith("#")]
    body = "\n".join(f"  {call(step, rows)}" for step in steps if step[0] == "-")
    whens = "\n".join("  if (slot == {} && call == {}) {}".format(*step[0].split("."), call(step, rows))
                      for step in steps if step[0] != "-")
    main = f"""
static void perform(void (*act)(int slot, int a, int b), unsigned kinds, int slot, int a, int b) {{
  if (kinds == ANY || (kinds & ONE(kind_at(slot)))) act(slot, a, b);
}}

static void trigger(int slot, int call) {{
  (void) slot; (void) call;
{whens}
}}

/* The argument is the program that child.c is. */
int main(int count, char** arguments) {{
  begin_world(count > 1 ? arguments[1] : "child");
  begin_program();
{body}
  end_program();
  fwrite(log_text, 1, log_size, stdout);
  rmdir(folder);
  return 0;
}}
"""
    pieces = [piece for piece in parts(text)
              if "operations[" not in piece and "struct operation {" not in piece and "OPERATIONS" not in piece]
    return "\n\n".join(reachable(pieces, main)) + "\n" + main


def call(step, rows):
    act, kinds = rows[step[1]]
    return f"perform({act}, {kinds}, {step[2]}, {step[3]}, {step[4]});"


def reachable(pieces, main):
    """Returns the pieces that main needs, in their order."""
    names = [defined(piece) for piece in pieces]
    kept = {i for i, piece in enumerate(pieces) if piece.startswith("#") or not names[i]
            or re.search(r"^int (clock_gettime|epoll_p?wait)\(", piece, re.M)}
    todo = [main, *(pieces[i] for i in kept)]
    while todo:
        words = set(re.findall(r"\w+", todo.pop()))
        for i, piece in enumerate(pieces):
            if i not in kept and names[i] & words:
                kept.add(i)
                todo.append(piece)
    return [pieces[i] for i in sorted(kept)]
