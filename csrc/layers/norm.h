/* What the normalising ops share: scratch memory per channel, numbers of either float dtype, gradients of vectors. */
#ifndef CNN_LAYERS_NORM_H
#define CNN_LAYERS_NORM_H

#include "layers/common.h"

/* Doubles per channel, coefficients of x's dtype, and what the kernels of batch_norm.c want. */
typedef struct {
    double *first, *second;                   /* mean and variance, or the two sums */
    void *mean, *a, *b, *k, *gate_a, *gate_b; /* coefficients, of x's dtype */
    double *kernel;
} cnn_norm_work;

cnn_status cnn_check_epsilon(double epsilon);

/* How many doubles a workspace is made of. */
static inline int64_t cnn_norm_work_size(const cnn_channels *s)
{
    return s->channels * 8 + cnn_batch_norm_scratch(s);
}

/* The workspace at MEMORY, cnn_norm_work_size(s) doubles. */
cnn_norm_work cnn_norm_work_at(const cnn_channels *s, double *memory);

static inline double cnn_get(cnn_dtype dtype, const void *data, int64_t i)
{
    return dtype == CNN_FLOAT32 ? (double)((const float *)data)[i] : ((const double *)data)[i];
}

static inline double cnn_get_or(const cnn_tensor *t, int64_t i, double otherwise)
{
    return t ? cnn_get(t->shape.dtype, t->data, i) : otherwise;
}

static inline void cnn_set(cnn_dtype dtype, void *data, int64_t i, double value)
{
    if (dtype == CNN_FLOAT32) ((float *)data)[i] = (float)value;
    else ((double *)data)[i] = value;
}

/* Gives the gradient of input I, which has as many elements, the VALUES, if it is asked for. */
cnn_status cnn_give_vector(cnn_call *c, int i, const double *values);

#endif
