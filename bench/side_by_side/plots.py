"""The plots of the report, as data that page.js draws. A plot has the x values that all its series share;
where a series has none at one of them there is None."""
import statistics

from side_by_side import cases as the_cases
from side_by_side.summary import value_at

SUBSCRIPTION = the_cases.Metric("bytes_per_subscription", "memory for each", "B")
IN_ALL = the_cases.Metric("rss_after_bytes", "memory in all", "B")

# case -> what is drawn of it: metric, logarithmic axis, how to read it.
DRAWN = {
    "window": [
        (the_cases.ROUND_TRIPS, True,
         "Higher is better. To the left latency decides, to the right CPU; a line that stays flat has reached its limit."),
        (the_cases.CPU, True,
         "Lower is better: broker CPU for each round trip. It falls where a turn handles many requests at once."),
    ],
    "load": [
        (the_cases.P50, True, "Lower is better: half of the answers came sooner. A line ends where the broker no longer followed."),
        (the_cases.P99, True, "Lower is better: one in a hundred took longer, from the moment it was meant to be sent."),
        (the_cases.P999, True, "Lower is better: one in a thousand took longer. A short hiccup of the machine shows here first."),
    ],
    "memory": [
        (the_cases.CONNECTION, False, "Lower is better: what one more idle connection costs. It should stay flat."),
        (IN_ALL, True, "Lower is better: the whole broker, with that many idle connections."),
    ],
}
for _kind in ("exact", "plus", "hash"):
    DRAWN[f"match-{_kind}"] = [
        (the_cases.MATCH, False, "Lower is better: the way of one message through the broker. Flat means that the number of subscriptions does not matter."),
        (SUBSCRIPTION, False, "Lower is better: resident memory for each subscription."),
    ]

PERCENTILES = ("open-loop", "half-best")
PERCENTILES_HOW = ("Lower is better. At 99 on the x axis one answer in a hundred took longer. "
                   "A line that turns up early has many slow answers. The round with the median p99 is shown.")


def axis(label, unit, scale):
    """`scale`: linear, log2, log10 or percentile."""
    return {"label": label, "unit": unit, "scale": scale}


def plot(name, title, how, axes, lines):
    """`lines`: name -> {x: y}. None where there is nothing to draw."""
    lines = {peer: points for peer, points in lines.items() if points}
    if not lines:
        return None
    xs = sorted(set().union(*lines.values()))
    return {"name": name, "title": title, "how": how, "x": axes[0], "y": axes[1], "xs": xs,
            "series": [{"peer": peer, "ys": [points.get(x) for x in xs]} for peer, points in lines.items()]}


def over_points(summary, case):
    for metric, logarithmic, how in DRAWN.get(case.name, ()):
        lines = {}
        for peer in summary.peers:
            medians = {point: summary.median(case, peer.name, metric, point) for point in case.points}
            lines[peer.name] = {point: value for point, value in medians.items() if value is not None}
        axes = (axis(case.axis, "", "log2" if case.over == "window" else "log10"),
                axis(metric.label, metric.unit, "log10" if logarithmic else "linear"))
        yield plot(f"{case.name}-{metric.path}", f"{case.title}: {metric.label}", how, axes, lines)


def middle_run(runs):
    """The one whose p99 is the median, or the lower one of two in the middle."""
    timed = [run for run in runs if run.result and value_at(run.result, "latency_us.p99") is not None]
    if not timed:
        return None
    middle = statistics.median_low(value_at(run.result, "latency_us.p99") for run in timed)
    return next(run for run in timed if value_at(run.result, "latency_us.p99") == middle)


def percentiles(summary, case):
    lines = {}
    for peer in summary.peers:
        run = middle_run(summary.measured.of(case.name, peer.name))
        points = run.result.get("percentiles") or [] if run else []
        lines[peer.name] = {percent: value for percent, value in points if percent < 100}
    axes = (axis("percentile", "%", "percentile"), axis("latency", "us", "log10"))
    title = case.title.rpartition(":")[0] + ": latency"
    return plot(f"{case.name}-percentiles", title, PERCENTILES_HOW, axes, lines)


def all_plots(summary, cases):
    found = [percentiles(summary, case) for case in cases if case.name in PERCENTILES]
    for case in cases:
        found += over_points(summary, case)
    return [drawn for drawn in found if drawn]


def bars(summary, cases):
    """For each case of the table one bar a peer, as long as its value."""
    found = []
    for case in cases:
        values = [(peer.name, summary.median(case, peer.name, case.metric)) for peer in summary.peers]
        values = [{"peer": name, "value": value} for name, value in values if value is not None]
        if values and not case.is_plot:
            found.append({"title": case.title, "unit": case.metric.unit, "label": case.metric.label,
                          "more_is_better": case.metric.more_is_better, "values": values})
    return found
