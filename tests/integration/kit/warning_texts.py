"""The warnings that `pgmoat check` can print, read from the source, so that no list can become outdated."""

import re
from pathlib import Path

PROXY = Path(__file__).resolve().parents[3] / "proxy"

# Where it collects them. Warnings of a reload or of a running server are not included.
FOLDERS = ("cli", "config", "hba")
ONE_BY_ONE = ("server/load_runtime_config.cpp", "admin/http/http_access.cpp", "upstream/probe.cpp")
OPENING = re.compile(r"problems\.warning\(|(?:warnings|notes_?)\.(?:push_back|emplace_back)\(|Level::warning\b"
                     r"|log\.warning\(")

# Functions whose result is a warning: (file, name).
WARNING_FUNCTIONS = (
    (PROXY / "hba/parse/listener_checks.cpp", "warning_about"),
    (PROXY / "hba/parse/listener_checks.cpp", "promise_that_is_not_held"),
    (PROXY / "admin/http/http_access.cpp", "missing_of"),
    (PROXY / "admin/http/http_access.cpp", "exposure_of"),
    (PROXY / "server/process.cpp", "shortage_of_descriptors"),
    (PROXY / "runtime/method_promises.cpp", "unkept_promises"),
    (PROXY / "cli/check.cpp", "problem_of_chain"),
    (PROXY.parent / "tls/server_context.cpp", "wanted_groups"),
    (PROXY.parent / "tls/revocation.cpp", "expired_lists"),
)

LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')


def _longest(code):
    """The longest text of an expression; adjacent literals are one."""
    texts, end = [""], None
    for literal in LITERAL.finditer(code):
        text = literal[1].replace('\\"', '"')
        if end is not None and not code[end:literal.start()].strip():
            texts[-1] += text
        else:
            texts.append(text)
        end = literal.end()
    return max(texts, key=len)


def _expression(source, start, end=";"):
    """From there to the end of the surrounding parenthesis or brace, or to the end."""
    depth, position = 0, start
    while position < len(source):
        literal = LITERAL.match(source, position)
        if literal:
            position = literal.end()
            continue
        char = source[position]
        depth += char in "({["
        depth -= char in ")}]"
        if depth < 0 or (char == end and depth == 0):
            break
        position += 1
    return source[start:position]


def _body(source, name):
    start = re.search(rf"^[^\n;]*\b{name}\([^;]*?\)(?: noexcept)? \{{", source, re.MULTILINE | re.DOTALL)
    assert start, name
    return _expression(source, start.end(), end=None)


def warning_texts():
    """{the longest constant part of each: where it is}"""
    found = {}

    def add(code, where):
        # A name, a word or two letters between values do not identify a warning.
        if len(text := _longest(code)) >= 12:
            found[text] = where

    files = [file for folder in FOLDERS for file in sorted((PROXY / folder).rglob("*.cpp"))]
    for file in files + [PROXY / name for name in ONE_BY_ONE]:
        source = file.read_text()
        for opening in OPENING.finditer(source):
            add(_expression(source, opening.end()), file.name)
    for file, name in WARNING_FUNCTIONS:
        for start in re.finditer(r"\breturn\b|\bpush_back\(", body := _body(file.read_text(), name)):
            add(_expression(body, start.end()), f"{file.name}, {name}()")
    return found


if __name__ == "__main__":
    for text, where in warning_texts().items():
        print(f"{where}: {text!r}")
