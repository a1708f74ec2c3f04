"""One file a method: each module here that defines ``KIND`` is one."""
