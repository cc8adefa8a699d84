"""The trade-off: privacy, accuracy and bytes as one constrained search, and the page that it ends in."""

from course.trade_off.confirming import Confirmation, Curse, confirm, winners_curse
from course.trade_off.explorer import explorer
from course.trade_off.grid import (
    CHECKPOINTS,
    DELTA,
    FRESH_SEEDS,
    SEEDS,
    TARGETS,
    grid_of,
    load_confirmed,
    load_points,
    load_references,
    references,
)
from course.trade_off.judging import Interval, client_accuracies, over_seeds, worst_tenth
from course.trade_off.message_costs import bytes_a_client, megabytes
from course.trade_off.points import Point, columns_of, epsilon_surface, front_within, of_unit, pareto
from course.trade_off.problem import Clients, Problem, load_problem
from course.trade_off.promise import UnitsDiffer, enter, enter_against_server, epsilon_of, rounds_drawn
from course.trade_off.search_cost import SearchCost, repeated_rdp, search_cost
from course.trade_off.setting import Setting
from course.trade_off.solver import Infeasible, Target, choose
from course.trade_off.spec import Spec
from course.trade_off.sweep import OtherRuns, run_sweep
from course.trade_off.training import client_sum, example_sum, local_updates, train

__all__ = [
    "CHECKPOINTS",
    "DELTA",
    "FRESH_SEEDS",
    "SEEDS",
    "TARGETS",
    "Clients",
    "Confirmation",
    "Curse",
    "Infeasible",
    "Interval",
    "OtherRuns",
    "Point",
    "Problem",
    "SearchCost",
    "Setting",
    "Spec",
    "Target",
    "UnitsDiffer",
    "bytes_a_client",
    "choose",
    "client_accuracies",
    "client_sum",
    "columns_of",
    "confirm",
    "enter",
    "enter_against_server",
    "epsilon_of",
    "epsilon_surface",
    "example_sum",
    "explorer",
    "front_within",
    "grid_of",
    "load_confirmed",
    "load_points",
    "load_problem",
    "load_references",
    "local_updates",
    "megabytes",
    "of_unit",
    "over_seeds",
    "pareto",
    "references",
    "repeated_rdp",
    "rounds_drawn",
    "run_sweep",
    "search_cost",
    "train",
    "winners_curse",
    "worst_tenth",
]
