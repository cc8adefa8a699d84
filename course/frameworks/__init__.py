"""The same tasks in every tool that the field names: a short file each, runnable alone, and a record a run.

`rows_of` gives a task's rows, live where the tool is installed and recorded where not; `show` is their table.
`make frameworks` builds the environments of the tools that live apart from the course, and renews records.
"""

from course.frameworks.records import Record, StaleRecord, recorded
from course.frameworks.rows import ROWS, Row, row_of, source_of
from course.frameworks.running import NotInstalled, RowFailed, run_live, run_row
from course.frameworks.table import digest, rows_of, run_or_read, show
from course.frameworks.tasks import task_of

__all__ = [
    "ROWS",
    "NotInstalled",
    "Record",
    "Row",
    "RowFailed",
    "StaleRecord",
    "digest",
    "recorded",
    "row_of",
    "rows_of",
    "run_live",
    "run_or_read",
    "run_row",
    "show",
    "source_of",
    "task_of",
]
