#include "layers/common.h"

#include "kernels/activation.h"

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

cnn_status cnn_back_through_activation(cnn_call *c, cnn_activation act, int bias, cnn_tensor **dz)
{
    cnn_tensor *dy = c->grad_out[0];
    cnn_dtype dtype = dy->shape.dtype;
    int64_t channels = dy->shape.dim[dy->shape.ndim - 1], rows = 1;
    for (int i = 0; i + 1 < dy->shape.ndim; i++) rows *= dy->shape.dim[i];
    void *scratch = NULL, *dbias = NULL;
    if (act == CNN_LINEAR) *dz = cnn_tensor_retain(dy);
    else CNN_TRY(cnn_grad_buffer(c, 0, dz));
    if (bias >= 0 && c->in[bias] && c->needs_grad[bias]) {
        size_t elements = (size_t)cnn_activation_backward_scratch(rows, channels);
        CNN_TRY(cnn_tensor_new(&c->in[bias]->shape, &c->grad_in[bias]));
        dbias = c->grad_in[bias]->data;
        scratch = cnn_alloc(elements * cnn_dtype_size(dtype));
        if (!scratch) return CNN_ERR_MEMORY;
    }
    CNN_RUN(dtype, activation_backward, act, rows, channels, c->out[0]->data, dy->data, (*dz)->data, dbias, scratch);
    cnn_free(scratch);
    return CNN_OK;
}

cnn_status cnn_zero_gradients(cnn_call *c)
{
    for (int i = 0; i < c->inputs; i++)
        if (c->in[i] && c->needs_grad[i]) CNN_TRY(cnn_tensor_zeros(&c->in[i]->shape, &c->grad_in[i]));
    return CNN_OK;
}
