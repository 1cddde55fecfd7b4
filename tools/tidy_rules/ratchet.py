"""tools/tidy.ratchet: what is tolerated, each with a number that may only go down.

A line is `rule path[:function] number  # reason`; lines that begin with # are kept as they are.
"""
import re

from .tree import Finding

LINE = re.compile(r"^(?P<rule>\S+)\s+(?P<path>\S+)\s+(?P<number>\d+)\s*(?P<reason>#.*)?$")


def measure(findings):
    """Amount by key: lengths as they are (the longest of overloads), occurrences added up."""
    amounts = {}
    for finding in findings:
        old = amounts.get(finding.key, 0)
        amounts[finding.key] = old + finding.amount if finding.sums else max(old, finding.amount)
    return amounts


class Ratchet:
    def __init__(self, path):
        self.path = path
        self.lines = path.read_text().splitlines() if path.exists() else []
        self.numbers, self.line_of, self.bad = {}, {}, []
        for number, text in enumerate(self.lines, 1):
            if not text.strip() or text.startswith("#"):
                continue
            match = LINE.match(text)
            key = (match["rule"], match["path"]) if match else None
            if key is None or key in self.numbers:
                self.bad.append(Finding("ratchet", self.name, number, "not `rule path number`, or there twice"))
                continue
            self.numbers[key], self.line_of[key] = int(match["number"]), number

    name = "tools/tidy.ratchet"

    def problems(self, findings):
        """What is past its number, all of it where there is none; and numbers higher than they need be."""
        amounts = measure(findings)
        result = list(self.bad)
        for finding in findings:
            allowed = self.numbers.get(finding.key, 0)
            if amounts[finding.key] > allowed:
                if allowed:
                    finding.why += f" (the ratchet allows {allowed})"
                result.append(finding)
        for key, allowed in self.numbers.items():
            if amounts.get(key, 0) < allowed:
                now = amounts.get(key, 0)
                why = f"{key[0]} of {key[1]} is now {now}, not {allowed}: run tools/tidy --update-ratchet"
                result.append(Finding("ratchet", self.name, self.line_of[key], why))
        return result

    def shrink(self, findings):
        """Lowers numbers and drops what is no longer needed. Never raises, never adds."""
        amounts = measure(findings)
        kept = []
        for text in self.lines:
            match = None if text.startswith("#") else LINE.match(text)
            if match:
                now = amounts.get((match["rule"], match["path"]), 0)
                if now == 0:
                    continue
                if now < int(match["number"]):
                    reason = f"  {match['reason']}" if match["reason"] else ""
                    text = f"{match['rule']} {match['path']} {now}{reason}"
            kept.append(text)
        if kept != self.lines:
            self.path.write_text("\n".join(kept) + "\n")
        self.__init__(self.path)
