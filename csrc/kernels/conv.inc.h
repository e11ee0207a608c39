/* See conv.c; included once per type. */

static bool takes_winograd(const cnn_conv2d *conv, cnn_conv2d_pass pass, size_t item_bytes);

void RK(conv2d_forward)(const cnn_conv2d *conv, const REAL *x, const REAL *kernel, const REAL *scale, const REAL *bias,
                        REAL *y, uint8_t *place, void *scratch)
{
    bool softmax = conv->activation == CNN_SOFTMAX;
    cnn_conv2d own = *conv;
    if (softmax) own.activation = CNN_LINEAR;
    if (takes_winograd(conv, CNN_CONV_FORWARD, sizeof(REAL)))
        RK(conv_winograd_forward)(&own, x, kernel, scale, bias, y, place, scratch);
    else RK(conv_direct_forward)(&own, x, kernel, scale, bias, y, place, scratch);
    if (softmax) RK(bias_activation)(CNN_SOFTMAX, conv->n * conv->oh * conv->ow, conv->f, y, NULL, y);
}

void RK(conv2d_backward_data)(const cnn_conv2d *conv, const REAL *dy, const REAL *y, const uint8_t *place,
                              const REAL *kernel, REAL *dx, void *scratch)
{
    if (takes_winograd(conv, CNN_CONV_BACKWARD_DATA, sizeof(REAL)))
        RK(conv_winograd_backward_data)(conv, dy, y, place, kernel, dx, scratch);
    else RK(conv_direct_backward_data)(conv, dy, y, place, kernel, dx, scratch);
}

void RK(conv2d_transpose)(const cnn_conv2d *conv, cnn_activation act, const REAL *x, const REAL *kernel,
                          const REAL *bias, REAL *y, void *scratch)
{
    cnn_activation inside = act == CNN_SOFTMAX ? CNN_LINEAR : act;
    if (takes_winograd(conv, CNN_CONV_BACKWARD_DATA, sizeof(REAL)))
        RK(conv_winograd_transpose)(conv, inside, x, kernel, bias, y, scratch);
    else RK(conv_direct_transpose)(conv, inside, x, kernel, bias, y, scratch);
    if (act == CNN_SOFTMAX) RK(bias_activation)(CNN_SOFTMAX, conv->n * conv->h * conv->w, conv->c, y, NULL, y);
}

void RK(conv2d_backward_weights)(const cnn_conv2d *conv, const REAL *x, const REAL *dy, const REAL *y,
                                 const uint8_t *place, REAL *dkernel, REAL *dbias, void *scratch)
{
    if (takes_winograd(conv, CNN_CONV_BACKWARD_WEIGHTS, sizeof(REAL)))
        RK(conv_winograd_backward_weights)(conv, x, dy, y, place, dkernel, dbias, scratch);
    else RK(conv_direct_backward_weights)(conv, x, dy, y, place, dkernel, dbias, scratch);
}
