"""Parameters of the training loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from reprise.models.config import AugmentationConfig, ModelConfig
from reprise.scoring.metrics import METRIC_NAMES
from reprise.section import Neutral, OneOf, Section
from reprise.training.loggers import LOGGERS
from reprise.weights.config import WeightsConfig

Count = Annotated[int, Field(ge=1)]
Metric = Annotated[str, OneOf(METRIC_NAMES)]


class SchedulerConfig(Section):
    """How the learning rate moves over the run."""

    type: Literal["cosine", "linear", "step", "constant"]
    """cosine suits most runs; constant helps when comparing learning rates."""
    warmup_epochs: Annotated[float, Field(ge=0)]
    """The rate rises from zero over so many epochs; longer when early loss is wild."""
    final_fraction: Annotated[float, Field(ge=0, le=1)]
    """cosine and linear end at this fraction of the learning rate."""
    step_epochs: Count
    """step: epochs between two decreases."""
    step_factor: Annotated[float, Field(gt=0, le=1)]
    """step: the factor of each decrease."""


class EarlyStoppingConfig(Section):
    """Which weights are kept, and when to stop waiting for better ones."""

    enabled: bool
    """false trains all epochs; the best weights are kept all the same."""
    metric: Annotated[str, OneOf([*METRIC_NAMES, "loss"])]
    """Judged on val, after each validation: a metric, or loss (lower is better)."""
    patience: Count
    """Stop after so many epochs without improvement. They count from the first validation that
    is better than the blind answer, which looks at no image: before that a run has not started."""
    min_delta: Annotated[float, Field(ge=0)]
    """A smaller gain than this counts as none."""


class TrainingConfig(Section):
    """The training loop."""

    epochs: Count
    """Passes over the train split."""
    steps: Count | None = None
    """Length of the run in optimizer steps, in place of epochs; null counts epochs."""
    batch_size: Count
    """Images a step; as many as memory holds."""
    learning_rate: Annotated[float, Field(gt=0, le=10)]
    """The peak rate; the first thing to tune."""
    optimizer: Literal["adam", "adamw", "sgd"]
    """adamw is forgiving; sgd wants a rate about ten times higher and more epochs."""
    momentum: Annotated[float, Field(ge=0, lt=1)]
    """Momentum of sgd, first beta of adam and adamw."""
    weight_decay: Annotated[float, Field(ge=0)]
    """Pull towards zero of weights (never of biases and norms); raise it against overfitting."""
    scheduler: SchedulerConfig
    """The learning rate over time."""
    early_stopping: EarlyStoppingConfig
    """Choice of the best weights, and early end."""
    mixed_precision: Literal["auto", "none", "bf16", "fp16"]
    """auto is bf16 on a GPU that has it and none elsewhere."""
    gradient_accumulation_steps: Count
    """Batches added up before a step: a large batch in little memory."""
    gradient_clip: Annotated[float, Field(ge=0)]
    """Longest gradient (L2 norm) let through; 0 switches clipping off."""
    label_smoothing: Annotated[float, Field(ge=0, lt=1), Neutral(0.0)] = 0.0
    """Share of each target that is spread over the classes; up to 0.1 against overconfidence."""
    unfreeze_after: Annotated[int, Field(ge=0)] = 0
    """With model.freeze: epochs after which everything is trained; 0 keeps it frozen."""
    channels_last: bool = True
    """Memory layout of the network; false where a network is faster without."""
    compile: bool = False
    """Compile the network with torch.compile: a minute at the start, faster on a GPU."""
    checkpoint_epochs: Annotated[int, Field(ge=0)] = 0
    """Keep the weights of every so many epochs beside best and last; 0 keeps none."""
    keep_state: bool = False
    """Keep, beside the last weights and those of checkpoint_epochs, the whole state that
    training.resume goes on from: several times their size."""
    resume: WeightsConfig | None = None
    """Go on with more epochs from such a state, a copy of models/last.pt; null starts at the
    first epoch."""
    cache: Literal["none", "ram"] = "none"
    """ram keeps decoded images and masks in memory; none decodes them each epoch."""
    ema_decay: Annotated[float, Field(ge=0, lt=1)]
    """Decay of the averaged weights that are validated and kept; 0 switches averaging off."""
    ema_warmup_steps: Count
    """The decay rises over about so many steps. In a run of fewer steps the latest weights
    count most; a small number here would freeze the average on early ones."""
    loggers: list[Annotated[str, OneOf(LOGGERS)]] = Field(default_factory=list)
    """Where the rows of DVCLive go too."""
    devices: Count = 1
    """GPUs on this machine (processes, on a CPU), started with torchrun; batch_size is the
    total."""
    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")]
    """auto takes the GPU when there is one."""
    threads: Annotated[int, Field(ge=1, le=1024)]
    """CPU threads of the network; results on a CPU depend on it, so it is fixed here."""
    seed: Annotated[int, Field(ge=0, lt=2**31)]
    """Of weights, order and augmentation; train with several to see the spread."""

    @field_validator("resume")
    @classmethod
    def _is_a_state(cls, state: WeightsConfig | None) -> WeightsConfig | None:
        if state is not None and state.url.endswith(".safetensors"):
            raise ValueError(
                "a .safetensors file holds weights alone: name a state, a copy of models/last.pt, "
                "or name the weights in model.weights"
            )
        return state

    @model_validator(mode="after")
    def _warmup_fits(self) -> TrainingConfig:
        if self.steps is None and self.scheduler.warmup_epochs > self.epochs:
            raise ValueError(
                f"scheduler.warmup_epochs {self.scheduler.warmup_epochs} is longer than the "
                f"run of {self.epochs} epochs"
            )
        return self


class ValidationConfig(Section):
    """Validation while training."""

    frequency: Count
    """Validate every so many epochs, and after the last one."""
    metrics: Annotated[list[Metric], Field(min_length=1)]
    """What is logged each time, beside the loss."""


@dataclass(frozen=True)
class TrainSettings:
    """The parameters that decide the result of a run.

    Attributes:
        model: The network.
        training: The loop.
        validation: Validation while training.
        augmentation: Random changes to training images.
        image_size: Longest side of the network's input, in pixels.
        jpeg_quality: At which the images are stored that it learns from.
    """

    model: ModelConfig
    training: TrainingConfig
    validation: ValidationConfig
    augmentation: AugmentationConfig
    image_size: int
    jpeg_quality: int = 95

    def dump(self) -> dict[str, Any]:
        """All of them as plain values."""
        return {
            name: value.model_dump() if isinstance(value, Section) else value
            for name, value in vars(self).items()
        }
