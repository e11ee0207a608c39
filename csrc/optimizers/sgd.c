/* Gradient descent: v -= rate g. With momentum: m = momentum m - rate g; v += m, or by Nesterov v += momentum m - rate
 * g. */
#include "kernels/kernels.h"
#include "optimizers/optimizer.h"

static void update(const cnn_update *u, bool single)
{
    if (single) cnn_k()->sgd_f32(u);
    else cnn_k()->sgd_f64(u);
}

static const char *const numbers[] = {"learning_rate", "momentum", "nesterov", NULL};
static const char *const slots[] = {"momentum", NULL};

const cnn_rule cnn_rule_sgd = {
    .name = "sgd",
    .numbers = numbers,
    .slots = slots,
    .needed_slots = 0,
    .update = update,
};
