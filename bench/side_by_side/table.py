"""The tables on standard output: one row a case in short, and one row a peer for each case in full."""
from side_by_side import cases as the_cases

MISSING = "-"
SCALES = {"/s": ((1e6, " M"), (1e3, " k"), (1, "")), "us": ((1e6, " s"), (1e3, " ms"), (1, " us")),
          "B": ((1e6, " MB"), (1e3, " kB"), (1, " B")), "s": ((1, " s"),), "": ((1, ""),)}


def digits(value):
    """Three of them."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def shown(value, unit=""):
    if value is None:
        return MISSING
    for scale, name in SCALES[unit]:
        if abs(value) >= scale:
            return digits(value / scale) + name
    return digits(value) + SCALES[unit][-1][1]


def percent(value):
    return MISSING if value is None else f"{100 * value:.0f} %"


def aligned(rows):
    """First column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    return lines


def markdown(rows):
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "| --- |" + " ---: |" * (len(rows[0]) - 1))
    return lines


def aims(summary, cases):
    """What Wilco is meant to reach, and what it did."""
    rows = [["case", "aim", "measured", "reached"]]
    for case in cases:
        for aim in case.aims:
            value = summary.aim(case, aim)
            unit = "" if aim.to else aim.metric.unit
            whom = f" of {aim.to}" if aim.to else ""
            sign = "at least" if aim.metric.more_is_better else "at most"
            reached = MISSING if value is None else "yes" if aim.is_reached_by(value) else "NO"
            rows.append([case.title, f"{aim.metric.label} {sign} {shown(aim.bound, unit)}{whom}",
                         shown(value, unit), reached])
    return rows


def overview(summary, cases):
    """The table of the whole run."""
    rows = [["case", "relay", "relay, MQTT", "best MQTT peer", "mosquitto", "nats-server", "Wilco",
             "of best", "of limit", "CPU each"]]
    for case in cases:
        best, limit = summary.best(case, case.metric), summary.limit(case)

        def cell(peer, case=case):
            return shown(summary.median(case, peer, case.metric), case.metric.unit)

        def ratio(other, case=case):
            return shown(summary.ratio(case, "wilco", other, case.metric)) if other else MISSING

        rows.append([case.title, cell("relay"), cell("relay, MQTT"), f"{best} {cell(best)}" if best else MISSING,
                     cell("mosquitto"), cell("nats-server"), cell("wilco"), ratio(best), ratio(limit),
                     shown(summary.median(case, "wilco", the_cases.CPU), "us")])
    return rows


# Of a peer in one case. Those that are empty for everybody are left out.
RSS = the_cases.Metric("broker_rss_bytes", "memory in all", "B")
RATE = the_cases.Metric("per_second", "rate", "/s")
EXTRA = (RATE, the_cases.CPU, the_cases.P50, the_cases.P99, the_cases.P999, RSS)
GENERATOR = the_cases.Metric("generator_load", "generator", "")


def without_empty_columns(rows):
    kept = [i for i in range(len(rows[0])) if i == 0 or any(row[i] != MISSING for row in rows[1:])]
    return [[row[i] for i in kept] for row in rows]


def details(summary, case):
    """One row for each peer that took part."""
    metric = case.metric
    extra = [other for other in EXTRA if other.path != metric.path]
    bases = (summary.best(case, metric), summary.limit(case))
    rows = [[case.name, metric.label, "of best", "of limit", *(other.label for other in extra),
             "calls each", "generator", "spread", "failed"]]
    for peer in summary.peers:
        runs = summary.measured.of(case.name, peer.name)
        if not runs:
            continue
        row = [peer.name, shown(summary.median(case, peer.name, metric), metric.unit)]
        row += [shown(summary.ratio(case, peer.name, base, metric)) if base else MISSING for base in bases]
        row += [shown(summary.median(case, peer.name, other), other.unit) for other in extra]
        failed = sum(1 for run in runs if run.failure)
        row += [shown(summary.measured.syscalls.get((case.name, peer.name))),
                percent(summary.median(case, peer.name, GENERATOR)),
                percent(summary.spread(case, peer.name, metric)),
                f"{failed} of {len(runs)}" if failed else MISSING]
        rows.append(row)
    return without_empty_columns(rows)


def series(summary, case):
    """One row for each point of a plot, one column for each peer."""
    names = [peer.name for peer in summary.peers
             if any(summary.measured.of(case.name, peer.name, point) for point in case.points)]
    rows = [[case.over, *names]]
    for point in case.points:
        medians = [summary.median(case, name, case.metric, point) for name in names]
        rows.append([str(point * case.times), *(shown(median, case.metric.unit) for median in medians)])
    return rows


def text(summary, cases, as_markdown=False):
    """All tables of a run."""
    layout = markdown if as_markdown else aligned
    parts = []
    in_table = [case for case in cases if not case.is_plot]
    if in_table:
        parts += [layout(overview(summary, in_table)), layout(aims(summary, in_table))]
    for case in cases:
        rows = series(summary, case) if case.is_plot else details(summary, case)
        title = f"{case.title}: {case.metric.label} over {case.axis}" if case.is_plot else case.title
        parts.append([title, "", *layout(rows)])
    return "\n\n".join("\n".join(part) for part in parts) + "\n"
