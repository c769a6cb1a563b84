"""Frames of videos, read with OpenCV."""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from reprise.errors import RepriseError

# Containers of files. Others that the library knows lead on to further files and addresses, which
# a playlist by the name of a video could make it open.
CONTAINERS = "mov,matroska,avi,mpegts,mpeg,mpegvideo,ogg,asf,flv"
_CONVERT = "convert it, say with: ffmpeg -i {} -c:v libx264 -pix_fmt yuv420p converted.mp4"


@dataclass(frozen=True)
class Video:
    """What the container says of a video.

    Attributes:
        width: In pixels, upright.
        height: In pixels, upright.
        fps: Frames a second.
        frames: About how many, 0 where it is not known.
    """

    width: int
    height: int
    fps: float
    frames: int


def describe(path: Path) -> Video:
    """What the container says.

    Raises:
        RepriseError: It is no video, or of a kind that does not decode here.
    """
    capture = _opened(path)
    try:
        width, height, fps, frames = (
            float(capture.get(name))
            for name in (
                cv2.CAP_PROP_FRAME_WIDTH,
                cv2.CAP_PROP_FRAME_HEIGHT,
                cv2.CAP_PROP_FPS,
                cv2.CAP_PROP_FRAME_COUNT,
            )
        )
        # Of live streams and damaged files neither is a number to go by.
        fps = fps if 0 < fps <= 1000 else 25.0
        return Video(int(width), int(height), fps, int(frames) if 0 < frames < 1e9 else 0)
    finally:
        capture.release()


def read_frames(path: Path, every: int = 1) -> Generator[tuple[int, np.ndarray], None, None]:
    """Frames of a video with their numbers from 0.

    Args:
        path: The video.
        every: Of so many frames the first is taken.

    Yields:
        The number and uint8 (height, width, 3) RGB, upright. A damaged video ends early.

    Raises:
        RepriseError: It is no video, or not even its first frame decodes.
    """
    capture = _opened(path)
    number = 0
    try:
        while capture.grab():
            if number % every == 0:
                decoded, frame = capture.retrieve()
                if not decoded:
                    break
                yield number, cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            number += 1
    finally:
        capture.release()
    if not number:
        raise RepriseError(
            f"the video {path} does not decode: not even its first frame can be read.",
            f"copy it again, or {_CONVERT.format(path.name)}",
        )


def _opened(path: Path) -> cv2.VideoCapture:
    # Read when the first file is opened. What the libraries say of damaged files helps nobody.
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = f"format_whitelist;{CONTAINERS}"
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    # From the root, so that no name is taken for an address.
    capture = cv2.VideoCapture(str(path.resolve()), cv2.CAP_FFMPEG)
    if not capture.isOpened():
        capture.release()
        raise RepriseError(
            f"{path} cannot be opened as a video: it is none, is cut off, or its kind is not known "
            "here.",
            f"look at it in a player; if it plays, {_CONVERT.format(path.name)}",
        )
    return capture
