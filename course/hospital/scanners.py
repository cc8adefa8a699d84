"""What each hospital's scanner makes of a head: its contrast, shading, blur, noise and units."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv2d

from course.hospital.fields import NUM_SLICES, draw_coefficients, smooth_field
from course.hospital.patients import PIXEL_MM, PIXELS

SHADING_MM = 70.0
"""Size of the bright and dark areas of a scanner's shading, in millimetres."""


@dataclass(frozen=True)
class Scanner:
    """A scanner of T1-weighted images, as its images show it.

    Fields:
        fluid, grey, white: brightness of the three tissues, where white matter on the reference scanner is 1.
        agent: brightness of tissue that takes up the contrast agent.
        shading: standard deviation of the log of the bias field.
        blur_mm: full width at half maximum of a point, in millimetres.
        noise_std: of each of the two channels of the receiver, in units of this scanner's white matter.
        gain: the scanner's own unit: its numbers for the same brightness.
        wander: how much tissue brightness varies from patient to patient, as a share.
    """

    fluid: float
    grey: float
    white: float
    agent: float
    shading: float
    blur_mm: float
    noise_std: float
    gain: float = 1.0
    wander: float = 0.045


SCANNERS = {
    "university": Scanner(0.18, 0.62, 1.00, 1.25, shading=0.06, blur_mm=2.0, noise_std=0.025),
    "city": Scanner(0.22, 0.68, 1.00, 1.20, shading=0.16, blur_mm=3.0, noise_std=0.035, gain=1.15),
    "coast": Scanner(0.30, 0.72, 0.98, 1.22, shading=0.09, blur_mm=4.0, noise_std=0.05, gain=0.85),
    "valley": Scanner(0.15, 0.66, 1.05, 1.30, shading=0.12, blur_mm=2.5, noise_std=0.06, gain=1.0),
    "hill": Scanner(0.25, 0.60, 0.92, 1.15, shading=0.20, blur_mm=3.5, noise_std=0.04, gain=1.3),
    "clinic": Scanner(0.34, 0.74, 0.95, 1.15, shading=0.14, blur_mm=5.5, noise_std=0.065, gain=0.75),
}
"""Hospital → its scanner."""


@dataclass(frozen=True, eq=False)
class Exposure:
    """What varies from one patient to the next on the same scanner.

    Fields:
        tissue_factors: shape (4,): on the brightness of fluid, grey, white and agent.
        shading: coefficients of the bias field.
        noise: shape (2, z, y, x), standard normal: the two channels of the receiver.
    """

    tissue_factors: Tensor
    shading: Tensor
    noise: Tensor


def draw_exposure(rng: np.random.Generator, *, scanner: Scanner) -> Exposure:
    """One patient's exposure, drawn from `rng`."""
    return Exposure(
        torch.from_numpy(1 + scanner.wander * rng.standard_normal(4, dtype=np.float32)),
        draw_coefficients(rng, spacing_mm=SHADING_MM),
        torch.from_numpy(rng.standard_normal((2, NUM_SLICES, PIXELS, PIXELS), dtype=np.float32)),
    )


def _blurred(images: Tensor, *, width_mm: float) -> Tensor:
    """Convolve with a Gaussian of this full width at half maximum, within each slice."""
    spread = width_mm / np.sqrt(8 * np.log(2)) / PIXEL_MM
    offsets = torch.arange(-3, 4, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (offsets / spread) ** 2)
    kernel = kernel / kernel.sum()
    flat = images.reshape(-1, 1, PIXELS, PIXELS)
    flat = conv2d(flat, kernel.view(1, 1, 1, -1), padding=(0, 3))
    return conv2d(flat, kernel.view(1, 1, -1, 1), padding=(3, 0)).reshape(images.shape)


def take_scan(shares: Tensor, exposures: Sequence[Exposure], *, scanner: Scanner) -> Tensor:
    """The images that a scanner makes of what lies in each pixel.

    Args:
        shares: shape (patients, 5, z, y, x): fluid, grey, white, contrast agent, and the template's detail.
        exposures: one a patient.
        scanner: whose images.

    Returns:
        Shape (patients, z, y, x), float32, not negative: the magnitude of signal plus complex noise, so that
        the background is not zero and dark tissue looks brighter than it is.

    Source: Gudbjartsson and Patz 1995, "The Rician distribution of noisy MRI data", Magnetic Resonance in
        Medicine 34(6).
    """
    bright = torch.tensor([scanner.fluid, scanner.grey, scanner.white, scanner.agent])
    bright = bright * torch.stack([exposure.tissue_factors for exposure in exposures])
    signal = torch.einsum("pcijk,pc->pijk", shares[:, :4], bright) + shares[:, 4] * scanner.white
    field = smooth_field(torch.stack([exposure.shading for exposure in exposures]), spacing_mm=SHADING_MM)
    signal = _blurred(signal, width_mm=scanner.blur_mm) * torch.exp(scanner.shading * field[:, 0])
    noise = scanner.noise_std * scanner.white * torch.stack([exposure.noise for exposure in exposures])
    return scanner.gain * torch.hypot(signal + noise[:, 0], noise[:, 1])
