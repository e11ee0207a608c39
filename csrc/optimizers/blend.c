/* variable = keep variable + take gradient: moving averages, sums of gradients, plain assignment. */
#include "kernels/kernels.h"
#include "optimizers/optimizer.h"

static void update(const cnn_update *u, bool single)
{
    if (single) cnn_k()->blend_f32(u);
    else cnn_k()->blend_f64(u);
}

static const char *const numbers[] = {"keep", "take", NULL};
static const char *const slots[] = {NULL};

const cnn_rule cnn_rule_blend = {
    .name = "blend",
    .numbers = numbers,
    .slots = slots,
    .needed_slots = 0,
    .update = update,
};
