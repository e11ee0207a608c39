/* What the convolutions of 1, 2 and 3 dimensions and the transposed ones share: attributes, checks, and passes.
 *
 * A sequence is an image of one row. A volume is turned into images, one for each of its windows along the depth, whose
 * channels are those of the window's planes; so the kernels only know images. */
#ifndef CNN_LAYERS_CONV_H
#define CNN_LAYERS_CONV_H

#include "layers/common.h"

typedef struct {
    cnn_ints strides, dilation;
    cnn_ints output_padding; /* of transposed ones; no integers: as much as makes the usual size */
    int64_t groups;
    int64_t upsample; /* of conv2d: how often each pixel of x is repeated along both axes first */
    int padding, activation;
} cnn_conv_attributes;

enum { CNN_CONV_X, CNN_CONV_KERNEL, CNN_CONV_BIAS };

/* A convolution from its large side [N, SIZE..., C] to its small one [N, PLACES..., F]. A transposed one goes from the
 * small side to the large. With fewer than three axes the first ones have size 1. */
typedef struct {
    int64_t size[3], places[3];
    cnn_conv2d planes;
    bool folds;           /* the taps along the depth into channels */
    bool widens;          /* each channel into as many as it has filters, for the kernels of depthwise convolutions */
    cnn_conv_depth depth; /* if it folds or widens, and of all volumes */
} cnn_conv;

extern const char *const cnn_conv_input_names[];
extern const cnn_conv_attributes cnn_conv_defaults;

/* An op's `check`. */
cnn_status cnn_conv_check(cnn_call *c, int rank, bool transposed);
/* The description of a call that has been checked. */
cnn_status cnn_conv_of(const cnn_call *c, bool transposed, cnn_conv *v);

/* SCALE, one factor for each filter, and BIAS may be NULL. x and dx are of the large side, y, PLACE (see cnn_conv2d;
 * NULL without a pool) and dy of the small; kernel and dkernel as the layer has them. Backward passes go through the
 * activation's gradient as the kernels do. */
cnn_status cnn_conv_forward(const cnn_conv *v, cnn_dtype dtype, const void *x, const void *kernel, const void *scale,
                            const void *bias, void *y, uint8_t *place);
cnn_status cnn_conv_backward_data(const cnn_conv *v, cnn_dtype dtype, const void *dy, const void *y,
                                  const uint8_t *place, const void *kernel, void *dx);
cnn_status cnn_conv_backward_weights(const cnn_conv *v, cnn_dtype dtype, const void *x, const void *dy, const void *y,
                                     const uint8_t *place, void *dkernel, void *dbias);
/* The gradients that the call of a convolution (not transposed) wants, from DY and what it gave. */
cnn_status cnn_conv_gradients(cnn_call *c, const cnn_conv *v, const cnn_tensor *dy, const void *y,
                              const uint8_t *place);
/* large = act(what backward-data makes of small, + bias). V is linear. */
cnn_status cnn_conv_transpose(const cnn_conv *v, cnn_dtype dtype, cnn_activation act, const void *small,
                              const void *kernel, const void *bias, void *large);

/* The attributes of convolutions, in the cnn_conv_attributes FIELD of STRUCT. */
#define CNN_CONV_ATTRS(STRUCT, FIELD, paddings, activations)                                                           \
    {"strides", CNN_ATTR_INTS, offsetof(STRUCT, FIELD.strides), NULL},                                                 \
        {"padding", CNN_ATTR_ENUM, offsetof(STRUCT, FIELD.padding), paddings},                                         \
        {"dilation", CNN_ATTR_INTS, offsetof(STRUCT, FIELD.dilation), NULL},                                           \
        {"groups", CNN_ATTR_INT, offsetof(STRUCT, FIELD.groups), NULL},                                                \
    {                                                                                                                  \
        "activation", CNN_ATTR_ENUM, offsetof(STRUCT, FIELD.activation), activations                                   \
    }
/* The descriptor of the op ID of RANK, with this file's `forward` and `backward`. */
#define CNN_CONV_OP(id, rank, transposed, its_attrs, text)                                                             \
    static cnn_status check_##rank(cnn_call *c)                                                                        \
    {                                                                                                                  \
        return cnn_conv_check(c, rank, transposed);                                                                    \
    }                                                                                                                  \
    const cnn_op cnn_op_##id = {                                                                                       \
        .name = #id,                                                                                                   \
        .doc = #id text,                                                                                               \
        .input_names = cnn_conv_input_names,                                                                           \
        .min_inputs = 2,                                                                                               \
        .max_inputs = 3,                                                                                               \
        .outputs = 1,                                                                                                  \
        .attrs = its_attrs,                                                                                            \
        .attr_count = sizeof its_attrs / sizeof *its_attrs,                                                            \
        .attrs_size = sizeof(cnn_conv_attributes),                                                                     \
        .attr_defaults = &cnn_conv_defaults,                                                                           \
        .keeps = CNN_KEEP_INPUT(CNN_CONV_X) | CNN_KEEP_INPUT(CNN_CONV_KERNEL) | CNN_KEEP_OUTPUT,                       \
        .check = check_##rank,                                                                                         \
        .forward = forward,                                                                                            \
        .backward = backward,                                                                                          \
    }

#endif
