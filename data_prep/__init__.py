"""Scripts that turn published data sets into specimen tables: one module a data set."""
