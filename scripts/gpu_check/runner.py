# SPDX-License-Identifier: Apache-2.0
"""Programs in processes of their own, each with a time limit, all within one budget, all in one log."""
import json
import os
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

MAX_LOGGED = 60_000  # characters of one program
MAX_LOG = 10_000_000
GRACE_S = 5  # of a killed program's pipes


@dataclass
class Result:
    name: str
    verdict: str  # "ok", "failed", "late", "skipped"
    output: str = ""
    status: int = 0
    seconds: float = 0.0
    has_budget_ended: bool = False  # late, and by the budget rather than by a limit of its own

    @property
    def is_ok(self):
        return self.verdict == "ok"

    def last_line(self):
        lines = [line for line in self.output.splitlines() if line.strip() and not line.startswith("{")]
        return lines[-1].strip() if lines else ""

    def json(self):
        """The program's line of JSON; None: there is none."""
        for line in reversed(self.output.splitlines()):
            if line.startswith("{"):
                try:
                    return json.loads(line)
                except ValueError:
                    return None
        return None

    def reason(self):
        if self.verdict == "late":
            return f"not done within {self.seconds:.0f} s"
        if self.status < 0:
            try:
                return f"killed by {signal.Signals(-self.status).name}; {self.last_line()}"
            except ValueError:
                return f"killed by signal {-self.status}; {self.last_line()}"
        return f"exit status {self.status}: {self.last_line()}"


class Runner:
    """Thread-safe: several programs may run at once."""

    def __init__(self, out, budget_s, environment):
        self.begin = time.monotonic()
        self.budget_s = budget_s
        self.environment = environment
        self.log = open(out / "log.txt", "w", encoding="utf-8", errors="replace")
        self.lock = threading.Lock()

    def left(self):
        return self.budget_s - (time.monotonic() - self.begin)

    def note(self, text):
        with self.lock:
            if self.log.tell() < MAX_LOG:
                self.log.write(text.rstrip("\n") + "\n")
                self.log.flush()

    def say(self, text):
        print(f"[{time.monotonic() - self.begin:5.0f} s] {text}", flush=True)
        self.note(text)

    def start(self, command, is_ours=True, **options):
        """A process whose whole group can be killed. What is not ours finds its libraries by itself."""
        environment = {**os.environ, **(self.environment if is_ours else {})}
        return subprocess.Popen([str(part) for part in command], start_new_session=True, env=environment, **options)

    def run(self, name, command, limit_s, allowed=(0,), cwd=None):
        """Runs to the end, or kills it at its limit or the budget's."""
        is_cut = self.left() < limit_s
        limit_s = min(float(limit_s), self.left())
        if limit_s <= 1:
            return Result(name, "skipped", "no time left")
        begin = time.monotonic()
        try:
            process = self.start(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 cwd=cwd)
        except OSError as error:
            return Result(name, "failed", str(error), 127)
        is_late = False
        try:
            output, _ = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            is_late = True
            kill(process)
            try:
                output, _ = process.communicate(timeout=GRACE_S)
            except subprocess.TimeoutExpired:  # somebody else holds its pipe, or the driver holds it
                output = b""
        seconds = time.monotonic() - begin
        text = output.decode(errors="replace")
        verdict = "late" if is_late else "ok" if process.returncode in allowed else "failed"
        self.note(f"\n$ {' '.join(str(part) for part in command)}\n{text[-MAX_LOGGED:]}"
                  f"-- {name}: {verdict}, status {process.returncode}, {seconds:.1f} s")
        return Result(name, verdict, text, process.returncode or 0, seconds, is_late and is_cut)

    def run_all(self, jobs, at_once):
        """Results of (name, command, limit) jobs, in their order."""
        with ThreadPoolExecutor(max(1, at_once)) as pool:
            return list(pool.map(lambda job: self.run(*job), jobs))

    def close(self):
        self.log.close()


def kill(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()


class PeerFailure(RuntimeError):
    """Something that is not ours broke: no finding about us."""


class Worker:
    """A program that answers one line for each line; never waited for without a limit."""

    def __init__(self, runner, name, command, limit_s, is_ours=True):
        self.name, self.runner = name, runner
        self.failure = RuntimeError if is_ours else PeerFailure
        self.process = runner.start(command, is_ours, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                    text=True)
        self.lines, self.changed = [], threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        runner.note(f"\n$ {' '.join(str(part) for part in command)}   (answers line by line)")
        if self._next(limit_s) != "ready":
            self.close()
            raise self.failure(f"{name} did not start")

    def _read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.strip())
                self.changed.notify()
        with self.changed:
            self.lines.append(None)  # it is gone
            self.changed.notify()

    def _next(self, limit_s):
        with self.changed:
            if not self.changed.wait_for(lambda: self.lines, timeout=max(0.1, min(limit_s, self.runner.left()))):
                self.close()
                raise self.failure(f"{self.name}: no answer within {limit_s:.0f} s")
            line = self.lines.pop(0)
        if line is None:
            raise self.failure(f"{self.name} died")
        return line

    def ask(self, command, limit_s=30):
        try:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
        except OSError as error:
            raise self.failure(f"{self.name} died at '{command}'") from error
        answer = self._next(limit_s)
        self.runner.note(f"{self.name}: {command} -> {answer}")
        if answer.startswith(("failed", "cannot", "unknown")):
            raise self.failure(f"{self.name}: {command}: {answer}")
        return answer

    def close(self):
        kill(self.process)
        try:
            self.process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            pass
