"""The order of images: whole, shared out without overlap, the same for the same seed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intr_discover.training.batches import epoch_batches


@given(
    count=st.integers(1, 60),
    batch_size=st.integers(1, 20),
    processes=st.integers(1, 4),
    seed=st.integers(0, 5),
    epoch=st.integers(0, 3),
)
def test_processes_share_without_overlap(count, batch_size, processes, seed, epoch):
    if count < processes:
        with pytest.raises(ValueError, match="cannot be shared"):
            epoch_batches(count, batch_size, seed, epoch, 0, processes)
        return
    shares = [
        epoch_batches(count, batch_size, seed, epoch, process, processes)
        for process in range(processes)
    ]
    assert len({len(share) for share in shares}) == 1  # as many steps on every process
    assert shares[0]
    used = [position for share in shares for batch in share for position in batch]
    assert len(used) == len(set(used))
    assert set(used) <= set(range(count))
    sizes = {len(batch) for share in shares for batch in share}
    assert len(sizes) == 1  # so that averaging over processes weighs every image alike
    left_out = count - len(used)
    assert left_out < processes * batch_size


@given(st.integers(1, 10), st.integers(0, 3))
def test_two_processes_see_what_one_of_twice_the_batch_sees(half, epoch):
    one = epoch_batches(41, 2 * half, 7, epoch, 0, 1)
    two = [epoch_batches(41, half, 7, epoch, process, 2) for process in (0, 1)]
    assert one == [first + second for first, second in zip(*two, strict=True)]


def test_order_changes_with_seed_and_epoch():
    orders = [epoch_batches(50, 50, seed, epoch, 0, 1) for seed in (0, 1) for epoch in (0, 1)]
    assert len({str(order) for order in orders}) == 4
    assert orders[0] == epoch_batches(50, 50, 0, 0, 0, 1)


def test_every_image_is_used_over_epochs():
    seen = {
        p for epoch in range(12) for batch in epoch_batches(10, 4, 0, epoch, 0, 1) for p in batch
    }
    assert seen == set(range(10))
