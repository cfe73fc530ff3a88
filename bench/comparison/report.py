"""Results as Markdown: medians with their spread, and what pgmoat is measured against.

A ratio is taken within each round, between neighbours in time, and then its median: what slows the
machine for a while slows both.
"""

import os
import platform
import statistics

from .measure import SCENARIOS
from .peers import PASSED, TERMINATED

# scenario, mode, peer, at most
RATIO_TARGETS = {("query", TERMINATED, "pgbouncer"): 0.9, ("query", PASSED, "nginx"): 0.9,
                 ("handshake", TERMINATED, "accept-loop"): 1.2}
IDLE_TARGETS_KIB = {"pgmoat-terminate": 20, "pgmoat-passthrough": 3}
OURS = {TERMINATED: "pgmoat-terminate", PASSED: "pgmoat-passthrough"}


def _number(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _spread(values):
    return f"{_number(min(values))} – {_number(max(values))}"


def _table(headings, rows):
    lines = ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def machine():
    model = "unknown"
    with open("/proc/cpuinfo") as cpuinfo:
        for line in cpuinfo:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    return (f"{os.cpu_count()} × {model}, {system}, Linux {platform.release()}")


class Report:
    def __init__(self, contestants, results, idle, syscalls):
        self.contestants = contestants  # peers that took part, in order
        self.results = results  # scenario name -> peer name -> round -> figures or None
        self.idle = idle  # peer name -> figures
        self.syscalls = syscalls  # peer name -> system calls per query
        self.missed = 0

    def lines(self):
        lines = []
        for scenario in SCENARIOS:
            if scenario.name in self.results:
                lines += ["", f"## {scenario.title}", ""] + self._scenario(scenario)
        if self.syscalls:
            lines += ["", "## System calls of the proxy per query (perf, 2 s, same load)", ""]
            lines += _table(["", "mode", "system calls"],
                            [[peer.title, peer.mode, f"{self.syscalls[peer.name]:.2f}"]
                             for peer in self.contestants if peer.name in self.syscalls])
        if self.idle:
            lines += ["", "## Idle connections: memory of the proxy", ""] + self._idle()
        return lines

    def _scenario(self, scenario):
        rounds = self.results[scenario.name]
        rows = []
        for peer in self.contestants:
            valid = [figures for figures in rounds.get(peer.name, []) if figures]
            if valid:
                rows.append(self._row(scenario, peer, valid))
        headings = ["", "mode", scenario.cpu_unit, "min – max", *scenario.others.values()]
        lines = _table(headings, rows)
        for mode in (TERMINATED, PASSED):
            lines += self._ratios(scenario, mode)
        return lines

    def _row(self, scenario, peer, valid):
        def median(figure):
            return _number(statistics.median(figures[figure] for figures in valid))

        cpu = ["–", "–"]
        if peer.mode in OURS:
            cpu = [median(scenario.cpu_figure),
                   _spread([figures[scenario.cpu_figure] for figures in valid])]
        return [peer.title, peer.mode, *cpu, *map(median, scenario.others)]

    def _ratios(self, scenario, mode):
        rounds = self.results[scenario.name]
        lines = []
        for peer in self.contestants:
            if peer.mode != mode or peer.name == OURS[mode]:
                continue
            pairs = zip(rounds.get(OURS[mode], []), rounds.get(peer.name, []))
            ratios = [ours[scenario.cpu_figure] / theirs[scenario.cpu_figure]
                      for ours, theirs in pairs if ours and theirs]
            if ratios:
                verdict = self._verdict(statistics.median(ratios),
                                        RATIO_TARGETS.get((scenario.name, mode, peer.name)))
                lines.append(f"- {mode}, pgmoat / {peer.title}: "
                             f"**{statistics.median(ratios):.2f}** ({_spread(ratios)}){verdict}")
        return ["", *lines] if lines else []

    def _idle(self):
        rows = []
        for peer in self.contestants:
            if peer.name not in self.idle:
                continue
            figures = self.idle[peer.name]
            verdict = self._verdict(figures["after_login"], IDLE_TARGETS_KIB.get(peer.name), " KiB")
            rows.append([peer.title, peer.mode, f"{figures['after_login']:.2f}{verdict}",
                         f"{figures['after_query']:.2f}"])
        return _table(["", "mode", "KiB per connection after login", "after a query on each"], rows)

    def _verdict(self, value, target, unit=""):
        if target is None:
            return ""
        if value <= target:
            return f", target ≤ {target}{unit}: met"
        self.missed += 1
        return f", target ≤ {target}{unit}: **missed**"
