"""Published pickles, read without running them.

ultralytics publishes whole modules (``.pt``), Detectron2 a table of arrays (``.pkl``). Both are
opened by an unpickler in which each class or function that such a file needs is replaced by
a stand-in, which takes what it is given and does nothing; any other is refused by its name.
Tensors are then taken out of what the stand-ins were given.
"""

from __future__ import annotations

import math
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch

from reprise.errors import RepriseError

Tensors = dict[str, torch.Tensor]
# What ultralytics' files name: modules, settings, and what else lies in a checkpoint. `getattr`
# is there for methods of modules.
STAND_INS = (
    *("torch.nn.modules.", "ultralytics.nn.", "ultralytics.utils.", "ultralytics.yolo."),
    *("torchvision.transforms.", "pathlib.", "builtins.getattr", "argparse.Namespace"),
    *("types.SimpleNamespace", "numpy.dtype", "numpy.dtypes."),
    *("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar"),
)
# What a damaged or hostile file makes the readers raise.
UNREADABLE = (
    *(pickle.UnpicklingError, struct.error, zipfile.BadZipFile, RuntimeError, EOFError, OSError),
    *(ValueError, LookupError, TypeError, AttributeError, AssertionError, MemoryError),
    *(RecursionError, NotImplementedError, ArithmeticError),
)
MAX_DEPTH = 64  # of modules in modules
MAX_MODULES = 100_000
TABLES = ("ema", "model", "state_dict", "model_state_dict")  # where a checkpoint has its weights


class StandIn:
    """In place of a class or function of a file: it keeps its state, and does nothing."""

    state: Any = None

    def __new__(cls, *arguments: object) -> StandIn:  # noqa: ARG004 - none is looked at
        return super().__new__(cls)

    def __setstate__(self, state: object) -> None:
        self.state = state


def read_checkpoint(path: Path) -> tuple[Tensors, list[str] | None] | None:
    """Tensors of a file that torch.save has written, and the names of its classes.

    Args:
        path: A zip, as torch.save writes it.

    Returns:
        None where the file holds plain tensors alone, which ``torch.load`` reads with
        ``weights_only=True``. Else the state dict of its module, or of its averaged one
        (``ema``), in the file's precision; and the names by index, where the module has them.

    Raises:
        RepriseError: It is damaged, names something else than modules and tensors, or holds no
            weights.
    """
    try:
        _check_zip(path)
        with _nothing_allowed():
            needed = torch.serialization.get_unsafe_globals_in_checkpoint(str(path))
            if not needed:
                return None
            for name in sorted(needed):
                if not name.startswith(STAND_INS):
                    _reject(name)
            allowed: list[Any] = [(type("StandIn", (StandIn,), {}), name) for name in needed]
            torch.serialization.add_safe_globals(allowed)
            content = torch.load(path, map_location="cpu", weights_only=True)
        return _weights(content, path.stat().st_size)
    except UNREADABLE as error:
        raise _damaged(error) from None


@contextmanager
def _nothing_allowed() -> Iterator[None]:
    """Set aside what other code of this process, such as ultralytics, lets torch.load make."""
    before = torch.serialization.get_safe_globals()
    torch.serialization.clear_safe_globals()
    try:
        yield
    finally:
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals(before)


def _check_zip(path: Path) -> None:
    """Refuse a zip that is small and grows large: torch.save compresses nothing.

    Raises:
        ValueError: It is one.
    """
    with zipfile.ZipFile(path) as file:
        entries = file.infolist()
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise ValueError("it is compressed")
    if sum(entry.file_size for entry in entries) > path.stat().st_size:
        raise ValueError("its parts overlap")


def _weights(content: Any, limit: int) -> tuple[Tensors, list[str] | None]:
    """State dict and class names of what a file holds."""
    if isinstance(content, dict):
        found = (content.get(key) for key in TABLES)
        content = next((value for value in found if isinstance(value, StandIn | dict)), content)
    if isinstance(content, StandIn):
        tensors, names = _state_dict(content), _names(content.state)
    else:
        tensors = {
            name: value
            for name, value in content.items()
            if isinstance(name, str) and isinstance(value, torch.Tensor)
        }
        names = None
    if not tensors:
        raise ValueError("it holds no weights")
    # Views of little memory can be as large as they like, and one tensor stand in many places.
    if sum(value.numel() * value.element_size() for value in tensors.values()) > 2 * limit:
        raise ValueError("its tensors are larger than the file")
    plain = {name: value.detach().clone().contiguous() for name, value in tensors.items()}
    return plain, names


def _state_dict(module: StandIn) -> Tensors:
    """What ``state_dict()`` of the module gives that a stand-in stands for."""
    tensors: Tensors = {}
    waiting: list[tuple[str, Any, int]] = [("", module, 0)]
    seen = 0
    while waiting:
        prefix, one, depth = waiting.pop()
        seen += 1
        if depth > MAX_DEPTH or seen > MAX_MODULES:
            raise ValueError("its modules lie in one another without end")
        state = one.state
        hidden = state.get("_non_persistent_buffers_set") or ()
        buffers = {n: v for n, v in state["_buffers"].items() if n not in hidden}
        for name, value in {**state["_parameters"], **buffers}.items():
            if value is None:
                continue
            if not isinstance(value, torch.Tensor):
                raise TypeError(f"{prefix}{name} is no tensor")
            tensors[f"{prefix}{name}"] = value
        for name, inside in state["_modules"].items():
            if isinstance(inside, StandIn):
                waiting.append((f"{prefix}{name}.", inside, depth + 1))
    return tensors


def _names(state: dict[str, Any]) -> list[str] | None:
    """Class names by index, as ultralytics' modules keep them."""
    names = state.get("names")
    if isinstance(names, dict):
        names = [names[index] for index in range(len(names))]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return None
    return names


class _Type:
    """In place of ``numpy.dtype``."""

    def __init__(self, code: str, *_: object) -> None:
        self.code = code
        self.order = "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = state[1]


class _Array:
    """In place of ``numpy.ndarray`` and of what makes one: a shape, a type and bytes."""

    array: np.ndarray | None = None

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, by_columns, content = state
        if isinstance(content, str):
            content = content.encode("latin1")  # as Python 2 wrote it
        if kind.code not in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "b1"):
            raise ValueError(f"an array holds {kind.code}, no plain numbers")
        flat = np.frombuffer(content, np.dtype(f"{kind.order}{kind.code}".replace("|", "")))
        if math.prod(shape) != len(flat):
            raise ValueError("an array has another shape than its bytes")
        native = flat.astype(flat.dtype.newbyteorder("="))
        self.array = native.reshape(shape, order="F" if by_columns else "C")


class _Bytes:
    """In place of ``_codecs.encode``, by which Python 3 writes bytes for Python 2; for none, it
    calls ``bytes``."""

    def __new__(cls, text: str = "", encoding: str = "latin1") -> bytes:  # type: ignore[misc]
        if not isinstance(text, str) or encoding != "latin1":
            raise ValueError("bytes are written in an unusual way")
        return text.encode("latin1")


class _ZooUnpickler(pickle._Unpickler):
    """Tables of arrays; in Python, whose memo grows with the file and not with what it says."""

    def find_class(self, module: str, name: str) -> type:
        module = module.replace("numpy._core.", "numpy.core.")
        allowed: dict[str, type] = {
            "collections.OrderedDict": OrderedDict,
            "numpy.ndarray": _Array,
            "numpy.core.multiarray._reconstruct": _Array,
            "numpy.core.multiarray.scalar": StandIn,
            "numpy.dtype": _Type,
            "_codecs.encode": _Bytes,
            "__builtin__.bytes": _Bytes,
        }
        if f"{module}.{name}" not in allowed:
            _reject(f"{module}.{name}")
        return allowed[f"{module}.{name}"]


def read_zoo_file(path: Path) -> Tensors:
    """Tensors of a ``.pkl`` file of Detectron2's model zoo.

    Raises:
        RepriseError: It is damaged, names something else than arrays, or holds no weights.
    """
    try:
        with path.open("rb") as file:
            content = _ZooUnpickler(file, encoding="latin1").load()
        # The files of Detectron, before Detectron2, have their arrays under `blobs` or bare.
        for key in ("model", "blobs"):
            content = content.get(key, content)
        tensors = {
            name: torch.from_numpy(np.array(value.array, order="C"))
            for name, value in content.items()
            if isinstance(name, str) and isinstance(value, _Array) and value.array is not None
        }
    except UNREADABLE as error:
        raise _damaged(error) from None
    if not tensors:
        raise _damaged(ValueError("it holds no weights"))
    return tensors


def _reject(name: str) -> NoReturn:
    raise RepriseError(
        f"the file names {name}, which no weights need: it is damaged, or could run code.",
        "do not trust it. Of weights of your own, save the network's state_dict() alone.",
    )


def _damaged(error: Exception) -> RepriseError:
    reason = str(error).split("\n", 1)[0][:200] or type(error).__name__
    if "weights_only" in reason:
        # The library's own message advises to switch the protection off.
        reason = "it calls what no weights need"
    return RepriseError(
        f"the file is damaged, or holds something else than weights: {reason}",
        "fetch it again, or name a file of plain tensors: .safetensors, or what torch.save makes "
        "of a state_dict().",
    )
