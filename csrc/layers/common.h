/* What the layers' files share: names of enums, the choice of a kernel by dtype, scratch memory. */
#ifndef CNN_LAYERS_COMMON_H
#define CNN_LAYERS_COMMON_H

#include "autograd/op.h"
#include "kernels/kernels.h"
#include "runtime/memory.h"

/* The spellings of cnn_activation, and of the paddings 'valid' and 'same', ended by NULL. */
extern const char *const cnn_activation_names[];
extern const char *const cnn_padding_names[];
enum { CNN_PADDING_VALID = 0, CNN_PADDING_SAME, CNN_PADDING_CAUSAL };

/* Calls kernel NAME_f32 or NAME_f64 with these arguments; data pointers are void * and fit either. */
#define CNN_RUN(dtype, name, ...)                                                                                      \
    do {                                                                                                               \
        if ((dtype) == CNN_FLOAT32) cnn_k()->name##_f32(__VA_ARGS__);                                                  \
        else cnn_k()->name##_f64(__VA_ARGS__);                                                                         \
    } while (0)

/* A shape [n0, n1, ...] of DTYPE. */
cnn_shape cnn_shape_of(cnn_dtype dtype, int ndim, const int64_t *dim);

/* Input I is a vector of LENGTH elements in the dtype of input 0, if it is there. WHY tells what gives the length. */
cnn_status cnn_check_vector(const cnn_call *c, int i, int64_t length, const char *why);

/* In backward: the gradient before the activation of output 0, in *DZ (a new reference), and, if it is asked for, the
 * gradient of input BIAS, one entry per channel; BIAS < 0: there is none. */
cnn_status cnn_back_through_activation(cnn_call *c, cnn_activation act, int bias, cnn_tensor **dz);

/* In backward: zeros for all gradients that are asked for. */
cnn_status cnn_zero_gradients(cnn_call *c);

#endif
