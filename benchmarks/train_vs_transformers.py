"""Our training of SAM against the loop that transformers' documentation shows.

Same network and starting weights, images, prompts an image, batch, steps, optimizer, schedule,
loss, threads and workers, in turns in one run, so that a busy machine hurts both; scored by
Reprise's evaluator on the test split, prompted with the ground-truth boxes; both loops prompt
with jittered boxes. The documented one reads JPEG files of the same pixels through SamProcessor.
Run it on an idle machine:

    python benchmarks/train_vs_transformers.py --dataset data/processed

The network is ViT-B, which says nothing about the metric: from random weights both loops draw no
mask in the epochs that a CPU has time for. `--variant nano` compares the metric too, with our
small network in both loops. The documented loop is given its masks decoded, in memory; of ours
`--cache ram` keeps them, and the images, there too.
"""

from __future__ import annotations

import argparse
from typing import Any

from comparison import add_common, compare, open_dataset, parameters, score
from train_vs_torchvision import plain_loop


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--family", choices=["sam"], default="sam")
    add_common(parser, "transformers")
    parser.set_defaults(epochs=3)
    parser.add_argument("--variant", choices=["nano", "medium"], default="medium")
    arguments = parser.parse_args()
    compare(__file__, arguments, "transformers", train_as_documented, ("mean_iou",))


def train_as_documented(arguments: argparse.Namespace, seed: int) -> dict[str, float]:
    import torch

    from reprise.models.family import family_class

    loaded = parameters(arguments, seed)
    training = loaded.training
    torch.set_num_threads(training.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(seed)
    data = open_dataset(arguments)
    family: Any = family_class("sam")(loaded.model, data.class_names, arguments.image_size)
    # transformers has no network that is small enough to learn from nothing.
    small = arguments.variant == "nano"
    network = family.network if small else plain_network(family.network)
    samples = Prompted(data, arguments, seed, family.network.cell)
    rate = plain_loop(network, samples, together, documented_loss, arguments, training)
    family.network.load_state_dict(network.state_dict())
    family.network.eval()
    return {"images_per_second": rate, **score(arguments, family)}


def plain_network(prompted: Any) -> Any:
    """transformers' own SamModel with the weights of ours, the same of them held still."""
    import torch
    from transformers import SamModel

    network: Any = SamModel(prompted.config)
    network.load_state_dict(prompted.state_dict())
    network.vision_encoder.patch_embed.image_size = prompted.vision_encoder.patch_embed.image_size
    # It takes position embeddings of its image's size, to which ours are resized on their way.
    side = prompted.config.prompt_encoder_config.image_embedding_size
    places = network.vision_encoder.pos_embed.detach().permute(0, 3, 1, 2)
    resized = torch.nn.functional.interpolate(places, (side, side), mode="bicubic")
    for one in (prompted, network):
        one.vision_encoder.pos_embed = torch.nn.Parameter(resized.permute(0, 2, 3, 1).contiguous())
    held = {name for name, weights in prompted.named_parameters() if not weights.requires_grad}
    for name, weights in network.named_parameters():
        weights.requires_grad_(name not in held)
    return network


class Prompted:
    """The train split as JPEG files with masks, prompted by jittered boxes."""

    def __init__(self, data: Any, arguments: argparse.Namespace, seed: int, cell: int) -> None:
        import numpy as np
        from transformers import SamImageProcessor, SamProcessor

        from reprise.models.instance_samples import InstanceSamples

        size = arguments.image_size
        self._processor = SamProcessor(
            SamImageProcessor(size={"longest_edge": size}, pad_size={"height": size, "width": size})
        )
        self._size = size
        self._cell = cell
        self._rng = np.random.default_rng(seed)
        self._paths, self._objects = [], []
        folder = arguments.folder / "images"
        folder.mkdir()
        samples = InstanceSamples(data, "train", size, masks=True)
        for index, row in enumerate(data.split("train").itertuples()):
            path = folder / f"{row.image_id}.jpg"
            path.write_bytes(data.encoded(row.shard, row.offset, row.length))
            self._paths.append(path)
            sample = samples[index]
            # Boxes are prompts in pixels of the file; the masks are of the network's image.
            ratio = max(row.width, row.height) / size
            self._objects.append((sample["boxes"] * ratio, sample["masks"]))

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> dict[str, Any]:
        import torch
        from PIL import Image

        from reprise.models.sam.samples import PROMPTS, covered, jittered

        boxes, masks = self._objects[index]
        chosen = torch.from_numpy(self._rng.permutation(len(boxes))[:PROMPTS])
        with Image.open(self._paths[index]) as file:
            image = file.convert("RGB")
        prompts = jittered(boxes[chosen], (image.height, image.width), self._rng)
        # An image without objects gets a prompt that counts for nothing.
        given = prompts.tolist() or [[0.0, 0.0, 1.0, 1.0]]
        inputs = self._processor(image, input_boxes=[given], return_tensors="pt")
        targets = covered(masks[chosen], self._size, self._cell).float() / self._cell**2
        return {
            "pixels": inputs["pixel_values"][0],
            "boxes": inputs["input_boxes"][0].float(),
            "targets": targets,
        }


def together(samples: list[dict[str, Any]]) -> dict[str, Any]:
    """A batch whose images have equally many prompts, the last of them empty."""
    import torch
    from torch.nn.utils.rnn import pad_sequence

    return {
        "pixels": torch.stack([sample["pixels"] for sample in samples]),
        "boxes": pad_sequence([sample["boxes"] for sample in samples], batch_first=True),
        "targets": [sample["targets"] for sample in samples],
    }


def documented_loss(network: Any, batch: dict[str, Any]) -> Any:
    """The mean over an image's prompts, then over images."""
    import torch

    from reprise.models.sam.family import mask_losses
    from reprise.models.sam.network import PromptedSam

    pixels, boxes = batch["pixels"], batch["boxes"]
    if isinstance(network, PromptedSam):
        by_box = torch.ones(boxes.shape[:2], dtype=torch.bool)
        masks, scores = network(pixels, boxes=boxes, points=boxes[..., :2], by_box=by_box)
    else:
        found = network(pixel_values=pixels, input_boxes=boxes, multimask_output=False)
        masks, scores = found.pred_masks[:, :, 0], found.iou_scores[:, :, 0]
    total = masks.sum() * 0
    for logits, ious, targets in zip(masks, scores, batch["targets"], strict=True):
        if len(targets):
            own = mask_losses(logits[: len(targets)], ious[: len(targets)], targets)
            total = total + torch.stack(list(own.values())).sum(dim=0).mean()
    return total / len(batch["targets"])


if __name__ == "__main__":
    main()
