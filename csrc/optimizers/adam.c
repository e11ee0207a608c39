/* Adam (Kingma and Ba 2014), as Keras computes it: m += (1 - beta_1)(g - m); s += (1 - beta_2)(g^2 - s);
 * v -= alpha m / (sqrt(s) + epsilon) with alpha = rate sqrt(1 - beta_2^t) / (1 - beta_1^t), so epsilon meets the
 * uncorrected root. AMSGrad (Reddi et al. 2018) takes the largest s so far. */
#include "kernels/kernels.h"
#include "optimizers/optimizer.h"

#include <math.h>

static cnn_status prepare(const double *given, int64_t step, double *out)
{
    double rate = given[0], beta_1 = given[1], beta_2 = given[2];
    out[0] = rate * sqrt(1 - pow(beta_2, (double)step)) / (1 - pow(beta_1, (double)step));
    out[1] = 1 - beta_1;
    out[2] = 1 - beta_2;
    out[3] = given[3];
    return CNN_OK;
}

static void update(const cnn_update *u, bool single)
{
    if (single) cnn_k()->adam_f32(u);
    else cnn_k()->adam_f64(u);
}

static const char *const numbers[] = {"learning_rate", "beta_1", "beta_2", "epsilon", NULL};
static const char *const slots[] = {"momentum", "velocity", "velocity_hat", NULL};

const cnn_rule cnn_rule_adam = {
    .name = "adam",
    .numbers = numbers,
    .slots = slots,
    .needed_slots = 2,
    .prepare = prepare,
    .update = update,
};
