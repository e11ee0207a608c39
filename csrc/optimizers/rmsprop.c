/* RMSprop (Hinton 2012): s = rho s + (1 - rho) g^2; step = rate g / sqrt(s + epsilon). Centered: the square of the
 * mean gradient is taken from s under the root. With momentum the steps are summed: m = momentum m + step; v -= m. */
#include "kernels/kernels.h"
#include "optimizers/optimizer.h"

static void update(const cnn_update *u, bool single)
{
    if (single) cnn_k()->rmsprop_f32(u);
    else cnn_k()->rmsprop_f64(u);
}

static const char *const numbers[] = {"learning_rate", "rho", "momentum", "epsilon", NULL};
static const char *const slots[] = {"velocity", "momentum", "average_gradient", NULL};

const cnn_rule cnn_rule_rmsprop = {
    .name = "rmsprop",
    .numbers = numbers,
    .slots = slots,
    .needed_slots = 1,
    .update = update,
};
