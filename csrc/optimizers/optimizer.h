/* Update rules, and the one call that applies a rule to all variables.
 *
 * A rule lives in one file (sgd.c, adam.c, ...), which names its numbers and slots and prepares what its kernel wants;
 * rules.def lists them. */
#ifndef CNN_OPTIMIZERS_OPTIMIZER_H
#define CNN_OPTIMIZERS_OPTIMIZER_H

#include "kernels/types.h"
#include "tensor/tensor.h"

typedef struct cnn_rule {
    const char *name;
    const char *const *numbers; /* what the caller gives, in this order; NULL at the end */
    const char *const *slots;   /* state kept per variable, in this order; NULL at the end */
    int needed_slots;           /* the first so many must be given */
    /* Checks the given numbers (NULL: nothing to check) and turns them into those of the kernel; STEP counts from 1. */
    cnn_status (*prepare)(const double *given, int64_t step, double *out);
    void (*update)(const cnn_update *u, bool single);
} cnn_rule;

extern const cnn_rule *const cnn_all_rules[]; /* ended by NULL */
const cnn_rule *cnn_rule_find(const char *name);

typedef struct {
    const cnn_rule *rule;
    int count;
    cnn_tensor *const *variables;
    cnn_tensor *const *gradients;            /* NULL entries are skipped */
    cnn_tensor *const *slots[CNN_MAX_SLOTS]; /* per slot, one tensor a variable; NULL: the slot is not in use */
    const char *const *names;                /* of the variables, for messages; or NULL */
    double numbers[CNN_MAX_NUMBERS];
    int64_t step; /* 1 for the first */

    double gradient_scale;                       /* times the gradients, before clipping; 1 changes nothing */
    double clipnorm, global_clipnorm, clipvalue; /* 0: none; at most one is set */
    double decay;                                /* variables lose this share of themselves first; 0: none */
    const bool *decays;                          /* which ones; NULL: all */
} cnn_optimizer_job;

/* Checks everything, then updates variables and slots in place, those whose storage somebody else reads getting new
 * storage first. All variables are cut into pieces of one parallel loop. */
cnn_status cnn_optimizer_step(const cnn_optimizer_job *job);

#endif
