"""What helps to write labeling functions: statistics, report, explanations, suggestions."""
