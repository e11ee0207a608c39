/* What the kernels of optimizers.c take: one piece of one variable. Pointers are to float or double, as the kernel
 * says. */
#ifndef CNN_KERNELS_OPTIMIZERS_H
#define CNN_KERNELS_OPTIMIZERS_H

#include <stdbool.h>
#include <stdint.h>

#define CNN_MAX_SLOTS 3
#define CNN_MAX_NUMBERS 8
typedef struct {
    int64_t n;
    void *variable;
    const void *gradient;
    void *slot[CNN_MAX_SLOTS];      /* NULL: not in use */
    double number[CNN_MAX_NUMBERS]; /* what the rule wants, see csrc/optimizers */
} cnn_update;

#endif
