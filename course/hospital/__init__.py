"""The hospital case study: scans, simulated or real, behind one record a patient."""

from course.hospital.budget import BudgetSpent, PrivacyBudget, Release
from course.hospital.flower_app import client_app, server_app
from course.hospital.irb_packet import irb_packet, run_of_packet
from course.hospital.lgg import load_lgg
from course.hospital.matching import match_heights, slice_heights
from course.hospital.nifti import read_nifti, write_nifti
from course.hospital.noisy_sum import add_noise_share, add_up_securely, noise_left, share_std
from course.hospital.patients import Hospitals, LeftOut, Patient
from course.hospital.private import Plan, PrivateHospital, train_plain, train_private
from course.hospital.run import Run, best_guess
from course.hospital.simulation import PATIENTS, simulate_hospitals

__all__ = [
    "PATIENTS",
    "BudgetSpent",
    "Hospitals",
    "LeftOut",
    "Patient",
    "Plan",
    "PrivacyBudget",
    "PrivateHospital",
    "Release",
    "Run",
    "add_noise_share",
    "add_up_securely",
    "best_guess",
    "client_app",
    "irb_packet",
    "load_lgg",
    "match_heights",
    "noise_left",
    "read_nifti",
    "run_of_packet",
    "server_app",
    "share_std",
    "simulate_hospitals",
    "slice_heights",
    "train_plain",
    "train_private",
    "write_nifti",
]
