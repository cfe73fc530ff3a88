"""What a measurement runs in: a loopback of its own, and the cores that its processes may use.

Both are sources of noise. A machine may pace its loopback by BBR, whose timers make bulk cost
up to 2.5 times as much and differ from round to round. And which processes share a core settles how many messages one
wake-up finds, and so what a query costs.
"""

import os
import shutil
import subprocess
import sys

CONGESTION_CONTROL = "cubic"  # the kernel's own default, and Debian's
_ENTERED = "PGMOAT_BENCH_NETWORK"  # the environment of the process in the new namespace
_ENTER = f"""set -e
ip link set lo up
for network in 127.0.0.1 127.0.0.0/8; do
    ip route change table local local $network dev lo src 127.0.0.1 congctl {CONGESTION_CONTROL}
done
exec "$@"
"""

FREE, ONE, OWN = "free", "one", "own"
LAYOUTS = {FREE: "cores free", ONE: "one core for all", OWN: "a core for the proxy"}


def enter_own_network():
    """Starts this program again in a network namespace of its own; returns when in it, or where that cannot be."""
    if os.environ.get(_ENTERED) or os.geteuid() != 0 or not shutil.which("unshare"):
        return
    begin = ["unshare", "--net", "sh", "-c", _ENTER, "sh"]
    if subprocess.run([*begin, "true"], capture_output=True, check=False).returncode == 0:
        os.execvpe("unshare", [*begin, sys.executable, *sys.argv], {**os.environ, _ENTERED: "yes"})


def network():
    """What to say of it in the report."""
    if os.environ.get(_ENTERED):
        return f"a loopback of its own, {CONGESTION_CONTROL}"
    with open("/proc/sys/net/ipv4/tcp_congestion_control") as file:
        return f"the machine's loopback, {file.read().strip()}"


class Cores:
    """Where the proxies run, and where all that is not a proxy does: client, server, this process."""

    def __init__(self, layouts):
        self.layouts = layouts
        self._all = sorted(os.sched_getaffinity(0))
        if OWN in layouts and len(self._all) < 2:
            raise RuntimeError("a core for the proxy: there is only one")
        self.proxy = self.others = set(self._all)

    def arrange(self, layout, proxies, others):
        """For the given processes now, and for what is started from here on."""
        every, first, last = set(self._all), {self._all[0]}, {self._all[-1]}
        self.proxy, self.others = {FREE: (every, every), ONE: (last, last), OWN: (first, every - first)}[layout]
        os.sched_setaffinity(0, self.others)
        for server in others:
            server.run_on(self.others)
        for server in proxies:
            server.run_on(self.proxy)
