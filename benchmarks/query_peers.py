"""What scikit-activeml picks, as strategies of labelkit: `--strategy query_peers.py:badge`.

Both see the features, the labels and the kind of model that labelkit's own strategies see. They
need `pip install scikit-activeml`, or a folder with it on PYTHONPATH.
"""

import warnings

import numpy as np

COLD = 40  # labels, as in labelkit's default
MOST_TYPICAL = 3_000  # rows: TypiClust clusters all of them anew in each round


def badge(pool, n, rng):
    """BADGE (Ash et al. 2020); the first rows at random, as there is no model yet."""
    from skactiveml.classifier import SklearnClassifier
    from skactiveml.pool import Badge
    from sklearn.base import clone

    if pool.estimator is None:
        return rng.random(_rows(pool))
    classes = list(range(len(pool.classes)))
    model = SklearnClassifier(clone(pool.estimator), classes=classes, random_state=_seed(rng))
    labelled, features = _dense(pool.labelled), _dense(pool.features)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        picks = Badge(random_state=_seed(rng)).query(
            labelled, pool.codes.astype(float), model, candidates=features, batch_size=n
        )
    return _scores(len(features), np.asarray(picks))


def typiclust(pool, n, rng):
    """TypiClust (Hacohen et al. 2022) from the first to the last row."""
    from skactiveml.pool import TypiClust
    from sklearn.cluster import MiniBatchKMeans

    rows = _rows(pool)
    some = np.sort(rng.choice(rows, min(rows, MOST_TYPICAL), replace=False))
    everything = np.vstack([_dense(pool.labelled), _dense(pool.features[some])])
    labels = np.full(len(everything), np.nan)
    labels[: len(pool.codes)] = pool.codes
    typical = TypiClust(
        random_state=_seed(rng),
        cluster_algo=MiniBatchKMeans,
        cluster_algo_dict={"n_init": 1, "random_state": _seed(rng)},
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        picks = typical.query(everything, labels, batch_size=n)
    return _scores(rows, some[picks - len(pool.codes)])


def typiclust_margin(pool, n, rng):
    """TypiClust for 40 labels, then the smallest margin (Doucet et al. 2024)."""
    if pool.probabilities is None or len(pool.codes) < COLD:
        return typiclust(pool, n, rng)
    top = np.sort(pool.probabilities, axis=1)[:, -2:]
    return 1.0 - (top[:, 1] - top[:, 0])


def _rows(pool):
    return pool.features.shape[0]


def _dense(rows):
    return np.asarray(rows.toarray() if hasattr(rows, "toarray") else rows, dtype=np.float64)


def _seed(rng):
    return int(rng.integers(2**31))


def _scores(rows, picks):
    scores = np.zeros(rows)
    scores[picks] = np.arange(len(picks), 0, -1)
    return scores
