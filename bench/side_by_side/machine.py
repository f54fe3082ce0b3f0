"""What a report says about where and of what it was made."""
import datetime
import pathlib
import platform
import re
import subprocess


def cpu():
    text = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    match = re.search(r"^model name\s*:\s*(.+)$", text, re.M)
    return match[1] if match else platform.machine()


def commit(folder):
    """Of the sources, with a + where they were changed; nothing where there is no git."""
    try:
        done = subprocess.run(["git", "-C", str(folder), "describe", "--always", "--dirty=+"],
                              capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip()


def facts(cores, folder, rounds, seconds):
    return {
        "when": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit(folder),
        "cpu": cpu(),
        "cores": len(cores.all),
        "kernel": platform.release(),
        "rounds": rounds,
        "seconds": seconds,
    }
