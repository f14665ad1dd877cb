"""What a server used: processor seconds and memory of all its processes (proc(5)), octets on the disk."""

import itertools
import os
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_EVERY = 0.1  # seconds between looks at the memory
_SHARED_OUT = 20  # to share pages out, the kernel walks them all and holds the process up: that is looked at seldom
_PROC = Path("/proc")


@dataclass
class Used:
    """Of one operation: seconds of all processors together, and the most memory seen, in octets.

    `resident` counts a page that processes share once for each; `own` shares such a page out among them (PSS).
    """

    cpu: float = 0.0
    resident: int = 0
    own: int = 0


@dataclass(frozen=True)
class Meter:
    """Looks at a process and all that came of it."""

    root: int
    most: Used = field(default_factory=Used)

    @contextmanager
    def running(self) -> Generator[Used]:
        """What was used inside; `most` keeps the most of all times."""
        used, ended, before = Used(), threading.Event(), self.cpu()
        thread = threading.Thread(target=self._watch, args=(used, ended), daemon=True)
        thread.start()
        try:
            yield used
        finally:
            ended.set()
            thread.join()
            used.cpu = self.cpu() - before
            self.most.resident = max(self.most.resident, used.resident)
            self.most.own = max(self.most.own, used.own)

    def cpu(self) -> float:
        """Seconds used so far, in user and in system mode; children that have ended are counted by their parents."""
        total = 0
        for pid in self.processes():
            stat = _read(pid, "stat").rpartition(")")[2].split()
            total += sum(map(int, stat[11:15])) if stat else 0
        return total / _TICKS

    def processes(self) -> list[int]:
        """The root and everything below it that lives."""
        found = [self.root]
        for pid in found:
            for task in _tasks(pid):
                found += map(int, _read(pid, f"task/{task}/children").split())
        return found

    def _watch(self, used: Used, ended: threading.Event) -> None:
        for look in itertools.count(1):
            used.resident = max(used.resident, sum(map(_resident, self.processes())))
            is_over = ended.wait(_EVERY)
            if is_over or look % _SHARED_OUT == 0:
                used.own = max(used.own, sum(map(_own, self.processes())))
            if is_over:
                return


def on_disk(folder: Path) -> int:
    """Octets that the files of a folder take, whole blocks counted."""
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*") if path.exists())


def _resident(pid: int) -> int:
    pages = _read(pid, "statm").split()
    return int(pages[1]) * _PAGE if pages else 0


def _own(pid: int) -> int:
    for line in _read(pid, "smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) << 10
    return 0


def _read(pid: int, name: str) -> str:
    """The file, or nothing of a process that has ended meanwhile."""
    try:
        return (_PROC / str(pid) / name).read_text()
    except OSError:
        return ""


def _tasks(pid: int) -> list[str]:
    try:
        return [path.name for path in (_PROC / str(pid) / "task").iterdir()]
    except OSError:
        return []
