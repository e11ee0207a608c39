/* Adagrad (Duchi et al. 2011): a += g^2; v -= rate g / sqrt(a + epsilon). */
#include "kernels/kernels.h"
#include "optimizers/optimizer.h"

static void update(const cnn_update *u, bool single)
{
    if (single) cnn_k()->adagrad_f32(u);
    else cnn_k()->adagrad_f64(u);
}

static const char *const numbers[] = {"learning_rate", "epsilon", NULL};
static const char *const slots[] = {"accumulator", NULL};

const cnn_rule cnn_rule_adagrad = {
    .name = "adagrad",
    .numbers = numbers,
    .slots = slots,
    .needed_slots = 1,
    .update = update,
};
