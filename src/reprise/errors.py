"""The one exception that a person is meant to read."""

from __future__ import annotations


class RepriseError(Exception):
    """Something a person can put right.

    Args:
        problem: What is wrong and where: the file, image, box or parameter.
        fix: What to do about it, as an instruction.

    Every stage and command prints ``problem`` and ``fix`` and exits with status 1;
    a traceback is kept for defects in Reprise itself.
    """

    def __init__(self, problem: str, fix: str) -> None:
        super().__init__(f"{problem}\n  To fix: {fix}")
        self.problem = problem
        self.fix = fix

    def __reduce__(self) -> tuple[type[RepriseError], tuple[str, str]]:
        # So that a worker process can hand one to its parent.
        return type(self), (self.problem, self.fix)
