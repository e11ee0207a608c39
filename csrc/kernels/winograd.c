/* Winograd's convolution, forward, backward-data and transposed, for kernels of 3x3, 4x4 and 5x5 with stride 1: a
 * quarter of the products of the direct way (of 5x5: a third), at about four times its rounding errors.
 *
 * It pays where the transforms are small beside the products. Any number of channels, filters and pixels is computed;
 * whether it is chosen is for conv.c to say. */
#define CNN_TEMPLATE "kernels/winograd.inc.h"
#include "kernels/winograd.h"
#include "kernels/conv_algorithms.h"
#include "kernels/conv_direct.h"
#include "kernels/conv_tile.h"

#include <string.h>

#include "kernels/each_real.h"

size_t CNN_K(conv_winograd_workspace)(const cnn_conv2d *conv, bool backward, size_t item_bytes)
{
    int64_t lanes = CNN_VECTOR_BYTES / (int64_t)item_bytes;
    winograd_plan p = winograd_plan_of(conv, backward, lanes, CNN_TILE_ROWS, item_bytes);
    return (p.u_items + p.bias_items + (size_t)cnn_get_threads() * p.thread_items) * item_bytes;
}
