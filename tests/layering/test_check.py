"""Proves that every check can fail: each test builds a tiny tree with one fault and wants it found."""

import shutil
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import check  # noqa: E402
import rooms  # noqa: E402

CLANG_FORMAT = Path(__file__).parents[2] / ".clang-format"


class Tree(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def violations(self, name):
        return list(check.CHECKS[name](self.root))


class Includes(Tree):
    FORBIDDEN = (
        ("protocol/a.cpp", "<openssl/ssl.h>"),
        ("protocol/a.cpp", "<sys/socket.h>"),
        ("protocol/a.cpp", '"tls/session.h"'),
        ("protocol/a.cpp", '"proxy/descriptor.h"'),
        ("tls/a.cpp", '"protocol/bytes.h"'),
        ("tls/a.cpp", '"metrics/labels.h"'),
        ("tls/a.cpp", "<boost/asio.hpp>"),
        ("tls/a.h", "<openssl/ssl.h>"),
        ("metrics/a.cpp", '"tls/session.h"'),
        ("metrics/counters.cpp", "<prometheus/registry.h>"),
        ("proxy/server/server.cpp", "<openssl/ssl.h>"),
        ("proxy/config/a.cpp", "<boost/asio.hpp>"),
        ("proxy/config/a.cpp", '"proxy/relay/plane.h"'),
        ("proxy/lookups/roles.cpp", "<libpq-fe.h>"),
        ("proxy/lookups/a.cpp", "<boost/asio.hpp>"),
        ("proxy/relay/a.cpp", "<boost/asio.hpp>"),
        ("proxy/relay/a.cpp", '"proxy/session/session.h"'),
        ("proxy/session/a.cpp", '"proxy/admin/http/http.h"'),
        ("proxy/admin/a.cpp", '"proxy/session/session.h"'),
        ("bench/a.cpp", '"proxy/relay/plane.h"'),
    )
    ALLOWED = (
        ("protocol/a.cpp", "<vector>"),
        ("protocol/a.cpp", '"protocol/bytes.h"'),
        ("tls/a.cpp", "<openssl/ssl.h>"),
        ("metrics/exporter.cpp", "<prometheus/registry.h>"),
        ("proxy/relay/a.cpp", "<sys/epoll.h>"),
        ("proxy/lookups/query_connection.cpp", "<libpq-fe.h>"),
        ("proxy/session/a.cpp", "<boost/asio.hpp>"),
        ("proxy/session/a.cpp", '"proxy/relay/plane.h"'),
        ("tests/component/relay/a.cpp", '"proxy/relay/plane.h"'),
    )

    def test_what_the_laws_forbid_is_found(self):
        for name, header in self.FORBIDDEN:
            with self.subTest(file=name, header=header):
                self.write(name, f"// A file.\n#include {header}\n")
                (violation,) = self.violations("includes")
                self.assertIn(f"{name}:2: includes {header[1:-1]}: ", violation)
                (self.root / name).unlink()

    def test_what_the_laws_allow_passes(self):
        for name, header in self.ALLOWED:
            with self.subTest(file=name, header=header):
                self.write(name, f"// A file.\n#include {header}\n")
                self.assertEqual(self.violations("includes"), [])

    def test_every_room_has_a_reason(self):
        for room in rooms.ROOMS:
            self.assertTrue(room.reason, room.folder)


class Headers(Tree):
    def test_a_header_that_leans_on_its_includer_is_found(self):
        self.write("protocol/a.h", "// A header.\n#pragma once\nstd::string name();\n")
        (violation,) = self.violations("headers")
        self.assertIn("protocol/a.h: does not compile alone", violation)

    def test_a_header_that_includes_what_it_uses_passes(self):
        self.write("protocol/a.h", "// A header.\n#pragma once\n#include <string>\nstd::string name();\n")
        self.assertEqual(self.violations("headers"), [])


class Texts(Tree):
    def setUp(self):
        super().setUp()
        for folder in rooms.FOLDERS_WITH_README:
            self.write(f"{folder}/README.md", "# a folder\n")

    def test_a_source_without_a_comment_on_top_is_found(self):
        self.write("tls/a.cpp", "int main() {}\n")
        (violation,) = self.violations("texts")
        self.assertIn("tls/a.cpp:1: does not begin with a comment", violation)

    def test_a_source_may_leave_that_to_its_header(self):
        self.write("tls/a.h", "// A thing.\n")
        self.write("tls/a.cpp", '#include "tls/a.h"\n')
        self.assertEqual(self.violations("texts"), [])

    TABLES = (  # what a formatter makes of them, and the line that shows it
        ("//   end of source    told to the target: FIN source lost    its end\n", 4),
        ("//   may be\n//                    under way\n", 4),
        ("//   source lost      its end\n//   close. a side is lost       what it had sent\n", 5),
    )

    def test_a_table_whose_lines_were_joined_is_found(self):
        for rest, number in self.TABLES:
            with self.subTest(rest=rest):
                self.write("tls/a.h", "// A thing.\n//   may read?        no\n//   bytes            forwarded\n" + rest)
                (violation,) = self.violations("texts")
                self.assertEqual(violation, f"tls/a.h:{number}: text across the columns of a table")

    def test_a_row_that_lost_its_columns_is_found(self):
        self.write("tls/a.h", "// A thing.\n//   state | input\n//   start | begin\n//   then nothing\n")
        (violation,) = self.violations("texts")
        self.assertEqual(violation, "tls/a.h:4: a row of a table without its columns")

    def test_a_section_rule_in_two_lines_is_found(self):
        self.write("tls/a.h", "// A thing.\n\n// --- counting\n// ------------\n")
        (violation,) = self.violations("texts")
        self.assertEqual(violation, "tls/a.h:3: a section rule in two lines")

    def test_tables_as_they_were_drawn_pass(self):
        self.write("tls/a.h", "// A thing.\n//   may read?    no, and\n//                not later\n//   bytes        forwarded\n"
                              "\n// --- counting ------------\n\n//   state | input\n//   ------+------\n//   start | begin\n"
                              "\n//   a(); // one\n//   b();  // two\n//   c(); // three\n")
        self.assertEqual(self.violations("texts"), [])

    def test_an_odd_phrase_in_a_message_is_found(self):
        self.write("tls/a.cpp", '// A thing.\nauto text = "whoever is in between";\nauto other = "a and b need each other";\n')
        first, second = self.violations("texts")
        self.assertIn('tls/a.cpp:2: "whoever": write name the role', first)
        self.assertIn('tls/a.cpp:3: "need each other": write "must be set together"', second)

    def test_a_page_with_such_words_is_found(self):
        self.write("deploy/docs/a.md", "# A page\n\nRead it anew.\n")
        (violation,) = self.violations("texts")
        self.assertIn('deploy/docs/a.md:3: "anew"', violation)

    def test_such_words_at_the_end_of_a_line_are_found(self):
        self.write("deploy/docs/a.md", "# A page\n\nPasswords go in the\nclear.\n")
        (violation,) = self.violations("texts")
        self.assertIn('deploy/docs/a.md:3: "in the clear"', violation)

    def test_an_odd_phrase_in_a_comment_or_the_name_of_a_test_is_found(self):
        self.write("tests/a.cpp", '// Read anew.\nTEST_CASE("a password in the clear") {\n    auto text = "anew"; // any more\n}\n')
        self.assertEqual([found.split(": write")[0] for found in self.violations("texts")],
                         ['tests/a.cpp:1: "anew"', 'tests/a.cpp:2: "in the clear"', 'tests/a.cpp:3: "any more"'])

    def test_comments_names_and_quotes_may_have_words_that_messages_may_not(self):
        self.write("tls/a.cpp", '// Whoever reads this.\nauto text = "nothing"; // nobody\nauto history = "this theme";\n')
        self.write("deploy/docs/a.md", "It prints `whoever`.\n")
        self.assertEqual(self.violations("texts"), [])

    def test_a_module_without_a_readme_is_found(self):
        (self.root / "tls/README.md").unlink()
        self.assertEqual(self.violations("texts"), ["tls: has no README.md"])


class Coroutines(Tree):
    FAULTS = (
        ("co_await f({1, text});", "a braced value"),
        ("auto x = co_await f(one, Asked{rules, roles});", "a braced value"),
        ("co_return co_await g.f(h({text}));", "a braced value"),
        ("co_await on(main_, [this, name] { use(name); });", "a lambda that owns its capture 'name'"),
        ("co_await on(main_,\n    [kept = std::move(row)] { return kept; });",
         "a lambda that owns its capture 'kept = std::move(row)'"),
        ("co_await on(main_, [=] { use(name); });", "a lambda that owns its capture '='"),
        ("Stop s = ready ? co_await f() : none;", "co_await in an arm of `?:`"),
    )
    INNOCENT = (
        "const Asked asked{rules, roles}; co_await f(asked);",
        "co_await on(main_, [this, &name] { use({name}); });",
        "co_await on(main_, [&] { const Pair pair{1, 2}; return pair; });",
        "if (co_await f()) { x = {1, 2}; }",
        "co_await f(text); // not co_await f({1, text});",
        "call(\"co_await f({})\");",
        "co_return Pair{co_await f(), 1};",
    )

    def test_what_gcc_destroys_twice_is_found(self):
        for body, what in self.FAULTS:
            with self.subTest(body=body):
                self.write("proxy/a.cpp", f"// A file.\nTask t() {{\n    {body}\n}}\n")
                (violation,) = self.violations("coroutines")
                self.assertIn(what, violation)
                self.assertRegex(violation, "^proxy/a.cpp:[34]: ")

    def test_named_values_and_references_pass(self):
        for body in self.INNOCENT:
            with self.subTest(body=body):
                self.write("proxy/a.cpp", f"// A file.\nTask t() {{\n    {body}\n}}\n")
                self.assertEqual(self.violations("coroutines"), [])


class Threads(Tree):
    FAULTS = (
        "thread_ = std::thread([this] { work(); });",
        "std::jthread other([] { work(); });",
        "const std::thread other{work};",
        "auto answer = std::async(std::launch::async, work);",
        "pthread_create(&id, nullptr, work, nullptr);",
    )
    INNOCENT = (
        "thread_ = start_thread<std::jthread>([this] { work(); });",
        "for (std::thread& worker : workers) worker.join();",
        "std::jthread thread_;",
        "const std::thread::id self = std::this_thread::get_id();",
        "// std::thread(work) would not do",
    )

    def test_a_thread_that_signals_can_reach_is_found(self):
        for body in self.FAULTS:
            with self.subTest(body=body):
                self.write("proxy/a.cpp", f"// A file.\nvoid f() {{\n    {body}\n}}\n")
                (violation,) = self.violations("threads")
                self.assertRegex(violation, "^proxy/a.cpp:3: ")

    def test_those_with_signals_blocked_pass(self):
        for body in self.INNOCENT:
            with self.subTest(body=body):
                self.write("proxy/a.cpp", f"// A file.\nvoid f() {{\n    {body}\n}}\n")
                self.assertEqual(self.violations("threads"), [])


class Format(Tree):
    def setUp(self):
        super().setUp()
        shutil.copy(CLANG_FORMAT, self.root)

    def test_a_badly_formatted_file_is_found(self):
        self.write("tls/a.cpp", "// A file.\nint  main( ) { return 0 ; }\n")
        (violation,) = self.violations("format")
        self.assertIn("a.cpp:2", violation)

    def test_a_well_formatted_file_passes(self):
        self.write("tls/a.cpp", "// A file.\nint main() {\n    return 0;\n}\n")
        self.assertEqual(self.violations("format"), [])


class Command(Tree):
    def test_a_violation_makes_the_exit_status_1(self):
        self.write("protocol/a.cpp", "// A file.\n#include <openssl/ssl.h>\n")
        self.assertEqual(check.main(["includes", str(self.root)]), 1)

    def test_a_clean_tree_makes_it_0(self):
        self.write("protocol/a.cpp", "// A file.\n#include <vector>\n")
        self.assertEqual(check.main(["includes", str(self.root)]), 0)

    def test_a_tree_without_sources_is_a_failure_not_a_success(self):
        self.assertEqual(check.main(["includes", str(self.root)]), 1)

    def test_an_unknown_check_is_a_usage_error(self):
        self.assertEqual(check.main(["nonsense"]), 2)


if __name__ == "__main__":
    unittest.main()
