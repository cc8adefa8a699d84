"""The data of the course, and ways to deal it out among clients.

`load_mnist` and `load_adult` read files that ship with the course, check their SHA-256 and download
nothing; `census_features` makes Adult's rows model-ready. `partition_iid`, `partition_shards` and
`partition_dirichlet` say which client holds which example.
Where the data come from, under which licence, and what is wrong with them: DATA_CARD.md beside this file.
"""

from course.data.adult import Adult, load_adult
from course.data.census import Census, census_feature_names, census_features
from course.data.files import CorruptedDataError
from course.data.mnist import Mnist, load_mnist
from course.data.partition import label_counts, partition_dirichlet, partition_iid, partition_shards

__all__ = [
    "Adult",
    "Census",
    "CorruptedDataError",
    "Mnist",
    "census_feature_names",
    "census_features",
    "label_counts",
    "load_adult",
    "load_mnist",
    "partition_dirichlet",
    "partition_iid",
    "partition_shards",
]
