/* The table of this level: every kernel of kernels.def under its level's name. */
#include "kernels/level.h"

#include "kernels/kernels.h"

#define CNN_TEXT_(x) #x
#define CNN_TEXT(x) CNN_TEXT_(x)

extern const cnn_kernels CNN_K(cnn_kernel_table);

const cnn_kernels CNN_K(cnn_kernel_table) = {
    .level = CNN_TEXT(CNN_LEVEL),
#define CNN_KERNEL(result, name, arguments) .name = CNN_K(name),
#include "kernels/kernels.def"
#undef CNN_KERNEL
};
