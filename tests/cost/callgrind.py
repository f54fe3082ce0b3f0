"""What callgrind wrote: instructions in all, and how often the broker asked for memory."""
import dataclasses
import re

ALLOCATORS = re.compile(r"(mi_)?(malloc|calloc|zalloc|realloc|reallocf|memalign|aligned_alloc|posix_memalign)$")
NAMED = re.compile(r"^(ob|fn|cob|cfn|cfi|cfl)=(?:\((\d+)\))?\s*(.*)$")
CALLS = re.compile(r"^calls=(\d+)")
SUMMARY = re.compile(r"^(?:summary|totals): (\d+)")


@dataclasses.dataclass
class Profile:
    instructions: int = 0
    allocations: int = 0


class Names:
    """A name is written once, as `(number) name`, and is `(number)` from then on."""

    def __init__(self):
        self.known = {}

    def of(self, number, name):
        if number is None:
            return name
        if name:
            self.known[number] = name
        return self.known.get(number, "")


def read_profile(path, program):
    """Calls of allocators count where they come from the program itself; the libraries have no part in what
    it does for each message."""
    profile = Profile()
    objects, functions = Names(), Names()
    caller, callee = "", ""
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if match := NAMED.match(line):
                key, number, name = match.groups()
                if key == "ob":
                    caller = objects.of(number, name)
                elif key == "cob":
                    objects.of(number, name)
                elif key in ("fn", "cfn"):
                    callee = functions.of(number, name)
            elif (match := CALLS.match(line)) and caller == str(program) and ALLOCATORS.match(callee):
                profile.allocations += int(match[1])
            elif match := SUMMARY.match(line):
                profile.instructions = int(match[1])
    return profile
