/* 2D convolution: chooses the algorithm. This is the one place that does. */
#define CNN_TEMPLATE "kernels/conv.inc.h"
#include "kernels/conv_algorithms.h"
#include "kernels/winograd.h"

#include "kernels/each_real.h"

/* Whether Winograd's way does PASS of CONV. Where it can at all, it pays if the transforms are small beside the
 * products: they cost as much as some dozen channels or filters more. In double precision, which is asked for where
 * exactness counts, the direct way stays. */
static bool takes_winograd(const cnn_conv2d *conv, cnn_conv2d_pass pass, size_t item_bytes)
{
    enum { LEAST = 16 };
    (void)pass;
    if (!winograd_fits(conv) || conv->algorithm == CNN_CONV_DIRECT) return false;
    if (conv->algorithm == CNN_CONV_WINOGRAD) return true;
    return item_bytes == sizeof(float) && conv->c >= LEAST && conv->f >= LEAST;
}

size_t CNN_K(conv2d_workspace)(const cnn_conv2d *conv, cnn_conv2d_pass pass, size_t item_bytes)
{
    bool winograd = takes_winograd(conv, pass, item_bytes), backward = pass == CNN_CONV_BACKWARD_DATA;
    if (pass == CNN_CONV_BACKWARD_WEIGHTS)
        return winograd ? CNN_K(conv_winograd_weights_workspace)(conv, item_bytes)
                        : CNN_K(conv_direct_weights_workspace)(conv, item_bytes);
    return winograd ? CNN_K(conv_winograd_workspace)(conv, backward, item_bytes)
                    : CNN_K(conv_direct_workspace)(conv, backward, item_bytes);
}
