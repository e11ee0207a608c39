/* 2D convolution: chooses the algorithm. This is the one place that does. */
#define CNN_TEMPLATE "kernels/conv.inc.h"
#include "kernels/conv_algorithms.h"
#include "kernels/winograd.h"

#include "kernels/each_real.h"

/* What the ways cost, in vector operations. The direct one multiplies and adds for each pixel, tap, channel and vector
 * of filters. Winograd's has 36 products for each tile, channel and vector of filters instead, and besides the
 * transforms: of a vector of channels of each patch, of a vector of filters of each tile, and, once, of the kernel,
 * which is why single small images are left to the direct way. The constants were measured on AVX-512 and hold for
 * whole vectors and parts of such alike: first layers with their few channels fall to the direct way, too. */
enum { ENTER = 350, LEAVE = 150, PACK = 300, PACK_TURNED = 550, SPREAD = 250, GATHER = 600 };

static int64_t vectors(int64_t n, size_t item_bytes)
{
    int64_t lanes = CNN_VECTOR_BYTES / (int64_t)item_bytes;
    return (n + lanes - 1) / lanes;
}

static bool winograd_is_cheaper(const cnn_conv2d *conv, cnn_conv2d_pass pass, size_t item_bytes)
{
    bool turned = pass == CNN_CONV_BACKWARD_DATA, weights = pass == CNN_CONV_BACKWARD_WEIGHTS;
    int64_t side = WINOGRAD_IN + 1 - conv->kh, channels = turned ? conv->f : conv->c;
    int64_t in = vectors(channels, item_bytes), out = vectors(turned ? conv->c : conv->f, item_bytes);
    int64_t height = turned ? conv->h : conv->oh, width = turned ? conv->w : conv->ow;
    int64_t tiles = conv->n * ((height + side - 1) / side) * ((width + side - 1) / side);
    int64_t direct = conv->n * height * width * conv->kh * conv->kw * channels * out;
    int64_t per_tile = WINOGRAD_POINTS * channels * out + ENTER * in + (weights ? SPREAD : LEAVE) * out;
    int64_t once = (weights ? GATHER : turned ? PACK_TURNED : PACK) * channels * out;
    return tiles * per_tile + once < direct;
}

/* Whether Winograd's way does PASS of CONV. In double precision, which is asked for where exactness counts, it does so
 * only if told to. */
static bool takes_winograd(const cnn_conv2d *conv, cnn_conv2d_pass pass, size_t item_bytes)
{
    if (!winograd_fits(conv) || conv->algorithm == CNN_CONV_DIRECT) return false;
    if (conv->algorithm == CNN_CONV_WINOGRAD) return true;
    return item_bytes == sizeof(float) && winograd_is_cheaper(conv, pass, item_bytes);
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
