/* Nonlinear functions of one element with up to three parameters. */
#ifndef CNN_KERNELS_NONLINEAR_H
#define CNN_KERNELS_NONLINEAR_H

typedef enum {
    CNN_RELU_WITH,    /* p = negative_slope, max_value, threshold; all >= 0, so that the slope follows from y */
    CNN_ELU,          /* p = alpha, scale: scale * (x > 0 ? x : alpha (e^x - 1)) */
    CNN_GELU,         /* x Phi(x) */
    CNN_GELU_TANH,    /* its approximation by tanh */
    CNN_SOFTPLUS,     /* log(1 + e^x) */
    CNN_SOFTSIGN,     /* x / (1 + |x|) */
    CNN_SILU,         /* x sigmoid(x) */
    CNN_HARD_SIGMOID, /* clip(x / 6 + 1/2, 0, 1) */
} cnn_nonlinear;

#endif
