"""Medians and ratios of what was measured.

A ratio is taken within each round, where both were measured next to each other, and the median of these
ratios is shown. The ratio of two medians would compare different moments of the machine."""
import statistics

RELAYS = ("relay", "relay, MQTT")  # the first that took part in a case is its limit


def value_at(result, path):
    """latency_us.p99 of a nested dictionary; None where there is nothing."""
    for key in path.split("."):
        if not isinstance(result, dict):
            return None
        result = result.get(key)
    return result


class Summary:
    def __init__(self, measured, peers):
        self.measured = measured
        self.peers = peers

    def by_round(self, case, peer, metric, point=None):
        """round -> value, of the rounds in which there was one."""
        values = {run.round: value_at(run.result, metric.path)
                  for run in self.measured.of(case.name, peer, point) if run.result}
        return {number: value for number, value in values.items() if value is not None}

    def median(self, case, peer, metric, point=None):
        values = self.by_round(case, peer, metric, point).values()
        return statistics.median(values) if values else None

    def spread(self, case, peer, metric, point=None):
        """How far apart the rounds are, as a part of the median."""
        values = self.by_round(case, peer, metric, point).values()
        middle = statistics.median(values) if len(values) > 1 else 0
        return (max(values) - min(values)) / middle if middle else None

    def ratio(self, case, peer, other, metric, point=None):
        ours = self.by_round(case, peer, metric, point)
        theirs = self.by_round(case, other, metric, point)
        ratios = [ours[number] / theirs[number] for number in ours.keys() & theirs.keys() if theirs[number]]
        return statistics.median(ratios) if ratios else None

    def best(self, case, metric, point=None):
        """The name of the best other MQTT broker in this case, or None."""
        medians = {peer.name: self.median(case, peer.name, metric, point)
                   for peer in self.peers if peer.role == "mqtt"}
        found = [name for name, value in medians.items() if value is not None]
        if not found:
            return None
        return (max if metric.more_is_better else min)(found, key=medians.get)

    def limit(self, case):
        """The name of the relay that is this case's limit, or None."""
        for name in RELAYS:
            if self.median(case, name, case.metric) is not None:
                return name
        return None

    def failure(self, case, peer, point=None):
        """Why a measurement failed, if one did."""
        return next((run.failure for run in self.measured.of(case.name, peer, point) if run.failure), None)

    def aim(self, case, aim, peer="wilco"):
        """What is there for this aim: a median, or the ratio to the one it names."""
        if not aim.to:
            return self.median(case, peer, aim.metric)
        other = self.best(case, aim.metric) if aim.to == "best" else aim.to
        return self.ratio(case, peer, other, aim.metric) if other else None
