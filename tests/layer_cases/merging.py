from layer_cases.case import IMAGE, VECTOR, Case

CASES = [
    Case("Add", dict(), [VECTOR, VECTOR, VECTOR]),
    Case("Add", dict(), [IMAGE, (2, 4)]),
    Case("Subtract", dict(), [VECTOR, VECTOR]),
    Case("Multiply", dict(), [IMAGE, (2, 1, 1, 4)]),
    Case("Average", dict(), [VECTOR, VECTOR]),
    Case("Maximum", dict(), [VECTOR, VECTOR]),
    Case("Minimum", dict(), [VECTOR, VECTOR]),
    Case("Concatenate", dict(), [VECTOR, (3, 2)]),
    Case("Concatenate", dict(axis=1), [IMAGE, (2, 3, 6, 4)]),
]
