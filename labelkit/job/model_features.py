"""Default features of a model on a job's rows."""

from typing import TYPE_CHECKING

from labelkit.ml import feature_selection

if TYPE_CHECKING:
    from labelkit.job.job import Job
    from labelkit.ml.features import Features


def for_labels(job: "Job", labelled: int) -> "Features":
    """Return the job's unfitted features; by default the embedding if there are few labels.

    With few labels single words are weak features. TF-IDF if embedding the file would be slow.
    """
    return (
        job.features() if labelled >= feature_selection.FEWEST else _unless_named(job, "embedding")
    )


def for_machine_labels(job: "Job") -> "Features":
    """Return the job's unfitted features; by default TF-IDF and the embedding."""
    return _unless_named(job, feature_selection.BOTH)


def _unless_named(job: "Job", choice: str) -> "Features":
    """Return features of this choice for texts; TF-IDF if embedding the file would be slow."""
    from labelkit.ml.features import Features

    is_open = job.options.get("features", "auto") == "auto" and not job.options.get("column")
    if not (is_open and job.has_text()):
        return job.features()
    choice = choice if feature_selection.embeds(job.source, job.text) else "tfidf"
    kinds = dict.fromkeys(job.text, "text")
    return Features(job.text, kinds, choice, job.seed, cache=lambda: job.cache_dir)
