"""Cross-attention from tokens to concepts, and the loss that teaches it what people have marked."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass
class ConceptAnswer:
    """What concepts say about a batch.

    Attributes
    ----------
    logits
        ``[B, K]``.
    attention
        ``[B, N, C]``: how much each token is of each concept, mean over heads; rows sum to 1.
    contributions
        ``[B, C, K]``: the part of each class's logit that comes from each concept. Their sum over
        concepts and the bias are the logits.
    """

    logits: Tensor
    attention: Tensor
    contributions: Tensor


class ConceptAttention(nn.Module):
    """Multi-head cross-attention: queries are tokens, keys and values are learned concepts.

    Rigotti et al., "Attention-based interpretability with concept transformers", ICLR 2022, Eq. 1
    and 2: values are mapped to classes linearly, so a logit is the sum of what each concept gives.

    Parameters
    ----------
    width
        Numbers of a token.
    concepts
        Number of concepts C.
    classes
        Number of classes K.
    heads
        Number of attention heads; must divide ``width``.
    dropout
        On the attention weights in training.
    """

    def __init__(
        self, width: int, concepts: int, classes: int, heads: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.heads = heads
        self.concepts = nn.Parameter(torch.empty(concepts, width))
        nn.init.trunc_normal_(self.concepts, std=width**-0.5)
        self.queries = nn.Linear(width, width, bias=False)
        self.keys = nn.Linear(width, width, bias=False)
        self.values = nn.Linear(width, width, bias=False)
        self.classes = nn.Linear(width, classes)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, real: Tensor) -> ConceptAnswer:
        """Ask the concepts about tokens ``[B, N, D]``; ``real`` is ``[B, N]`` bool.

        The logits are means over real tokens.
        """
        heads, width = self.heads, self.concepts.shape[1]
        queries = self.queries(tokens).unflatten(-1, (heads, -1)).transpose(1, 2)
        keys = self.keys(self.concepts).unflatten(-1, (heads, -1)).permute(1, 2, 0)
        weights = (queries @ keys * (width // heads) ** -0.5).softmax(dim=-1)  # [B, R, N, C]
        shares = real.to(tokens.dtype) / real.sum(1, keepdim=True).clamp(min=1)
        share = torch.einsum("brnc,bn->brc", self.dropout(weights), shares)
        # What a concept gives to each class through each head: values, then the class layer.
        values = self.values(self.concepts).unflatten(-1, (heads, -1))
        layer = self.classes.weight.unflatten(-1, (heads, -1))
        gives = torch.einsum("crd,krd->rck", values, layer)
        contributions = torch.einsum("brc,rck->bck", share, gives)
        return ConceptAnswer(
            contributions.sum(1) + self.classes.bias, weights.mean(1), contributions
        )


def explanation_loss(attention: Tensor, marked: Tensor) -> Tensor:
    """Return how far the attention is from what people have marked.

    Parameters
    ----------
    attention
        ``[B, N, C]``, rows sum to 1.
    marked
        ``[B, N, C]`` bool: the concepts that lie in each token's cell. Several share the attention
        evenly.

    Returns
    -------
    Tensor
        Squared differences, summed over concepts, mean over the tokens with a mark; 0 where there
        is none. At most 2. (Rigotti et al., Eq. 3, the squared Frobenius norm, per token. As in the
        authors' code, tokens without any mark do not count.)
    """
    some = marked.any(-1)
    if not bool(some.any()):
        return attention.new_zeros(())
    target = marked[some].to(attention.dtype)
    target = target / target.sum(-1, keepdim=True)
    return (attention[some] - target).square().sum(-1).mean()


def attention_entropy(attention: Tensor, real: Tensor) -> Tensor:
    """Return the mean entropy in nats of the attention ``[B, N, C]`` of real tokens ``[B, N]``."""
    # Not entr, whose gradient at a weight of exactly 0 is infinite.
    chosen = attention[real]
    return -(chosen * chosen.clamp(min=1e-8).log()).sum(-1).mean()
