"""Optimizers by name. Biases and norms are not decayed; LARS does not scale their steps, Muon's are Adam's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from mutua.training.by_tensor import ByTensor
from mutua.training.muon import Muon
from mutua.training.plan import Plan
from mutua.types import InputError

__all__ = ["LARS", "OPTIMIZERS", "optimizer"]


class LARS(ByTensor):
    """Layer-wise adaptive rate scaling, for large batches.

        u = g + wd w,  v <- m v + lr q u,  w <- w - v,  q = eta |w| / |u| for weights, 1 for biases and norms

    The learning rate is inside the velocity, as published: torch's SGD has it outside, which is another path
    wherever the rate changes.

    Args:
        params: parameters or groups; a group with `adapt=False` takes plain momentum steps.
        lr: learning rate.
        momentum, weight_decay: as in SGD.
        eta: the trust coefficient.

    Paper: You, Gitman and Ginsburg 2017, Large Batch Training of Convolutional Networks, arXiv:1708.03888,
    algorithm 1, where q = eta |w| / (|g| + wd |w|); the norm of the sum, |u|, is SimCLR's form.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        eta: float = 1e-3,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "eta": eta, "adapt": True}
        super().__init__(params, defaults)

    def move(self, w: Tensor, group: dict[str, Any]) -> None:
        assert w.grad is not None
        u = w.grad.add(w, alpha=group["weight_decay"])
        if group["adapt"]:
            u.mul_(_trust(w, u, group["eta"]))
        velocity = self.state[w].get("velocity")
        if velocity is None:
            velocity = self.state[w]["velocity"] = torch.zeros_like(w)
        velocity.mul_(group["momentum"]).add_(u, alpha=group["lr"])
        w.sub_(velocity)


def _trust(w: Tensor, u: Tensor, eta: float) -> Tensor:
    """eta |w| / |u|, and 1 where either is zero; without waiting for the device."""
    w_norm, u_norm = w.norm(), u.norm()
    ratio = eta * w_norm / u_norm
    return torch.where((w_norm > 0) & (u_norm > 0), ratio, torch.ones_like(ratio))


def _fused(plan: Plan) -> bool:
    """Where fp16's gradients are clipped they are unscaled before the step, which the fused one does itself."""
    return not (plan.precision == "16-mixed" and plan.clip)


def _adamw(groups: list[dict[str, Any]], plan: Plan) -> Optimizer:
    return AdamW(groups, lr=plan.lr, betas=(plan.momentum, plan.beta2), fused=_fused(plan))


def _adam(groups: list[dict[str, Any]], plan: Plan) -> Optimizer:
    return Adam(groups, lr=plan.lr, betas=(plan.momentum, plan.beta2), fused=_fused(plan))


def _sgd(groups: list[dict[str, Any]], plan: Plan) -> Optimizer:
    return SGD(groups, lr=plan.lr, momentum=plan.momentum, nesterov=plan.momentum > 0)


def _lars(groups: list[dict[str, Any]], plan: Plan) -> Optimizer:
    return LARS(groups, lr=plan.lr, momentum=plan.momentum)


def _muon(groups: list[dict[str, Any]], plan: Plan) -> Optimizer:
    return Muon(groups, lr=plan.lr, momentum=plan.momentum, betas=(0.9, plan.beta2))


OPTIMIZERS: dict[str, Callable[[list[dict[str, Any]], Plan], Optimizer]] = {
    "adamw": _adamw,
    "adam": _adam,
    "sgd": _sgd,
    "lars": _lars,
    "muon": _muon,
}


def optimizer(module: nn.Module, plan: Plan) -> Optimizer:
    """The plan's optimizer of the module's parameters, in two groups: weights, and what has one axis or none."""
    learned = [p for p in module.parameters() if p.requires_grad]
    if not learned:
        raise InputError(f"method: {type(module).__name__} has no parameter to train")
    weights = [p for p in learned if p.ndim > 1]
    others = [p for p in learned if p.ndim <= 1]
    groups: list[dict[str, Any]] = []
    if weights:
        groups.append({"params": weights, "weight_decay": plan.weight_decay})
    if others:
        groups.append({"params": others, "weight_decay": 0.0})
    if plan.optimizer == "lars":
        for group in groups:
            group["adapt"] = group["weight_decay"] > 0 or group["params"][0].ndim > 1
    return OPTIMIZERS[plan.optimizer](groups, plan)
