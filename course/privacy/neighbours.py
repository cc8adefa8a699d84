"""Whose privacy, and what may differ: the two words without which an ε says nothing."""

from enum import Enum


class Adjacency(Enum):
    """Which two datasets are neighbours: those that a mechanism must not tell apart.

    ADD_REMOVE: one has a record (or a person) more than the other.
    REPLACE_ONE: both have the same size, and one record is another one. A sum of vectors of norm ≤ C then
    moves by up to 2C, not C.
    """

    ADD_REMOVE = "add/remove"
    REPLACE_ONE = "replace one"


class Unit(Enum):
    """What one record of that definition is: an example, all of a patient, or all of a client."""

    EXAMPLE = "example"
    PATIENT = "patient"
    CLIENT = "client"
