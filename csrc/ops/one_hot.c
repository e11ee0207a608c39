/* Class numbers as rows of zeros with a one. */
#include "ops/shared.h"

#include <string.h>

typedef struct {
    int64_t num_classes;
    cnn_dtype dtype;
} attributes;

static cnn_status check(cnn_call *c)
{
    const attributes *a = c->attrs;
    const cnn_shape *x = &c->in[0]->shape;
    cnn_shape *y = &c->out_shape[0];
    if (cnn_dtype_is_float(x->dtype) || x->dtype == CNN_BOOL)
        return cnn_fail(CNN_ERR_TYPE, "class numbers must be integers, got %s; convert them with .astype('int32')",
                        cnn_dtype_name(x->dtype));
    if (a->num_classes < 1)
        return cnn_fail(CNN_ERR_VALUE, "num_classes must be at least 1, got %lld", (long long)a->num_classes);
    if (x->ndim == CNN_MAX_NDIM) return cnn_fail(CNN_ERR_VALUE, "a tensor has at most %d dimensions", CNN_MAX_NDIM);
    *y = *x;
    y->dim[y->ndim++] = a->num_classes;
    y->dtype = a->dtype;
    return CNN_OK;
}

static cnn_status forward(cnn_call *c)
{
    const attributes *a = c->attrs;
    const cnn_tensor *x = c->in[0];
    cnn_tensor *y = c->out[0], *classes;
    const size_t size = cnn_dtype_size(a->dtype);
    const int64_t one_whole = 1;
    char one[8];
    CNN_TRY(cnn_as_dtype(c->in[0], CNN_INT64, &classes));
    cnn_k()->cast(CNN_INT64, a->dtype, 1, &one_whole, one);
    memset(y->data, 0, cnn_tensor_bytes(y));
    for (int64_t i = 0; i < x->size; i++) {
        int64_t class = ((const int64_t *)classes->data)[i];
        if (class >= 0 && class < a->num_classes)
            memcpy((char *)y->data + (size_t)(i * a->num_classes + class) * size, one, size);
    }
    cnn_tensor_release(classes);
    return CNN_OK;
}

static const char *const input_names[] = {"x"};
static const cnn_attr attrs[] = {
    {"num_classes", CNN_ATTR_INT, offsetof(attributes, num_classes), NULL},
    {"dtype", CNN_ATTR_DTYPE, offsetof(attributes, dtype), NULL},
};
static const attributes defaults = {0, CNN_FLOAT32};

const cnn_op cnn_op_one_hot = {
    .name = "one_hot",
    .doc = "one_hot(x, *, num_classes, dtype='float32'): y[..., k] = (x[...] == k); a class out of range gives a row "
           "of zeros.",
    .input_names = input_names,
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .attrs = attrs,
    .attr_count = 2,
    .attrs_size = sizeof(attributes),
    .attr_defaults = &defaults,
    .check = check,
    .forward = forward,
};
