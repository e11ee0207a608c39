/* Schedule-free Adam (Defazio et al. 2024). The variable is y = (1 - beta_1) z + beta_1 x, a point between the iterate
 * z (a slot) and the mean x of the iterates, from which x is worked out again: s += (1 - beta_2)(g^2 - s);
 * z' = z - rate g / (sqrt(s / (1 - beta_2^t)) + epsilon); x' = x + (z' - x) / t. The rate grows in a line for
 * warmup_steps. */
#include "kernels/kernels.h"
#include "optimizers/optimizer.h"

#include <math.h>

static cnn_status prepare(const double *given, int64_t step, double *out)
{
    double rate = given[0], beta_2 = given[2], warmup = given[4];
    out[0] = warmup > (double)step ? rate * (double)step / warmup : rate;
    out[1] = given[1];
    out[2] = 1 - beta_2;
    out[3] = 1 / (1 - pow(beta_2, (double)step));
    out[4] = given[3];
    out[5] = 1 / (double)step;
    return CNN_OK;
}

static void update(const cnn_update *u, bool single)
{
    if (single) cnn_k()->schedule_free_adamw_f32(u);
    else cnn_k()->schedule_free_adamw_f64(u);
}

static const char *const numbers[] = {"learning_rate", "beta_1", "beta_2", "epsilon", "warmup_steps", NULL};
static const char *const slots[] = {"momentum", "velocity", NULL};

const cnn_rule cnn_rule_schedule_free_adamw = {
    .name = "schedule_free_adamw",
    .numbers = numbers,
    .slots = slots,
    .needed_slots = 2,
    .prepare = prepare,
    .update = update,
};
