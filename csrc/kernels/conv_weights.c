/* Direct convolution, backward-weights: the microkernel with the image's (tap, channel) runs as rows and pixels as what
 * is summed over, so neither x is transposed nor a matrix of it made. dz is packed by panels of output channels,
 * through the activation's gradient, and summed for the bias on the way. */
#define CNN_TEMPLATE "kernels/conv_weights.inc.h"
#include "kernels/conv_weights.h"
#include "kernels/conv_algorithms.h"
#include "kernels/conv_tile.h"

#include <string.h>

#include "kernels/each_real.h"

size_t CNN_K(conv_direct_weights_workspace)(const cnn_conv2d *conv, size_t item_bytes)
{
    conv_weights_plan p = conv_weights_plan_of(conv, CNN_VECTOR_BYTES / (int64_t)item_bytes, item_bytes);
    size_t items =
        (size_t)p.splits * (p.sums_items + p.bias_items) + (size_t)cnn_get_threads() * (p.x_items + p.dz_items);
    return items * item_bytes;
}
