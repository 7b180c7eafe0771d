"""Anybody's network as an encoder: a plain module, timm's, or Hugging Face's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from mutua.encoders.inputs import prepared
from mutua.encoders.staged import Readable, dry_run, spec_of
from mutua.types import Batch, InputError, Spec, names

__all__ = ["Wrapped", "from_hf", "from_timm"]


class Wrapped(Readable):
    """A module read at its output, or at named submodules.

    Args:
        module: takes what `mutua.encoders.inputs` makes of a batch (float images (n, c, h, w) in [-1, 1], sound
            (n, c, t), series as (n, c, t), rows (n, d)), returns a tensor.
        spec: what one example is, for a dry run that finds the shapes; or, of square images, their channels.
        size: height and width, where `spec` is the channels of square images.
        depths: depth name to submodule path as in `named_modules`; the output is always there, as "output".

    Raises `InputError` where a path is no submodule, or gives no tensor, or the images do not pass.
    """

    def __init__(
        self,
        module: nn.Module,
        spec: Spec | int = 3,
        size: int | None = 32,
        depths: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.module = module
        self.spec = spec_of(spec, size)
        self.paths = dict(depths or {})
        known = {path for path, _ in module.named_modules()}
        for name, path in self.paths.items():
            if name == "output":
                raise InputError("depths: output is the name of the module's own output; choose another")
            if path not in known:
                raise InputError(f"depths: {name}={path!r} is no submodule of {type(module).__name__}")
        self.shapes = dry_run(self)

    @property
    def depths(self) -> tuple[str, ...]:
        return (*self.paths, "output")

    def read(self, batch: Batch, depths: Sequence[str]) -> dict[str, Tensor]:
        """The activations at the named depths, from one pass."""
        if unknown := set(depths) - set(self.depths):
            raise InputError(f"depth: {names(unknown)} is not one of this encoder's {', '.join(self.depths)}")
        x, _ = self.check(batch)
        found: dict[str, Tensor] = {}
        hooks = []
        for name in set(depths) - {"output"}:
            hooks.append(self.module.get_submodule(self.paths[name]).register_forward_hook(_keep(found, name)))
        try:
            found["output"] = self.module(prepared(x, self.spec))
        finally:
            for hook in hooks:
                hook.remove()
        for name in depths:
            if not isinstance(found.get(name), Tensor):
                seen = type(found[name]).__name__ if name in found else "nothing: it was not run"
                raise InputError(
                    f"depths: {name}={self.paths.get(name, 'the output')!r} gave {seen}, not a tensor; "
                    "name a submodule that returns one, or wrap the network"
                )
        return {name: found[name] for name in depths}

    def forward(self, batch: Batch) -> Tensor:
        x, _ = self.check(batch)
        return self.module(prepared(x, self.spec))


def _keep(found: dict[str, Tensor], name: str) -> Callable[[nn.Module, object, Any], None]:
    def hook(_module: nn.Module, _inputs: object, output: Any) -> None:
        # A copy: the next module may work in place, as ReLU(inplace=True) does.
        found[name] = output.clone() if isinstance(output, Tensor) else output

    return hook


def from_timm(name: str, channels: int, size: int) -> Wrapped:
    """A network of timm by name, without its classifier and with random weights."""
    try:
        import timm
    except ImportError as error:
        raise InputError(f"encoder: timm:{name} needs timm; pip install 'mutua[timm]'") from error
    if not timm.is_model(name):
        raise InputError(f"encoder: timm has no model {name!r}; see timm.list_models()")
    return Wrapped(timm.create_model(name, num_classes=0, in_chans=channels), channels, size)


class _Pooled(nn.Module):
    """A Hugging Face vision model to one vector: its pooled output, else the mean over tokens."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        output = self.model(pixel_values=x)
        pooled = getattr(output, "pooler_output", None)
        return output.last_hidden_state.mean(1) if pooled is None else pooled.flatten(1)


def from_hf(name: str, channels: int, size: int) -> Wrapped:
    """A vision model of Hugging Face transformers by name or folder, with its pretrained weights."""
    try:
        from transformers import AutoModel
    except ImportError as error:
        raise InputError(f"encoder: hf:{name} needs transformers; pip install 'mutua[hf]'") from error
    try:
        model = AutoModel.from_pretrained(name)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"encoder: hf:{name} cannot be loaded ({reason}); give a folder or a hub name") from error
    return Wrapped(_Pooled(model), channels, size)
