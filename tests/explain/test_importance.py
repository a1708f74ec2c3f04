"""How much a head matters, against a decision taken with its map made even by hand."""

from __future__ import annotations

import pytest
import torch

from intr_discover.explain.importance import head_importance, importance_of_all, margin
from tests.explain.conftest import tiny_model

CLOSE = {"atol": 1e-5, "rtol": 1e-4}


@pytest.fixture(scope="module")
def model():
    return tiny_model(heads=4)


@pytest.fixture(scope="module")
def images():
    """Five pictures of three sizes, so that a batch of them has padding."""
    generator = torch.Generator().manual_seed(1)
    sizes = [(40, 48), (32, 56), (48, 24), (40, 48), (40, 48)]
    return [torch.randn(3, height, width, generator=generator) for height, width in sizes]


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


def evened(model, encoded, row, class_id, layer, heads):
    """Return the logits of one image when some heads of one class look everywhere alike."""
    if encoded.padding is None:
        real = torch.ones(encoded.cells.shape[1])
    else:
        real = (~encoded.padding[row]).float()

    def override(index, attention):
        attention = attention.clone()
        if index == layer:
            attention[row, class_id, heads] = real / real.sum()
        return attention

    return model.decode(encoded, override=override).logits[row]


def by_hand(model, encoded, row, class_id, layer, heads):
    """Return the drop of the margin for one image, with every logit written out."""
    margins = []
    for logits in (
        model.decode(encoded).logits[row],
        evened(model, encoded, row, class_id, layer, heads),
    ):
        others = [float(logits[c]) for c in range(len(logits)) if c != class_id]
        margins.append(float(logits[class_id]) - max(others))
    return margins[0] - margins[1]


def test_margin_by_hand():
    logits = torch.tensor([[3.0, 1.0, 2.5], [3.0, 1.0, 2.5], [-1.0, -4.0, -2.0], [2.0, 2.0, 0.0]])
    found = margin(logits, torch.tensor([0, 1, 2, 1]))
    assert found.tolist() == [0.5, -2.0, -1.0, 0.0]
    assert logits[0].tolist() == [3.0, 1.0, 2.5]


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("class_ids", [[2, 0, 2, 3, 0], [1, 1, 1, 1, 1], [3, 2, 1, 0, 3]])
def test_importance_equals_an_even_map_put_in_by_hand(model, images, class_ids, padded):
    batch = images if padded else torch.stack([images[0], images[3], images[4]])
    class_ids = class_ids[: len(batch)]
    encoded = model.encode(batch)
    assert (encoded.padding is not None) == padded
    found = head_importance(model, encoded, torch.tensor(class_ids))
    assert found.shape == (len(batch), 4)
    expected = torch.tensor(
        [
            [by_hand(model, encoded, row, class_id, 1, [head]) for head in range(4)]
            for row, class_id in enumerate(class_ids)
        ]
    )
    torch.testing.assert_close(found, expected, **CLOSE)
    assert expected.abs().min(dim=0).values.max() > 1e-4  # or the comparison would say nothing

    together = importance_of_all(model, encoded, torch.tensor(class_ids))
    expected = torch.tensor(
        [by_hand(model, encoded, r, c, 1, [0, 1, 2, 3]) for r, c in enumerate(class_ids)]
    )
    torch.testing.assert_close(together, expected, **CLOSE)


def test_the_layer_is_the_one_asked_for(model, images):
    encoded = model.encode(images[0][None])
    class_ids = torch.tensor([2])
    first = head_importance(model, encoded, class_ids, layer=0)
    expected = torch.tensor([[by_hand(model, encoded, 0, 2, 0, [head]) for head in range(4)]])
    torch.testing.assert_close(first, expected, **CLOSE)
    assert torch.equal(first, head_importance(model, encoded, class_ids, layer=-2))
    last = head_importance(model, encoded, class_ids, layer=1)
    assert torch.equal(last, head_importance(model, encoded, class_ids))
    assert (first - last).abs().max() > 1e-4
    all_first = importance_of_all(model, encoded, class_ids, layer=0)
    assert float(all_first) == pytest.approx(
        by_hand(model, encoded, 0, 2, 0, [0, 1, 2, 3]), abs=1e-5
    )


@pytest.mark.parametrize("layer", [2, -3])
def test_a_layer_that_is_not_there_is_refused(model, images, layer):
    encoded = model.encode(images[0][None])
    with pytest.raises(ValueError, match="layers 0 to 1"):
        head_importance(model, encoded, torch.tensor([0]), layer=layer)
    with pytest.raises(ValueError, match="layers 0 to 1"):
        importance_of_all(model, encoded, torch.tensor([0]), layer=layer)


def test_a_head_that_nothing_reads_does_not_matter(images):
    model = tiny_model(heads=4)
    # Width 16 and 4 heads: head 2 writes to channels 8 to 11 of what the output layer reads.
    model.decoder.layers[-1].cross_attention.out_proj.weight[:, 8:12] = 0
    found = head_importance(model, model.encode(images), torch.tensor([0, 1, 2, 3, 0]))
    torch.testing.assert_close(found[:, 2], torch.zeros(5), atol=1e-5, rtol=0)
    assert (found[:, [0, 1, 3]].abs().amax(dim=0) > 1e-4).all()


def test_where_the_photograph_is_even_no_map_matters(images):
    """Every cell holds the same, so wherever a head looks it finds the mean."""
    model = tiny_model(heads=4)
    encoded = model.encode(images)
    encoded.cells[:] = encoded.cells[:, :1].clone()
    class_ids = torch.tensor([0, 1, 2, 3, 0])
    for found in (
        head_importance(model, encoded, class_ids),
        importance_of_all(model, encoded, class_ids),
    ):
        torch.testing.assert_close(found, torch.zeros_like(found), atol=1e-5, rtol=0)


def test_asking_changes_nothing(model, images):
    encoded = model.encode(images)
    before = encoded.cells.clone(), model.decode(encoded).logits
    head_importance(model, encoded, torch.tensor([0, 1, 2, 3, 0]))
    assert torch.equal(encoded.cells, before[0])
    assert torch.equal(model.decode(encoded).logits, before[1])
