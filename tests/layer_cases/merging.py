from layer_cases.case import IMAGE, VECTOR, Case

CASES = [
    Case("Add", dict(), [VECTOR, VECTOR, VECTOR]),
    Case("Add", dict(), [IMAGE, (2, 4)]),
    Case("Subtract", dict(), [VECTOR, VECTOR]),
    Case("Multiply", dict(), [IMAGE, (2, 1, 1, 4)]),
    Case("Average", dict(), [VECTOR, VECTOR]),
    Case("Dot", dict(axes=1), [VECTOR, VECTOR]),
    Case("Dot", dict(axes=-1, normalize=True), [(2, 3, 5), (2, 4, 5)]),
    Case("Dot", dict(axes=(1, 2)), [(2, 3, 4), (2, 5, 3)]),
    Case("Dot", dict(axes=(2, 1)), [(2, 3, 4), (2, 4)]),
    Case("Maximum", dict(), [VECTOR, VECTOR]),
    Case("Minimum", dict(), [VECTOR, VECTOR]),
    Case("Concatenate", dict(), [VECTOR, (3, 2)]),
    Case("Concatenate", dict(axis=1), [IMAGE, (2, 3, 6, 4)]),
]
