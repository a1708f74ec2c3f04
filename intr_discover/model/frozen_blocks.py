"""ResNet blocks with frozen batch norm, trained on a processor with little traffic to memory.

A frozen norm is a scale and a shift: inside the weights of the convolution before it they cost next
to nothing, while a pass over the feature map costs as much as many products. Forward and backward
of a whole block are written out here, so that activations and gradients are changed where they lie
and a convolution of one pixel is a matrix product. The answer is the block's own but for rounding.
"""

from __future__ import annotations

from typing import Any

import torch
from timm.models.resnet import BasicBlock, Bottleneck
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torchvision.ops import FrozenBatchNorm2d

Pair = tuple[nn.Conv2d, FrozenBatchNorm2d]
Sizes = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], int]
"""Stride, padding, dilation and groups of a convolution."""


class _Frozen:
    """Adds to a block of timm how it runs while it learns; everything else is as before."""

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[B, channels, H, W]`` to the block's output."""
        block: Any = self
        on_processor = x.device.type == "cpu" and not torch.is_autocast_enabled("cpu")
        if not (block.training and on_processor and x.is_floating_point()):
            return super().forward(x)  # type: ignore[misc]
        if torch.compiler.is_compiling():  # which joins these steps by itself
            return super().forward(x)  # type: ignore[misc]
        pairs = _pairs(block)
        pairs += [] if block.downsample is None else [(block.downsample[0], block.downsample[1])]
        scales, shifts = zip(*(_scale_and_shift(norm) for _, norm in pairs), strict=True)
        sizes = [(c.stride, c.padding, c.dilation, c.groups) for c, _ in pairs]
        weights = [conv.weight for conv, _ in pairs]
        count = len(pairs) - (block.downsample is not None)
        output: Tensor = _Block.apply(x, count, sizes, scales, shifts, *weights)
        return output


class FrozenBasicBlock(_Frozen, BasicBlock):
    """The block of ResNet-18 and -34."""


class FrozenBottleneck(_Frozen, Bottleneck):
    """The block of ResNet-50 and deeper."""


_KINDS = {BasicBlock: FrozenBasicBlock, Bottleneck: FrozenBottleneck}


def quicken_blocks(network: nn.Module) -> None:
    """Let the plain blocks of a ResNet with frozen batch norm learn in the quicker way, in place.

    Names and values of all weights stay. Blocks with more than convolutions, norms and ReLU, and
    networks of other kinds, are left as they are.
    """
    for module in network.modules():
        kind: Any = _KINDS.get(type(module))
        if kind is not None and _is_plain(module):
            module.__class__ = kind


def _is_plain(block: Any) -> bool:
    extras = [block.se, block.drop_path]
    between = [block.aa, block.drop_block]
    last = block.act3 if isinstance(block, Bottleneck) else block.act2
    down = block.downsample
    if any(extra is not None for extra in extras) or type(last) is not nn.ReLU:
        return False
    if any(not isinstance(each, nn.Identity) for each in between):
        return False
    if down is not None and (len(down) != 2 or not isinstance(down, nn.Sequential)):
        return False
    pairs = _pairs(block) + ([] if down is None else [(down[0], down[1])])
    return type(block.act1) is nn.ReLU and all(
        type(conv) is nn.Conv2d
        and conv.bias is None
        and conv.padding_mode == "zeros"
        and type(norm) is FrozenBatchNorm2d
        for conv, norm in pairs
    )


def _pairs(block: Any) -> list[Pair]:
    pairs = [(block.conv1, block.bn1), (block.conv2, block.bn2)]
    return [*pairs, (block.conv3, block.bn3)] if isinstance(block, Bottleneck) else pairs


def _scale_and_shift(norm: FrozenBatchNorm2d) -> tuple[Tensor, Tensor]:
    scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
    return scale, norm.bias - norm.running_mean * scale


class _Block(torch.autograd.Function):
    """``relu(conv(… relu(conv(x)) …) + shortcut(x))``, every convolution with a scale and shift."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        count: int,
        sizes: list[Sizes],
        scales: tuple[Tensor, ...],
        shifts: tuple[Tensor, ...],
        *weights: Tensor,
    ) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        scaled = [_scaled(weight, scale) for weight, scale in zip(weights, scales, strict=True)]
        states = [x]
        for index in range(count - 1):
            made = _convolve(states[-1], scaled[index], shifts[index], sizes[index])
            states.append(made.relu_())
        last = count - 1
        if len(weights) > count:
            shift = shifts[count] + shifts[last]
            output = _convolve(x, scaled[count], shift, sizes[count])
        else:
            output = x + shifts[last].view(1, -1, 1, 1)
        if _is_product(scaled[last], sizes[last]):
            _add_product(output, _seen(states[-1], sizes[last][0][0]), scaled[last].flatten(1).t())
        else:
            output += _convolve(states[-1], scaled[last], None, sizes[last])
        output.relu_()
        ctx.count, ctx.sizes, ctx.scales = count, sizes, scales
        ctx.save_for_backward(*states, output, *weights)
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        count, sizes, scales = ctx.count, ctx.sizes, ctx.scales
        saved = ctx.saved_tensors
        states, output, weights = saved[:count], saved[count], saved[count + 1 :]
        wanted = ctx.needs_input_grad[5:]
        of_weights: list[Tensor | None] = [None] * len(weights)
        # The gradient that came in may belong to others too; this one is ours to change.
        grad = torch.ops.aten.threshold_backward(grad, output, 0)
        grad = grad.contiguous(memory_format=torch.channels_last)
        passed = grad
        for index in reversed(range(count)):
            deeper = index > 0
            scaled = _scaled(weights[index], scales[index])
            if wanted[index]:
                of_weights[index] = _weight_gradient(
                    passed, states[index], scaled, sizes[index], scales[index]
                )
            if deeper:
                passed = _input_gradient(passed, states[index], scaled, sizes[index])
                # Where an activation is 0, ReLU lets nothing through.
                torch.ops.aten.threshold_backward.grad_input(
                    passed, states[index], 0, grad_input=passed
                )
        x = states[0]
        if len(weights) > count and wanted[count]:
            scaled = _scaled(weights[count], scales[count])
            of_weights[count] = _weight_gradient(grad, x, scaled, sizes[count], scales[count])
        of_input = None
        if ctx.needs_input_grad[0]:
            scaled = _scaled(weights[0], scales[0])
            if len(weights) > count:
                shortcut = _scaled(weights[count], scales[count])
                of_input = _input_gradient(passed, x, scaled, sizes[0])
                _add_input_gradient(of_input, grad, x, shortcut, sizes[count])
            else:
                of_input = grad
                _add_input_gradient(of_input, passed, x, scaled, sizes[0])
        return of_input, None, None, None, None, *of_weights


def _scaled(weight: Tensor, scale: Tensor) -> Tensor:
    return weight * scale.view(-1, 1, 1, 1)


def _is_product(weight: Tensor, sizes: Sizes) -> bool:
    """Tell whether a convolution is a matrix product over the channels of some of the pixels."""
    stride, padding, _, groups = sizes
    return (
        weight.shape[2:] == (1, 1) and padding == (0, 0) and groups == 1 and stride[0] == stride[1]
    )


def _rows(states: Tensor) -> Tensor:
    """Return states ``[B, channels, H, W]`` as ``[B·H·W, channels]``."""
    return states.permute(0, 2, 3, 1).reshape(-1, states.shape[1])


def _add_product(total: Tensor, rows: Tensor, matrix: Tensor) -> None:
    """Add ``rows @ matrix`` to the channels of ``total``, where it lies."""
    channels_last = total.permute(0, 2, 3, 1)
    if channels_last.is_contiguous():
        channels_last.view(-1, total.shape[1]).addmm_(rows, matrix)
    else:
        total += _like(rows @ matrix, total, 1)


def _like(rows: Tensor, states: Tensor, stride: int) -> Tensor:
    """Return rows of channels as the feature map of every so many pixels of ``states``."""
    count, _, height, width = states.shape
    shape = (count, -(-height // stride), -(-width // stride), rows.shape[1])
    return rows.view(shape).permute(0, 3, 1, 2)


def _seen(states: Tensor, stride: int) -> Tensor:
    return _rows(states[:, :, ::stride, ::stride])


def _convolve(states: Tensor, weight: Tensor, shift: Tensor | None, sizes: Sizes) -> Tensor:
    if _is_product(weight, sizes):
        step = sizes[0][0]
        rows = nn.functional.linear(_seen(states, step), weight.flatten(1), shift)
        return _like(rows, states, step)
    return nn.functional.conv2d(states, weight, shift, *sizes)


def _weight_gradient(
    grad: Tensor, states: Tensor, scaled: Tensor, sizes: Sizes, scale: Tensor
) -> Tensor:
    if _is_product(scaled, sizes):
        made = (_rows(grad).t() @ _seen(states, sizes[0][0])).view(scaled.shape)
    else:
        made = _gradients(grad, states, scaled, sizes, of_input=False)
    return made.mul_(scale.view(-1, 1, 1, 1))


def _input_gradient(grad: Tensor, states: Tensor, scaled: Tensor, sizes: Sizes) -> Tensor:
    if not _is_product(scaled, sizes):
        return _gradients(grad, states, scaled, sizes, of_input=True)
    if sizes[0][0] == 1:
        return _like(_rows(grad) @ scaled.flatten(1), states, 1)
    made = torch.zeros_like(states)
    _add_input_gradient(made, grad, states, scaled, sizes)
    return made


def _add_input_gradient(
    total: Tensor, grad: Tensor, states: Tensor, scaled: Tensor, sizes: Sizes
) -> None:
    """Add a convolution's gradient to ``total``, where it lies."""
    step = sizes[0][0]
    if not _is_product(scaled, sizes):
        total += _gradients(grad, states, scaled, sizes, of_input=True)
    elif step == 1:
        _add_product(total, _rows(grad), scaled.flatten(1))
    else:
        total[:, :, ::step, ::step] += _like(_rows(grad) @ scaled.flatten(1), states, step)


def _gradients(
    grad: Tensor, states: Tensor, scaled: Tensor, sizes: Sizes, *, of_input: bool
) -> Tensor:
    stride, padding, dilation, groups = sizes
    which = (of_input, not of_input, False)
    made = torch.ops.aten.convolution_backward(
        grad, states, scaled, None, stride, padding, dilation, False, (0, 0), groups, which
    )
    found: Tensor = made[0] if of_input else made[1]
    return found
