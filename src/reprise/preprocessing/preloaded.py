"""What every process that reads images imports: the fork server does it for all of them."""

from __future__ import annotations

import imagehash
import scipy.fftpack

from reprise.preprocessing.decode import process_image
from reprise.preprocessing.decode.decoder import open_formats

__all__ = ["imagehash", "process_image", "scipy"]

open_formats()
