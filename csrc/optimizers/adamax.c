/* Adamax (Kingma and Ba 2014): m += (1 - beta_1)(g - m); u = max(beta_2 u, |g|);
 * v -= rate / (1 - beta_1^t) m / (u + epsilon). */
#include "kernels/kernels.h"
#include "optimizers/optimizer.h"

#include <math.h>

static cnn_status prepare(const double *given, int64_t step, double *out)
{
    double rate = given[0], beta_1 = given[1];
    out[0] = rate / (1 - pow(beta_1, (double)step));
    out[1] = 1 - beta_1;
    out[2] = given[2];
    out[3] = given[3];
    return CNN_OK;
}

static void update(const cnn_update *u, bool single)
{
    if (single) cnn_k()->adamax_f32(u);
    else cnn_k()->adamax_f64(u);
}

static const char *const numbers[] = {"learning_rate", "beta_1", "beta_2", "epsilon", NULL};
static const char *const slots[] = {"momentum", "norm", NULL};

const cnn_rule cnn_rule_adamax = {
    .name = "adamax",
    .numbers = numbers,
    .slots = slots,
    .needed_slots = 2,
    .prepare = prepare,
    .update = update,
};
