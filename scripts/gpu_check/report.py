# SPDX-License-Identifier: Apache-2.0
"""What was found: as a table for people, as markdown for bench/RESULTS.md, and as lines of JSON."""
import json
import time


class Report:
    def __init__(self, out, device, commit):
        self.out, self.device, self.commit = out, device, commit
        self.facts, self.checks, self.tables, self.notes = [], [], [], []
        self.results = open(out / "results.jsonl", "w", encoding="utf-8")

    def fact(self, name, value):
        if value:
            self.facts.append((name, value))

    def check(self, name, verdict, detail=""):
        """verdict: right, wrong, late (no answer in time) or skipped."""
        self.checks.append((name, verdict, detail))
        self.write()

    def table(self, title, header, rows, note=""):
        if rows:
            self.tables.append((title, header, [[str(cell) for cell in row] for row in rows], note))
            self.write()

    def note(self, text):
        self.notes.append(text)

    def result(self, record):
        self.results.write(json.dumps(record) + "\n")
        self.results.flush()

    def count(self, *verdicts):
        return sum(verdict in verdicts for _, verdict, _ in self.checks)

    def is_right(self):
        return self.count("wrong", "late") == 0 and self.count("right") > 0

    def verdict(self):
        text = f"{self.count('right')} checks right, {self.count('wrong')} wrong, {self.count('late')} late, " \
               f"{self.count('skipped')} skipped"
        return f"correctness {'held' if self.is_right() else 'NOT held'}: {text}"

    def write(self):
        """Again after every phase, so that what is known is there whatever happens next."""
        (self.out / "report.txt").write_text(self.as_text(), encoding="utf-8")
        (self.out / "report.md").write_text(self.as_markdown(), encoding="utf-8")

    def as_text(self):
        lines = [f"gpu-check, {time.strftime('%Y-%m-%d %H:%M')}, {self.device}, commit {self.commit}", ""]
        lines += [f"{name:22} {value}" for name, value in self.facts]
        lines += ["", *aligned(("check", "verdict", ""), self.checks)]
        for title, header, rows, note in self.tables:
            lines += ["", title, *aligned(header, rows)] + ([note] if note else [])
        lines += ["", *self.notes, "", self.verdict(), ""]
        return "\n".join(lines)

    def as_markdown(self):
        lines = [f"## On {self.device}", "", f"`scripts/gpu-check`, {time.strftime('%Y-%m-%d')}, commit {self.commit}. " +
                 " ".join(f"{name}: {value}." for name, value in self.facts), "", self.verdict() + "."]
        wrong = [check for check in self.checks if check[1] != "right"]
        if wrong:
            lines += ["", *bars(("check", "verdict", ""), wrong)]
        for title, header, rows, note in self.tables:
            lines += ["", f"### {title}", "", *bars(header, rows)] + (["", note] if note else [])
        return "\n".join(lines + ["", *[f"- {note}" for note in self.notes], ""])


def aligned(header, rows):
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [list(header), *rows]) for i in range(len(header))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in [list(header), *rows]]


def bars(header, rows):
    def line(cells):
        return "| " + " | ".join(str(cell).replace("|", "/") for cell in cells) + " |"
    return [line(header), "|" + "---|" * len(header), *map(line, rows)]
