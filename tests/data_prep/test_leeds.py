import data_prep.leeds


def test_a():
    assert data_prep.leeds
