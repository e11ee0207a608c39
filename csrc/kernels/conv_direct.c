/* Direct convolution, forward, backward-data and transposed: the microkernel walks over the image where it lies.
 *
 * NHWC makes the taps of a kernel row and their channels one run of memory, so neither the image nor a matrix of it is
 * packed; only the weights are, once per call, in panels of two vectors of output channels. Output rows are cut into
 * equal tiles (26 columns make 13 + 13), for short tiles leave registers idle. Any kernel, stride, dilation and groups;
 * weak where an output has far fewer channels than a vector has lanes. */
#define CNN_TEMPLATE "kernels/conv_direct.inc.h"
#include "kernels/conv_direct.h"
#include "kernels/conv_algorithms.h"
#include "kernels/conv_tile.h"

#include <string.h>

#include "kernels/each_real.h"

size_t CNN_K(conv_direct_workspace)(const cnn_conv2d *conv, bool backward, size_t item_bytes)
{
    int64_t lanes = CNN_VECTOR_BYTES / (int64_t)item_bytes;
    conv_direct_plan p = conv_direct_plan_of(conv, backward, lanes, CNN_TILE_ROWS, item_bytes);
    return (p.packed_items + p.bias_items + (size_t)cnn_get_threads() * p.copy_items) * item_bytes;
}
