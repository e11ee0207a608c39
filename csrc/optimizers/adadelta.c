/* Adadelta (Zeiler 2012): a = rho a + (1 - rho) g^2; step = sqrt(d + epsilon) g / sqrt(a + epsilon);
 * d = rho d + (1 - rho) step^2; v -= rate step. */
#include "kernels/kernels.h"
#include "optimizers/optimizer.h"

static void update(const cnn_update *u, bool single)
{
    if (single) cnn_k()->adadelta_f32(u);
    else cnn_k()->adadelta_f64(u);
}

static const char *const numbers[] = {"learning_rate", "rho", "epsilon", NULL};
static const char *const slots[] = {"accumulated_grad", "accumulated_delta_var", NULL};

const cnn_rule cnn_rule_adadelta = {
    .name = "adadelta",
    .numbers = numbers,
    .slots = slots,
    .needed_slots = 2,
    .update = update,
};
