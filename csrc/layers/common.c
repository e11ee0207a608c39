#include "layers/common.h"

#include <string.h>

const char *const cnn_activation_names[] = {"linear", "relu", "sigmoid", "tanh", "softmax", NULL};
const char *const cnn_padding_names[] = {"valid", "same", NULL};

cnn_shape cnn_shape_of(cnn_dtype dtype, int ndim, const int64_t *dim)
{
    cnn_shape shape = {.dtype = dtype, .ndim = ndim};
    memcpy(shape.dim, dim, (size_t)ndim * sizeof *dim);
    return shape;
}

cnn_status cnn_check_vector(const cnn_call *c, int i, int64_t length, const char *why)
{
    char text[CNN_SHAPE_TEXT];
    if (!c->in[i]) return CNN_OK;
    if (c->in[i]->shape.ndim != 1 || c->in[i]->shape.dim[0] != length)
        return cnn_fail(CNN_ERR_VALUE, "%s must have shape (%lld,), %s; got shape %s", c->op->input_names[i],
                        (long long)length, why, cnn_shape_text(&c->in[i]->shape, text));
    return cnn_check_same_dtype(c, 0, i);
}
