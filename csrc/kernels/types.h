/* Arguments of kernels that are too many for a parameter list. Sizes count elements; images are NHWC. */
#ifndef CNN_KERNELS_TYPES_H
#define CNN_KERNELS_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Activations that layers fuse. The order is that of cnn_activation_names. */
typedef enum {
    CNN_LINEAR = 0,
    CNN_RELU,
    CNN_SIGMOID,
    CNN_TANH,
    CNN_SOFTMAX, /* over the last axis */
} cnn_activation;

/* losses.c: one loss over rows, forward (grad == NULL) or backward. Pointers are to float or double, as the kernel says. */
typedef struct {
    int64_t columns;        /* what a row's loss is reduced over: classes, or values */
    const void *target;     /* [rows, columns]; not for sparse labels */
    const int64_t *labels;  /* [rows]; sparse only */
    const void *prediction; /* [rows, columns] */
    void *loss;             /* [rows], forward */
    const void *grad_loss;  /* [rows], backward */
    void *grad;             /* [rows, columns], backward */
    double epsilon;         /* probabilities are clipped to [epsilon, 1 - epsilon] */
    double target_scale, target_shift; /* label smoothing: target * scale + shift */
    int64_t ignored;        /* sparse: rows with this label give 0 */
    bool from_logits;
} cnn_loss_job;

/* optimizers.c: one piece of one variable. Pointers are to float or double, as the kernel says. */
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
