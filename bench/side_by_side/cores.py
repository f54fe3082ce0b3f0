"""Who runs where. The broker gets the first core and everything else the last, so that neither takes
from the other. A case may ask for another placement:

    apart     broker on the first core, generator on the last
    together  both on the first: what a round trip costs without waking another core
    spread    the broker on all cores but the last, or on all where there are only two
"""
import os


class Cores:
    """Those that this process may use: made once, before anything is pinned."""

    def __init__(self):
        self.all = sorted(os.sched_getaffinity(0))

    def of_broker(self, placement):
        if placement == "spread":
            return set(self.all[:-1] if len(self.all) > 2 else self.all)
        return {self.all[0]}

    def of_generator(self, placement):
        return {self.all[0] if placement == "together" else self.all[-1]}
