"""What each scenario cost when it was recorded, and what may be said about what it costs now."""
import dataclasses

COLUMNS = ("instructions", "system_calls", "allocations")
FORMATS = {"instructions": "{:.0f}", "system_calls": "{:.4f}", "allocations": "{:.4f}"}
GROWTH_MAX = 0.05
FALL_TO_RECORD = 0.10
ROUNDING = {"instructions": 0.5, "system_calls": 0.0005, "allocations": 0.0005}
MADE_WITH = "# made with: "

PAPER = """\
# What the broker spends on each request with its response, or on each delivery of a message: instructions,
# system calls, allocations. `make cost` fails where one of them has grown by more than 5 %.
# `make cost RECORD=1` writes this file: commit it with the change that explains it (CONTRIBUTING.md).
# Instructions are compared only where everything on the next line is the same.
"""


@dataclasses.dataclass(frozen=True)
class Ceilings:
    made_with: str
    rows: dict  # of each scenario: a value for each column


def parse(text):
    made_with, rows = "", {}
    for line in text.splitlines():
        if line.startswith(MADE_WITH):
            made_with = line.removeprefix(MADE_WITH)
        elif line and not line.startswith("#") and not line.startswith("scenario\t"):
            name, *values = line.split("\t")
            rows[name] = dict(zip(COLUMNS, map(float, values), strict=True))
    return Ceilings(made_with, rows)


def unparse(ceilings):
    lines = ["\t".join(("scenario", *COLUMNS))]
    for name, row in ceilings.rows.items():
        lines.append("\t".join((name, *(FORMATS[column].format(row[column]) for column in COLUMNS))))
    return PAPER + MADE_WITH + ceilings.made_with + "\n" + "\n".join(lines) + "\n"


def title(column):
    return column.replace("_", " ")


def change(was, now):
    """As a share of what it was."""
    if was == 0:
        return 0.0 if now == 0 else float("inf")
    return now / was - 1


def has_grown(column, was, now):
    return now > was * (1 + GROWTH_MAX) + ROUNDING[column]


def has_fallen(column, was, now):
    return now < was * (1 - FALL_TO_RECORD) - ROUNDING[column]


def compare(recorded, found):
    """Two lists of sentences: what fails, and what is worth recording."""
    failures, hints = [], []
    columns = [c for c in COLUMNS if c != "instructions" or recorded.made_with == found.made_with]
    failures += [f"{name}: not recorded yet" for name in found.rows.keys() - recorded.rows.keys()]
    failures += [f"{name}: recorded, but not measured" for name in recorded.rows.keys() - found.rows.keys()]
    for name in found.rows.keys() & recorded.rows.keys():
        for column in columns:
            was, now = recorded.rows[name][column], found.rows[name][column]
            sentence = (f"{name}: {FORMATS[column].format(now)} {title(column)} each in the place of "
                        f"{FORMATS[column].format(was)} ({change(was, now):+.1%})")
            if has_grown(column, was, now):
                failures.append(f"{sentence}; {100 * GROWTH_MAX:.0f} % more is allowed")
            elif has_fallen(column, was, now):
                hints.append(sentence)
    return sorted(failures), sorted(hints)
