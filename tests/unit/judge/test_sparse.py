"""The sparse matrix multiplies like the dense one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from penstock.judge.sparse import Sparse


@given(seed=st.integers(0, 1000), n_rows=st.integers(1, 12), n_columns=st.integers(1, 9), n_entries=st.integers(0, 400))
def test_it_multiplies_like_the_dense_matrix(seed, n_rows, n_columns, n_entries):
    random = np.random.default_rng(seed)
    rows, columns = random.integers(0, n_rows, n_entries), random.integers(0, n_columns, n_entries)
    values = random.normal(size=n_entries).astype(np.float32)
    dense = np.zeros((n_rows, n_columns))
    np.add.at(dense, (rows, columns), values)
    block = random.normal(size=(n_columns, 3)).astype(np.float32)
    assert np.allclose(Sparse(rows, columns, values, (n_rows, n_columns)).dot(block), dense @ block, atol=1e-3)
