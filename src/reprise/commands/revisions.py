"""Files of other Git revisions and DVC experiments, from Git, DVC's cache or a remote."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reprise.errors import RepriseError


@contextmanager
def opened_revision(rev: str, what: str, named: str) -> Iterator[Any]:
    """A revision's files, those of DVC among them.

    Args:
        rev: A Git revision, or the name of a DVC experiment.
        what: That is read, as a path of this repository: ``models``.
        named: How the revision was named, for messages: ``--rev main``.

    Yields:
        A ``DVCFileSystem``.

    Raises:
        RepriseError: There is no such revision, or what is read of it inside the block is
            neither in DVC's cache nor on a remote.
    """
    # Takes half a second to import.
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException
    from dvc.scm import SCMError
    from dvc_data.index import DataIndexError
    from scmrepo.exceptions import SCMError as GitError

    if not Path("dvc.yaml").is_file():
        raise RepriseError(
            f"{named}: this folder is not the top folder of a Reprise repository: it has no "
            "dvc.yaml.",
            "change to the folder that holds dvc.yaml and params.yaml.",
        )
    try:
        yield DVCFileSystem(rev=rev, config=_present_remote())
    except (SCMError, GitError) as error:
        raise RepriseError(
            f"{named}: {error}.",
            "name a commit, branch, tag or experiment of this repository: git log, dvc exp show.",
        ) from None
    except (FileNotFoundError, DataIndexError):
        raise RepriseError(
            f"{what} of revision {rev} is neither in DVC's cache here nor on a remote that is set.",
            f"where it was made: git checkout {rev} && dvc push {what}; here, with that remote "
            f"(dvc remote list): git checkout {rev} && dvc pull {what}.",
        ) from None
    except (DvcException, OSError) as error:
        raise RepriseError(
            f"{what} of revision {rev} cannot be read: {error}",
            f"git checkout {rev} && dvc pull {what} says more.",
        ) from None


def files_in(tree: Any, folder: str) -> list[str]:
    """Names of the files in a revision's folder, as DVC knows them; none when it has none."""
    try:
        return [Path(name).name for name in tree.ls(f"/{folder}", detail=False)]
    except FileNotFoundError:
        return []


def plain(rev: str) -> str:
    """A revision as a part of a file name."""
    return re.sub(r"[^\w.~^-]", "_", rev, flags=re.ASCII)[:60]


def _present_remote() -> dict[str, Any]:
    """The default remote of this checkout: the revision may be older than its setting."""
    from dvc.repo import Repo

    with Repo() as repo:
        name = repo.config["core"].get("remote")
    return {"core": {"remote": name}} if name else {}
