"""What llm-label does: models asked about the rows' texts, and the answers judged and written."""

import time
from collections.abc import Sequence

import numpy as np

from labelkit import console
from labelkit.data.labels import Labels
from labelkit.errors import UsageError
from labelkit.job.job import Job
from labelkit.llm import acceptance, cost_estimate, inputs, output
from labelkit.llm.client.response_cache import Cache
from labelkit.llm.options import Wanted
from labelkit.llm.prompts import completion
from labelkit.llm.session import Asking, Given, prepare
from labelkit.llm.variants import cascade, compare
from labelkit.llm.variants import variant as variants
from labelkit.llm.variants.variant import Variant


def llm_label(job: Job, wanted: Wanted, tried: Sequence[str] = (), as_json: bool = False) -> None:
    """Label the chosen rows of a job and write the output, or compare what is tried on some."""
    if as_json and not tried:
        raise UsageError("--json is the form of the table of --try: leave it out, or add --try")
    chosen = _variants(job, wanted, tried)
    people = inputs.people(job)
    given = Given(job, _classes(job, people, chosen), people, Cache(job.cache_dir))
    try:
        if wanted.show_prompt:
            return _show_prompts(given, chosen)
        if tried:
            return compare.compare(given, chosen, wanted, as_json)
        return _label(given, chosen, wanted)
    except KeyboardInterrupt:
        console.note(
            f"llm-label: {console.count(given.answers, 'answers')} of this run are kept: the same "
            "command goes on from here"
        )
        raise
    finally:
        given.cache.close()


def _variants(job: Job, wanted: Wanted, tried: Sequence[str]) -> list[Variant]:
    if tried and variants.typed(job, "cascade", wanted.cascade):
        raise UsageError("--try compares single models: leave out --cascade")
    if tried:
        return variants.tried(job, wanted, tried)
    model_instead = variants.typed(job, "model", wanted.model)
    if wanted.cascade is not None and (
        not model_instead or variants.typed(job, "cascade", wanted.cascade)
    ):
        if model_instead:
            raise UsageError("--cascade names the models: leave out --model")
        return variants.cascaded(job, wanted, wanted.cascade)
    return [variants.single(job, wanted)]


def _classes(job: Job, people: Labels, chosen: Sequence[Variant]) -> tuple[str, ...]:
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
    aim = acceptance.aim_of(job, wanted, first.known)
    if not wanted.dry_run:
        first.check()
        _check(given, chosen[1:])
    if wanted.dry_run or (console.can_ask() and not wanted.yes):
        asked = [first, *(prepare(given, variant, job.chosen) for variant in chosen[1:])]
        expected = [asking.expected() for asking in asked]
        if wanted.dry_run:
            return cost_estimate.tell(job, asked, expected)
        cost_estimate.consent(asked, expected)
        given.askings[:] = [first]
    started = time.monotonic()
    result = cascade.label(given, first, chosen[1:], wanted)
    cascade.refuse_nothing(result)
    output.write(job, result, aim, time.monotonic() - started)
    return None


def _check(given: Given, later: Sequence[Variant]) -> None:
    """Raise what is wrong with models that come later, before the first one is paid."""
    nothing = np.zeros(given.job.rows, dtype=np.bool_)
    known = list(given.askings)
    for variant in later:
        prepare(given, variant, nothing).check()
    given.askings[:] = known


def _show_prompts(given: Given, chosen: Sequence[Variant]) -> None:
    for variant in chosen:
        asking = prepare(given, variant, given.job.chosen)
        if len(chosen) > 1:
            console.note(f"{console.clean(variant.name)} is told:\n")
        _show_prompt(asking)


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
