/* Follow the regularized leader (McMahan et al. 2013), with shrinkage s, p = -learning_rate_power and
 * l2' = l2 + beta / (2 rate): a' = a + g^2; z += g + 2 s v - (a'^p - a^p) / rate v;
 * v = (clip(z, -l1, l1) - z) / (a'^p / rate + 2 l2'); a = a'. */
#include "kernels/kernels.h"
#include "optimizers/optimizer.h"

static cnn_status prepare(const double *given, int64_t step, double *out)
{
    double rate = given[0];
    (void)step;
    out[0] = 1 / rate;
    out[1] = -given[1];
    out[2] = given[2];
    out[3] = 2 * given[3] + given[5] / rate;
    out[4] = 2 * given[4];
    return CNN_OK;
}

static void update(const cnn_update *u, bool single)
{
    if (single) cnn_k()->ftrl_f32(u);
    else cnn_k()->ftrl_f64(u);
}

static const char *const numbers[] = {"learning_rate", "learning_rate_power", "l1", "l2", "l2_shrinkage", "beta", NULL};
static const char *const slots[] = {"accumulator", "linear", NULL};

const cnn_rule cnn_rule_ftrl = {
    .name = "ftrl",
    .numbers = numbers,
    .slots = slots,
    .needed_slots = 2,
    .prepare = prepare,
    .update = update,
};
