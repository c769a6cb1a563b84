"""The networks of the SAM family: those of transformers, answering prompts in one call.

Kirillov et al., Segment Anything (2023), and Ravi et al., SAM 2 (2024). The modules and
their names are transformers', so that published weights load by name. What a prompt alone
does not reach (mask prompts, the alternative masks of an ambiguous point, SAM 2's score of
an object's presence) is held still.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from reprise.models.sam.configs import sam2_config, sam_config

# transformers is imported after sam.configs, which switches its network access off.
from transformers import Sam2Model, SamModel  # isort: skip

Maps = list[torch.Tensor]
# A point is drawn with a radius of this part of the image's side.
SPOT = 16


class _Prompted(nn.Module):
    """A network with one mask a prompt.

    Called with ``pixels``, float (n, 3, s, s), normalised, or with the ``maps`` that an
    earlier call gave; and with prompts, all three: ``boxes`` float (n, k, 4) xyxy and
    ``points`` float (n, k, 2), x and y, in input pixels, and ``by_box`` bool (n, k), which of
    the two counts. Gives mask logits (n, k, s / ``cell``, s / ``cell``) and predicted IoUs
    (n, k); without prompts, the encoder's maps.

    Attributes:
        cell: Side of a mask's cell in input pixels.
        draws: Whether prompts are given as mask prompts too, a filled box or a spot, each in
            its place: a small network learns from random weights what to do with them in
            minutes. Published weights expect none.
    """

    cell: int
    draws: bool
    mask_decoder: Any
    prompt_encoder: Any
    get_image_wide_positional_embeddings: Callable[[], torch.Tensor]
    # Of each network itself.
    encode: Callable[[torch.Tensor | None], Maps]
    images: Callable[[Maps], dict[str, Any]]

    def forward(
        self,
        pixels: torch.Tensor | None = None,
        maps: Maps | None = None,
        boxes: torch.Tensor | None = None,
        points: torch.Tensor | None = None,
        by_box: torch.Tensor | None = None,
    ) -> Any:
        maps = self.encode(pixels) if maps is None else maps
        if boxes is None or points is None or by_box is None:
            return maps
        for_each = [level.repeat_interleave(boxes.shape[1], dim=0) for level in maps]
        masks, ious, *_ = self.mask_decoder(
            **self.images(for_each),
            **self._prompts(boxes, points, by_box),
            multimask_output=False,
        )
        return masks.reshape(*boxes.shape[:2], *masks.shape[-2:]), ious.reshape(boxes.shape[:2])

    def _prompts(
        self, boxes: torch.Tensor, points: torch.Tensor, by_box: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """What the decoder asks for beside images: n x k prompts, each as if alone in its image.

        Every weight takes part, whichever prompts there are.
        """
        encoder = self.prompt_encoder
        boxes, points, by_box = boxes.reshape(-1, 1, 4), points.reshape(-1, 1, 2), by_box.flatten()
        # In 16 bits a place in a large image would be off by pixels.
        with torch.autocast(boxes.device.type, enabled=False):
            as_boxes, dense = encoder(None, None, boxes, None)
            labels = torch.ones((len(points), 1, 1), device=points.device, dtype=torch.int)
            as_points, _ = encoder(points[:, :, None], labels, None, None)
            # SAM 2 has one token more for a box: an empty one, as a point may have too.
            missing = as_boxes.shape[2] - as_points.shape[2]
            empty = encoder.not_a_point_embed.weight.expand(len(points), 1, missing, -1)
            tokens = torch.where(
                by_box[:, None, None, None], as_boxes, torch.cat([as_points, empty], dim=2)
            )
            places = self.get_image_wide_positional_embeddings()
            if self.draws:
                dense = encoder.mask_embed(
                    _drawn(boxes[:, 0], points[:, 0], by_box, encoder.input_image_size, self.cell)
                )
        return {
            "image_positional_embeddings": places.expand(len(boxes), -1, -1, -1),
            "sparse_prompt_embeddings": tokens,
            "dense_prompt_embeddings": dense,
        }

    def _set_up(self, config: Any, draws: bool) -> None:
        """Set the attributes, and hold still what no prompt reaches."""
        self.cell = config.prompt_encoder_config.patch_size // 4
        self.draws = draws
        encoder = self.prompt_encoder
        (encoder.no_mask_embed if draws else encoder.mask_embed).requires_grad_(False)
        for head in self.mask_decoder.output_hypernetworks_mlps[1:]:
            head.requires_grad_(False)


class PromptedSam(_Prompted, SamModel):
    """SAM, with random weights.

    Args:
        variant: nano to xlarge.
        image_size: s.

    Raises:
        RepriseError: There is no such variant, or the size does not suit its patches.
    """

    def __init__(self, variant: str, image_size: int) -> None:
        config = sam_config(variant, image_size)
        super().__init__(config)
        self.vision_encoder.patch_embed.image_size = (image_size, image_size)
        # The reference's random frequencies are a constant.
        self.shared_image_embedding.requires_grad_(False)
        self.prompt_encoder.point_embed[0].requires_grad_(False)
        self._set_up(config, variant == "nano")

    def image_encoder(self) -> list[nn.Module]:
        """The modules whose output depends on the image alone."""
        return [self.vision_encoder]

    def images(self, maps: Maps) -> dict[str, Any]:
        """What the decoder asks for of images."""
        return {"image_embeddings": maps[0]}

    def encode(self, pixels: torch.Tensor | None) -> Maps:
        """The maps of images."""
        encoder: Any = self.vision_encoder
        hidden = encoder.patch_embed(pixels)
        places = encoder.pos_embed
        if places.shape[1:3] != hidden.shape[1:3]:
            places = nn.functional.interpolate(
                places.permute(0, 3, 1, 2), size=hidden.shape[1:3], mode="bicubic"
            ).permute(0, 2, 3, 1)
        hidden = hidden + places
        for layer in encoder.layers:
            hidden = layer(hidden)
        return [encoder.neck(hidden)]


class _ContiguousGelu(nn.GELU):
    """The decoder takes views of what it computes, which channels-last weights would undo."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return super().forward(values).contiguous()


class PromptedSam2(_Prompted, Sam2Model):
    """SAM 2 on single images; made as :class:`PromptedSam`."""

    def __init__(self, variant: str, image_size: int) -> None:
        config = sam2_config(variant, image_size)
        super().__init__(config)
        self.mask_decoder.activation = _ContiguousGelu()
        # One draw: places in the image and places of prompts are told in the same terms.
        self.prompt_encoder.shared_embedding.positional_embedding.copy_(
            self.shared_image_embedding.positional_embedding
        )
        self.mask_decoder.pred_obj_score_head.requires_grad_(False)
        self._set_up(config, variant == "nano")

    def image_encoder(self) -> list[nn.Module]:
        # The two convolutions make it five times smaller.
        return [self.vision_encoder, self.mask_decoder.conv_s0, self.mask_decoder.conv_s1]

    def images(self, maps: Maps) -> dict[str, Any]:
        *fine, coarse = maps
        return {
            "image_embeddings": coarse + self.no_memory_embedding.reshape(1, -1, 1, 1),
            "high_resolution_features": fine,
        }

    def encode(self, pixels: torch.Tensor | None) -> Maps:
        fine, middle, coarse = self.vision_encoder(pixels).fpn_hidden_states
        return [self.mask_decoder.conv_s0(fine), self.mask_decoder.conv_s1(middle), coarse]


# By architecture.
NETWORKS: dict[str, type[PromptedSam] | type[PromptedSam2]] = {
    "sam": PromptedSam,
    "sam2": PromptedSam2,
}


def _drawn(
    boxes: torch.Tensor, points: torch.Tensor, by_box: torch.Tensor, side: int, cell: int
) -> torch.Tensor:
    """Float (m, 1, side / cell, side / cell): how much of each cell a box fills, or a spot."""
    starts = torch.arange(0, side, cell, device=boxes.device)
    ends = torch.minimum(boxes[:, 2:, None], starts + cell)
    filled = (ends - torch.maximum(boxes[:, :2, None], starts)).clamp(min=0) / cell
    spots = torch.exp(-(((starts + cell / 2 - points[..., None]) / (side / SPOT)) ** 2))
    across = torch.where(by_box[:, None, None], filled, spots)
    return (across[:, 1, :, None] * across[:, 0, None, :])[:, None]


class MapStore:
    """What a frozen encoder makes of images, kept in memory up to a limit.

    Each image is encoded alone: its maps then depend neither on the batch that it came in
    nor on whether they were kept.

    Args:
        limit: Bytes; images that do not fit are encoded each time.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._kept: dict[int, Maps] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def clear(self) -> None:
        """Forget all images: the encoder has changed."""
        self._kept, self._used = {}, 0

    def maps(self, image_ids: list[int], pixels: torch.Tensor, encode: Callable[..., Maps]) -> Maps:
        """The maps of a batch, (n, channels, h, w) each, on the device of ``pixels``."""
        rows = [
            self._kept.get(image_id) or self._encoded(image_id, pixels[index : index + 1], encode)
            for index, image_id in enumerate(image_ids)
        ]
        return [torch.stack(level).to(pixels.device) for level in zip(*rows, strict=True)]

    def _encoded(self, image_id: int, pixels: torch.Tensor, encode: Callable[..., Maps]) -> Maps:
        with torch.no_grad():
            maps = [level[0].cpu() for level in encode(pixels)]
        size = sum(level.nbytes for level in maps)
        if self._used + size <= self._limit:
            self._kept[image_id] = maps
            self._used += size
        return maps
