/* The noise of dropout over x seen as rows[...] of length n; noise may repeat along some axes. */
#ifndef CNN_KERNELS_DROPOUT_H
#define CNN_KERNELS_DROPOUT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint64_t seed, stream;
    uint64_t threshold; /* dropped if word < threshold; 2^32 drops all */
    double scale;
    int64_t rows, n;
    bool row_alike;            /* one element of noise for a whole row */
    int ndim;                  /* axes of the rows */
    int64_t dim[8], stride[8]; /* their lengths; how far the noise moves along each, in elements, 0 where it repeats */
} cnn_dropout;

#endif
