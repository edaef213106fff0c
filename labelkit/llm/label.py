"""What llm-label does: models asked about the rows' texts, and the answers judged and written."""

import time
from collections.abc import Sequence

from labelkit import columns, console
from labelkit.errors import UsageError
from labelkit.job import Job
from labelkit.llm import aims, cascade, completion, gather, outlook, trial, variants, write
from labelkit.llm.asking import Asking, Given, prepare
from labelkit.llm.cache import Cache
from labelkit.llm.settings import Wanted
from labelkit.llm.variants import Variant


def llm_label(job: Job, wanted: Wanted, tried: Sequence[str] = (), as_json: bool = False) -> None:
    """Label the chosen rows of a job and write the output, or compare what is tried on some."""
    chosen = _variants(job, wanted, tried)
    people = gather.people(job)
    given = Given(job, _classes(job, people, chosen), people, Cache(job.cache_dir))
    try:
        if tried:
            return trial.compare(given, chosen, wanted, as_json)
        return _label(given, chosen, wanted)
    except KeyboardInterrupt:
        console.note(
            f"llm-label: {given.answers:,} answers of this run are kept: the same command "
            "goes on from here"
        )
        raise
    finally:
        given.cache.close()


def _variants(job: Job, wanted: Wanted, tried: Sequence[str]) -> list[Variant]:
    if tried and wanted.cascade is not None:
        raise UsageError("--try compares single models: leave out --cascade")
    if tried:
        return variants.tried(job, wanted, tried)
    if wanted.cascade is not None:
        return variants.cascaded(job, wanted, wanted.cascade)
    return [variants.single(job, wanted)]


def _classes(job: Job, people: columns.Labels, chosen: Sequence[Variant]) -> tuple[str, ...]:
    named = job.classes or variants.classes_of(chosen)
    gold = job.gold() if not named else None
    seen = set(people.classes) | (
        {str(label) for label in gold if label} if gold is not None else set()
    )
    classes = tuple(named or sorted(seen))
    completion.check_classes(classes)
    return classes


def _label(given: Given, chosen: Sequence[Variant], wanted: Wanted) -> None:
    job = given.job
    first = prepare(given, chosen[0], job.chosen)
    aim = aims.aim_of(job, wanted, first.known)
    if wanted.show_prompt:
        return _show_prompt(first)
    if wanted.dry_run or (first.price is not None and console.can_ask() and not wanted.yes):
        asked = [first, *(prepare(given, variant, job.chosen) for variant in chosen[1:])]
        expected = [asking.expected() for asking in asked]
        if wanted.dry_run:
            return outlook.tell(job, asked, expected)
        outlook.consent(asked, expected)
        given.askings[:] = [first]
    started = time.monotonic()
    result = cascade.label(given, first, chosen[1:], wanted)
    write.write(job, result, aim, time.monotonic() - started)
    return None


def _show_prompt(asking: Asking) -> None:
    run, texts = asking.run, asking.rows.texts
    text = texts[0] if texts else "(no row is chosen)"
    if run.settings.local:
        asked = run.local_request(text, completion.WORDINGS[0])
        lines = [*asked["prompt"].splitlines()]
        lines.append(f"(one of: {', '.join(asked['words'].values())})")
        lines.append(
            f"(the last line's noun is the best of {', '.join(completion.WORDINGS)} "
            f"on the first {completion.WORDING_ROWS} texts)"
        )
    else:
        lines = []
        for message in run.chat_request(text, run.settings.confidence == "verbalised")["messages"]:
            lines += [f"[{message['role']}]", *message["content"].splitlines(), ""]
    for line in lines:
        console.note(console.clean(line, 2000))
