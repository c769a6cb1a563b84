"""ultralytics, imported so that it cannot reach past this process.

Left alone, it writes a settings file to the home folder, looks for updates, installs
packages and unpickles what it is handed. The switches below are read while it is
imported, so this module is the only one that imports it.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

import torch

# Non-maximum suppression is torchvision's, and far faster, where something has imported
# it, and the library's own elsewhere. Their results differ: which is taken must not depend on
# what else a process does.
import torchvision  # noqa: F401
from PIL import Image


def _isolate() -> None:
    folder = tempfile.mkdtemp(prefix="reprise-ultralytics-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ.update(
        YOLO_CONFIG_DIR=folder,
        MPLCONFIGDIR=folder,
        YOLO_OFFLINE="1",
        YOLO_AUTOINSTALL="0",
        YOLO_VERBOSE="false",
        ULTRALYTICS_SAFE_LOAD="1",
    )


_isolate()

# Importing it puts its own functions in place of these two, for the whole process.
_open_image, _save_tensors = Image.open, torch.save

from ultralytics.data import augment as transforms  # noqa: E402
from ultralytics.nn import tasks  # noqa: E402
from ultralytics.utils import IterableSimpleNamespace  # noqa: E402
from ultralytics.utils.instance import Instances  # noqa: E402
from ultralytics.utils.nms import non_max_suppression  # noqa: E402

Image.open = _open_image
torch.save = _save_tensors

__all__ = ["Instances", "IterableSimpleNamespace", "non_max_suppression", "tasks", "transforms"]
