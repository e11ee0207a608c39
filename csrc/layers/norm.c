#include "layers/norm.h"

cnn_status cnn_check_epsilon(double epsilon)
{
    if (epsilon >= 0) return CNN_OK;
    return cnn_fail(CNN_ERR_VALUE, "epsilon must be 0 or more, got %g", epsilon);
}

cnn_norm_work cnn_norm_work_at(const cnn_channels *s, double *memory)
{
    double *at[9];
    for (int i = 0; i < 9; i++) at[i] = memory + i * s->channels;
    return (cnn_norm_work){at[0], at[1], at[2], at[3], at[4], at[5], at[6], at[7], at[8]};
}

cnn_status cnn_give_vector(cnn_call *c, int i, const double *values)
{
    if (!c->in[i] || !c->needs_grad[i]) return CNN_OK;
    CNN_TRY(cnn_tensor_new(&c->in[i]->shape, &c->grad_in[i]));
    for (int64_t j = 0; j < c->in[i]->size; j++) cnn_set(c->in[i]->shape.dtype, c->grad_in[i]->data, j, values[j]);
    return CNN_OK;
}
