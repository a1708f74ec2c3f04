"""What makes a training faster or smaller without changing what it learns.

Devices and mixed precision, activation checkpointing, compilation.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from accelerate import Accelerator
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from intr_discover.errors import UserError
from intr_discover.model.intr import INTR
from intr_discover.model.plain import PlainClassifier
from intr_discover.training.config import TrainingConfig


def accelerator_of(config: TrainingConfig, device: str) -> Accelerator:
    """Return what places the model on its device, in its precision, and joins the processes.

    Parameters
    ----------
    config
        Its ``precision``. With bf16 and fp16 the operations that gain by it run in 16 bits; the
        weights and the optimiser stay fp32.
    device
        ``auto``, ``cpu``, or the machine's accelerator such as ``cuda`` or ``mps``.

    Raises
    ------
    UserError
        If the machine has no such device, or the device no such precision.
    """
    found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    here = ["auto", "cpu"] + ([] if found is None else [found.type])
    if device not in here:
        raise UserError(f"cannot train on device '{device}': this machine offers {', '.join(here)}")
    mixed = config.precision if config.precision in ("bf16", "fp16") else "no"
    cpu = device == "cpu" or found is None
    if mixed == "fp16" and cpu:
        raise UserError("precision fp16 needs an accelerator; on a CPU take bf16 or fp32")
    # Without cpu=True several processes on a machine without accelerators would train apart.
    return Accelerator(cpu=cpu, mixed_precision=mixed)


def checkpoint_activations(model: INTR | PlainClassifier) -> None:
    """Let backbone, encoder and decoder compute activations again instead of keeping them.

    Chen et al., "Training deep nets with sublinear memory cost", 2016. The gradient is the same:
    dropout draws the same numbers again.

    Raises
    ------
    UserError
        If the backbone cannot do it, or has batch norm that learns: computing again would move its
        running statistics twice a step.
    """
    network = model.backbone.network if isinstance(model, INTR) else model.network
    name = model.config.backbone
    if any(isinstance(module, _BatchNorm) for module in network.modules()):
        raise UserError(
            f"setting activation_checkpointing: backbone '{name}' has batch norm, whose running "
            "statistics would be taken twice a step; add freeze_batch_norm=true, or choose a "
            "backbone without it, such as a vision transformer"
        )
    switch = getattr(network, "set_grad_checkpointing", None)
    if switch is None:  # timm's wrapper of some networks, which holds the network itself
        switch = getattr(getattr(network, "model", None), "set_grad_checkpointing", None)
    try:
        if switch is None:
            raise NotImplementedError
        switch(True)
    except (AssertionError, NotImplementedError):  # how timm says that a network has none
        raise UserError(
            f"setting activation_checkpointing: timm has none for backbone '{name}'; leave the "
            "setting out, or take a smaller batch_size with accumulate"
        ) from None
    if isinstance(model, INTR):
        model.checkpointing = True


def compile_model(model: nn.Module, device: torch.device) -> str:
    """Compile a model in place where this machine can; return what to tell the user.

    The names of its weights stay as they are.
    """
    try:
        torch.compile(_probe)(torch.zeros(8, device=device))
    # No compiler, no Triton, an unsupported Python: each has exceptions of its own, and all mean
    # that training goes on without.
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return f"torch.compile does not work here ({reason}); training goes on without it"
    model.compile()
    return "compiling the model: the first steps are slow"


def _probe(values: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.gelu(values) + 1


@contextmanager
def told_of_compiling() -> Iterator[None]:
    """Turn a failure of torch.compile into one line."""
    try:
        yield
    except torch._dynamo.exc.TorchDynamoException as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(
            f"torch.compile failed on this model ({reason}); train with compile=false"
        ) from error


def compiled_aside(compiled: bool) -> AbstractContextManager[Any]:
    """Run what was compiled as it is: validation meets a new size with every photograph."""
    # Asking for it loads the compiler, which takes seconds.
    return torch.compiler.set_stance("force_eager") if compiled else nullcontext()
