"""INTR: every class searches the image for itself (Paul et al., ICLR 2024)."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from intr_discover.errors import UserError
from intr_discover.model.backbone import Backbone
from intr_discover.model.decoder_memory import DecoderMemory
from intr_discover.model.inference import products_in
from intr_discover.model.position import sine_position
from intr_discover.model.transformer import (
    Decoder,
    EncoderLayer,
    KeptAttention,
    Knockout,
    LayerShape,
    Override,
)

ContextMode = Literal["zero", "subset"]
Attend = Literal["predicted", "all"] | Tensor | Sequence[int] | None
Knocked = tuple[int, int] | tuple[int, int, int | Tensor]
"""(layer, head), (layer, head, class id) or (layer, head, class ids ``[B]``)."""


@dataclass(frozen=True)
class INTRConfig:
    """Everything that decides the shape of an INTR.

    Attributes
    ----------
    num_classes
        Number of classes C, and so of class queries.
    kind
        ``intr``: one presence vector shared by all classes. ``intr-fc``: one vector per class
        (the comparison of the paper's Figure 7).
    backbone, backbone_stride, backbone_level, freeze_batch_norm
        See ``Backbone``.
    width
        Channels D of encoder and decoder, divisible by 4 and by ``heads``.
    heads
        Attention heads R.
    encoder_layers, decoder_layers
        Number of layers; 0 encoder layers are usual for a vision transformer.
    feed_forward
        Hidden channels of the feed-forward networks.
    dropout
        Share of activations dropped in training, in [0, 1).
    attention_dropout
        Share of attention weights dropped in training, in [0, 1). Above 0 it slows training on a
        CPU, where the fused kernel knows no dropout.
    head_dropout
        Share of heads whose cross-attention is uniform in a training step, drawn for each image and
        class query, in [0, 1). A class then learns to rest on several heads, and switching a head
        off, as the analysis does, is nothing the model has never met.
    key_position
        Add the sine position of a cell to the keys of the decoder's cross-attention, as DETR does.
        INTR does not: its queries search for *what*, wherever that is.

    Raises
    ------
    UserError
        If a value is outside its range.
    """

    num_classes: int
    kind: Literal["intr", "intr-fc"] = "intr"
    backbone: str = "resnet50"
    backbone_stride: int | None = None
    backbone_level: int | None = None
    freeze_batch_norm: bool = True
    width: int = 256
    heads: int = 8
    encoder_layers: int = 6
    decoder_layers: int = 6
    feed_forward: int = 2048
    dropout: float = 0.1
    attention_dropout: float = 0.1
    head_dropout: float = 0.0
    key_position: bool = False

    def __post_init__(self) -> None:
        if self.kind not in ("intr", "intr-fc"):
            raise UserError(f"model kind '{self.kind}' is unknown: use intr or intr-fc")
        for name in ("num_classes", "width", "heads", "decoder_layers", "feed_forward"):
            if getattr(self, name) < 1:
                raise UserError(f"model: {name} must be at least 1, not {getattr(self, name)}")
        if self.encoder_layers < 0:
            raise UserError(f"model: encoder_layers must not be negative: {self.encoder_layers}")
        if self.width % self.heads or self.width % 4:
            raise UserError(
                f"model: width {self.width} must be divisible by 4 and by heads {self.heads}"
            )
        for name in ("dropout", "attention_dropout", "head_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise UserError(f"model: {name} must lie in [0, 1), not {getattr(self, name)}")


@dataclass
class Encoded:
    """An encoded batch: made once, decoded many times.

    Attributes
    ----------
    cells
        ``[B, N, D]`` encoder output, N = h · w.
    grid
        ``(h, w)``.
    padding
        ``[B, N]`` bool, True on padded cells, or None where there is none.
    memory
        What earlier questions have left for later ones; None where nothing shall be kept. Without
        gradients ``decode`` uses and fills it. It belongs to the weights that encoded the batch.
    """

    cells: Tensor
    grid: tuple[int, int]
    padding: Tensor | None
    memory: DecoderMemory | None = field(default=None, repr=False, compare=False)

    @property
    def feature_map(self) -> Tensor:
        """Return the encoder output as ``[B, D, h, w]``."""
        return self.cells.transpose(1, 2).unflatten(2, self.grid)

    @property
    def mask(self) -> Tensor | None:
        """Return ``[B, 1, 1, N]`` bool, True on real cells, or None."""
        return None if self.padding is None else ~self.padding[:, None, None]

    @property
    def position(self) -> Tensor:
        """Return the sine position ``[B, N, D]`` of the cells, see ``sine_position``."""
        count, _, width = self.cells.shape
        padding = None if self.padding is None else self.padding.unflatten(1, self.grid)
        made = sine_position(padding, (count, *self.grid), width, self.cells.device)
        return made.to(self.cells.dtype)

    def __len__(self) -> int:
        return self.cells.shape[0]


@dataclass
class INTROutput:
    """What the model says about a batch.

    Attributes
    ----------
    logits
        ``[B, C]``, or ``[B, S]`` in the order of the context.
    attention
        ``[B, K, R, h, w]`` float32 or None: cross-attention of the classes in ``attended``; each
        map sums to 1 over real cells and is zero on padding.
    peaks
        ``[B, K, R]`` or None: largest un-normalised score ``q·k/√d`` of each head.
    map_maxima
        ``[B, K, R]`` or None: largest attention weight of each head.
    attended
        ``[B, K]`` class ids of the full list, or None.
    decoder_output
        ``[B, C or S, D]`` normalised decoder output.
    encoded
        The encoded batch.
    """

    logits: Tensor
    attention: Tensor | None
    peaks: Tensor | None
    map_maxima: Tensor | None
    attended: Tensor | None
    decoder_output: Tensor
    encoded: Encoded


class INTR(nn.Module):
    """Encoder-decoder classifier with one learned query per class.

    Parameters
    ----------
    config
        The shape of the model.
    pretrained
        Fetch timm's pretrained weights for the backbone.
    weights
        A file or folder with such weights; then nothing is fetched.
    """

    def __init__(
        self, config: INTRConfig, *, pretrained: bool = False, weights: str | None = None
    ) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.backbone = Backbone(
            config.backbone,
            stride=config.backbone_stride,
            level=config.backbone_level,
            freeze_batch_norm=config.freeze_batch_norm,
            pretrained=pretrained,
            weights=weights,
        )
        self.projection = nn.Conv2d(self.backbone.channels, width, kernel_size=1)
        shape = LayerShape(
            width,
            config.heads,
            config.feed_forward,
            config.dropout,
            config.attention_dropout,
            config.head_dropout,
        )
        self.encoder = nn.ModuleList(EncoderLayer(shape) for _ in range(config.encoder_layers))
        self.decoder = Decoder(config.decoder_layers, shape)
        self.class_queries = nn.Embedding(config.num_classes, width)
        shared = config.kind == "intr"
        self.presence = nn.Linear(width, 1 if shared else config.num_classes)
        nn.init.xavier_uniform_(self.presence.weight)

    @property
    def checkpointing(self) -> bool:
        """Whether training computes activations again instead of keeping them; see ``Decoder``."""
        return self.decoder.checkpointing

    @checkpointing.setter
    def checkpointing(self, on: bool) -> None:
        self.decoder.checkpointing = on

    @property
    def stride(self) -> int:
        """Pixels a cell of the attention maps."""
        return self.backbone.stride

    def forward(
        self,
        images: Tensor | Sequence[Tensor],
        *,
        padding: Tensor | None = None,
        attend: Attend = None,
        context: Tensor | Sequence[int] | None = None,
        context_mode: ContextMode = "zero",
        layer: int = -1,
        knockout: Sequence[Knocked] | None = None,
        override: Override | None = None,
    ) -> INTROutput:
        """Encode and decode; see ``encode`` and ``decode``."""
        return self.decode(
            self.encode(images, padding=padding),
            attend=attend,
            context=context,
            context_mode=context_mode,
            layer=layer,
            knockout=knockout,
            override=override,
        )

    def encode(
        self, images: Tensor | Sequence[Tensor], *, padding: Tensor | None = None
    ) -> Encoded:
        """Run backbone and encoder.

        Parameters
        ----------
        images
            ``[B, 3, H, W]``, or a list of ``[3, H, W]`` of different sizes, which are padded on
            the right and at the bottom. Normalised; moved to the model's device.
        padding
            ``[B, H, W]`` bool, True on pixels of a padded tensor that are padding.

        Returns
        -------
        Encoded
        """
        batch, made = pad_batch(images)
        padding = made if padding is None else padding
        if padding is not None and padding.shape != (batch.shape[0], *batch.shape[2:]):
            raise ValueError(
                f"padding must be [B, H, W] of the images {tuple(batch.shape)}, "
                f"got {tuple(padding.shape)}"
            )
        weight = self.projection.weight
        batch = batch.to(weight.device, non_blocking=True)
        if not torch.is_autocast_enabled(weight.device.type):
            batch = batch.to(weight.dtype)
        padding = None if padding is None else padding.to(weight.device)
        with products_in(self.backbone.precision, weight.device):
            return self._encode(batch, padding)

    def _encode(self, batch: Tensor, padding: Tensor | None) -> Encoded:
        features, padding = self.backbone(batch, padding)
        features = self.projection(features)
        cells = features.flatten(2).transpose(1, 2)
        if self.backbone.precision != "fp32":
            cells = cells.float()  # what the layers add up keeps all its digits
        grid = (features.shape[2], features.shape[3])
        encoded = Encoded(cells, grid, None if padding is None else padding.flatten(1))
        if len(self.encoder):
            position = encoded.position
            for layer in self.encoder:
                if self.checkpointing and self.training:
                    given = (cells, position, encoded.mask)
                    cells = checkpoint(layer, *given, use_reentrant=False)
                else:
                    cells = layer(cells, position, encoded.mask)
            encoded.cells = cells
        return encoded

    def decode(
        self,
        encoded: Encoded,
        *,
        attend: Attend = None,
        context: Tensor | Sequence[int] | None = None,
        context_mode: ContextMode = "zero",
        layer: int = -1,
        knockout: Sequence[Knocked] | None = None,
        override: Override | None = None,
    ) -> INTROutput:
        """Let the class queries search the encoded images.

        Parameters
        ----------
        encoded
            What ``encode`` returned.
        attend
            Whose attention to return: ``"predicted"`` (K = 1), ``"all"`` (K = C, or S under a
            context, in its order), class ids ``[B, K]`` or ``[K]`` of the full list, or None.
        context
            Class ids ``[S]``: only these classes compete. Logits are ``[B, S]`` in this order.
        context_mode
            ``"zero"`` sets the other query vectors to zero (the paper's Figure 6); ``"subset"``
            drops them. Because queries attend to each other, the two differ.
        layer
            Decoder layer whose attention is returned; negative counts from the last.
        knockout
            Heads to replace by the uniform map over real cells: ``(layer, head)`` for all class
            queries, ``(layer, head, class_id)`` for one, or ``(layer, head, class_ids)`` with
            ``[B]`` ids for one of each image.
        override
            ``override(layer, attention [B, Q, R, N]) -> attention`` changes the cross-attention of
            every layer; Q counts the decoder's queries (C, or S in mode ``"subset"``).

        Returns
        -------
        INTROutput

        Raises
        ------
        ValueError
            If a class id, layer or head does not exist, the context names a class twice, or a
            class attended to lies outside the context.
        """
        classes = self._check_context(context)
        if context_mode not in ("zero", "subset"):
            raise ValueError(f"context_mode must be 'zero' or 'subset', not {context_mode!r}")
        queries = self.class_queries.weight
        positions = torch.arange(self.config.num_classes, device=queries.device)
        copies = 1
        if classes is not None and context_mode == "zero":
            if self._few_will_do(classes, knockout, override):
                # Queries of zero are alike in every layer: one stands for all of them.
                copies = len(positions) - len(classes)
                queries = torch.cat([queries[classes], torch.zeros_like(queries[:1])])
            else:
                kept_rows = torch.zeros_like(queries[:, :1]).index_fill(0, classes, 1.0)
                queries = queries * kept_rows
        elif classes is not None:
            queries = queries[classes]
        shortened = len(queries) != len(positions) or context_mode == "subset"
        if classes is not None and shortened:
            positions = torch.full_like(positions, -1)
            positions[classes] = torch.arange(len(classes), device=classes.device)

        # positions[c] is where class c sits among the decoder's queries.
        with products_in(self.backbone.precision, queries.device):
            states, kept = self._decoder_pass(
                encoded,
                queries.to(encoded.cells.dtype),
                None if classes is None else (tuple(classes.tolist()), context_mode, copies),
                keep_layer=None if attend is None else self._check_layer(layer),
                knockouts=self._check_knockouts(knockout, positions, len(encoded)),
                override=override,
                copies=copies,
            )
        listed = classes if classes is not None else positions
        if classes is not None and context_mode == "zero":
            states = states[:, : len(classes)] if shortened else states[:, classes]
        logits = self._logits(states, listed)
        output = INTROutput(logits, None, None, None, None, states, encoded)
        if kept is not None:
            output.attended = self._attended(attend, logits, listed)
            attention, output.peaks = kept.maps(positions[output.attended])
            output.map_maxima = attention.amax(-1)
            output.attention = attention.unflatten(-1, encoded.grid)
        return output

    def _few_will_do(
        self, classes: Tensor, knockout: Sequence[Knocked] | None, override: Override | None
    ) -> bool:
        """Tell whether the queries outside a context are alike, and more than one."""
        if self.training or torch.is_grad_enabled() or override is not None:
            return False  # dropout tells them apart, and who overrides counts all of them
        single = any(len(entry) > 2 for entry in knockout or ())
        return not single and self.config.num_classes - len(classes) > 1

    def _decoder_pass(
        self,
        encoded: Encoded,
        queries: Tensor,
        context: Hashable,
        *,
        keep_layer: int | None,
        knockouts: list[Knockout],
        override: Override | None,
        copies: int,
    ) -> tuple[Tensor, KeptAttention | None]:
        """Run the decoder on queries ``[Q, D]``, as little of it as the memory leaves to do."""
        if self.training or torch.is_grad_enabled():
            queries = queries.expand(len(encoded), -1, -1)
        else:
            queries = queries[None]
        position = encoded.position if self.config.key_position else None
        memory = None if self.training or torch.is_grad_enabled() else encoded.memory
        trace = None
        if memory is not None and override is None:
            layers, values = self.config.decoder_layers, queries.numel() * len(encoded)
            trace = memory.trace(context, 3 * layers * values * queries.element_size())
        pass_on = {"key_position": position, "copies": copies}
        projected = None if memory is None else memory.cells
        if trace is None or memory is None:
            return self.decoder(
                queries, encoded.cells, encoded.mask, keep_layer=keep_layer, knockouts=knockouts,
                override=override, projected=projected, **pass_on,
            )  # fmt: skip
        if trace.output is None:
            self.decoder(
                queries, encoded.cells, encoded.mask, projected=projected, trace=trace, **pass_on
            )
        return self.decoder.again(
            trace, queries, encoded.mask, memory.cells, keep_layer=keep_layer, knockouts=knockouts,
            copies=copies,
        )  # fmt: skip

    def _logits(self, states: Tensor, listed: Tensor) -> Tensor:
        """Weigh decoder output ``[B, S, D]`` of the classes ``listed`` ``[S]`` to logits."""
        states = states.to(self.presence.weight.dtype)
        if self.config.kind == "intr":
            return self.presence(states).squeeze(-1)
        weight, bias = self.presence.weight[listed], self.presence.bias[listed]
        return (states * weight).sum(-1) + bias

    def _attended(self, attend: Attend, logits: Tensor, listed: Tensor) -> Tensor:
        count = logits.shape[0]
        if isinstance(attend, str):
            if attend == "all":
                return listed.expand(count, -1)
            if attend == "predicted":
                return listed[logits.argmax(-1)][:, None]
            raise ValueError(f"attend must be 'predicted', 'all', class ids or None: {attend!r}")
        assert attend is not None
        wanted = torch.as_tensor(attend, device=listed.device)
        wanted = wanted.expand(count, -1) if wanted.ndim == 1 else wanted
        if wanted.ndim != 2 or wanted.shape[0] != count or wanted.dtype != torch.int64:
            raise ValueError(f"attend must hold int64 class ids [{count}, K], got {attend!r}")
        outside = sorted(set(wanted.flatten().tolist()) - set(listed.tolist()))
        if outside:
            raise ValueError(f"attend asks for classes that do not compete: {outside}")
        return wanted

    def _check_context(self, context: Tensor | Sequence[int] | None) -> Tensor | None:
        if context is None:
            return None
        classes = torch.as_tensor(context, device=self.class_queries.weight.device)
        total = self.config.num_classes
        if classes.ndim != 1 or classes.numel() == 0 or classes.dtype != torch.int64:
            raise ValueError("context must be a list of at least one class id")
        if classes.min() < 0 or classes.max() >= total:
            raise ValueError(f"context holds class ids outside 0 to {total - 1}")
        if classes.unique().numel() != classes.numel():
            raise ValueError("context names a class twice")
        return classes

    def _check_layer(self, layer: int) -> int:
        total = self.config.decoder_layers
        if not -total <= layer < total:
            raise ValueError(f"the decoder has layers 0 to {total - 1} (or -1), not {layer}")
        return layer % total

    def _check_knockouts(
        self, knockout: Sequence[Knocked] | None, positions: Tensor, batch: int
    ) -> list[Knockout]:
        checked = []
        for entry in knockout or ():
            layer, head, *class_id = entry
            if not 0 <= head < self.config.heads:
                raise ValueError(f"knockout: the heads are 0 to {self.config.heads - 1}: {entry}")
            query: int | Tensor | None = None
            if class_id:
                ids = torch.as_tensor(class_id[0], device=positions.device)
                known = len(class_id) == 1 and ids.shape in ((), (batch,))
                known = known and bool(((ids >= 0) & (ids < len(positions))).all())
                query = positions[ids] if known else positions.new_tensor(-1)
                if bool((query < 0).any()):
                    raise ValueError(f"knockout: class id of {entry} does not compete")
                query = query if query.ndim else int(query)
            checked.append(Knockout(self._check_layer(layer), head, query))
        return checked

    def describe(self) -> dict[str, Any]:
        """Return the configuration as a flat dictionary for ``config.json``."""
        return asdict(self.config)


def pad_batch(images: Tensor | Sequence[Tensor]) -> tuple[Tensor, Tensor | None]:
    """Stack images of different sizes, padded with zeros on the right and at the bottom.

    Parameters
    ----------
    images
        ``[B, 3, H, W]``, or a sequence of ``[3, H, W]``.

    Returns
    -------
    tuple
        The batch ``[B, 3, H, W]`` and its padding ``[B, H, W]`` bool (True on padded pixels), or
        None where all images have one size.

    Raises
    ------
    ValueError
        If there is no image, or an image is not ``[3, H, W]``.
    """
    if isinstance(images, Tensor):
        if images.ndim != 4:
            raise ValueError(f"images must be [B, 3, H, W], got {tuple(images.shape)}")
        return images, None
    if not images:
        raise ValueError("there are no images to encode")
    for image in images:
        if image.ndim != 3:
            raise ValueError(f"every image must be [3, H, W], got {tuple(image.shape)}")
    height = max(image.shape[1] for image in images)
    width = max(image.shape[2] for image in images)
    if all(image.shape[1:] == (height, width) for image in images):
        return torch.stack(list(images)), None
    batch = images[0].new_zeros((len(images), images[0].shape[0], height, width))
    padding = torch.ones((len(images), height, width), dtype=torch.bool, device=batch.device)
    for index, image in enumerate(images):
        batch[index, :, : image.shape[1], : image.shape[2]] = image
        padding[index, : image.shape[1], : image.shape[2]] = False
    return batch, padding
