/* Nadam (Dozat 2016) with its momentum schedule u_t = beta_1 (1 - 0.96^t / 2) and U = u_1 ... u_t:
 * m += (1 - beta_1)(g - m); s += (1 - beta_2)(g^2 - s);
 * m' = u_(t+1) m / (1 - U u_(t+1)) + (1 - u_t) g / (1 - U); v -= rate m' / (sqrt(s / (1 - beta_2^t)) + epsilon).
 * The caller keeps the product of the schedule so far. */
#include "kernels/kernels.h"
#include "optimizers/optimizer.h"

#include <math.h>

static cnn_status prepare(const double *given, int64_t step, double *out)
{
    double rate = given[0], beta_1 = given[1], beta_2 = given[2];
    double now = beta_1 * (1 - 0.5 * pow(0.96, (double)step));
    double next = beta_1 * (1 - 0.5 * pow(0.96, (double)step + 1));
    double product = given[4] * now;
    out[0] = 1 - beta_1;
    out[1] = 1 - beta_2;
    out[2] = rate * next / (1 - product * next);
    out[3] = rate * (1 - now) / (1 - product);
    out[4] = 1 / (1 - pow(beta_2, (double)step));
    out[5] = given[3];
    return CNN_OK;
}

static void update(const cnn_update *u, bool single)
{
    if (single) cnn_k()->nadam_f32(u);
    else cnn_k()->nadam_f64(u);
}

static const char *const numbers[] = {"learning_rate", "beta_1", "beta_2", "epsilon", "u_product", NULL};
static const char *const slots[] = {"momentum", "velocity", NULL};

const cnn_rule cnn_rule_nadam = {
    .name = "nadam",
    .numbers = numbers,
    .slots = slots,
    .needed_slots = 2,
    .prepare = prepare,
    .update = update,
};
