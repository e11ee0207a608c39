/* Winograd's backward-weights, the counterpart of winograd.c; the gradient of the bias is summed where dz is
 * transformed. */
#define CNN_TEMPLATE "kernels/winograd_weights.inc.h"
#include "kernels/winograd_weights.h"
#include "kernels/conv_algorithms.h"
#include "kernels/conv_tile.h"

#include <string.h>

#include "kernels/each_real.h"

size_t CNN_K(conv_winograd_weights_workspace)(const cnn_conv2d *conv, size_t item_bytes)
{
    winograd_weights_plan p = winograd_weights_plan_of(conv, CNN_VECTOR_BYTES / (int64_t)item_bytes, item_bytes);
    return ((size_t)p.splits * (p.sums_items + p.bias_items) + (size_t)cnn_get_threads() * p.thread_items) * item_bytes;
}
