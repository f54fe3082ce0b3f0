"""report.json, with everything that was measured, and report.html, one page that needs nothing else."""
import dataclasses
import html
import json
import pathlib

from side_by_side import plots, table

HERE = pathlib.Path(__file__).resolve().parent
UPLOT = HERE.parent / "node_modules" / "uplot" / "dist"


def missing(uplot=UPLOT):
    """What the page needs and is not there; None: nothing."""
    needed = (uplot / "uPlot.min.css", uplot / "uPlot.iife.min.js")
    return next((path for path in needed if not path.is_file()), None)


def as_json(summary, cases, facts):
    return {
        "machine": facts,
        "peers": [{"name": peer.name, "role": peer.role, "command": list(peer.command)} for peer in summary.peers],
        "cases": [dataclasses.asdict(case) for case in cases],
        "syscalls": [{"case": case, "peer": peer, "each": each}
                     for (case, peer), each in summary.measured.syscalls.items()],
        "runs": [dataclasses.asdict(run) for run in summary.measured.runs],
    }


def html_table(rows):
    def row(cells, tag):
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    return "<table>" + row(rows[0], "th") + "".join(row(cells, "td") for cells in rows[1:]) + "</table>"


def for_script(data):
    """JSON that may stand inside a script element."""
    return json.dumps(data, ensure_ascii=False).replace("</", "<\\/")


def page(summary, cases, facts, uplot=UPLOT):
    in_table = [case for case in cases if not case.is_plot]
    data = {"peers": [{"name": peer.name, "role": peer.role} for peer in summary.peers],
            "plots": plots.all_plots(summary, cases), "bars": plots.bars(summary, cases)}
    parts = {
        "machine": html.escape(f"{facts['when']} · commit {facts['commit']} · {facts['cpu']}, {facts['cores']} cores · "
                               f"Linux {facts['kernel']} · rounds: {facts['rounds']} of {facts['seconds']:g} s"),
        "overview": html_table(table.overview(summary, in_table)) if in_table else "",
        "aims": html_table(table.aims(summary, in_table)) if in_table else "",
        "details": "".join(f"<h3>{html.escape(case.title)}</h3>" + html_table(table.details(summary, case))
                           for case in in_table),
        "data": for_script(data),
        "uplot_css": (uplot / "uPlot.min.css").read_text(encoding="utf-8"),
        "uplot_js": (uplot / "uPlot.iife.min.js").read_text(encoding="utf-8"),
        "css": (HERE / "page.css").read_text(encoding="utf-8"),
        "js": (HERE / "page.js").read_text(encoding="utf-8"),
    }
    text = (HERE / "page.html").read_text(encoding="utf-8")
    for name, part in parts.items():
        text = text.replace("{{" + name + "}}", part)
    return text


def write(folder, summary, cases, facts, uplot=UPLOT):
    """Both files; their paths."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / "report.json", folder / "report.html"
    paths[0].write_text(json.dumps(as_json(summary, cases, facts), indent=1) + "\n", encoding="utf-8")
    paths[1].write_text(page(summary, cases, facts, uplot), encoding="utf-8")
    return paths
