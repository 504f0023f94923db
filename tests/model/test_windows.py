"""Windows and back."""

import pytest
import torch

from stsun.model.windows import Window, partition, unpartition, window_of_block

WINDOWS = [Window(4, 4), Window(2, 8), Window(4, 4, spread=True), Window(4, 4, shifted=True), Window(0, 0)]


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("size", [(8, 8), (3, 11), (9, 5), (1, 1)])
def test_partition_and_back_is_the_identity(window, size):
    tokens = torch.arange(2 * size[0] * size[1], dtype=torch.float32).reshape(2, *size, 1)
    windows, real, plan = partition(tokens, torch.ones(2, *size, dtype=torch.bool), window)
    assert torch.equal(unpartition(windows, plan), tokens)
    assert real.sum() == 2 * size[0] * size[1], "padding is marked, and nothing else"
    assert sorted(windows[real].flatten().tolist()) == tokens.flatten().tolist()


def test_a_square_window_holds_neighbours_and_a_spread_one_the_whole_grid():
    grid = torch.stack(torch.meshgrid(torch.arange(8.0), torch.arange(8.0), indexing="ij"), dim=-1)[None]
    valid = torch.ones(1, 8, 8, dtype=torch.bool)
    near, _, _ = partition(grid, valid, Window(4, 4))
    far, _, _ = partition(grid, valid, Window(4, 4, spread=True))
    assert (near.amax(1) - near.amin(1)).max() == 3
    assert ((far.amax(1) - far.amin(1)) == 6).all()


def test_a_shifted_window_joins_what_the_plain_one_separates():
    grid = torch.arange(16.0).reshape(1, 1, 16, 1)
    valid = torch.ones(1, 1, 16, dtype=torch.bool)

    def together(window):
        windows, real, _ = partition(grid, valid, window)
        return {tuple(part[mask].flatten().tolist()) for part, mask in zip(windows, real, strict=True)}

    assert not any({7.0, 8.0} <= set(part) for part in together(Window(8, 8)))
    assert any({7.0, 8.0} <= set(part) for part in together(Window(8, 8, shifted=True)))


def test_the_cycle_has_four_kinds():
    kinds = [window_of_block("cycle", 8, block) for block in range(4)]
    assert len(set(kinds)) == 4
    assert window_of_block("cycle", 8, 4) == kinds[0]
