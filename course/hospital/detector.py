"""A tumour detector for which a patient is one example: a stack of slices, each looked at by itself.

Learned from outlines on coarse cells: a few hundred labels "this patient has a tumour" do not tell a network
where to look, and a few hundred outlines do.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F

from course.hospital.feature_bank import standardised_scan
from course.hospital.patients import PIXELS, Patient

POOL_PX, CELL_PX = 2, 4
"""Pixels of 3 mm that one input pixel and one cell of the detector are wide."""
CELLS_WIDE = PIXELS // CELL_PX
TUMOUR_CELL = 0.25
"""A cell of which the outline covers more than this share is taught as tumour."""
CELL_WEIGHT, LABEL_WEIGHT = 30.0, 0.3
"""How much more a tumour cell counts than one without, and what a patient's own label adds to the loss."""
_NOWHERE = -1e9
"""A logit for slices that only pad: finite, so that no gradient through it becomes NaN."""
_BATCH = 32


@dataclass(frozen=True, eq=False)
class Stacks:
    """Patients ready for the detector; those with fewer slices are padded with empty ones.

    Attributes:
        inputs: float32, shape (patients, 2, slices, 32, 32): the standardised scan, and scan − mirror image.
        present: bool, shape (patients, slices); False where a slice only pads.
        cover: float32, shape (patients, slices, 16, 16): the share of each 12 mm cell inside the outline.
        slice_labels: bool, shape (patients, slices): does the tumour show in this slice?
        has_tumour: bool, shape (patients,).
    """

    inputs: Tensor
    present: Tensor
    cover: Tensor
    slice_labels: Tensor
    has_tumour: Tensor

    def __len__(self) -> int:
        return len(self.has_tumour)

    def take(self, indices: Tensor | Sequence[int]) -> "Stacks":
        """The patients at these positions."""
        chosen = torch.as_tensor(np.asarray(indices), dtype=torch.int64)
        return Stacks(*(getattr(self, part.name)[chosen] for part in fields(self)))


def standardise(slices: np.ndarray) -> np.ndarray:
    """A scan in units of its own, shape (slices, 64, 64): see `standardised_scan`."""
    return standardised_scan(slices)[0]


def as_stacks(
    patients: Sequence[Patient], *, standardise: Callable[[np.ndarray], np.ndarray] = standardise
) -> Stacks:
    """Standardise each patient by their own scan, compare it with its mirror image, and pad to one depth.

    Args:
        patients: at least one.
        standardise: from a patient's slices, (slices, 64, 64) in the scanner's units, to the same shape.

    Raises:
        ValueError: if there are no patients.

    Guarantee: a patient's part of the result depends on that patient alone, but for the empty slices.
    """
    if len(patients) == 0:
        raise ValueError("got no patients; a batch needs at least one")
    most, size = max(patient.num_slices for patient in patients), PIXELS // POOL_PX
    inputs = torch.zeros(len(patients), 2, most, size, size)
    cover = torch.zeros(len(patients), most, CELLS_WIDE, CELLS_WIDE)
    present, labels = (torch.zeros(len(patients), most, dtype=torch.bool) for _ in range(2))
    for index, patient in enumerate(patients):
        rows = slice(0, patient.num_slices)
        scan = torch.as_tensor(standardise(patient.slices), dtype=torch.float32)
        scan = F.avg_pool2d(scan.unsqueeze(1), POOL_PX).squeeze(1)
        inputs[index, :, rows] = torch.stack([scan, scan - scan.flip(-1)])
        outline = torch.from_numpy(patient.tumour_mask).float()
        cover[index, rows] = F.avg_pool2d(outline.unsqueeze(1), CELL_PX).squeeze(1)
        present[index, rows] = True
        labels[index, rows] = torch.from_numpy(patient.slice_labels)
    return Stacks(inputs, present, cover, labels, labels.any(1))


def join(parts: Sequence[Stacks]) -> Stacks:
    """All patients of several `Stacks`, padded to the deepest: the pooling that hospitals may not do."""
    if len(parts) == 0:
        raise ValueError("got nothing to join; at least one group of patients is needed")
    most = max(part.present.shape[1] for part in parts)

    def padded(part: Stacks, name: str) -> Tensor:
        tensor = getattr(part, name)
        behind = {"inputs": 2, "cover": 2}.get(name, 0)  # Dimensions after the one for slices.
        missing = 0 if name == "has_tumour" else most - part.present.shape[1]
        return F.pad(tensor, (0, 0) * behind + (0, missing)) if missing else tensor

    return Stacks(*(torch.cat([padded(part, each.name) for part in parts]) for each in fields(Stacks)))


class SliceNorm(nn.Module):
    """Group normalisation within each slice, then a learned scale and shift a channel.

    `nn.GroupNorm` would normalise over the whole stack, and slices that only pad would move its statistics.
    """

    def __init__(self, channels: int, groups: int = 4) -> None:
        super().__init__()
        self.groups = groups
        self.scale = nn.Parameter(torch.ones(channels, 1, 1, 1))
        self.shift = nn.Parameter(torch.zeros(channels, 1, 1, 1))

    def forward(self, maps: Tensor) -> Tensor:
        patients, channels, slices, rows, columns = maps.shape
        by_slice = maps.transpose(1, 2).reshape(patients * slices, channels, rows, columns)
        level = F.group_norm(by_slice, self.groups).view(patients, slices, channels, rows, columns)
        return level.transpose(1, 2) * self.scale + self.shift


def new_detector(*, seed: int, width: int = 16) -> nn.Sequential:
    """An untrained detector: three convolutions inside each slice, and a logit a cell of 12 mm.

    Takes (patients, 2, slices, 32, 32) and gives (patients, 1, slices, 16, 16). Kernels are 1 deep, so no
    slice sees another, and the first dimension is the patient: what counts as one example everywhere.
    5,569 parameters at the usual width.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv3d(2, width, (1, 5, 5), stride=(1, 2, 2), padding=(0, 2, 2)), SliceNorm(width), nn.ReLU(),
            nn.Conv3d(width, width, (1, 3, 3), padding=(0, 1, 1)), SliceNorm(width), nn.ReLU(),
            nn.Conv3d(width, width, (1, 3, 3), padding=(0, 1, 1)), SliceNorm(width), nn.ReLU(),
            nn.Conv3d(width, 1, 1),
        )  # fmt: skip


def slice_and_patient_logits(cells: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
    """From a logit a cell to one a slice and one a patient: log-sum-exp, a soft maximum.

    Args:
        cells: shape (patients, slices, rows, columns).
        present: bool, shape (patients, slices); a slice that only pads counts for nothing.

    Returns:
        Shapes (patients, slices) and (patients,). A slice that is not there has about −1e9.
    """
    if present.shape != cells.shape[:2]:
        raise ValueError(f"present has shape {tuple(present.shape)}; the cells are {tuple(cells.shape)}")
    slices = torch.logsumexp(cells.flatten(2), dim=2).masked_fill(~present, _NOWHERE)
    return slices, torch.logsumexp(slices, dim=1)


def patient_losses(cells: Tensor, stacks: Stacks) -> Tensor:
    """Each patient's own loss, shape (patients,): about their outline, and about their label.

    Args:
        cells: the detector's logits, shape (patients, slices, 16, 16).
        stacks: the same patients.

    Guarantee: entry i depends on patient i alone, and a mean over slices stands in it, not a sum.
    """
    target = (stacks.cover > TUMOUR_CELL).float()
    each = F.binary_cross_entropy_with_logits(
        cells, target, reduction="none", pos_weight=cells.new_tensor(CELL_WEIGHT)
    )
    there = stacks.present.float()
    outline = (each.mean((2, 3)) * there).sum(1) / there.sum(1)
    _, logits = slice_and_patient_logits(cells, stacks.present)
    label = F.binary_cross_entropy_with_logits(logits, stacks.has_tumour.float(), reduction="none")
    return outline + LABEL_WEIGHT * label


@torch.no_grad()
def cell_logits(model: nn.Module, stacks: Stacks) -> Tensor:
    """What the detector says of each cell: shape (patients, slices, 16, 16)."""
    parts = [model(inputs).squeeze(1) for inputs in stacks.inputs.split(_BATCH)]
    return torch.cat(parts)


def patient_scores(model: nn.Module, stacks: Stacks) -> np.ndarray:
    """How suspicious each patient is, as a logit: shape (patients,), float64."""
    return slice_and_patient_logits(cell_logits(model, stacks), stacks.present)[1].double().numpy()


def slice_scores(model: nn.Module, stacks: Stacks) -> tuple[np.ndarray, np.ndarray]:
    """Logits of all slices that are there, and whether each shows a tumour; shape (slices of all,) each."""
    slices, _ = slice_and_patient_logits(cell_logits(model, stacks), stacks.present)
    return slices[stacks.present].double().numpy(), stacks.slice_labels[stacks.present].numpy()


def clipped_patient_sum(model: nn.Module, stacks: Stacks, *, max_grad_norm: float) -> dict[str, Tensor]:
    """The sum of the patients' gradients, each clipped as a whole: name → tensor of the parameter's shape.

    Args:
        model: of `new_detector`.
        stacks: may hold no patient.
        max_grad_norm: C > 0.

    Raises:
        ValueError: if C is not positive.

    Guarantee: adding or removing one patient, with all their slices, moves the sum by at most C.
    Limits: a slice is nobody's example here; were slices clipped one by one, a patient with n of them could
        move the sum by n · C.
    Source: Abadi et al. 2016, arXiv:1607.00133v2, Algorithm 1, with the patient as example.
    """
    if not 0 < max_grad_norm < float("inf"):
        raise ValueError(f"max_grad_norm is {max_grad_norm}; it must be positive and finite")
    weights = {name: parameter.detach() for name, parameter in model.named_parameters()}
    if len(stacks) == 0:  # vmap does not take an empty dimension.
        return {name: torch.zeros_like(weight) for name, weight in weights.items()}

    def loss_of_one(weights: dict[str, Tensor], *patient: Tensor) -> Tensor:
        one = Stacks(*(part.unsqueeze(0) for part in patient))
        return patient_losses(functional_call(model, weights, (one.inputs,)).squeeze(1), one).sum()

    parts = [getattr(stacks, part.name) for part in fields(stacks)]
    gradients = vmap(grad(loss_of_one), in_dims=(None, *[0] * len(parts)))(weights, *parts)
    norms = sum(gradient.flatten(1).square().sum(1) for gradient in gradients.values()).sqrt()
    factors = (max_grad_norm / norms.clamp_min(1e-12)).clamp_max(1.0)
    return {name: torch.einsum("p,p...->...", factors, gradient) for name, gradient in gradients.items()}
