"""Results as Markdown: medians with their spread, and what pgmoat is measured against.

A ratio is taken within each round, between neighbours in time, and then its median: what slows the
machine for a while slows both.
"""

import os
import platform
import statistics

from . import chart
from .peers import PASSED, REENCRYPTED, TERMINATED
from .scenarios import ALL, OURS, TARGETS, Target
from .surroundings import LAYOUTS

GROWTH_PLOT = "growth.svg"
MAIN_FIGURES = {scenario.name: scenario.figure for scenario in ALL}


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
    def __init__(self, contestants, results, syscalls, growth_steps):
        self.contestants = contestants  # peers that took part, in order
        self.results = results  # layout -> scenario name -> peer name -> round -> figures or None
        self.syscalls = syscalls  # scenario name -> peer name -> system call -> how often per unit
        self.growth_steps = growth_steps
        self.missed = 0

    def lines(self):
        lines = self._targets()
        for scenario in ALL:
            layouts = [layout for layout in self.results if scenario.name in self.results[layout]]
            if layouts:
                lines += ["", f"## {scenario.title}"]
            for layout in layouts:
                body = self._growth if scenario.name == "growth" else self._scenario
                lines += (["", f"### {LAYOUTS[layout].capitalize()}"] if len(layouts) > 1 else []) + [""]
                lines += body(scenario, layout)
        for name, by_peer in self.syscalls.items():
            lines += ["", f"## System calls of the proxy in the {name} scenario, each", ""] + self._calls(by_peer)
        return lines

    def growth_plot(self):
        """Of the first layout; None if growth was not measured."""
        rounds = next(iter(self.results.values())).get("growth")
        return chart.svg(self._measured(rounds), rounds, self.growth_steps) if rounds else None

    def _measured(self, rounds):
        return [peer for peer in self.contestants if any(rounds.get(peer.name, []))]

    def _scenario(self, scenario, layout):
        rounds = self.results[layout][scenario.name]
        rows = [self._row(scenario, peer, [figures for figures in rounds[peer.name] if figures])
                for peer in self._measured(rounds)]
        lines = _table(["", "mode", scenario.unit, "min – max", *scenario.others.values()], rows)
        for mode in (TERMINATED, REENCRYPTED, PASSED):
            lines += self._ratios(layout, scenario, mode)
        return lines

    def _row(self, scenario, peer, valid):
        def values(figure):
            return [figures[figure] for figures in valid if figure in figures]

        def median(figure):
            return _number(statistics.median(values(figure))) if values(figure) else "–"

        main = values(scenario.figure)
        no_proxy = not peer.program and not any(main)  # its CPU is nobody's
        shown = ["–", "–"] if no_proxy or not main else [median(scenario.figure), _spread(main)]
        return [peer.title, peer.mode, *shown, *map(median, scenario.others)]

    def _in_rounds(self, layout, target):
        """The ratios (`more`: differences) of all rounds in which both are valid; our own figures if there is no other."""
        rounds = self.results[layout].get(target.scenario, {})
        figure = target.figure or MAIN_FIGURES[target.scenario]
        if target.beside is None:
            return [mine[figure] for mine in rounds.get(target.ours, []) if mine and figure in mine]
        pairs = zip(rounds.get(target.ours, []), rounds.get(target.beside, []))
        return [mine[figure] - theirs[figure] if target.more else mine[figure] / theirs[figure] for mine, theirs in pairs
                if mine and theirs and mine.get(figure) and theirs.get(figure, 0) > 0]

    def _ratios(self, layout, scenario, mode):
        ours = scenario.ours or OURS[mode]
        lines = []
        for peer in self.contestants:
            if peer.mode == mode and peer.name != ours:
                ratios = self._in_rounds(layout, Target(scenario.name, ours, peer.name, 0))
                if ratios:
                    lines.append(f"- {mode}, pgmoat / {peer.title}: **{statistics.median(ratios):.2f}** ({_spread(ratios)})")
        return ["", *lines] if lines else []

    def _targets(self):
        titles = {peer.name: peer.title for peer in self.contestants}
        rows = []
        for target in TARGETS:
            found = {layout: self._in_rounds(layout, target) for layout in self.results}
            if not any(found.values()):
                continue
            figure = target.figure or MAIN_FIGURES[target.scenario]
            rows.append([f"{target.scenario}, {figure}{' more' if target.more else ''}", target.ours,
                         titles.get(target.beside, "itself"), f"{'≥' if target.at_least else '≤'} {target.limit:g}",
                         *(cell for values in found.values() for cell in self._reached(target, values))])
        if not rows:
            return []
        shown = [cell for layout in self.results for cell in (LAYOUTS[layout], "")]
        return ["", "## Targets: medians of the ratios (more: differences) within rounds, min – max", "",
                *_table(["figure", "", "beside", "target", *shown], rows)]

    def _reached(self, target, values):
        if not values:
            return ["–", ""]
        value = statistics.median(values)
        met = value >= target.limit if target.at_least else value <= target.limit
        self.missed += not met
        return [f"{value:.2f} ({_spread(values)})", "met" if met else "**missed**"]

    def _growth(self, scenario, layout):
        rounds = self.results[layout][scenario.name]
        rows = []
        for peer in self._measured(rounds):
            for figure, title in chart.PANELS:
                found = dict(chart.points(rounds[peer.name], figure, self.growth_steps))
                cells = [_number(found[step]) if step in found else "–" for step in self.growth_steps]
                rows.append([peer.title, peer.mode, title, *cells])
        steps = [f"{step:,}" for step in self.growth_steps]
        plot = [f"![Growth]({GROWTH_PLOT})", ""] if layout == next(iter(self.results)) else []
        return [*plot, *_table(["", "mode", "connections:", *steps], rows)]

    def _calls(self, by_peer):
        peers = [peer for peer in self.contestants if peer.name in by_peer]
        sums = {name: sum(by_peer[peer.name].get(name, 0) for peer in peers)
                for name in {name for calls in by_peer.values() for name in calls}}
        shown = [name for name in sorted(sums, key=sums.get, reverse=True) if sums[name] >= 0.05 * len(peers)]
        rows = [[peer.title, peer.mode, f"**{sum(by_peer[peer.name].values()):.2f}**",
                 *(f"{by_peer[peer.name].get(name, 0):.2f}" for name in shown)] for peer in peers]
        return _table(["", "mode", "all", *shown], rows)
