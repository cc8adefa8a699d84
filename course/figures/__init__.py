"""The course's figure style and its plots: they take `ax`, return it, and compute nothing."""

from course.figures.aggregation import plot_bytes, plot_vectors, show_cancelling
from course.figures.attacks import plot_against_shadows, plot_exposure, plot_in_and_out, plot_roc
from course.figures.audit_lab import (
    plot_auditors,
    plot_checks,
    plot_cohort_sizes,
    plot_messages,
    plot_stated_and_measured,
)
from course.figures.costs import plot_cost_growth, plot_expansion, plot_seconds, plot_two_costs
from course.figures.course_map import plot_course_map
from course.figures.crypto import plot_share_counts, plot_wrap
from course.figures.detector import plot_look, plot_over_seeds, plot_transfer
from course.figures.encryption import plot_false_rates, plot_prices, plot_rebuilt, plot_room
from course.figures.federated import (
    plot_clients,
    plot_curves,
    plot_digits,
    plot_holdings,
    plot_levels,
    plot_timeline,
)
from course.figures.frameworks import plot_accountants, plot_needs, plot_noise_of_tools, plot_run_costs
from course.figures.hospital import ScanPicture, plot_patients, plot_slice, plot_stack
from course.figures.inversion import plot_psnr, plot_rows_of_digits
from course.figures.patient_privacy import plot_intervals, plot_spending, plot_told_apart
from course.figures.privacy import plot_growth, plot_guesses, plot_losses
from course.figures.style import COLOURS, present, use_course_style
from course.figures.trade_off import (
    plot_epsilon_surface,
    plot_small_multiples,
    plot_trade_off,
)
from course.figures.training import plot_audit, plot_groups, plot_norms, plot_price

__all__ = [
    "COLOURS",
    "ScanPicture",
    "plot_accountants",
    "plot_against_shadows",
    "plot_audit",
    "plot_auditors",
    "plot_bytes",
    "plot_checks",
    "plot_clients",
    "plot_cohort_sizes",
    "plot_cost_growth",
    "plot_course_map",
    "plot_curves",
    "plot_digits",
    "plot_epsilon_surface",
    "plot_expansion",
    "plot_exposure",
    "plot_false_rates",
    "plot_groups",
    "plot_growth",
    "plot_guesses",
    "plot_holdings",
    "plot_in_and_out",
    "plot_intervals",
    "plot_levels",
    "plot_look",
    "plot_losses",
    "plot_messages",
    "plot_needs",
    "plot_noise_of_tools",
    "plot_norms",
    "plot_over_seeds",
    "plot_patients",
    "plot_price",
    "plot_prices",
    "plot_psnr",
    "plot_rebuilt",
    "plot_roc",
    "plot_room",
    "plot_rows_of_digits",
    "plot_run_costs",
    "plot_seconds",
    "plot_share_counts",
    "plot_slice",
    "plot_small_multiples",
    "plot_spending",
    "plot_stack",
    "plot_stated_and_measured",
    "plot_timeline",
    "plot_told_apart",
    "plot_trade_off",
    "plot_transfer",
    "plot_two_costs",
    "plot_vectors",
    "plot_wrap",
    "present",
    "show_cancelling",
    "use_course_style",
]
