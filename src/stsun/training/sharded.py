"""Each process holds a part of the weights, of their averages and of the optimiser's state (FSDP)."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import torch
from lightning.pytorch.strategies import DDPStrategy
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, Placement, distribute_tensor

from stsun.training.gradients import mean_over_processes
from stsun.training.module import TrainingModule, Validate
from stsun.training.schedule import parameter_groups


class ShardedStrategy(DDPStrategy):
    """Processes as for DDP; what they exchange is the module's own affair."""

    def configure_ddp(self) -> None:
        """Wrap nothing."""


class Cut:
    """How one tensor is dealt out over the processes: by rows; each has all of a scalar.

    Args:
        parameter: A parameter as ``fully_shard`` leaves it.
    """

    def __init__(self, parameter: Tensor) -> None:
        self._mesh: DeviceMesh | None = None
        self._placements: tuple[Placement, ...] = ()
        self._shape, self._stride = parameter.shape, parameter.stride()
        if isinstance(parameter, DTensor):
            self._mesh, self._placements = parameter.device_mesh, parameter.placements

    def part(self, whole: Tensor) -> Tensor:
        """Return what this process has of a tensor that all have."""
        if self._mesh is None:
            return whole.clone()
        return distribute_tensor(whole, self._mesh, self._placements, src_data_rank=None).to_local()

    def whole(self, part: Tensor) -> Tensor:
        """Return all of a tensor, of which each process gives its part."""
        if self._mesh is None:
            return part.clone()
        dealt = DTensor.from_local(
            part, self._mesh, self._placements, run_check=False, shape=self._shape, stride=self._stride
        )
        return dealt.full_tensor()


class _Dealt:
    """A network of dealt out weights, which has no copies: the average of weights needs their parts only."""

    def __init__(self, network: nn.Module, mesh: DeviceMesh) -> None:
        whole = {each for each in network.parameters() if each.ndim == 0}
        fully_shard(network, mesh=mesh, reshard_after_forward=False, ignored_params=whole)
        assert isinstance(network, FSDPModule)
        # a gradient is clipped by this process before it is averaged, so that all of it must be here
        network.set_requires_gradient_sync(False)
        network.set_reshard_after_backward(False)
        network.unshard()
        network.reshard()
        self.network: Any = network
        self.cuts = {name: Cut(parameter) for name, parameter in network.named_parameters()}

    def __deepcopy__(self, _memo: dict[int, Any]) -> "_Dealt":
        return self


class Shards(nn.Module):
    """This process's parts of a network's weights, which are its parameters; the state is that of the network.

    Args:
        network: The network; its weights are dealt out.
        mesh: The processes.
    """

    def __init__(self, network: nn.Module, mesh: DeviceMesh) -> None:
        super().__init__()
        self._dealt = _Dealt(network, mesh)
        for name, parameter in network.named_parameters():
            own = parameter.to_local() if isinstance(parameter, DTensor) else parameter
            self.register_parameter(name.replace(".", "/"), nn.Parameter(own.detach()))  # the same memory

    @property
    def network(self) -> Any:
        """The network; its weights are whole from a forward pass until it is told to ``reshard``."""
        return self._dealt.network

    def parts(self) -> list[tuple[str, Cut, nn.Parameter]]:
        """Return name, cut and part of every weight."""
        return [(*each, part) for each, part in zip(self._dealt.cuts.items(), self.parameters(), strict=True)]

    def forward(self, *inputs: Any) -> Any:
        """Return what the network gives."""
        return self.network(*inputs)

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        for name, cut, part in self.parts():
            _keep_first(destination, prefix + name, cut.whole(part.detach()))

    def _load_from_state_dict(self, state_dict: Mapping[str, Tensor], prefix: str, *_: Any) -> None:
        with torch.no_grad():
            for name, cut, part in self.parts():
                part.copy_(cut.part(state_dict[prefix + name].to(part.device)))


def _keep_first(destination: dict[Any, Any], name: Any, whole: Tensor) -> None:
    """Keep a whole tensor in the first process only, which writes and validates."""
    if torch.distributed.get_rank() == 0:
        destination[name] = whole.cpu()


class ShardedModule(TrainingModule):
    """The same training with dealt out weights, to the same weights.

    A process has all weights from a batch's forward pass on until its gradient is clipped, and that gradient. Of
    averages, the optimiser's state and the gradients that are put aside it only has its part. Meanwhile the model that
    was given is without values; at validations and at the end, that of the first process gets them.
    """

    def configure_model(self) -> None:
        """Deal the weights out, once the processes know of one another."""
        if isinstance(self.model, Shards):
            return
        device = self.trainer.strategy.root_device
        mesh = init_device_mesh(device.type, (self.trainer.world_size,))
        self._given = [self.model]  # in a list, as it is no part of this module
        self.model = Shards(deepcopy(self.model).to(device), mesh)
        self._given[0].to("meta")

    @property
    def _shards(self) -> Shards:
        assert isinstance(self.model, Shards), "the Trainer calls configure_model first"
        return self.model

    def _weights(self) -> list[nn.Parameter]:
        return list(self._shards.network.parameters())

    def _put_aside(self, clipped: Mapping[nn.Parameter, Tensor]) -> None:
        mean = mean_over_processes(self._weights(), clipped)
        self._shards.network.reshard()
        parts = zip(self._shards.parts(), mean.values(), strict=True)
        super()._put_aside({part: cut.part(gradient) for (_, cut, part), gradient in parts})

    def _of_all_processes(self, clipped: dict[nn.Parameter, Tensor]) -> dict[nn.Parameter, Tensor]:
        return clipped

    def _groups(self) -> list[dict[str, Any]]:
        groups = parameter_groups(self._shards.network, self.plan.weight_decay)
        parts = dict(zip(self._weights(), self._shards.parameters(), strict=True))
        return [{**group, "params": [parts[each] for each in group["params"]]} for group in groups]

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Return AdamW over this process's parts, whose state is saved and loaded whole, and its schedule."""
        configured = super().configure_optimizers()
        optimiser: Any = configured["optimizer"]
        optimiser.register_state_dict_post_hook(self._whole_state)
        optimiser.register_load_state_dict_pre_hook(self._own_state)
        return configured

    def _whole_state(self, optimiser: torch.optim.Optimizer, state: dict[str, Any]) -> dict[str, Any]:
        cuts = self._cuts(optimiser)
        whole: dict[int, Any] = {}
        for number, values in state["state"].items():
            whole[number] = {}
            for name, value in values.items():  # without dimensions: how many updates there were
                _keep_first(whole[number], name, cuts[number].whole(value) if value.ndim else value)
        return {**state, "state": whole}

    def _own_state(self, optimiser: torch.optim.Optimizer, state: dict[str, Any]) -> dict[str, Any]:
        cuts = self._cuts(optimiser)
        own = {
            number: {name: cuts[number].part(value) if value.ndim else value for name, value in values.items()}
            for number, values in state["state"].items()
        }
        return {**state, "state": own}

    def _cuts(self, optimiser: torch.optim.Optimizer) -> list[Cut]:
        """Return how the optimiser's parameters are cut, in its order."""
        cuts = {part: cut for _, cut, part in self._shards.parts()}
        return [cuts[each] for group in optimiser.param_groups for each in group["params"]]

    def on_validation_epoch_start(self) -> None:
        """Give the first process all weights."""
        self._fill(self.device)

    def validation_step(self, batch: Validate, index: int) -> None:
        """Log the scores that one validation gives."""
        super().validation_step(lambda _parts: batch(self._given[0]), index)

    def on_validation_epoch_end(self) -> None:
        """Let go of them."""
        self._given[0].to("meta")

    def on_fit_end(self) -> None:
        """Give the first process all weights, for good."""
        self._fill(torch.device("cpu"))

    def _fill(self, device: torch.device) -> None:
        state = self.model.state_dict()
        if self.trainer.is_global_zero:
            self._given[0].to_empty(device=device).load_state_dict(state)
