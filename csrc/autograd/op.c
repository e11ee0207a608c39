#include "autograd/op.h"

#include "autograd/tape.h"
#include "runtime/parallel.h"

#include <string.h>

#define CNN_OP(name) extern const cnn_op cnn_op_##name;
#include "autograd/ops.def"
#undef CNN_OP

const cnn_op *const cnn_all_ops[] = {
#define CNN_OP(name) &cnn_op_##name,
#include "autograd/ops.def"
#undef CNN_OP
    NULL,
};

static void drop(cnn_tensor **tensors, int count)
{
    for (int i = 0; i < count; i++) {
        cnn_tensor_release(tensors[i]);
        tensors[i] = NULL;
    }
}

/* An op that hands its input on must not give out that very tensor: it may be a variable, and the tape marks results.
 */
static cnn_status part_from_inputs(cnn_call *c, int k)
{
    for (int i = 0; i < c->inputs; i++) {
        if (c->out[k] != c->in[i]) continue;
        cnn_tensor *view;
        CNN_TRY(cnn_tensor_view(c->out[k], &c->out[k]->shape, &view));
        cnn_tensor_release(c->out[k]);
        c->out[k] = view;
    }
    return CNN_OK;
}

cnn_status cnn_op_apply(const cnn_op *op, const void *attrs, cnn_tensor **in, int inputs, cnn_tensor **out)
{
    cnn_call c;
    memset(&c, 0, sizeof c);
    c.op = op;
    c.attrs = attrs;
    c.inputs = inputs;
    c.in = in;
    c.recording = op->backward && cnn_tape_follows(in, inputs);

    cnn_refresh_threads();
    cnn_status status = op->check(&c);
    for (int k = 0; status == CNN_OK && !op->makes_outputs && k < op->outputs; k++)
        status = cnn_tensor_new(&c.out_shape[k], &c.out[k]);
    for (int k = 0; status == CNN_OK && k < c.aux_count; k++) status = cnn_tensor_new(&c.aux_shape[k], &c.aux[k]);
    if (status == CNN_OK) status = op->forward(&c);
    for (int k = 0; status == CNN_OK && op->makes_outputs && k < op->outputs; k++) status = part_from_inputs(&c, k);
    if (status == CNN_OK && c.recording) status = cnn_tape_record(&c);
    drop(c.aux, c.aux_count);
    if (status != CNN_OK) drop(c.out, op->outputs);
    memcpy(out, c.out, (size_t)op->outputs * sizeof *out);
    return status;
}

void *cnn_attr_of(const cnn_op *op, void *attrs, const char *name)
{
    for (int i = 0; i < op->attr_count; i++)
        if (strcmp(op->attrs[i].name, name) == 0) return (char *)attrs + op->attrs[i].offset;
    return NULL;
}

cnn_status cnn_grad_buffer(cnn_call *c, int k, cnn_tensor **out)
{
    cnn_tensor *dy = c->grad_out[k];
    if (cnn_tensor_is_exclusive(dy)) {
        *out = cnn_tensor_retain(dy);
        return CNN_OK;
    }
    return cnn_tensor_new(&dy->shape, out);
}

cnn_status cnn_check_float(const cnn_call *c, int input)
{
    cnn_dtype dtype = c->in[input]->shape.dtype;
    if (cnn_dtype_is_float(dtype)) return CNN_OK;
    return cnn_fail(CNN_ERR_TYPE, "%s must be float32 or float64, got %s; convert it with .astype('float32')",
                    c->op->input_names[c->op->variadic ? 0 : input], cnn_dtype_name(dtype));
}

cnn_status cnn_check_same_dtype(const cnn_call *c, int a, int b)
{
    cnn_dtype da = c->in[a]->shape.dtype, db = c->in[b]->shape.dtype;
    if (da == db) return CNN_OK;
    return cnn_fail(CNN_ERR_TYPE, "%s is %s but %s is %s; convert one of them with .astype()", c->op->input_names[a],
                    cnn_dtype_name(da), c->op->input_names[b], cnn_dtype_name(db));
}

cnn_status cnn_check_ndim(const cnn_call *c, int input, int ndim, const char *layout)
{
    char text[CNN_SHAPE_TEXT];
    if (c->in[input]->shape.ndim == ndim) return CNN_OK;
    return cnn_fail(CNN_ERR_VALUE, "%s must have %d dimensions %s, got shape %s", c->op->input_names[input], ndim,
                    layout, cnn_shape_text(&c->in[input]->shape, text));
}
