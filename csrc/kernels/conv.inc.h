/* See conv.c; included once per type. */

void RK(conv2d_forward)(const cnn_conv2d *conv, const REAL *x, const REAL *kernel, const REAL *bias, REAL *y,
                        uint8_t *place, void *scratch)
{
    if (conv->activation != CNN_SOFTMAX) {
        RK(conv_direct_forward)(conv, x, kernel, bias, y, place, scratch);
        return;
    }
    cnn_conv2d linear = *conv;
    linear.activation = CNN_LINEAR;
    RK(conv_direct_forward)(&linear, x, kernel, bias, y, NULL, scratch);
    RK(bias_activation)(CNN_SOFTMAX, conv->n * conv->oh * conv->ow, conv->f, y, NULL, y);
}

void RK(conv2d_backward_data)(const cnn_conv2d *conv, const REAL *dy, const REAL *y, const uint8_t *place,
                              const REAL *kernel, REAL *dx, void *scratch)
{
    RK(conv_direct_backward_data)(conv, dy, y, place, kernel, dx, scratch);
}

void RK(conv2d_transpose)(const cnn_conv2d *conv, cnn_activation act, const REAL *x, const REAL *kernel,
                          const REAL *bias, REAL *y, void *scratch)
{
    bool softmax = act == CNN_SOFTMAX;
    RK(conv_direct_transpose)(conv, softmax ? CNN_LINEAR : act, x, kernel, bias, y, scratch);
    if (softmax) RK(bias_activation)(CNN_SOFTMAX, conv->n * conv->h * conv->w, conv->c, y, NULL, y);
}

void RK(conv2d_backward_weights)(const cnn_conv2d *conv, const REAL *x, const REAL *dy, const REAL *y,
                                 const uint8_t *place, REAL *dkernel, REAL *dbias, void *scratch)
{
    RK(conv_direct_backward_weights)(conv, x, dy, y, place, dkernel, dbias, scratch);
}
