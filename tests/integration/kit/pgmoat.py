"""The proxy under test."""

import re
import signal
import subprocess

from kit.environment import AS_USER, free_port, write_for_user
from kit.process import Process

# The beginning of each sanitizer's report.
SANITIZER_REPORT = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|FATAL: \w+Sanitizer")

SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "second_deadlock_stack=1",
}

# glibc caches resolv.conf under a lock that the thread sanitizer does not see.
THREAD_SUPPRESSIONS = "race:__libc_dynarray_emplace_enlarge\n"

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "shutdown_timeout": "5s",
    "log_min_messages": "debug1",
}


def config_text(settings):
    quoted = ((name, str(value).replace("'", "''")) for name, value in settings.items())
    return "".join(f"{name} = '{value}'\n" for name, value in quoted)


class Pgmoat:
    """A running proxy. `settings` is its configuration; `certificate` turns ssl on; `names` makes, from its
    folder, the words in front of its command (kit/resolver.py); `files` are written beside the configuration;
    `environment` is added to ours."""

    def __init__(self, workspace, certificate=None, settings=None, binary=None, ready=True, as_user=True,
                 names=None, files=None, environment=None):
        self.workspace = workspace
        self.port = free_port()
        self.folder = workspace.folder("pgmoat")
        self.config_file = self.folder / "pgmoat.conf"
        self.settings = {**SETTINGS, "port": self.port}
        if certificate:
            certificate.install(self.folder)
            self.settings |= {"ssl": "on", "ssl_cert_file": "server.crt", "ssl_key_file": "server.key"}
        self.write_files({"tsan.supp": THREAD_SUPPRESSIONS, **(files or {})})
        environment = {**SANITIZER_OPTIONS, "TSAN_OPTIONS": f"{SANITIZER_OPTIONS['TSAN_OPTIONS']}:"
                                                            f"suppressions={self.folder / 'tsan.supp'}",
                       **(environment or {})}
        self.configure(settings or {})
        wrapper = names(self.folder) if names else []
        self._command = ([*wrapper, binary or workspace.pgmoat, "--config", self.config_file],
                         self.folder / "log", environment, as_user and not wrapper)
        self.start(ready)

    def start(self, ready=True):
        """Again, with a new log, after a test has killed it."""
        self.process = Process(*self._command)
        if ready:
            self.process.wait_for_log("ready to accept connections")

    def configure(self, changes):
        """Writes the configuration file. None removes a setting."""
        self.settings |= changes
        self.settings = {name: value for name, value in self.settings.items() if value is not None}
        write_for_user(self.config_file, config_text(self.settings))

    def write_files(self, files):
        """{name: text}, in the configuration's folder."""
        for name, text in files.items():
            write_for_user(self.folder / name, text)

    def reload(self, changes=None):
        """SIGHUP after the changes; returns where the log stood."""
        self.configure(changes or {})
        position = self.process.log_position()
        self.process.send_signal(signal.SIGHUP)
        return position

    def closed_line(self, *texts, since=0):
        """The log line for the end of the connection with these texts, as a dictionary."""
        line = self.process.wait_for_log("connection closed", *texts, since=since)
        return dict(re.findall(r"(\w+)=(\S*)", line))

    def stop(self):
        """Stops it as an operator would. A sanitizer report fails the test."""
        if self.process.exit_code is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()
        log = self.process.log()
        assert not SANITIZER_REPORT.search(log), log
        assert self.process.exit_code >= 0, f"ended by signal {-self.process.exit_code}:\n{log}"


def run_pgmoat(workspace, *arguments, as_user=True, environment=None):
    """Runs the command to its end: (exit code, stdout, stderr)."""
    result = subprocess.run(
        [workspace.pgmoat, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=30, cwd="/",
        env={**SANITIZER_OPTIONS, **(environment or {})}, **(AS_USER if as_user else {}))
    assert not SANITIZER_REPORT.search(result.stderr), result.stderr
    return result.returncode, result.stdout, result.stderr
