#!/usr/bin/env python3
"""Checks the laws of the source tree, one check per run, so that ctest names the one that failed.

usage: check.py includes|headers|texts|coroutines|threads|format [ROOT]

A violation is one line on stdout: file, line, what, and the reason. Standard library only.
"""

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import rooms

FOLDERS = ("protocol", "tls", "metrics", "proxy", "bench", "tests")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
LIBRARIES = (rooms.OPENSSL, rooms.PROMETHEUS, rooms.SPDLOG, rooms.CLI11, rooms.RE2, rooms.LIBPQ, rooms.SQLITE,
             rooms.LIBIDN, rooms.ASIO, "catch2/", "fmt/")


def source_files(root, *suffixes):
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in suffixes and "node_modules" not in path.parts:
                yield path


def room_of(name):
    return next((room for room in rooms.ROOMS if name.startswith(room.folder)), None)


def is_standard(header):
    return "/" not in header and not header.endswith(".h")


def library_of(header):
    return next((library for library in LIBRARIES if header.startswith(library)), rooms.SYSTEM)


def objection(name, quoted, header):
    """Why this file may not include this header, or None."""
    room = room_of(name)
    if room is None:
        return "no row in tests/layering/rooms.py says what this folder may include"
    if quoted:
        return None if header.startswith(room.ours) else room.reason
    if is_standard(header):
        return None
    library = library_of(header)
    if library not in room.libraries:
        return room.reason
    if name.endswith(".h") and rooms.ONLY_IN_SOURCES.get(room.folder) == library:
        return "OpenSSL is included in .cpp files only, never in a header of tls/ (law 2)"
    return None


def check_includes(root):
    for path in source_files(root, ".h", ".cpp"):
        name = path.relative_to(root).as_posix()
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            found = INCLUDE.match(line)
            if not found:
                continue
            reason = objection(name, found[1] == '"', found[2])
            if reason:
                yield f"{name}:{number}: includes {found[2]}: {reason}"


def check_headers(root):
    """Every header compiles alone, without other includes before it.

    A header that its own source includes first is compiled like that by every build.
    """

    def has_been_compiled(path):
        source = path.with_suffix(".cpp")
        includes = filter(None, map(INCLUDE.match, source.read_text().splitlines())) if source.exists() else ()
        first = next(iter(includes), None)
        return first is not None and first[2] == path.relative_to(root).as_posix()

    def compile_alone(path):
        name = path.relative_to(root).as_posix()
        result = subprocess.run(
            ["g++", "-std=c++20", "-fsyntax-only", "-I", root, "-x", "c++", "-include", name,
             os.devnull], cwd=root, capture_output=True, text=True, check=False)
        return f"{name}: does not compile alone:\n{result.stderr}" if result.returncode else None

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        left = [path for path in source_files(root, ".h") if not has_been_compiled(path)]
        yield from filter(None, pool.map(compile_alone, left))


# Phrases that native readers stumble over, with what to write instead. No text of PostgreSQL has one of them, and no
# name of another program.
HABITS = {
    r"anew": '"again"',
    r"no[- ]one any ?more|any ?more": '"no longer"',
    r"in the clear": '"in plaintext"',
    r"so[- ]many-th": 'number it: "the call with this number"',
    r"his|him|he": '"they", or name the role',
    r"spoken (to|again)|speaks of|spoken of": 'programs send, print and use: say which',
    r"taken off": '"removed from"',
    r"made out to": '"valid for"',
    r"held against": '"compared with"',
}
# In messages and pages these are wrong, too; a comment may need one.
HABITS_OF_MESSAGES = {
    r"whoever|everyone who|everybody|nobody|somebody": 'name the role: "a client", "no client", "all clients"',
    r"is told|are told": 'programs send, print and use: say which',
    r"need each other": '"must be set together"',
    r"without a word|not a word": '"silently"',
}
SPOKEN_TO = ("proxy", "protocol", "tls", "metrics")
PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "deploy/README.md", "deploy/docs/*.md", "deploy/man/*.scd")
COMMENT_OR_STRING = re.compile(r'//[^\n]*|"((?:[^"\\\n]|\\.)*)"')


def odd_words(text, habits):
    for habit, better in habits.items():
        for found in re.finditer(rf"\b(?:{habit})\b".replace(" ", r"\s+"), text, re.IGNORECASE):
            yield text.count("\n", 0, found.start()) + 1, f'"{" ".join(found[0].split())}": write {better}'


def check_words(root):
    """Texts say it plainly: messages and comments in the sources, names of test cases, and the pages of the manual."""
    for path in source_files(root, ".h", ".cpp"):
        name = path.relative_to(root).as_posix()
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            for found in COMMENT_OR_STRING.finditer(line):
                if found[1] is None:
                    text, habits = found[0], HABITS
                elif name.startswith(SPOKEN_TO):
                    text, habits = found[1], HABITS | HABITS_OF_MESSAGES
                elif "TEST_CASE(" in line:
                    text, habits = found[1], HABITS
                else:
                    continue
                yield from (f"{name}:{number}: {what}" for _, what in odd_words(text, habits))
    for pattern in PAGES:
        for path in sorted(root.glob(pattern)):
            # Quoted code and messages are the program's, and checked there. A habit may go over the end of a line.
            plain = re.sub(r"`[^`\n]*`", "", path.read_text())
            found = odd_words(plain, HABITS | HABITS_OF_MESSAGES)
            yield from (f"{path.relative_to(root).as_posix()}:{number}: {what}" for number, what in found)


def check_texts(root):
    """Every source begins with its task; every module folder has its README.md; texts are plain.

    A .cpp with a header of its name need not repeat what the header says. Tables and section rules in comments are
    intact.
    """
    for path in source_files(root, ".h", ".cpp"):
        told_by_header = path.suffix == ".cpp" and path.with_suffix(".h").exists()
        if not told_by_header and not path.read_text().startswith("// "):
            yield f"{path.relative_to(root)}:1: does not begin with a comment that says its task"
        for number, what in unreadable_tables(path.read_text().splitlines()):
            yield f"{path.relative_to(root)}:{number}: {what}"
    for folder in rooms.FOLDERS_WITH_README:
        if not (root / folder / "README.md").is_file():
            yield f"{folder}: has no README.md"
    yield from check_words(root)


RULE = re.compile(r"\s*// -{3,}( .*[^-])?$")
ROW = re.compile(r"\s*//   +\S")
GAP = re.compile(r"(?<=\S) {2,}(?!//)(?=\S)")


def broken_rows(rows):
    """The lines of a table in a comment that do not keep its columns.

    `rows` are (number, line). A column is where at least two lines have text after a gap. A line has text in the second
    column or none before it, and a wide gap ends at a column.
    """
    gaps = [list(GAP.finditer(line, ROW.match(line).end())) for _, line in rows]
    begins = [[gap.end() for gap in found] for found in gaps]
    seconds = [ends[0] for ends in begins if ends]
    second = max(set(seconds), key=seconds.count, default=0)
    if seconds.count(second) < 2:
        return
    everywhere = [end for ends in begins for end in ends]
    for (number, line), found in zip(rows, gaps):
        head, tail = line[:second], line[second:]
        in_first_column = bool(head.strip(" /"))
        wide_gaps = [gap.end() for gap in found if gap.end() - gap.start() > 2]
        if in_first_column and not (head.endswith(" ") and tail[:1].strip()):
            yield number
        elif any(everywhere.count(end) < 2 for end in wide_gaps):
            yield number


def comment_blocks(lines):
    """Runs of comment lines that are indented, as tables and examples are."""
    block = []
    for number, line in enumerate([*lines, ""], start=1):
        if ROW.match(line):
            block.append((number, line))
        elif block:
            yield block
            block = []


def unreadable_tables(lines):
    """(number, what) of tables and section rules in comments that a formatter has joined or split."""
    for block in comment_blocks(lines):
        if any("|" in line for _, line in block):
            yield from ((number, "a row of a table without its columns") for number, line in block if "|" not in line
                        and "-+-" not in line)
        else:
            yield from ((number, "text across the columns of a table") for number in broken_rows(block))
    for number, (line, following) in enumerate(zip(lines, lines[1:]), start=1):
        if line.strip().startswith("// --- ") and RULE.fullmatch(following) and not following.strip(" /-"):
            yield number, "a section rule in two lines"


CODE_WITHOUT = re.compile(r"""//[^\n]*|/\*.*?\*/|R"\((?:.*?)\)"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])'""", re.DOTALL)
CO_AWAIT = re.compile(r"\bco_await\b")
OWNS_NOTHING = re.compile(r"\s*(&\s*\w*(\.\.\.)?|this|)\s*")
CONDITIONAL = re.compile(r"\?[^;?{}]*\bco_await\b")


def blanked(text):
    """The code with comments, strings and characters blanked out, at the same places."""
    return CODE_WITHOUT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def end_of(code, begin):
    """The position after the bracket that closes the one at `begin`."""
    depth = 0
    for at in range(begin, len(code)):
        depth += (code[at] in "([{") - (code[at] in ")]}")
        if depth == 0:
            return at + 1
    return len(code)


def owned_temporaries(code, begin, end):
    """(position, what) of braced values and owning lambdas between the brackets of a call."""
    at = begin
    while at < end:
        before = code[:at].rstrip()[-1:]
        if code[at] == "[" and before in ("(", ",", "{", "="):
            behind = end_of(code, at)
            for capture in code[at + 1:behind - 1].split(","):
                if not OWNS_NOTHING.fullmatch(capture):
                    yield at, f"a lambda that owns its capture '{' '.join(capture.split())}'"
            body = code.find("{", behind)
            at = end_of(code, body) if 0 <= body < end else behind
        elif code[at] == "{":
            yield at, "a braced value"
            at = end_of(code, at)
        else:
            at += 1


def check_coroutines(root):
    """g++ 12 destroys the members of a temporary in a co_await expression twice, if it is braced or a lambda.

    So each such argument must get a name first, and lambdas must capture by reference. The check does not know which
    types own something, so it requires this for all. The result of a co_await in an arm of `?:` is destroyed twice as well.
    """
    for path in source_files(root, ".h", ".cpp"):
        code = blanked(path.read_text())
        name = path.relative_to(root).as_posix()
        for found in CONDITIONAL.finditer(code):
            yield f"{name}:{code.count(chr(10), 0, found.end()) + 1}: co_await in an arm of `?:`: g++ 12 destroys its value twice"
        for found in CO_AWAIT.finditer(code):
            at = found.end()
            while at < len(code) and (code[at].isspace() or code[at].isalnum() or code[at] in "_.:>-<*(["):
                if code[at] in "([":
                    behind = end_of(code, at)
                    for position, what in owned_temporaries(code, at + 1, behind - 1):
                        line = code.count("\n", 0, position) + 1
                        yield f"{name}:{line}: {what} in a co_await expression: g++ 12 destroys it twice; name it first"
                    at = behind
                else:
                    at += 1


# proxy/thread_signals.h says why.
THREAD_START = re.compile(r"\b(?:std::j?thread(?:\s+\w+)?\s*[({]|std::async\s*\(|pthread_create\s*\()")


def check_threads(root):
    for path in source_files(root, ".h", ".cpp"):
        name = path.relative_to(root).as_posix()
        if name.startswith(("tests/", "bench/")) or name == "proxy/thread_signals.h":
            continue
        for number, line in enumerate(blanked(path.read_text()).splitlines(), start=1):
            if THREAD_START.search(line):
                yield f"{name}:{number}: starts a thread that signals can reach: start_thread() blocks them first"


def check_format(root):
    # Versions of clang-format differ in details; the tree is formatted with 14.
    program = shutil.which("clang-format-14") or shutil.which("clang-format")
    if program is None:
        yield "clang-format is not installed"
        return
    files = list(source_files(root, ".h", ".cpp"))
    result = subprocess.run([program, "--dry-run", "-Werror", "--style=file", *files], cwd=root,
                            capture_output=True, text=True, check=False)
    places = re.findall(r"^(.+?:\d+):\d+: error", result.stderr, re.MULTILINE)
    for place in dict.fromkeys(places):
        yield f"{os.path.relpath(place, root)}: clang-format would change this line"
    if result.returncode and not places:
        yield result.stderr


CHECKS = {
    "includes": check_includes,
    "headers": check_headers,
    "texts": check_texts,
    "coroutines": check_coroutines,
    "threads": check_threads,
    "format": check_format,
}


def main(arguments):
    if not arguments or arguments[0] not in CHECKS:
        print(__doc__, file=sys.stderr)
        return 2
    root = Path(arguments[1] if len(arguments) > 1 else Path(__file__).parents[2]).resolve()
    if not any(source_files(root, ".h", ".cpp")):
        print(f"{root}: no sources here")
        return 1
    violations = list(CHECKS[arguments[0]](root))
    print(*violations, sep="\n")
    print(f"{arguments[0]}: {len(violations)} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
