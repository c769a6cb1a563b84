"""Configurations of the SAM family's networks, for transformers to build."""

from __future__ import annotations

import os
from typing import Any

from reprise.errors import RepriseError

# Read while it is imported: it opens no connection and writes nothing to the home folder.
os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1")

try:
    from transformers import Sam2Config, SamConfig
    from transformers.models.sam2.configuration_sam2 import Sam2HieraDetConfig, Sam2VisionConfig
except ModuleNotFoundError as error:
    raise RepriseError(
        f"model.type: sam needs transformers, and {error.name} is not installed.",
        "pip install reprise[sam], or choose another model.type.",
    ) from None

# Side of the images that published weights were trained on.
PUBLISHED_SIZE = 1024
SAM2_STRIDE = 32

# ViT-B, ViT-L and ViT-H: width, layers, heads, layers that attend to the whole image.
SAM_ENCODERS: dict[str, tuple[int, int, int, list[int]]] = {
    "medium": (768, 12, 12, [2, 5, 8, 11]),
    "large": (1024, 24, 16, [5, 11, 17, 23]),
    "xlarge": (1280, 32, 16, [7, 15, 23, 31]),
}
# Hiera-T, S, B+ and L: width, heads, blocks of each stage, blocks that attend to the whole
# image, windows of each stage, side of the position embedding.
Hiera = tuple[int, int, list[int], list[int], list[int], int]
SAM2_ENCODERS: dict[str, Hiera] = {
    "small": (96, 1, [1, 2, 7, 2], [5, 7, 9], [8, 4, 14, 7], 7),
    "medium": (96, 1, [1, 2, 11, 2], [7, 10, 13], [8, 4, 14, 7], 7),
    "large": (112, 2, [2, 3, 16, 3], [12, 16, 20], [8, 4, 14, 7], 14),
    "xlarge": (144, 2, [2, 6, 36, 4], [23, 33, 43], [8, 4, 16, 8], 7),
    # Not published: small enough to be trained from random weights on a CPU. It also sees its
    # prompts drawn (see network.py), and cannot start from published weights.
    "nano": (32, 1, [1, 1, 2, 1], [3], [8, 4, 4, 4], 7),
}
NANO_WIDTH = 64  # of the decoder
NANO_PATCH = 8
DECODER = {"hidden_size": NANO_WIDTH, "mlp_dim": 256, "num_attention_heads": 4}


def _check_size(network: str, image_size: int, stride: int) -> None:
    if image_size % stride:
        lower = max(image_size // stride, 1) * stride
        raise RepriseError(
            f"data.image_size: {image_size} is not a multiple of {stride}, the stride of "
            f"{network}.",
            f"set data.image_size: {lower} or {lower + stride}.",
        )


def sam_config(variant: str, image_size: int) -> SamConfig:
    """What :class:`~reprise.models.sam.network.PromptedSam` is built from, and what it raises."""
    if variant not in SAM_ENCODERS and variant != "nano":
        raise RepriseError(
            f"model.variant: sam has no {variant}.",
            "choose medium (ViT-B), large (ViT-L), xlarge (ViT-H), nano, or "
            "model.architecture: sam2.",
        )
    patch = NANO_PATCH if variant == "nano" else 16
    _check_size(f"sam {variant}", image_size, patch)
    if variant == "nano":
        vision = {
            "hidden_size": 96, "num_hidden_layers": 4, "num_attention_heads": 4, "mlp_ratio": 2.0,
            "patch_size": patch, "window_size": 8, "global_attn_indexes": [1, 3],
            "output_channels": NANO_WIDTH, "num_pos_feats": NANO_WIDTH // 2,
            "image_size": image_size,
        }  # fmt: skip
        decoder, width = DECODER | {"iou_head_hidden_dim": NANO_WIDTH}, NANO_WIDTH
    else:
        hidden, layers, heads, whole = SAM_ENCODERS[variant]
        # Position embeddings keep the published shape, and are resized on their way.
        vision = {
            "hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads,
            "global_attn_indexes": whole, "image_size": PUBLISHED_SIZE,
        }  # fmt: skip
        decoder, width = {}, 256
    # The library's own default leaves a random encoder at zero.
    config = SamConfig(
        vision_config=vision | {"initializer_range": 0.02},
        prompt_encoder_config={
            "hidden_size": width, "image_size": image_size, "patch_size": patch,
        },
        mask_decoder_config=decoder,
    )  # fmt: skip
    # The paper's; half of the encoder's width, as the library has it, is noise to a decoder
    # that starts from random weights.
    encoder: Any = config.vision_config
    encoder.scale = 1
    return config


def sam2_config(variant: str, image_size: int) -> Sam2Config:
    """The same for :class:`~reprise.models.sam.network.PromptedSam2`."""
    _check_size(f"sam2 {variant}", image_size, SAM2_STRIDE)
    width, heads, blocks, whole, windows, side = SAM2_ENCODERS[variant]
    widths = [width * 2**stage for stage in range(4)]
    nano = variant == "nano"
    hidden = NANO_WIDTH if nano else 256
    vision = Sam2VisionConfig(
        backbone_config=Sam2HieraDetConfig(
            hidden_size=width,
            num_attention_heads=heads,
            blocks_per_stage=blocks,
            global_attention_blocks=whole,
            window_size_per_stage=windows,
            window_positional_embedding_background_size=[side, side],
            embed_dim_per_stage=widths,
            num_attention_heads_per_stage=[heads * 2**stage for stage in range(4)],
            image_size=[image_size, image_size],
        ),
        backbone_channel_list=widths[::-1],
        backbone_feature_sizes=[[image_size // stride] * 2 for stride in (4, 8, 16)],
        fpn_hidden_size=hidden,
    )
    decoder = DECODER | {"iou_head_hidden_dim": NANO_WIDTH} if nano else {}
    # The mask that is trained is the one that is evaluated, never an alternative to it.
    return Sam2Config(
        vision_config=vision,
        prompt_encoder_config={"hidden_size": hidden, "image_size": image_size},
        mask_decoder_config=decoder | {"dynamic_multimask_via_stability": False},
    )
