#!/usr/bin/env python3
"""Generate oxuv/_ffi.py from include/uv.h and oxuv/fs.py from operations.py.

    python3 generate.py              write both
    python3 generate.py --check      write nothing, fail if one of them is out of date
    python3 generate.py --include D  take uv.h from directory D

In _ffi.py, the names, types and prototypes come from the preprocessed header (parsed with
pycparser), the sizes, offsets and constants from a C program that the host's compiler builds.
Needs `cc` and pycparser; users of the package need neither.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from pycparser import c_ast, c_parser  # pyright: ignore[reportMissingTypeStubs]

import operations

HERE = Path(__file__).resolve().parent
DEFAULT_INCLUDE = HERE.parent.parent / "include"
CC = os.environ.get("CC", "cc")

HANDLE = ["data", "loop", "type"]
STREAM = HANDLE + ["write_queue_size", "alloc_cb", "read_cb"]
REQ = ["data", "type"]

# Types with a private part: only these fields are part of the API, the rest is opaque.
# C code casts freely between them, so a pointer to one of them is a plain address.
PUBLIC_FIELDS = {
    "uv_loop_t": ["data"],
    "uv_handle_t": HANDLE,
    "uv_stream_t": STREAM,
    "uv_tcp_t": STREAM,
    "uv_pipe_t": STREAM + ["ipc"],
    "uv_tty_t": STREAM,
    "uv_udp_t": HANDLE + ["send_queue_size", "send_queue_count"],
    "uv_poll_t": HANDLE,
    "uv_timer_t": HANDLE,
    "uv_prepare_t": HANDLE,
    "uv_check_t": HANDLE,
    "uv_idle_t": HANDLE,
    "uv_async_t": HANDLE,
    "uv_process_t": HANDLE + ["pid"],
    "uv_fs_event_t": HANDLE,
    "uv_fs_poll_t": HANDLE,
    "uv_signal_t": HANDLE + ["signum"],
    "uv_req_t": REQ,
    "uv_shutdown_t": REQ + ["handle"],
    "uv_write_t": REQ + ["handle", "send_handle"],
    "uv_connect_t": REQ + ["handle"],
    "uv_udp_send_t": REQ + ["handle"],
    "uv_fs_t": REQ + ["fs_type", "loop", "result", "ptr", "path", "statbuf"],
    "uv_work_t": REQ + ["loop"],
    "uv_getaddrinfo_t": REQ + ["loop", "addrinfo"],
    "uv_getnameinfo_t": REQ + ["loop", "host", "service"],
    "uv_random_t": REQ + ["loop"],
    "uv_dir_t": ["dirents", "nentries"],
    "uv_metrics_t": ["loop_count", "events", "events_waiting"],
}
# Layout is public although some of it is reserved, so pointers to these stay typed.
TYPED_POINTERS = {"uv_metrics_t"}

# The platform's types behind uv_mutex_t and others: only size and alignment matter.
PLATFORM_OBJECTS = [
    "uv_mutex_t", "uv_rwlock_t", "uv_sem_t", "uv_cond_t", "uv_barrier_t",
]  # fmt: skip

SCALARS = {
    "void": "None",
    "char": "c_char",
    "signed char": "c_byte",
    "unsigned char": "c_ubyte",
    "short": "c_short",
    "unsigned short": "c_ushort",
    "int": "c_int",
    "unsigned int": "c_uint",
    "long": "c_long",
    "unsigned long": "c_ulong",
    "long long": "c_long",  # one name for each width: LP64 only
    "unsigned long long": "c_ulong",
    "float": "c_float",
    "double": "c_double",
    "_Bool": "c_bool",
}
# C names with a more specific ctypes name than the scalar they resolve to.
WELL_KNOWN = {
    "size_t": "c_size_t",
    "ssize_t": "c_ssize_t",
    "ptrdiff_t": "c_ssize_t",
    "int64_t": "c_int64",
    "uint64_t": "c_uint64",
    "uint8_t": "c_uint8",
    "uint16_t": "c_uint16",
    "uint32_t": "c_uint32",
    "int32_t": "c_int32",
}


def run(command: list[str], stdin: str) -> str:
    result = subprocess.run(command, input=stdin, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{result.stderr}")
    return result.stdout


class Header:
    """The header as the preprocessor, the parser and the compiler see it."""

    def __init__(self, include: Path) -> None:
        self.flags = ["-I", str(include), "-D_GNU_SOURCE"]
        # Without __GNUC__ the system headers use standard C, which pycparser can read.
        quiet = ["-U__GNUC__", "-D__attribute__(x)=", "-D__builtin_va_list=int"]
        quiet.append("-D__signed__=signed")
        source = "#include <uv.h>\n"
        text = run([CC, "-E", "-P", *self.flags, *quiet, "-"], source)
        tree = c_parser.CParser().parse(text)

        self.typedefs: dict[str, c_ast.Node] = {}
        self.structs: dict[str, c_ast.Struct | c_ast.Union] = {}
        self.functions: dict[str, c_ast.FuncDecl] = {}
        self.enumerators: list[str] = []
        for node in tree.ext:
            if isinstance(node, c_ast.Typedef):
                self.typedefs[node.name] = node.type
            elif isinstance(node, c_ast.Decl) and isinstance(node.type, c_ast.FuncDecl):
                if node.name.startswith("uv_"):
                    self.functions[node.name] = node.type
            self.collect(node)

        names = run([CC, "-E", "-dM", *self.flags, "-"], source)
        self.macros = sorted(set(re.findall(r"^#define (UV_[A-Z]\w*) ", names, re.M)))

    def collect(self, node: Any) -> None:
        """Collect every struct definition and every UV_ enumerator below `node`."""
        if isinstance(node, (c_ast.Struct, c_ast.Union)) and node.decls and node.name:
            self.structs[node.name] = node
        if isinstance(node, c_ast.Enumerator) and node.name.startswith("UV_"):
            self.enumerators.append(node.name)
        for _, child in node.children():
            self.collect(child)

    def preprocess(self, body: str) -> str:
        return run([CC, "-E", "-P", *self.flags, "-"], "#include <uv.h>\n" + body)

    def probe(self, expressions: list[str]) -> dict[str, int]:
        """Return the values of integer constant expressions, from the compiler."""
        lines = "\n".join(f'  printf("%lld\\n", (long long) ({e}));' for e in expressions)
        source = (
            "#include <stddef.h>\n#include <stdio.h>\n#include <uv.h>\n"
            f"int main(void) {{\n{lines}\n  return 0;\n}}\n"
        )
        with tempfile.TemporaryDirectory() as directory:
            program = os.path.join(directory, "probe")
            run([CC, *self.flags, "-w", "-x", "c", "-", "-o", program], source)
            values = run([program], "").split()
        return dict(zip(expressions, map(int, values)))

    def x_macro(self, name: str) -> list[list[str]]:
        """Return the rows of an X-macro such as UV_ERRNO_MAP, as lists of strings."""
        # Stringised, so that a macro with the name of a row is not expanded.
        text = self.preprocess(f"#define XX(a, b) @row (#a, #b)\n{name}(XX)\n")
        rows = re.findall(r'@row \(("[^"]*"), ("(?:[^"\\]|\\.)*")\)', text)
        return [[ast.literal_eval(cell) for cell in row] for row in rows]


class Generator:
    def __init__(self, include: Path) -> None:
        self.header = Header(include)
        self.classes: list[str] = []
        self.emitted: set[str] = set()
        self.queries: dict[str, int] = {}

    # Values from the compiler. They are requested one by one and computed in one run: the first
    # pass over the header collects the expressions, the second one uses the values.

    def value(self, expression: str) -> int:
        return self.queries.setdefault(expression, 0)

    def answer(self) -> None:
        self.queries = self.header.probe(list(self.queries))
        self.classes, self.emitted = [], set()

    # Types

    def resolve(self, node: c_ast.Node) -> c_ast.Node:
        """Follow typedefs to the type behind them."""
        while isinstance(node, c_ast.TypeDecl):
            node = node.type
        if isinstance(node, c_ast.IdentifierType) and node.names[0] in self.header.typedefs:
            return self.resolve(self.header.typedefs[node.names[0]])
        return node

    def typedef_name(self, node: c_ast.Node) -> str | None:
        """Return the uv_*_t name of a type, for `uv_loop_t` and `struct uv_loop_s` alike."""
        while isinstance(node, c_ast.TypeDecl):
            node = node.type
        if isinstance(node, c_ast.IdentifierType):
            return node.names[0] if node.names[0].startswith("uv_") else None
        if isinstance(node, (c_ast.Struct, c_ast.Union)) and (node.name or "").startswith("uv_"):
            name = re.sub(r"_s$", "_t", node.name)
            return name if name in self.header.typedefs else node.name
        return None

    def scalar(self, node: c_ast.IdentifierType) -> str:
        words = sorted(node.names, key=lambda w: (w not in ("signed", "unsigned"), w == "int"))
        name = " ".join(words)
        for spelling in (name, re.sub(r"^signed ", "", name), re.sub(r" int$", "", name)):
            if spelling in SCALARS:
                return SCALARS[spelling]
        if name in ("unsigned", "signed"):
            return SCALARS["unsigned int" if name == "unsigned" else "int"]
        raise SystemExit(f"no ctypes equivalent for {' '.join(node.names)!r}")

    def ctype(self, node: c_ast.Node, spelling: str = "") -> str:
        """Return a Python expression for a C type. `spelling` is its name in C, for sizeof."""
        while isinstance(node, c_ast.TypeDecl):
            node = node.type
        if isinstance(node, c_ast.IdentifierType) and len(node.names) == 1:
            name = node.names[0]
            if name in WELL_KNOWN:
                return WELL_KNOWN[name]
            if name in self.header.typedefs:
                target = self.resolve(node)
                if name in PLATFORM_OBJECTS:
                    return self.opaque(name, name)
                if isinstance(target, c_ast.PtrDecl) and name.startswith("uv_"):
                    if isinstance(target.type, c_ast.FuncDecl):
                        return self.callback(name, target.type)
                if isinstance(target, (c_ast.Struct, c_ast.Union)):
                    return self.structure(name, name, target)
                return self.ctype(self.header.typedefs[name])
        if isinstance(node, c_ast.IdentifierType):
            return self.scalar(node)
        if isinstance(node, c_ast.Enum):
            return "c_int"
        if isinstance(node, c_ast.PtrDecl):
            return self.pointer(node.type)
        if isinstance(node, c_ast.ArrayDecl):
            length = self.value(f"sizeof({spelling}) / sizeof({spelling}[0])")
            return f"{self.ctype(node.type)} * {length}"
        if isinstance(node, (c_ast.Struct, c_ast.Union)):
            if node.name and not (spelling and node.name.startswith("uv__")):
                name = self.typedef_name(node) or node.name
                c_name = ("union " if isinstance(node, c_ast.Union) else "struct ") + node.name
                return self.structure(name, c_name, node)
            return f"c_ubyte * {self.value(f'sizeof({spelling})')}"
        raise SystemExit(f"no ctypes equivalent for {type(node).__name__} {spelling}")

    def pointer(self, target: c_ast.Node) -> str:
        if isinstance(target, c_ast.FuncDecl):
            return self.function_type(target)
        name = self.typedef_name(target)
        base = self.resolve(target)
        if name in PUBLIC_FIELDS and name not in TYPED_POINTERS:
            return "c_void_p"
        if isinstance(base, (c_ast.Struct, c_ast.Union)):
            return f"POINTER({self.ctype(target)})" if name else "c_void_p"
        inner = self.ctype(target)
        return {"None": "c_void_p", "c_char": "c_char_p"}.get(inner, f"POINTER({inner})")

    def parameters(self, function: c_ast.FuncDecl) -> list[str]:
        types = []
        for parameter in function.args.params if function.args else []:
            if isinstance(parameter, c_ast.EllipsisParam):
                continue
            node = parameter.type
            # An array parameter is a pointer.
            is_array = isinstance(node, c_ast.ArrayDecl)
            types.append(self.pointer(node.type) if is_array else self.ctype(node))
        return [] if types == ["None"] else types

    def function_type(self, function: c_ast.FuncDecl) -> str:
        return f"CFUNCTYPE({', '.join([self.ctype(function.type), *self.parameters(function)])})"

    def callback(self, name: str, function: c_ast.FuncDecl) -> str:
        if name not in self.emitted:
            self.emitted.add(name)
            self.classes.append(f"{name} = {self.function_type(function)}\n")
        return name

    def opaque(self, name: str, c_name: str) -> str:
        if name not in self.emitted:
            self.emitted.add(name)
            align = self.value(f"_Alignof({c_name})")
            unit = {2: "c_uint16", 4: "c_uint32", 8: "c_uint64"}.get(align, "c_ubyte")
            length = self.value(f"sizeof({c_name})") // max(align, 1)
            self.classes.append(
                f'class {name}(Structure):\n    _fields_ = [("_opaque", {unit} * {length})]\n'
            )
        return name

    def structure(self, name: str, c_name: str, node: c_ast.Struct | c_ast.Union) -> str:
        """Emit a struct with its fields at the compiler's offsets and opaque bytes between."""
        if name in self.emitted:
            return name
        definition = node if node.decls else self.header.structs.get(node.name)
        if definition is None or isinstance(definition, c_ast.Union) or name[:3] != "uv_":
            return self.opaque(name, c_name)
        self.emitted.add(name)
        public = PUBLIC_FIELDS.get(name)
        fields: list[str] = []
        end, holes = 0, 0
        for field in definition.decls:
            if not field.name or (public is not None and field.name not in public):
                continue
            member = f"(({c_name}*) 0)->{field.name}"
            ctype = self.ctype(field.type, member)
            if (name, field.name) == ("uv_buf_t", "base"):
                ctype = "c_void_p"  # memory, not a string
            offset = self.value(f"offsetof({c_name}, {field.name})")
            if offset > end:
                fields.append(f'("_opaque{holes}", c_ubyte * {offset - end})')
                holes += 1
            fields.append(f'("{field.name}", {ctype})')
            end = offset + self.value(f"sizeof({member})")
        missing = set(public or []) - {f.name for f in definition.decls}
        if missing:
            raise SystemExit(f"{c_name} has no field {', '.join(sorted(missing))}")
        size = self.value(f"sizeof({c_name})")
        if size > end:
            fields.append(f'("_opaque{holes}", c_ubyte * {size - end})')
        body = "".join(f"        {field},\n" for field in fields)
        self.classes.append(f"class {name}(Structure):\n    _fields_ = [\n{body}    ]\n")
        return name

    # The file

    def constants(self) -> list[str]:
        """Return enumerators in the header's order, then macros with integer values."""
        body = "".join(f'@"{name}" {name}\n' for name in self.header.macros)
        integers = [
            name
            for name, text in re.findall(r'^@"(\w+)" (.*)$', self.header.preprocess(body), re.M)
            if re.fullmatch(r"(?:[-+|&~()\s<>]|0[xX][0-9a-fA-F]+|\d+)+", text)
            and re.search(r"\d", text)
        ]
        names = list(dict.fromkeys(self.header.enumerators + integers))
        return [f"{name} = {self.value(name)}" for name in names]

    def table(self, macro: str, prefix: str) -> str:
        rows = [
            f"    ({name!r}, {self.value(prefix + name)}, {text!r}),\n".replace("'", '"')
            for name, text in (
                (a, ast.literal_eval(b) if b.startswith('"') else b)
                for a, b in self.header.x_macro(macro)
            )
        ]
        return "(\n" + "".join(rows) + ")"

    def declarations(self) -> str:
        constants = self.constants()
        tables = [
            "# (name, number, message) of every error.\n"
            f"ERRORS: Tuple[Tuple[str, int, str], ...] = {self.table('UV_ERRNO_MAP', 'UV_')}",
            "# (name, number, lower-case name) of every handle type.\n"
            "HANDLE_TYPES: Tuple[Tuple[str, int, str], ...] = "
            + self.table("UV_HANDLE_TYPE_MAP", "UV_"),
            "# (name, number, lower-case name) of every request type.\n"
            "REQ_TYPES: Tuple[Tuple[str, int, str], ...] = " + self.table("UV_REQ_TYPE_MAP", "UV_"),
        ]
        for name in sorted(self.header.typedefs):
            if name.startswith("uv_") and not name.startswith("uv__"):
                self.ctype(c_ast.IdentifierType([name]))
        for name in sorted(self.header.structs):
            if name in ("uv_any_handle", "uv_any_req"):
                self.opaque(name, f"union {name}")
        prototypes = []
        for name, function in sorted(self.header.functions.items()):
            result = self.ctype(function.type)
            arguments = "".join(f"{t}, " for t in self.parameters(function)).rstrip()
            arguments = arguments[:-1] if arguments.count(",") > 1 else arguments
            prototypes.append(f'    "{name}": ({result}, ({arguments})),\n')
        return "\n\n".join(
            [
                "\n".join(constants),
                *tables,
                "\n" + "\n\n".join(self.classes),
                "# (result type, argument types) of every function.\n"
                "PROTOTYPES: Dict[str, Tuple[Any, Tuple[Any, ...]]] = {\n"
                + "".join(prototypes)
                + "}\n",
            ]
        )

    def generate(self) -> str:
        self.declarations()
        self.answer()
        body = self.declarations()
        used = sorted(
            name
            for name in [*SCALARS.values(), *WELL_KNOWN.values(), "c_void_p", "c_char_p"]
            + ["CFUNCTYPE", "POINTER", "Structure"]
            if re.search(rf"\b{name}\b", body) and name != "None"
        )
        imports = "".join(f"    {name},\n" for name in dict.fromkeys(used))
        return (
            '"""Declarations of libuv\'s C API for ctypes.\n\n'
            "Generated by generate.py from include/uv.h for Linux on 64-bit machines. Do not\n"
            'edit: run generate.py again. Names are those of the C header.\n"""\n\n'
            f"from ctypes import (\n{imports})\nfrom typing import Any, Dict, Tuple\n\n{body}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Generate oxuv/_ffi.py and oxuv/fs.py.")
    parser.add_argument("--include", type=Path, default=DEFAULT_INCLUDE)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    texts = {"_ffi.py": Generator(options.include).generate(), "fs.py": operations.module()}
    for name, text in texts.items():
        path = HERE / "oxuv" / name
        if not options.check:
            path.write_text(text)
        elif path.read_text() != text:
            sys.exit(f"oxuv/{name} is out of date: run generate.py")


if __name__ == "__main__":
    main()
