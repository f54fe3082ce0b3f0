"""The plots of the report, as data that page.js draws. A plot has the x values that all its series share;
where a series has none at one of them there is None."""
import statistics

from side_by_side import cases as the_cases
from side_by_side.summary import value_at

SUBSCRIPTION = the_cases.Metric("bytes_per_subscription", "memory for each", "B")
IN_ALL = the_cases.Metric("rss_after_bytes", "memory in all", "B")

# case -> what is drawn of it: title, metric, scale, how to read it.
DRAWN = {
    "window": [
        ("Throughput over requests in flight", the_cases.ROUND_TRIPS, "log10",
         "Higher is better. To the left latency decides, to the right CPU; a line that stays flat has reached its limit."),
        ("Broker CPU for each round trip", the_cases.CPU, "log10",
         "Lower is better. It falls where a turn of the broker handles many requests at once."),
    ],
    "load": [
        ("Latency over load: p50", the_cases.P50, "log10",
         "Lower is better: half of the answers came sooner. A line ends where the broker no longer followed."),
        ("Latency over load: p99", the_cases.P99, "log10",
         "Lower is better: one answer in a hundred took longer, counted from when its request was due."),
        ("Latency over load: p99.9", the_cases.P999, "log10",
         "Lower is better: one answer in a thousand took longer. Hiccups of the machine show here first."),
    ],
    "memory": [
        ("Memory for each idle connection", the_cases.CONNECTION, "linear",
         "Lower is better, and flat: a connection costs the same however many there are."),
        ("Memory of the whole broker with idle connections", IN_ALL, "log10",
         "Lower is better. To the left what the broker itself takes, to the right what its connections take."),
    ],
}
for _name, _title in (("exact", "Exact filters"), ("plus", "Filters with +"), ("hash", "Filters with #")):
    DRAWN[f"match-{_name}"] = [
        (f"{_title}: one message over all subscriptions", the_cases.MATCH, "linear",
         "Lower is better: the whole way of one message. Flat: the number of subscriptions does not matter."),
        (f"{_title}: broker CPU for each message", the_cases.CPU, "linear",
         "Lower is better. Without the time that broker and generator wait for each other."),
        (f"{_title}: memory for each subscription", SUBSCRIPTION, "linear",
         "Lower is better: resident memory of the broker, divided by all subscriptions."),
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
    for title, metric, scale, how in DRAWN.get(case.name, ()):
        lines = {}
        for peer in summary.peers:
            medians = {point * case.times: summary.median(case, peer.name, metric, point) for point in case.points}
            lines[peer.name] = {point: value for point, value in medians.items() if value is not None}
        axes = (axis(case.axis, "", "log2" if case.over == "window" else "log10"),
                axis(metric.label, metric.unit, scale))
        yield plot(f"{case.name}-{metric.path}", title, how, axes, lines)


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
    title = "Latency at " + case.title.rpartition(":")[0]
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
