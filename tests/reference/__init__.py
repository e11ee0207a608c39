"""One plain NumPy version of each op, written for the tests: short, slow and obvious."""
