"""Names and values of our columns that are needed before any data library is loaded."""

AUDIT, RELABEL = "audit", "relabel"  # values of label_origin
ROW_CHECK = "row_check"
