/* Lion (Chen et al. 2023): v -= rate sign(beta_1 m + (1 - beta_1) g); m = beta_2 m + (1 - beta_2) g. */
#include "kernels/kernels.h"
#include "optimizers/optimizer.h"

static void update(const cnn_update *u, bool single)
{
    if (single) cnn_k()->lion_f32(u);
    else cnn_k()->lion_f64(u);
}

static const char *const numbers[] = {"learning_rate", "beta_1", "beta_2", NULL};
static const char *const slots[] = {"momentum", NULL};

const cnn_rule cnn_rule_lion = {
    .name = "lion",
    .numbers = numbers,
    .slots = slots,
    .needed_slots = 1,
    .update = update,
};
