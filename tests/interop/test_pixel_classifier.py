"""fit and predict of pixels, with scikit-learn's own tools."""

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.preprocessing import StandardScaler

from stsun.errors import DataError
from stsun.interop.sklearn import PixelClassifier

from .conftest import NIR, RED

NAMES = np.array(["soil", "trees", "water"])
SPECTRA = np.array([[0.25, 0.3], [0.04, 0.4], [0.05, 0.02]])  # red, near infrared


def pixels(count=60, seed=0):
    random = np.random.default_rng(seed)
    which = random.integers(0, 3, count)
    return SPECTRA[which] * random.uniform(0.7, 1.3, (count, 2)), NAMES[which]


@pytest.fixture
def classifier(nano):
    return PixelClassifier([RED, NIR], 10.0, nano)


def test_it_tells_spectra_apart_that_it_has_not_seen(classifier):
    fitted = classifier.fit(*pixels())
    spectra, labels = pixels(seed=1)
    assert fitted.score(spectra, labels) > 0.9
    assert fitted.classes_.tolist() == sorted(NAMES) and set(fitted.predict(spectra)) <= set(NAMES)
    probabilities = fitted.predict_proba(spectra)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_array_equal(fitted.classes_[probabilities.argmax(1)], fitted.predict(spectra))


def test_the_fit_is_that_of_scikit_learn_on_the_same_features(classifier):
    (spectra, labels), (others, _) = pixels(), pixels(seed=1)
    scaler = StandardScaler().fit(classifier.transform(spectra))
    reference = LogisticRegression(C=classifier.C, max_iter=5000, tol=1e-8)
    reference.fit(scaler.transform(classifier.transform(spectra)), labels)
    expected = reference.predict_proba(scaler.transform(classifier.transform(others)))
    np.testing.assert_allclose(classifier.fit(spectra, labels).predict_proba(others), expected, atol=0.02)


def test_rows_do_not_see_one_another_and_the_size_of_batches_changes_nothing(classifier):
    spectra, _ = pixels(20)
    features = classifier.transform(spectra)
    np.testing.assert_allclose(classifier.transform(spectra[::-1])[::-1], features, atol=1e-5)
    np.testing.assert_allclose(classifier.set_params(batch_size=3).transform(spectra), features, atol=1e-5)


def test_surroundings_count_if_they_are_given(classifier):
    random = np.random.default_rng(0)
    patches = random.uniform(0, 0.5, (8, 2, 9, 9))
    around = patches.copy()
    around[:, :, 0, 0] += 0.3
    assert classifier.transform(patches).shape == (8, 24)
    assert not np.allclose(classifier.transform(around), classifier.transform(patches), atol=1e-6)
    gone = np.where(np.arange(9) == 4, patches, np.nan)
    assert np.isfinite(classifier.transform(gone)).all()


def test_the_tools_of_scikit_learn_take_it(classifier):
    spectra, labels = pixels()
    assert is_classifier(classifier)
    copy = clone(classifier)
    assert copy is not classifier and copy.get_params()["gsd_m"] == 10.0 and not hasattr(copy, "classes_")
    assert cross_val_score(classifier, spectra, labels, cv=3).mean() > 0.8
    search = GridSearchCV(classifier, {"C": [1e-6, 100.0]}, cv=2).fit(spectra, labels)
    assert search.best_params_ == {"C": 100.0}


def test_the_model_stays_as_it_is(classifier, nano):
    before = {name: tensor.clone() for name, tensor in nano.state_dict().items()}
    classifier.fit(*pixels(20))
    assert all((tensor == before[name]).all() for name, tensor in nano.state_dict().items())


def test_what_does_not_fit_is_refused(classifier):
    spectra, labels = pixels(10)
    with pytest.raises(DataError, match="has not been fitted"):
        classifier.predict(spectra)
    with pytest.raises(DataError, match=r"expected n x 2"):
        classifier.fit(spectra[:, :1], labels)
    with pytest.raises(DataError, match="one label for each of the 10"):
        classifier.fit(spectra, labels[:5])
    with pytest.raises(DataError, match="at least two classes"):
        classifier.fit(spectra, np.zeros(10))
    with pytest.raises(DataError, match="no argument 'nonsense'"):
        classifier.set_params(nonsense=1)
