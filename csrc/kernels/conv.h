/* What the kernels of the convolution are told; included by types.h. */
#ifndef CNN_KERNELS_CONV_H
#define CNN_KERNELS_CONV_H

/* By which algorithm: what conv.c thinks best, or one wherever it can do the convolution at all. */
typedef enum { CNN_CONV_AUTO = 0, CNN_CONV_DIRECT, CNN_CONV_WINOGRAD } cnn_conv_algorithm;

/* A convolution: x[N,H,W,C]  kernel[KH,KW,C/groups,F]  y[N,OH,OW,F]. Padding at the bottom and the right is what
 * OH and OW ask for. Backward passes read `activation` too: dy is the gradient of what comes after it.
 *
 * With a POOL above 1, only the largest value of each POOL x POOL window is kept, y[N,OH/POOL,OW/POOL,F], and of each a
 * byte that tells where it was: row * POOL + column, the first of equal ones, NaN being the largest of all. That is all
 * backward needs. The activation is linear or ReLU then, and CNN_POOL_DEAD is noted where ReLU lets nothing through.
 *
 * With an UP above 1, x is what comes of repeating each pixel of what is in memory, x[N,H/UP,W/UP,C], UP x UP times.
 * Backward-data gives the gradient of all H x W pixels. */
typedef struct {
    int64_t n, h, w, c;
    int64_t kh, kw, f, groups;
    int64_t oh, ow;
    int64_t stride_h, stride_w, dilation_h, dilation_w;
    int64_t pad_top, pad_left;
    cnn_activation activation;
    int64_t pool, up;
    cnn_conv_algorithm algorithm;
} cnn_conv2d;

#define CNN_POOL_DEAD 255

/* Volumes as images whose channels are those of several planes: x[N,D,pixels,G,C/G] and planes[N,OD,pixels,G,KD,C/G].
 * Tap k of plane o is x's plane o * stride + k * dilation - pad, zeros where there is none. A dilation of 0 repeats
 * each plane, with OD = D, groups of one channel, stride 1 and no pad. */
typedef struct {
    int64_t n, d, pixels, groups, group_channels;
    int64_t od, kd, stride, dilation, pad;
} cnn_conv_depth;

typedef enum { CNN_CONV_FORWARD = 0, CNN_CONV_BACKWARD_DATA, CNN_CONV_BACKWARD_WEIGHTS } cnn_conv2d_pass;

#endif
