/* What the kernels of losses.c take: one loss over rows, forward (grad == NULL) or backward. Pointers are to float or
 * double, as the kernel says. */
#ifndef CNN_KERNELS_LOSSES_H
#define CNN_KERNELS_LOSSES_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int64_t columns;                   /* what a row's loss is reduced over: classes, or values */
    const void *target;                /* [rows, columns]; not for sparse labels */
    const int64_t *labels;             /* [rows]; sparse only */
    const void *prediction;            /* [rows, columns] */
    void *loss;                        /* [rows], forward */
    const void *grad_loss;             /* [rows], backward */
    void *grad;                        /* [rows, columns], backward */
    double epsilon;                    /* probabilities are clipped to [epsilon, 1 - epsilon] */
    double target_scale, target_shift; /* label smoothing: target * scale + shift */
    int64_t ignored;                   /* sparse: rows with this label give 0 */
    bool from_logits;
    bool classes; /* a row is one sample's classes: dearer than a mean over single losses */
} cnn_loss_job;

#endif
