"""The average brain that the simulated patients are deformed from: ICBM152, as nilearn ships it, at 2 mm."""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

TISSUES = ("grey", "white", "fluid", "detail")
"""The template's channels: three shares of tissue between 0 and 1, and what its T1 shows beyond them."""
STEP_MM = 2.0
# Where the first voxel of the decimated template lies, in millimetres right, front and up of the anterior
# commissure; nilearn's affine puts voxel 0 at (-98, -134, -72) and we average blocks of two.
_FIRST_MM = np.array([-97.5, -133.5, -71.5])


def _halved(image: np.ndarray) -> np.ndarray:
    """Average blocks of 2×2×2 voxels; shape (x, y, z) → about half of each."""
    even = image[tuple(slice(0, size // 2 * 2) for size in image.shape)]
    x, y, z = (size // 2 for size in even.shape)
    return even.reshape(x, 2, y, 2, z, 2).mean(axis=(1, 3, 5))


@lru_cache(maxsize=1)
def template_volumes() -> Tensor:
    """The template's tissues at 2 mm, shape (4, z, y, x), float32; channels as in `TISSUES`.

    The fluid is what the head holds beside grey and white matter. `detail` is the T1 template minus the best
    fit of the three tissues, so that veins, deep nuclei and shading of the real average stay visible.

    Source: Fonov et al. 2011, "Unbiased average age-appropriate atlases for pediatric studies", NeuroImage
        54(1); the symmetric ICBM 2009a template in nilearn's package. Nothing is downloaded.
    """
    # Imported here, because it takes a second, which each process of the deployment would pay for nothing.
    from nilearn.datasets import load_mni152_gm_template, load_mni152_template, load_mni152_wm_template

    grey, white, t1 = (
        _halved(np.asarray(load(resolution=1).dataobj, dtype=np.float32))
        for load in (load_mni152_gm_template, load_mni152_wm_template, load_mni152_template)
    )
    head = np.clip(t1 / 0.25, 0, 1)
    fluid = np.clip(head - grey - white, 0, 1)
    tissues = np.stack([grey, white, fluid])
    inside = head > 0.5
    fit, *_ = np.linalg.lstsq(tissues[:, inside].T, t1[inside], rcond=None)
    brain = np.clip(grey + white, 0, 1) ** 4
    detail = brain * (t1 - np.tensordot(fit, tissues, axes=1))
    volumes = np.concatenate([tissues, detail[None]]).astype(np.float32)
    return torch.from_numpy(np.ascontiguousarray(volumes.transpose(0, 3, 2, 1)))


def sample_template(points_mm: Tensor) -> Tensor:
    """Read the template between its voxels.

    Args:
        points_mm: shape (patients, z, y, x, 3): millimetres right, front and up of the anterior commissure.

    Returns:
        Shape (patients, 4, z, y, x): trilinear; zero outside of the template.
    """
    volumes = template_volumes()
    last = torch.tensor(volumes.shape[:0:-1], dtype=torch.float32) - 1
    grid = (points_mm - torch.from_numpy(_FIRST_MM).float()) / STEP_MM / last * 2 - 1
    batch = volumes.expand(len(points_mm), *volumes.shape)
    return grid_sample(batch, grid, mode="bilinear", padding_mode="zeros", align_corners=True)


@lru_cache(maxsize=1)
def deep_white_matter() -> np.ndarray:
    """Places where a tumour may start: shape (places, 3), millimetres right, front and up.

    White matter at least 14 mm from the midline, where a mass shows as a difference between the two sides.
    """
    white = template_volumes()[TISSUES.index("white")].numpy()
    z, y, x = np.nonzero(white > 0.8)
    places = np.stack([x, y, z], axis=1) * STEP_MM + _FIRST_MM
    x, y, _ = places.T
    return places[(np.abs(x) > 14) & (y > -88) & (y < 48)].astype(np.float32)
